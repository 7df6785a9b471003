//! Reads the derived request messages.

use super::place::Place;
use super::reader::{Reader, Wire};
use groundplan_budget::Budget;
use groundplan_codec::mask::{MAX_PATHS, UpdateMask};
use groundplan_codec::{Record, Value, timestamp as timestamp_of_parts, wire};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::{MethodKind, Model};
use groundplan_operations::{AggregateQuery, HistoryQuery, ListQuery, View, WatchQuery};
use groundplan_proto::query::v1::{Aggregation, Count};
use groundplan_proto::watch::v1::Start;
use prost::Message as _;
use std::borrow::Cow;

/// The maximum number of stored elements of a repeated field: one more than is allowed, so that the request is rejected.
const MAX_KEPT: usize = MAX_PATHS + 1;

/// The fields of all requests. Fields that a request does not have are empty.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    record: Option<Cow<'a, [u8]>>,
    pub(super) id: &'a str,
    pub(super) etag: &'a str,
    update_mask: Vec<String>,
    /// The ids of a batch.
    pub(super) ids: Vec<String>,
    /// The parameters of a List. Other requests use its view, too.
    pub(super) list: ListQuery,
    group_by: Vec<String>,
    aggregations: Vec<Aggregation>,
    start: Start,
    token: &'a str,
    with_previous: bool,
    /// In microseconds since the Unix epoch.
    pub(super) read_time: Option<i64>,
    pub(super) request_id: &'a str,
    pub(super) validate_only: bool,
    pub(super) allow_missing: bool,
    /// The requests of a batch of writes.
    pub(super) parts: Vec<&'a [u8]>,
}

/// A violated rule and its message.
type Broken = (&'static str, &'static str);

const WRONG_TYPE: Broken = ("wire_type", "has another type on the wire than its definition says");

impl<'a> Fields<'a> {
    /// Reads a request of a method. Unknown fields are rejected, not skipped.
    pub(super) fn read(model: &Model, kind: MethodKind, message: &'a [u8]) -> Result<Self, Error> {
        let mut fields = Self::default();
        fields.add(model, kind, message)?;
        Ok(fields)
    }

    /// Reads the fields of a message. As in protobuf, the last occurrence of a field counts, and occurrences of a message merge.
    fn add(&mut self, model: &Model, kind: MethodKind, message: &'a [u8]) -> Result<(), Error> {
        let malformed = |why: &str| {
            let name = format!("{}Request", model.method_name(kind));
            Error::new(Reason::MalformedRequest, format!("the request is not a {name}: {why}"))
        };
        let mut reader = Reader(message);
        while let Some((number, value)) = reader.next().map_err(malformed)? {
            let place = Place::of_number(kind, number);
            // Only models that keep a history have this field.
            let place = place.filter(|place| *place != Place::ReadTime || model.history.is_some());
            let place = place.ok_or_else(|| malformed(&format!("it has an unknown field {number}")))?;
            match (place, value) {
                (Place::List, Wire::Delimited(list)) => self.add(model, MethodKind::List, list)?,
                (Place::Requests, Wire::Delimited(get)) if kind == MethodKind::BatchGet => self.add_get(model, get)?,
                (Place::Requests, Wire::Delimited(part)) => keep(&mut self.parts, part),
                (Place::Aggregations, Wire::Delimited(bytes)) => {
                    let aggregation = aggregation(bytes).map_err(|why| malformed(&why))?;
                    keep(&mut self.aggregations, aggregation);
                }
                (place, value) => {
                    self.set(place, value).map_err(|(rule, words)| Error::field(place.name(model), rule, words))?;
                }
            }
        }
        Ok(())
    }

    /// Reads a Get request of a batch. Only the batch can have a view.
    fn add_get(&mut self, model: &Model, message: &[u8]) -> Result<(), Error> {
        let mut get = Fields::default();
        get.add(model, MethodKind::Get, message)?;
        if get.read_time.is_some() {
            let place = format!("requests[{}].read_time", self.ids.len());
            return Err(Error::field(place, "empty", "must be empty; a batch is of now"));
        }
        if !get.list.view.read_mask.is_empty() {
            let place = format!("requests[{}].read_mask", self.ids.len());
            return Err(Error::field(
                place,
                "empty",
                "must be empty; the batch's own read_mask is for all its records",
            ));
        }
        keep(&mut self.ids, get.id.to_owned());
        Ok(())
    }

