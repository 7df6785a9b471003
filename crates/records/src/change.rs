//! Changes of records in the event log.
//!
//! Events contain records as messages of their model, because field numbers have the same meaning in each revision.

use crate::table::Table;
use bytes::Bytes;
use groundplan_codec::{Record, wire};
use groundplan_error::Error;
use groundplan_eventlog::{Event, NewEvent};
use groundplan_model::catalog::Model;
use groundplan_model::shape::FieldId;
use groundplan_proto::records::v1;
use groundplan_proto::watch::v1::ChangeKind;
use prost::Message as _;

/// The author and the time of a write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Author<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) principal: &'a str,
    /// The revision of the models.
    pub(crate) revision: i64,
    /// In microseconds since the Unix epoch.
    pub(crate) time: i64,
}

impl Author<'_> {
    /// Returns the event of a created record.
    pub(crate) fn created(&self, model: &Model, after: &Record, version: i64) -> NewEvent {
        let change = v1::Change { after: bytes(model, after), ..self.change(version) };
        self.event(model, after, ChangeKind::Created, &change)
    }

    /// Returns the event of an updated record.
    pub(crate) fn updated(&self, model: &Model, before: &Record, after: &Record, version: i64) -> NewEvent {
        let mut old = Record::new(model.shape());
        let mut changed_fields = Vec::new();
        for (id, field) in model.shape().iter().filter(|(id, _)| before.get(*id) != after.get(*id)) {
            old.set(id, before.get(id).cloned());
            changed_fields.push(i32::try_from(field.number).unwrap_or_default());
        }
        let (before, new) = (bytes(model, &old), bytes(model, after));
        let change = v1::Change { before, after: new, changed_fields, ..self.change(version) };
        self.event(model, after, ChangeKind::Updated, &change)
    }

    /// Returns the event of a deleted record.
    pub(crate) fn deleted(&self, model: &Model, before: &Record, version: i64) -> NewEvent {
        let change = v1::Change { before: bytes(model, before), ..self.change(version) };
        self.event(model, before, ChangeKind::Deleted, &change)
    }

    fn change(&self, version: i64) -> v1::Change {
        let principal = self.principal.to_owned();
        v1::Change { revision: self.revision, version, time: self.time, principal, ..v1::Change::default() }
    }

    fn event(&self, model: &Model, record: &Record, kind: ChangeKind, change: &v1::Change) -> NewEvent {
        let key = match record.get(model.roles.id) {
            Some(groundplan_codec::Value::String(id)) => id.clone(),
            _ => String::new(),
        };
        NewEvent {
            tenant: self.tenant.to_owned(),
            topic: model.full_name.clone(),
            key,
            kind: i16::try_from(kind as i32).unwrap_or_default(),
            payload: change.encode_to_vec().into(),
        }
    }
}

fn bytes(model: &Model, record: &Record) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(wire::encoded_len(&model.shapes, model.shape, record));
    wire::encode(&model.shapes, model.shape, record, &mut bytes);
    bytes
}

/// A change that was read from the log.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) kind: ChangeKind,
    pub(crate) version: i64,
    pub(crate) time: i64,
    pub(crate) principal: String,
    /// `None` if the record was created.
    pub(crate) before: Option<Record>,
    /// `None` if the record was deleted.
    pub(crate) after: Option<Record>,
    /// The changed fields of an update.
    pub(crate) changed: Vec<FieldId>,
}

impl Change {
    /// Decodes an event of a model. Fields of later revisions are ignored.
    ///
    /// # Errors
    /// `INTERNAL` if the event is malformed.
    pub(crate) fn read(table: &Table, event: &Event) -> Result<Self, Error> {
        Self::of_payload(&table.model, event.kind, event.payload.clone())
    }

    /// Like [`Change::read`], from the parts of an event.
    pub(crate) fn of_payload(model: &Model, kind: i16, payload: Bytes) -> Result<Self, Error> {
        let kind = ChangeKind::try_from(i32::from(kind)).unwrap_or_default();
        let change = v1::Change::decode(payload).map_err(Error::internal)?;
        let shape = model.shape();
        let record = |bytes: &[u8]| {
            let record = wire::decode_stored(&model.shapes, model.shape, bytes);
            record.map_err(|error| Error::internal(format!("an event of {} holds what {error}", model.full_name)))
        };
        let after = if kind == ChangeKind::Deleted { None } else { Some(record(&change.after)?) };
        let numbers = change.changed_fields.iter().filter_map(|number| u32::try_from(*number).ok());
        let changed: Vec<FieldId> = numbers.filter_map(|number| shape.by_number(number)).collect();
        let before = match (kind, &after) {
            (ChangeKind::Updated, Some(after)) => {
                let mut old = record(&change.before)?;
                let mut before = after.clone();
                for field in &changed {
                    before.set(*field, old.take(*field));
                }
                Some(before)
            }
            (ChangeKind::Deleted, _) => Some(record(&change.before)?),
            _ => None,
        };
        let v1::Change { version, time, principal, .. } = change;
        Ok(Self { kind, version, time, principal, before, after, changed })
    }

    /// Returns its approximate size in memory in bytes.
    pub(crate) fn memory(&self) -> usize {
        [&self.before, &self.after].into_iter().flatten().map(Record::memory).sum()
    }

    /// Returns the record after the write, or the last state of a deleted record.
    pub(crate) fn last_state(&self) -> Option<&Record> {
        self.after.as_ref().or(self.before.as_ref())
    }

    /// Returns the names of the changed fields.
    pub(crate) fn changed_names(&self, model: &Model) -> Vec<String> {
        self.changed.iter().map(|field| model.shape().field(*field).name.clone()).collect()
    }
}
