//! Records a new revision, or reports the conflicting one.

use crate::convert;
use crate::error::{is_conflict, revision_conflict};
use crate::proposal::PlannedRevision;
use crate::service::Schema;
use crate::store::revision_rows::{NewRevision, PREPARING};
use crate::store::{events, revisions, storage_names};
use diesel::QueryResult;
use diesel::result::Error as DieselError;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use groundplan_chassis::database::database_error;
use groundplan_error::Error;
use std::time::Duration;

/// Records the next revision as preparing, with its new names, and returns its number.
pub(super) async fn record_revision(schema: &Schema, base: i64, planned: PlannedRevision) -> Result<i64, Error> {
    let lease = schema.settings.lease;
    let recorded = schema.change(async |connection| {
        connection.transaction(async |connection| record_in_transaction(connection, base, planned, lease).await).await
    });
    match recorded.await? {
        Ok(number) => Ok(number),
        Err(error) if matches!(error, DieselError::RollbackTransaction) || is_conflict(&error) => {
            Err(conflict_error(schema).await)
        }
        Err(error) => Err(database_error(error)),
    }
}

/// Concurrent transactions conflict in the index `revisions_one_preparing`: the second one waits for the first and then
/// fails. Rolls back if another revision than `base` is live.
async fn record_in_transaction(
    connection: &mut AsyncPgConnection,
    base: i64,
    planned: PlannedRevision,
    lease: Duration,
) -> QueryResult<i64> {
    let failure = "the apply stopped without a result, and a later apply took over";
    let mut changed = revisions::fail_expired_in_transaction(connection, failure).await?;
    let number = revisions::next_number_in_transaction(connection).await?;
    let steps = convert::steps_to_json(&planned.plan.steps);
    let revision = NewRevision { number, state: PREPARING, descriptor_set: &planned.descriptor_set, steps: &steps };
    changed.push(revision.insert_in_transaction(connection, lease).await?);
    // From here on, the live revision cannot change: no other apply is preparing one.
    if revisions::find_heads(connection).await?.live != base {
        return Err(DieselError::RollbackTransaction);
    }
    let mut names = planned.new_names;
    for name in &mut names {
        name.first_revision = number;
    }
    storage_names::insert_in_transaction(connection, &names).await?;
    events::append_in_transaction(connection, changed).await?;
    Ok(number)
}

/// Returns the newest live or preparing revision.
pub(super) async fn newest_revision(schema: &Schema) -> Result<i64, Error> {
    let heads = schema.query(async |connection| revisions::find_heads(connection).await).await?;
    Ok(heads.live.max(heads.preparing))
}

/// Returns the error that names the conflicting revision, and the maximum time that it can take.
async fn conflict_error(schema: &Schema) -> Error {
    let heads_and_lease = schema.query(async |connection| {
        let heads = revisions::find_heads(connection).await?;
        Ok((heads, revisions::remaining_lease(connection, heads.preparing).await?))
    });
    let (heads, remaining_lease) = match heads_and_lease.await {
        Ok(heads_and_lease) => heads_and_lease,
        Err(error) => return error,
    };
    let Some(remaining_lease) = remaining_lease else {
        let message = format!("another apply came first: revision {} is live; plan and apply again", heads.live);
        return revision_conflict(heads.live, &message);
    };
    let message =
        format!("another apply is preparing revision {}; wait until it finishes or its lease expires", heads.preparing);
    revision_conflict(heads.preparing, &message).retry_after(remaining_lease)
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

    fn planned(name: &str) -> PlannedRevision {
        let name = StorageName { message: "a.v1.B".into(), number: 1, name: name.into(), first_revision: 0 };
        PlannedRevision { plan: Default::default(), descriptor_set: Default::default(), new_names: vec![name] }
    }

    async fn publish(schema: &Schema, number: i64) {
        assert!(schema.change(async |connection| revisions::publish(connection, number).await).await.unwrap().unwrap());
    }

    #[tokio::test]
    async fn an_outdated_plan_is_not_recorded() {
        let test = TestDatabase::new().await;
        let schema = schema(&test).await;
        assert_eq!(record_revision(&schema, 0, planned("id")).await.unwrap(), 1);
        let conflict = record_revision(&schema, 0, planned("id")).await.unwrap_err();
        assert_eq!(conflict.reason(), Reason::RevisionConflict);
        let left = conflict.retry_delay().unwrap();
        assert!(left > Duration::ZERO && left <= schema.settings.lease, "{left:?}");
        publish(&schema, 1).await;
        // The plan was based on no revision, but revision 1 is live now.
        let overtaken = PlannedRevision { new_names: Vec::new(), ..planned("id") };
        assert_eq!(record_revision(&schema, 0, overtaken).await.unwrap_err().reason(), Reason::RevisionConflict);
        assert_eq!(newest_revision(&schema).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_name_that_another_apply_inserted_is_a_conflict() {
        let test = TestDatabase::new().await;
        let schema = schema(&test).await;
        record_revision(&schema, 0, planned("id")).await.unwrap();
        publish(&schema, 1).await;
        assert_eq!(record_revision(&schema, 1, planned("other")).await.unwrap_err().reason(), Reason::RevisionConflict);
        // Another field cannot get the name either.
        let mut taken = planned("id");
        taken.new_names[0].number = 2;
        assert_eq!(record_revision(&schema, 1, taken).await.unwrap_err().reason(), Reason::RevisionConflict);
        let names = schema.query(async |connection| storage_names::list_all(connection).await).await.unwrap();
        assert_eq!(names.iter().map(|name| name.name.as_str()).collect::<Vec<_>>(), ["id"]);
        assert_eq!(newest_revision(&schema).await.unwrap(), 1);
    }
}
