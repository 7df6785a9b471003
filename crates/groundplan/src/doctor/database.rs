//! Checks the database of DB_URL without changing it.

use super::finding::Finding;
use groundplan_chassis::database;
use groundplan_chassis::settings::{DatabaseSettings, mask_url};
use tokio_postgres::Client;

const CHECK: &str = "DB_URL";

/// Returns none without a DB_URL: the database is then the private one.
pub(super) async fn check(settings: &DatabaseSettings) -> Option<Finding> {
    let url = settings.db_url.as_ref()?;
    let display = mask_url(url.expose());
    let client = match database::client(url, settings).await {
        Err(error) => return Some(unreachable(error.message().into_owned())),
        Ok(client) => client,
    };
    Some(
        inspect(&client, &display)
            .await
            .unwrap_or_else(|error| unreachable(format!("{display}: {}", error_chain(&error)))),
    )
}

/// Checks whether the database can be used.
async fn inspect(client: &Client, display: &str) -> Result<Finding, tokio_postgres::Error> {
    let row = client
        .query_one(
            "SELECT current_setting('server_version'), current_setting('server_version_num')::int, current_setting('server_encoding'),
                    pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean,
                    has_database_privilege(current_database(), 'CREATE')",
            &[],
        )
        .await?;
    let (version, number): (String, i32) = (row.get(0), row.get(1));
    let (encoding, is_read_only, can_create): (String, bool, bool) = (row.get(2), row.get(3), row.get(4));
    let server = format!("{display}: PostgreSQL {version}");
    Ok(if number < 150_000 {
        Finding::fail(CHECK, server, "use PostgreSQL 15 or later")
    } else if encoding != "UTF8" {
        Finding::fail(CHECK, format!("{server}, encoded in {encoding}"), "use a database created with ENCODING 'UTF8'")
    } else if is_read_only {
        Finding::fail(
            CHECK,
            format!("{server}, read-only"),
            "point DB_URL to the primary, or disable its read-only mode",
        )
    } else if !can_create {
        Finding::fail(
            CHECK,
            format!("{server}, but its user is not allowed to create schemas"),
            "GRANT CREATE ON DATABASE … TO that user",
        )
    } else {
        Finding::ok(CHECK, format!("{server}, writable"))
    })
}

fn unreachable(detail: String) -> Finding {
    Finding::fail(CHECK, detail, "start it or correct DB_URL; without DB_URL `up` starts a private PostgreSQL")
}

/// Returns an error with its causes: the library's own text is only "error connecting to server".
fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
