//! The derived request messages. Their fields have the same numbers for every model, for ever.

use super::reader::{Reader, Wire};
use groundplan_codec::mask::{MAX_PATHS, UpdateMask};
use groundplan_codec::{Record, Value};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::{MethodKind, Model};
use std::borrow::Cow;

/// What any of the requests may hold; what a request does not have is empty.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    record: Option<Cow<'a, [u8]>>,
    pub(super) id: &'a str,
    pub(super) etag: &'a str,
    pub(super) page_size: i32,
    pub(super) page_token: &'a str,
    paths: Vec<String>,
}

/// A field of a request message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Record,
    Id,
    Etag,
    PageSize,
    PageToken,
    UpdateMask,
}

impl Place {
    /// The field of a number.
    fn of_number(kind: MethodKind, number: u32) -> Option<Self> {
        Some(match (kind, number) {
            (MethodKind::Create | MethodKind::Update, 1) => Self::Record,
            (MethodKind::Get | MethodKind::Delete, 1) => Self::Id,
            (MethodKind::List, 1) => Self::PageSize,
            (MethodKind::List, 2) => Self::PageToken,
            (MethodKind::Update, 2) => Self::UpdateMask,
            (MethodKind::Update, 3) | (MethodKind::Delete, 2) => Self::Etag,
            _ => return None,
        })
    }

    fn name(self, model: &Model) -> &str {
        match self {
            Self::Record => &model.singular_field,
            Self::Id => "id",
            Self::Etag => "etag",
            Self::PageSize => "page_size",
            Self::PageToken => "page_token",
            Self::UpdateMask => "update_mask",
        }
    }
}

impl<'a> Fields<'a> {
    /// Reads a request of a method. What it does not have is refused, not skipped.
    pub(super) fn read(model: &Model, kind: MethodKind, message: &'a [u8]) -> Result<Self, Error> {
        let malformed = |why: &str| {
            let name = format!("{}Request", model.method_name(kind));
            Error::new(Reason::MalformedRequest, format!("the request is no {name}: {why}"))
        };
        let mut fields = Self::default();
        let mut reader = Reader(message);
        while let Some((number, value)) = reader.next().map_err(malformed)? {
            let place = Place::of_number(kind, number);
            let place = place.ok_or_else(|| malformed(&format!("it has an unknown field {number}")))?;
            fields.set(place, value).map_err(|(rule, words)| Error::field(place.name(model), rule, words))?;
        }
        Ok(fields)
    }

    /// Takes a field over. As protobuf says, the last occurrence counts, and those of a message merge.
    fn set(&mut self, place: Place, value: Wire<'a>) -> Result<(), (&'static str, &'static str)> {
        match (place, value) {
            (Place::Record, Wire::Delimited(bytes)) => match &mut self.record {
                Some(record) => record.to_mut().extend_from_slice(bytes),
                None => self.record = Some(Cow::Borrowed(bytes)),
            },
            (Place::Id, Wire::Delimited(bytes)) => self.id = text(bytes)?,
            (Place::Etag, Wire::Delimited(bytes)) => self.etag = text(bytes)?,
            (Place::PageToken, Wire::Delimited(bytes)) => self.page_token = text(bytes)?,
            (Place::PageSize, Wire::Varint(number)) => {
                self.page_size =
                    i32::try_from(number.cast_signed()).map_err(|_| ("range", "must be a whole number of 32 bits"))?;
            }
            (Place::UpdateMask, Wire::Delimited(bytes)) => self.add_paths(bytes)?,
            _ => return Err(("wire_type", "has another type on the wire than its definition says")),
        }
        Ok(())
    }

    /// Reads a `google.protobuf.FieldMask`.
    fn add_paths(&mut self, bytes: &[u8]) -> Result<(), (&'static str, &'static str)> {
        const MALFORMED: (&str, &str) = ("wire_type", "is no google.protobuf.FieldMask");
        let mut reader = Reader(bytes);
        while let Some((number, value)) = reader.next().map_err(|_| MALFORMED)? {
            let (1, Wire::Delimited(path)) = (number, value) else { return Err(MALFORMED) };
            let path = text(path)?;
            // One too many is enough for the mask to be refused.
            if self.paths.len() <= MAX_PATHS {
                self.paths.push(path.to_owned());
            }
        }
        Ok(())
    }

    /// The record that was sent.
    pub(super) fn record(&self, model: &Model) -> Result<Record, Error> {
        let bytes = self.record.as_ref();
        let bytes = bytes.ok_or_else(|| Error::field(&model.singular_field, "required", "is required"))?;
        super::decode(model, bytes)
    }

    /// The fields that an update changes.
    pub(super) fn mask(&self, model: &Model) -> Result<UpdateMask, Error> {
        UpdateMask::parse(&model.shapes, model.shape, &self.paths).map_err(Error::from)
    }
}

/// The id that a record carries; empty if there is none.
pub(super) fn id_of<'a>(model: &Model, record: &'a Record) -> &'a str {
    match record.get(model.roles.id) {
        Some(Value::String(id)) => id,
        _ => "",
    }
}

fn text(bytes: &[u8]) -> Result<&str, (&'static str, &'static str)> {
    std::str::from_utf8(bytes).map_err(|_| ("utf8", "must be valid UTF-8"))
}
