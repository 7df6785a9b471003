//! Create and Update. With the log, the change and its event are one statement, like Groundplan's.

use crate::cached::Cached;
use crate::tables::{Row, TENANT};
use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Double, Integer, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};

/// An event: its kind, and the encoded entity after the change.
pub(crate) struct Event {
    pub(crate) kind: i32,
    pub(crate) payload: Vec<u8>,
}

/// A write of a row, which is not done if the row is not in the expected state.
pub(crate) struct Write<'a> {
    pub(crate) row: &'a Row,
    /// The version to replace; none inserts.
    pub(crate) replaces: Option<i64>,
    pub(crate) event: Option<Event>,
}

impl Write<'_> {
    /// Runs the write. Returns whether it was done.
    pub(crate) async fn run(self, connection: &mut AsyncPgConnection) -> QueryResult<bool> {
        let rows = Cached(self).execute(connection).await?;
        Ok(rows > 0)
    }

    fn insert<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let row = self.row;
        out.push_sql(
            "INSERT INTO peer.entity (_tenant, _version, id, field1, field2, created_at, updated_at) VALUES (",
        );
        out.push_bind_param::<Text, _>(TENANT)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&row.version)?;
        out.push_sql(", ");
        out.push_bind_param::<SqlUuid, _>(&row.id)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&row.field1)?;
        out.push_sql(", ");
        out.push_bind_param::<Double, _>(&row.field2)?;
        out.push_sql(", ");
        out.push_bind_param::<Timestamptz, _>(&row.created_at)?;
        out.push_sql(", ");
        out.push_bind_param::<Timestamptz, _>(&row.updated_at)?;
        out.push_sql(") ON CONFLICT (_tenant, id) DO NOTHING");
        Ok(())
    }

    fn update<'b>(&'b self, replaces: &'b i64, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let row = self.row;
        out.push_sql("UPDATE peer.entity SET _version = ");
        out.push_bind_param::<BigInt, _>(&row.version)?;
        out.push_sql(", field1 = ");
        out.push_bind_param::<Text, _>(&row.field1)?;
        out.push_sql(", field2 = ");
        out.push_bind_param::<Double, _>(&row.field2)?;
        out.push_sql(", updated_at = ");
        out.push_bind_param::<Timestamptz, _>(&row.updated_at)?;
        out.push_sql(" WHERE _tenant = ");
        out.push_bind_param::<Text, _>(TENANT)?;
        out.push_sql(" AND id = ");
        out.push_bind_param::<SqlUuid, _>(&row.id)?;
        out.push_sql(" AND _version = ");
        out.push_bind_param::<BigInt, _>(replaces)?;
        Ok(())
    }

    fn change<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match &self.replaces {
            None => self.insert(out),
            Some(replaces) => self.update(replaces, out),
        }
    }
}

impl QueryFragment<Pg> for Write<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Some(event) = &self.event else { return self.change(&mut out) };
        out.push_sql("WITH change AS (");
        self.change(&mut out)?;
        out.push_sql(" RETURNING 1) INSERT INTO peer.changes (tenant, topic, key, kind, payload) SELECT ");
        out.push_bind_param::<Text, _>(TENANT)?;
        out.push_sql("::text, 'example.v1.Entity', ");
        out.push_bind_param::<SqlUuid, _>(&self.row.id)?;
        out.push_sql("::uuid, ");
        out.push_bind_param::<Integer, _>(&event.kind)?;
        out.push_sql("::integer::smallint, ");
        out.push_bind_param::<Binary, _>(&event.payload)?;
        out.push_sql("::bytea FROM change");
        Ok(())
    }
}

impl QueryId for Write<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
