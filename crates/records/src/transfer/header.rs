//! What an import is asked to do.

use super::format::Format;
use groundplan_error::Error;
use groundplan_operations::is_request_id;
use groundplan_operations::limits::MAX_REQUEST_ID;
use groundplan_proto::records::v1::{ImportHeader, OnConflict, OnError};
use prost::Message as _;
use sha2::{Digest as _, Sha256};

/// A header, checked.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    pub(crate) model: String,
    pub(crate) format: Format,
    pub(crate) skips_errors: bool,
    pub(crate) on_conflict: OnConflict,
    /// Empty if it cannot be sent again.
    pub(crate) import_id: String,
    pub(crate) validate_only: bool,
    /// What the import must be when it is sent again.
    pub(crate) digest: Vec<u8>,
}

impl Header {
    pub(crate) fn read(header: ImportHeader) -> Result<Self, Error> {
        let digest = Sha256::digest(header.encode_to_vec()).to_vec();
        let format = Format::of(header.format, "header.format")?;
        let on_error = OnError::try_from(header.on_error).map_err(|_| {
            Error::field("header.on_error", "enum.defined_only", "must be ON_ERROR_ABORT or ON_ERROR_SKIP")
        })?;
        let on_conflict = OnConflict::try_from(header.on_conflict).map_err(|_| {
            let words = "must be ON_CONFLICT_FAIL, ON_CONFLICT_SKIP or ON_CONFLICT_REPLACE";
            Error::field("header.on_conflict", "enum.defined_only", words)
        })?;
        let ImportHeader { model, import_id, validate_only, .. } = header;
        if !import_id.is_empty() && !is_request_id(&import_id) {
            let words = format!("must be 1 to {MAX_REQUEST_ID} visible ASCII characters, or absent");
            return Err(Error::field("header.import_id", "string.pattern", words));
        }
        if validate_only && !import_id.is_empty() {
            let words = "must be absent with validate_only: there is nothing to resume";
            return Err(Error::field("header.import_id", "import_id", words));
        }
        let skips_errors = on_error == OnError::Skip;
        Ok(Self { model, format, skips_errors, on_conflict, import_id, validate_only, digest })
    }

    /// Whether all of it is one transaction.
    pub(crate) fn is_atomic(&self) -> bool {
        !self.skips_errors || self.validate_only
    }
}
