//! Migrations of each service in its schema, compiled into the binary.

use super::connect::ConnectionTarget;
use super::migration_mode::{lock_key, outdated_tables};
use diesel::migration::{Migration, MigrationSource as _};
use diesel::pg::Pg;
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, SimpleAsyncConnection as _};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _};
use groundplan_error::Error;

/// Runs the pending migrations.
pub(super) async fn run(target: &ConnectionTarget, migrations: EmbeddedMigrations) -> Result<(), Error> {
    let (client, connection) = target.connect_raw().await?;
    let mut connection =
        AsyncPgConnection::try_from_client_and_connection(client, connection).await.map_err(Error::internal)?;
    // The lock belongs to the session and ends with the connection. Migrations have no time limit.
    let prepare = format!(
        "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SELECT pg_advisory_lock({})",
        lock_key(target.schema())
    );
    connection.batch_execute(&prepare).await.map_err(super::database_error)?;
    // The harness blocks its thread.
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

/// Checks that all migrations have run, and changes nothing. Migrations of newer programs are ignored.
pub(super) async fn check(target: &ConnectionTarget, migrations: &EmbeddedMigrations) -> Result<(), Error> {
    let client = target.client().await?;
    let failed = |cause: tokio_postgres::Error| Error::internal(cause);
    let table = "SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL";
    let has_table: bool = client.query_one(table, &[]).await.map_err(failed)?.get(0);
    let run: Vec<String> = match has_table {
        true => {
            let versions = client.query("SELECT version FROM __diesel_schema_migrations", &[]).await.map_err(failed)?;
            versions.iter().map(|row| row.get(0)).collect()
        }
        false => Vec::new(),
    };
    let all: Vec<Box<dyn Migration<Pg>>> =
        migrations.migrations().map_err(|cause| Error::internal(cause.to_string()))?;
    let missing = all.iter().filter(|one| !run.contains(&one.name().version().to_string()));
    let missing: Vec<_> = missing.map(|one| one.name().to_string()).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(outdated_tables(target.schema(), &format!("without {}", missing.join(", ")))),
    }
}
