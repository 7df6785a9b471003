//! Migrations, compiled into the binary, each service's in its own schema.

use super::connect::Target;
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, SimpleAsyncConnection as _};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _};
use groundplan_error::Error;
use sha2::{Digest as _, Sha256};

/// Runs what has not run yet.
pub(super) async fn run(target: &Target, migrations: EmbeddedMigrations) -> Result<(), Error> {
    let (client, connection) = target.raw().await?;
    let mut connection =
        AsyncPgConnection::try_from_client_and_connection(client, connection).await.map_err(Error::internal)?;
    // The lock is the session's: it ends with the connection, however that ends. A migration may take its time.
    let prepare = format!(
        "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SELECT pg_advisory_lock({})",
        lock_key(target.schema())
    );
    connection.batch_execute(&prepare).await.map_err(super::refusal)?;
    // The harness blocks its thread, and may do so only on one that is made for it.
    let applied = tokio::task::spawn_blocking(move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        let applied = harness.run_pending_migrations(migrations);
        applied.map(|versions| versions.iter().map(ToString::to_string).collect::<Vec<_>>())
    });
    let applied = applied.await.map_err(Error::internal)?;
    let applied =
        applied.map_err(|cause| Error::internal(format!("a migration of {} failed: {cause}", target.schema())))?;
    if !applied.is_empty() {
        tracing::info!(schema = target.schema(), migrations = applied.join(", "), "migrated");
    }
    Ok(())
}

/// The key of the advisory lock that guards the shape of `schema`.
pub(super) fn lock_key(schema: &str) -> i64 {
    let digest: [u8; 32] = Sha256::digest(format!("groundplan migrations {schema}")).into();
    digest.first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes))
}
