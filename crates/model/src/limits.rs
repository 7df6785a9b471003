//! All limits on models.

use crate::check::{MAX_FIELDS, MAX_INDEX_FIELDS, MAX_INDEXES, MAX_MODELS, MAX_REFERENCES};
use crate::declared::{MAX_DELETED_DAYS, MAX_RETENTION_DAYS, MAX_TTL_SECONDS};
use crate::diagnostic::Diagnostics;
use crate::input::{MAX_FILE_SIZE, MAX_FILES, MAX_INPUT_SIZE};
use crate::link::MAX_UNLINKED;
use crate::naming::MAX_IDENTIFIER;
use crate::scan::MAX_NESTING;
use groundplan_error::Limit;

/// The limits on models.
pub const LIMITS: &[Limit] = &[
    Limit::things("an apply", MAX_FILES, "files", "FILES_TOO_MANY"),
    Limit::bytes("a file", MAX_FILE_SIZE, "FILE_TOO_LARGE"),
    Limit::bytes("the files of an apply together", MAX_INPUT_SIZE, "INPUT_TOO_LARGE"),
    Limit::things("the diagnostics of a plan", Diagnostics::MAX, "diagnostics", "DIAGNOSTICS_TOO_MANY"),
    Limit::things("files that cannot be linked", MAX_UNLINKED, "files", "PROTO_LINK; further files are not linked"),
    Limit::things("nested brackets", MAX_NESTING, "levels", "NESTING_TOO_DEEP"),
    Limit::things("retention of a model's history", MAX_RETENTION_DAYS as usize, "days", "HISTORY_RETENTION_INVALID"),
    Limit::things(
        "retention of soft-deleted records",
        MAX_DELETED_DAYS as usize,
        "days",
        "SOFT_DELETE_RETENTION_INVALID",
    ),
    Limit::things(
        "default lifetime of the records of an expiring model",
        MAX_TTL_SECONDS as usize,
        "seconds",
        "EXPIRY_TTL_INVALID",
    ),
    Limit::things("the models of an installation", MAX_MODELS, "models", "MODELS_TOO_MANY"),
    Limit::things("a message", MAX_FIELDS, "fields", "FIELDS_TOO_MANY"),
    Limit::bytes("the name of a field, a message or a package", MAX_IDENTIFIER, "NAME_TOO_LONG"),
    Limit::things(
        "the indexes of a model",
        MAX_INDEXES,
        "indexes",
        "INDEXES_TOO_MANY; indexes of references do not count",
    ),
    Limit::things("an index", MAX_INDEX_FIELDS, "fields", "INDEX_FIELDS_TOO_MANY"),
    Limit::things("the references of a model", MAX_REFERENCES, "references", "REFERENCES_TOO_MANY"),
];
