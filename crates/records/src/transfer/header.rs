//! The header of an import.

use super::format::Format;
use groundplan_error::Error;
use groundplan_operations::is_request_id;
use groundplan_operations::limits::MAX_REQUEST_ID;
use groundplan_proto::records::v1::{ImportHeader, OnConflict, OnError};
use prost::Message as _;
use sha2::{Digest as _, Sha256};

/// A valid header.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    pub(crate) model: String,
    pub(crate) format: Format,
    pub(crate) skips_errors: bool,
    pub(crate) on_conflict: OnConflict,
    /// Empty if the import cannot be resumed.
    pub(crate) import_id: String,
    pub(crate) validate_only: bool,
    /// The digest of the header, which must be the same when the import is resumed.
    pub(crate) digest: Vec<u8>,
}

impl Header {
    /// Validates a header.
    ///
    /// # Errors
    /// A violation of the first invalid field.
    pub(crate) fn read(header: ImportHeader) -> Result<Self, Error> {
        let digest = Sha256::digest(header.encode_to_vec()).to_vec();
        let format = Format::of(header.format, "header.format")?;
        let on_error = OnError::try_from(header.on_error).map_err(|_| {
            Error::field("header.on_error", "enum.defined_only", "must be ON_ERROR_ABORT or ON_ERROR_SKIP")
        })?;
        let on_conflict = OnConflict::try_from(header.on_conflict).map_err(|_| {
            let message = "must be ON_CONFLICT_FAIL, ON_CONFLICT_SKIP or ON_CONFLICT_REPLACE";
            Error::field("header.on_conflict", "enum.defined_only", message)
        })?;
        let ImportHeader { model, import_id, validate_only, .. } = header;
        if !import_id.is_empty() && !is_request_id(&import_id) {
            let message = format!("must be 1 to {MAX_REQUEST_ID} visible ASCII characters, or absent");
            return Err(Error::field("header.import_id", "string.pattern", message));
        }
        if validate_only && !import_id.is_empty() {
            let message = "must be absent with validate_only: there is nothing to resume";
            return Err(Error::field("header.import_id", "import_id", message));
        }
        let skips_errors = on_error == OnError::Skip;
        Ok(Self { model, format, skips_errors, on_conflict, import_id, validate_only, digest })
    }

    /// Reports whether the import is one transaction.
    pub(crate) fn is_atomic(&self) -> bool {
        !self.skips_errors || self.validate_only
    }
}
