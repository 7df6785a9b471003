//! Records a new revision, or finds out who was first.

use crate::convert;
use crate::draft::Planned;
use crate::error::{is_conflict, revision_conflict};
use crate::service::Schema;
use crate::store::revision_rows::{NewRevision, PREPARING};
use crate::store::{events, revisions, storage_names};
use diesel::QueryResult;
use diesel::result::Error as Failure;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use groundplan_chassis::database::database_error;
use groundplan_error::Error;
use std::time::Duration;

/// Records the next revision as preparing, with the names that it fixes, and gives its number.
pub(super) async fn begin(schema: &Schema, base: i64, planned: Planned) -> Result<i64, Error> {
    let lease = schema.settings.lease;
    let recorded = schema.change(async |connection| {
        connection.transaction(async |connection| record(connection, base, planned, lease).await).await
    });
    match recorded.await? {
        Ok(number) => Ok(number),
        Err(error) if matches!(error, Failure::RollbackTransaction) || is_conflict(&error) => {
            Err(conflict(schema).await)
        }
        Err(error) => Err(database_error(error)),
    }
}

/// Two of these at once meet in the index `revisions_one_preparing`: the second waits for the first and then fails. Rolls
/// back if another revision than `base` is live.
async fn record(connection: &mut AsyncPgConnection, base: i64, planned: Planned, lease: Duration) -> QueryResult<i64> {
    let failure = "its apply ended without a result; a later apply took over";
    let mut changed = revisions::fail_expired_in_transaction(connection, failure).await?;
    let number = revisions::next_number_in_transaction(connection).await?;
    let steps = convert::steps_to_json(&planned.plan.steps);
    let revision = NewRevision { number, state: PREPARING, descriptor_set: &planned.descriptor_set, steps: &steps };
    changed.push(revision.insert_in_transaction(connection, lease).await?);
    // Only now is it certain that the live revision stays what it is: nobody else is preparing one.
    if revisions::heads(connection).await?.live != base {
        return Err(Failure::RollbackTransaction);
    }
    let mut names = planned.new_names;
    for name in &mut names {
        name.first_revision = number;
    }
    storage_names::insert_in_transaction(connection, &names).await?;
    events::append_in_transaction(connection, changed).await?;
    Ok(number)
}

/// The newest revision that is live or being made.
pub(super) async fn newest(schema: &Schema) -> Result<i64, Error> {
    let heads = schema.query(async |connection| revisions::heads(connection).await).await?;
    Ok(heads.live.max(heads.preparing))
}

/// Says who was first, and how long it may take at most.
async fn conflict(schema: &Schema) -> Error {
    let found = schema.query(async |connection| {
        let heads = revisions::heads(connection).await?;
        Ok((heads, revisions::lease_left(connection, heads.preparing).await?))
    });
    let (heads, lease_left) = match found.await {
        Ok(found) => found,
        Err(error) => return error,
    };
    let Some(lease_left) = lease_left else {
        let words = format!("another apply came first: revision {} is live; plan and apply again", heads.live);
        return revision_conflict(heads.live, &words);
    };
    let words = format!("another apply is making revision {}; wait for it, or for its lease to end", heads.preparing);
    revision_conflict(heads.preparing, &words).retry_after(lease_left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::storage_names::StorageName;
    use crate::{DATABASE_SCHEMA, Dependencies, MIGRATIONS, Settings};
    use groundplan_chassis::database::Database;
    use groundplan_chassis::settings::{DatabaseSettings, defaults};
    use groundplan_error::Reason;
    use groundplan_testkit::TestDatabase;
    use tokio_util::sync::CancellationToken;

    async fn schema(test: &TestDatabase) -> Schema {
        let settings = defaults::<DatabaseSettings>();
        let database = Database::connect(&test.url(), DATABASE_SCHEMA, &settings).await.unwrap();
        database.migrate(MIGRATIONS).await.unwrap();
        database.migrate(groundplan_eventlog::MIGRATIONS).await.unwrap();
        let dependencies = Dependencies { database, settings: Settings::default(), stop: CancellationToken::new() };
        Schema::open(dependencies).await.unwrap()
    }

    fn planned(name: &str) -> Planned {
        let name = StorageName { message: "a.v1.B".into(), number: 1, name: name.into(), first_revision: 0 };
        Planned { plan: Default::default(), descriptor_set: Default::default(), new_names: vec![name] }
    }

    async fn publish(schema: &Schema, number: i64) {
        assert!(schema.change(async |connection| revisions::publish(connection, number).await).await.unwrap().unwrap());
    }

    #[tokio::test]
    async fn a_plan_that_was_overtaken_is_not_recorded() {
        let test = TestDatabase::new().await;
        let schema = schema(&test).await;
        assert_eq!(begin(&schema, 0, planned("id")).await.unwrap(), 1);
        let conflict = begin(&schema, 0, planned("id")).await.unwrap_err();
        assert_eq!(conflict.reason(), Reason::RevisionConflict);
        let left = conflict.retry_delay().unwrap();
        assert!(left > Duration::ZERO && left <= schema.settings.lease, "{left:?}");
        publish(&schema, 1).await;
        // It was made on nothing, but now revision 1 is live.
        let overtaken = Planned { new_names: Vec::new(), ..planned("id") };
        assert_eq!(begin(&schema, 0, overtaken).await.unwrap_err().reason(), Reason::RevisionConflict);
        assert_eq!(newest(&schema).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_name_that_was_fixed_meanwhile_is_not_fixed_again() {
        let test = TestDatabase::new().await;
        let schema = schema(&test).await;
        begin(&schema, 0, planned("id")).await.unwrap();
        publish(&schema, 1).await;
        assert_eq!(begin(&schema, 1, planned("other")).await.unwrap_err().reason(), Reason::RevisionConflict);
        // Nor does another field get its name.
        let mut taken = planned("id");
        taken.new_names[0].number = 2;
        assert_eq!(begin(&schema, 1, taken).await.unwrap_err().reason(), Reason::RevisionConflict);
        let names = schema.query(async |connection| storage_names::all(connection).await).await.unwrap();
        assert_eq!(names.iter().map(|name| name.name.as_str()).collect::<Vec<_>>(), ["id"]);
        assert_eq!(newest(&schema).await.unwrap(), 1);
    }
}