    /// Sets a field that is not a nested request or an aggregation.
    fn set(&mut self, place: Place, value: Wire<'a>) -> Result<(), Broken> {
        let list = &mut self.list;
        match (place, value) {
            (Place::Record, Wire::Delimited(bytes)) => match &mut self.record {
                Some(record) => record.to_mut().extend_from_slice(bytes),
                None => self.record = Some(Cow::Borrowed(bytes)),
            },
            (Place::Id, Wire::Delimited(bytes)) => self.id = text(bytes)?,
            (Place::Etag, Wire::Delimited(bytes)) => self.etag = text(bytes)?,
            (Place::UpdateMask, Wire::Delimited(bytes)) => add_paths(&mut self.update_mask, bytes)?,
            (Place::PageToken, Wire::Delimited(bytes)) => list.page_token = text(bytes)?.to_owned(),
            (Place::Filter, Wire::Delimited(bytes)) => list.filter = text(bytes)?.to_owned(),
            (Place::OrderBy, Wire::Delimited(bytes)) => list.order_by = text(bytes)?.to_owned(),
            (Place::ReadMask, Wire::Delimited(bytes)) => add_paths(&mut list.view.read_mask, bytes)?,
            (Place::Expand, Wire::Delimited(bytes)) => keep(&mut list.view.expand, text(bytes)?.to_owned()),
            (Place::GroupBy, Wire::Delimited(bytes)) => keep(&mut self.group_by, text(bytes)?.to_owned()),
            (Place::PageSize, Wire::Varint(number)) => list.page_size = int32(number)?,
            (Place::Skip, Wire::Varint(number)) => list.skip = int32(number)?,
            (Place::AllowScan, Wire::Varint(number)) => list.allow_scan = number != 0,
            (Place::Token, Wire::Delimited(bytes)) => self.token = text(bytes)?,
            (Place::WithPrevious, Wire::Varint(number)) => self.with_previous = number != 0,
            (Place::RequestId, Wire::Delimited(bytes)) => self.request_id = text(bytes)?,
            (Place::ValidateOnly, Wire::Varint(number)) => self.validate_only = number != 0,
            (Place::AllowMissing, Wire::Varint(number)) => self.allow_missing = number != 0,
            (Place::ShowDeleted, Wire::Varint(number)) => list.show_deleted = number != 0,
            (Place::ReadTime, Wire::Delimited(bytes)) => self.read_time = Some(timestamp(bytes)?),
            (Place::Start, Wire::Varint(number)) => {
                let start = i32::try_from(number.cast_signed()).ok().and_then(|number| Start::try_from(number).ok());
                self.start = start.ok_or(("enum.defined_only", "must be START_NOW or START_INITIAL, or absent"))?;
            }
            (Place::Count, Wire::Varint(number)) => {
                let count = i32::try_from(number.cast_signed()).ok().and_then(|number| Count::try_from(number).ok());
                list.count = count.ok_or(("enum.defined_only", "must be COUNT_EXACT or COUNT_ESTIMATED, or absent"))?;
            }
            _ => return Err(WRONG_TYPE),
        }
        Ok(())
    }

    /// Decodes the sent record.
    pub(super) fn record(&self, model: &Model, budget: &Budget) -> Result<Record, Error> {
        let bytes = self.record.as_ref();
        let bytes = bytes.ok_or_else(|| Error::field(&model.singular_field, "required", "is required"))?;
        decode(model, bytes, budget)
    }

    /// Returns the fields that an update changes.
    pub(super) fn mask(&self, model: &Model) -> Result<UpdateMask, Error> {
        UpdateMask::parse(&model.shapes, model.shape, &self.update_mask).map_err(Error::from)
    }

    /// Returns the read mask and the relations to expand.
    pub(super) fn view(&self) -> &View {
        &self.list.view
    }

    /// Returns the query of a watch.
    pub(super) fn watch(self) -> WatchQuery {
        WatchQuery {
            filter: self.list.filter,
            read_mask: self.list.view.read_mask,
            start: self.start,
            token: self.token.to_owned(),
            with_previous: self.with_previous,
            allow_scan: self.list.allow_scan,
        }
    }

    /// Returns the query of a history.
    pub(super) fn history(self) -> HistoryQuery {
        let ListQuery { page_size, page_token, view, .. } = self.list;
        HistoryQuery { page_size, page_token, read_mask: view.read_mask }
    }

