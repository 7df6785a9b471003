//! Whether a process migrates its tables, with the lock and the error of migrations.

use groundplan_error::{Error, Reason};
use sha2::{Digest as _, Sha256};

/// What a process does about tables that are missing or older than this program needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationMode {
    /// Creates and migrates them.
    Migrate,
    /// Returns an error: another process migrates them.
    CheckOnly,
}

/// Returns the error of a process that is not allowed to migrate outdated tables.
pub(super) fn outdated_tables(schema: &str, reason: &str) -> Error {
    let service = schema.trim_start_matches("groundplan_");
    let message = format!(
        "the tables of {schema} are older than this program needs ({reason}): run `groundplan migrate {service}` with the same \
         DB_URL, or serve with GROUNDPLAN_MIGRATE=true"
    );
    Error::new(Reason::NotReady, message)
}

/// Returns the key of the advisory lock that guards the migrations of `schema`.
pub(super) fn lock_key(schema: &str) -> i64 {
    let digest: [u8; 32] = Sha256::digest(format!("groundplan migrations {schema}")).into();
    digest.first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes))
}
