//! BatchGet: several records by their ids, in the requested order, all or none.

use super::expand::{self, Paths};
use super::names;
use crate::call::Call;
use crate::streamed::{FRAME_BYTES, MAX_ANSWER_BYTES, each_row};
use groundplan_chassis::database::{Bind, Sql};
use groundplan_codec::mask::ReadMask;
use groundplan_codec::{Stored, wire};
use groundplan_error::{Error, MAX_VIOLATIONS, Reason, Violation};
use groundplan_model::catalog::Model;
use groundplan_operations::limits::MAX_BATCH;
use groundplan_operations::{Included, View};
use groundplan_query::id::Id;
use groundplan_query::{row, visibility};
use std::collections::{BTreeSet, HashMap};

/// The location of the ids in a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// `ids[3]`
    Ids,
    /// `requests[3].id`
    Requests,
}

/// The records of a batch, each with its length in a response, in bytes.
type Found = HashMap<Id, (Stored, usize)>;

impl Place {
    fn list(self) -> &'static str {
        match self {
            Self::Ids => "ids",
            Self::Requests => "requests",
        }
    }

    fn of(self, index: usize) -> String {
        match self {
            Self::Ids => format!("ids[{index}]"),
            Self::Requests => format!("requests[{index}].id"),
        }
    }
}

/// Reads records. A record that is requested twice is returned twice.
pub(crate) async fn batch_get(
    call: &Call<'_>,
    ids: &[String],
    view: &View,
    place: Place,
) -> Result<(Vec<Stored>, Included), Error> {
    let model = &call.table.model;
    let ids = parse(model, ids, place)?;
    let mask = ReadMask::parse(&model.shapes, model.shape, &view.read_mask)?;
    let paths = Paths::parse(&call.served.catalog, model, &view.expand)?;
    let found = read(call, &ids, &mask.with_fields(&paths.needed())).await?;
    check_presence(call, &ids, &found)?;
    let mut records = in_order(call, &ids, &found)?;
    let included = expand::included(call, &paths, &records, &mask).await?;
    for stored in &mut records {
        mask.apply(&model.shapes, model.shape, &mut stored.record);
    }
    let bytes: usize = records.iter().map(|stored| length(model, stored)).sum();
    if bytes + expand::bytes(&included) > MAX_ANSWER_BYTES {
        return Err(too_large(model));
    }
    Ok((records, included))
}

/// Parses the ids. The error names all ids that are invalid.
fn parse(model: &Model, ids: &[String], place: Place) -> Result<Vec<Id>, Error> {
    if ids.is_empty() || ids.len() > MAX_BATCH {
        let rule = if ids.is_empty() { "repeated.min_items" } else { "repeated.max_items" };
        let description = format!("must be 1 to {MAX_BATCH}, not {}; split a longer list up", ids.len());
        return Err(Error::field(place.list(), rule, description));
    }
    let mut parsed = Vec::with_capacity(ids.len());
    let mut violations = Vec::new();
    for (at, id) in ids.iter().enumerate() {
        match Id::read(model, id) {
            Ok(id) => parsed.push(id),
            Err((rule, description)) if violations.len() <= MAX_VIOLATIONS => {
                violations.push(Violation { field: place.of(at), description: description.into(), rule: rule.into() });
            }
            Err(_) => {}
        }
    }
    if violations.is_empty() { Ok(parsed) } else { Err(Error::invalid(violations)) }
}

/// Reads each record once, with the fields that the mask shows.
async fn read(call: &Call<'_>, ids: &[Id], mask: &ReadMask) -> Result<Found, Error> {
    let table = &call.table;
    let model = &table.model;
    let wanted: BTreeSet<&Id> = ids.iter().collect();
    let (columns, from, key) = (names::columns(table), model.table.qualified(), model.column_name(model.roles.id));
    let ended = visibility::not_expired(model, "r");
    let sql = format!("SELECT r._version, {columns} FROM {from} AS r WHERE r._tenant = ? AND r.{key} = ANY(?){ended}");
    let binds = [Bind::text(&call.principal.tenant), names::bind_ids(model, wanted)];
    let mut found = HashMap::new();
    let mut room = MAX_ANSWER_BYTES;
    each_row(call, &Sql::new(&sql), &binds, |row| {
        let record = row::record(model, &table.columns, row, 1)?;
        let id = Id::of_record(model, &record)?;
        let mut stored = call.show(record, row::version(row)?);
        mask.apply(&model.shapes, model.shape, &mut stored.record);
        call.hold(&stored.record)?;
        let length = length(model, &stored);
        room = room.checked_sub(length).ok_or_else(|| too_large(model))?;
        found.insert(id, (stored, length));
        Ok(())
    })
    .await?;
    Ok(found)
}

/// Returns an error if some records of the batch do not exist.
fn check_presence(call: &Call<'_>, ids: &[Id], found: &Found) -> Result<(), Error> {
    let missing: BTreeSet<&Id> = ids.iter().filter(|id| !found.contains_key(id)).collect();
    let Some(first) = ids.iter().find(|id| missing.contains(id)) else { return Ok(()) };
    Err(match missing.len() - 1 {
        0 => call.not_found(first),
        others => {
            let (model, id) = (&call.table.model.full_name, first.to_string());
            let others = if others == 1 { "does another".to_owned() } else { format!("do {others} others") };
            let message = format!("{model} {id:?} does not exist, nor {others} of the batch");
            Error::new(Reason::RecordNotFound, message).with_resource(model, id)
        }
    })
}

/// Returns the records in the order of the ids. Returns an error if the copies exceed the size of a response.
fn in_order(call: &Call<'_>, ids: &[Id], found: &Found) -> Result<Vec<Stored>, Error> {
    let model = &call.table.model;
    let mut room = MAX_ANSWER_BYTES;
    let mut records = Vec::with_capacity(ids.len());
    for (stored, length) in ids.iter().filter_map(|id| found.get(id)) {
        room = room.checked_sub(*length).ok_or_else(|| too_large(model))?;
        call.hold(&stored.record)?;
        records.push(stored.clone());
    }
    Ok(records)
}

/// Returns the length of a record in a response, in bytes.
fn length(model: &Model, stored: &Stored) -> usize {
    FRAME_BYTES + wire::encoded_len(&model.shapes, model.shape, &stored.record)
}

/// Returns the error for a response that clients would not accept.
fn too_large(model: &Model) -> Error {
    let message = format!(
        "the {} of the batch are more than {MAX_ANSWER_BYTES} bytes together; ask for fewer, or leave fields out with \
         a read mask",
        model.plural_field
    );
    Error::new(Reason::TooLarge, message)
}