    /// Returns the query of an aggregate.
    pub(super) fn aggregate(self) -> AggregateQuery {
        AggregateQuery {
            filter: self.list.filter,
            group_by: self.group_by,
            aggregations: self.aggregations,
            allow_scan: self.list.allow_scan,
        }
    }
}

/// Returns the id of a record; empty if it has none.
pub(super) fn id_of<'a>(model: &Model, record: &'a Record) -> &'a str {
    match record.get(model.roles.id) {
        Some(Value::String(id)) => id,
        _ => "",
    }
}

/// Reads a `groundplan.query.v1.Aggregation`.
///
/// # Errors
/// The reason why the bytes are not an aggregation.
fn aggregation(bytes: &[u8]) -> Result<Aggregation, String> {
    let mut aggregation = Aggregation::default();
    let mut reader = Reader(bytes);
    while let Some((number, value)) = reader.next()? {
        let text =
            |bytes| text(bytes).map(str::to_owned).map_err(|(_, words)| format!("a text of an aggregation {words}"));
        match (number, value) {
            // Unknown functions are rejected later, with the name of the field.
            (1, Wire::Varint(function)) => aggregation.function = i32::try_from(function.cast_signed()).unwrap_or(-1),
            (2, Wire::Delimited(bytes)) => aggregation.field = text(bytes)?,
            (3, Wire::Delimited(bytes)) => aggregation.name = text(bytes)?,
            (1..=3, _) => return Err(format!("field {number} of an aggregation {}", WRONG_TYPE.1)),
            _ => return Err(format!("an aggregation has an unknown field {number}")),
        }
    }
    Ok(aggregation)
}

/// Reads a `google.protobuf.FieldMask`.
fn add_paths(paths: &mut Vec<String>, bytes: &[u8]) -> Result<(), Broken> {
    const MALFORMED: Broken = ("wire_type", "is not a google.protobuf.FieldMask");
    let mut reader = Reader(bytes);
    while let Some((number, value)) = reader.next().map_err(|_| MALFORMED)? {
        let (1, Wire::Delimited(path)) = (number, value) else { return Err(MALFORMED) };
        keep(paths, text(path)?.to_owned());
    }
    Ok(())
}

/// Reads a `google.protobuf.Timestamp` as microseconds since the Unix epoch.
fn timestamp(bytes: &[u8]) -> Result<i64, Broken> {
    const MALFORMED: Broken = ("timestamp", "must be a google.protobuf.Timestamp of the years 1 to 9999");
    let read = prost_types::Timestamp::decode(bytes).map_err(|_| MALFORMED)?;
    timestamp_of_parts(read.seconds, read.nanos).map_err(|_| MALFORMED)
}

/// Adds an element of a repeated field, up to [`MAX_KEPT`] elements.
fn keep<T>(elements: &mut Vec<T>, element: T) {
    if elements.len() < MAX_KEPT {
        elements.push(element);
    }
}

fn text(bytes: &[u8]) -> Result<&str, Broken> {
    std::str::from_utf8(bytes).map_err(|_| ("utf8", "must be valid UTF-8"))
}

fn int32(number: u64) -> Result<i32, Broken> {
    i32::try_from(number.cast_signed()).map_err(|_| ("range", "must be a whole number of 32 bits"))
}

/// Decodes a record.
fn decode(model: &Model, bytes: &[u8], budget: &Budget) -> Result<Record, Error> {
    wire::decode(&model.shapes, model.shape, bytes, budget).map_err(Error::from)
}

#[cfg(test)]
mod tests {
    use super::aggregation;
    use groundplan_proto::query::v1::{Aggregation, Function};
    use prost::Message as _;

    #[test]
    fn aggregations_are_read_strictly() {
        let whole = Aggregation { function: Function::Sum as i32, field: "pages".into(), name: "é".into() };
        assert_eq!(aggregation(&whole.encode_to_vec()), Ok(whole));
        let negative = Aggregation { function: -7, ..Aggregation::default() };
        assert_eq!(aggregation(&negative.encode_to_vec()), Ok(negative));
        for broken in [&[0x0A, 1, b'x'][..], &[0x20, 1], &[0x12, 1, 0xFF], &[0x12, 2, b'x'], &[0x10, 1]] {
            assert!(aggregation(broken).is_err(), "{broken:?}");
        }
    }
}
