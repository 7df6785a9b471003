//! Statements that are built at run time. Each connection prepares them once, by their text.

use super::{Bind, record_statement};
use crate::telemetry;
use diesel::QueryResult;
use diesel::pg::{Pg, PgTypeMetadata};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::{IsNull, Output, ToSql};
use diesel::sql_types::{HasSqlType, Untyped};
use diesel_async::{AsyncConnectionCore, AsyncPgConnection};
use futures_util::{Stream, TryStreamExt as _};
use std::io::Write as _;
use std::time::Instant;
use tracing::{Instrument as _, Span};

/// A row as PostgreSQL sent it; [`super::Columns`] reads it.
pub type PgRow = <AsyncPgConnection as AsyncConnectionCore>::Row<'static, 'static>;

/// A statement's text, with a `?` for each value. Each connection prepares it once and caches it by its text.
///
/// A literal `?` cannot be written: PostgreSQL's `?` operators have named functions (`jsonb_exists`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sql {
    /// The text between the values.
    parts: Vec<String>,
    /// Whether connections cache the prepared statement.
    is_cached: bool,
}

impl Sql {
    /// Splits `text` at each `?`.
    pub fn new(text: &str) -> Self {
        Self { parts: text.split('?').map(str::to_owned).collect(), is_cached: true }
    }

    /// Creates a statement that is prepared for each run and not cached, which takes one more round trip. Cached statements stay
    /// in the memory of connections and of the server, so texts that depend on callers would exhaust it.
    #[must_use]
    pub fn once(text: &str) -> Self {
        Self { is_cached: false, ..Self::new(text) }
    }

    /// Returns the text for PostgreSQL, with `$1`, `$2`, … for the values.
    pub fn numbered(&self) -> String {
        let mut text = String::new();
        for (index, part) in self.parts.iter().enumerate() {
            if index > 0 {
                text.push_str(&format!("${index}"));
            }
            text.push_str(part);
        }
        text
    }

    /// Returns the span of a run. The text contains no values of callers. Its level is DEBUG, because only a collector needs it.
    fn span(&self) -> Span {
        tracing::debug_span!(
            "statement",
            otel.kind = "client",
            db.system.name = "postgresql",
            db.query.text = %self,
        )
    }

    /// Returns the EXPLAIN of this statement in JSON format, which is not cached.
    #[must_use]
    pub fn explain_json(&self) -> Self {
        let mut parts = self.parts.clone();
        if let Some(first) = parts.first_mut() {
            first.insert_str(0, "EXPLAIN (FORMAT JSON) ");
        }
        Self { parts, is_cached: false }
    }

    /// Returns the number of values.
    pub fn binds(&self) -> usize {
        self.parts.len().saturating_sub(1)
    }
}

/// Formats the text with `?` for each value, as in traces and logs.
impl std::fmt::Display for Sql {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, part) in self.parts.iter().enumerate() {
            if index > 0 {
                formatter.write_str("?")?;
            }
            formatter.write_str(part)?;
        }
        Ok(())
    }
}

/// Runs a statement and returns all rows.
pub async fn rows(connection: &mut AsyncPgConnection, sql: &Sql, binds: &[Bind]) -> QueryResult<Vec<PgRow>> {
    let (span, started) = (sql.span(), Instant::now());
    let statement = Statement::new(sql, binds, &span);
    let rows = async { AsyncConnectionCore::load(&mut *connection, statement).await?.try_collect().await };
    let rows = rows.instrument(span).await?;
    record_statement(connection, sql, binds, started).await;
    Ok(rows)
}

/// Runs a statement and returns a stream of its rows, for results that can be too large for memory.
pub async fn row_stream<'a>(
    connection: &'a mut AsyncPgConnection,
    sql: &'a Sql,
    binds: &'a [Bind],
) -> QueryResult<impl Stream<Item = QueryResult<PgRow>> + Send + Unpin + 'a> {
    let span = sql.span();
    let statement = Statement::new(sql, binds, &span);
    AsyncConnectionCore::load(connection, statement).instrument(span).await
}

/// Runs a statement and returns the number of changed rows.
pub async fn execute(connection: &mut AsyncPgConnection, sql: &Sql, binds: &[Bind]) -> QueryResult<usize> {
    let (span, started) = (sql.span(), Instant::now());
    let statement = Statement::new(sql, binds, &span);
    let changed = AsyncConnectionCore::execute_returning_count(&mut *connection, statement).instrument(span).await?;
    record_statement(connection, sql, binds, started).await;
    Ok(changed)
}

/// A statement with its values, for Diesel.
struct Statement<'a> {
    sql: &'a Sql,
    binds: &'a [Bind],
    /// The trace comment, if enabled.
    comment: Option<String>,
}

impl<'a> Statement<'a> {
    fn new(sql: &'a Sql, binds: &'a [Bind], span: &Span) -> Self {
        Self { sql, binds, comment: telemetry::sql_comment(span) }
    }
}

/// The type of every value: with object id 0 the server infers it.
struct Inferred;

impl HasSqlType<Inferred> for Pg {
    fn metadata(_: &mut Self::MetadataLookup) -> PgTypeMetadata {
        PgTypeMetadata::new(0, 0)
    }
}

impl ToSql<Inferred, Pg> for Bind {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
        let Some(bytes) = self.as_bytes() else { return Ok(IsNull::Yes) };
        out.write_all(bytes)?;
        Ok(IsNull::No)
    }
}

impl QueryFragment<Pg> for Statement<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if self.sql.binds() != self.binds.len() {
            let message = format!("the statement takes {} values, {} were given", self.sql.binds(), self.binds.len());
            return Err(diesel::result::Error::QueryBuilderError(message.into()));
        }
        // The comment makes each text unique.
        if !self.sql.is_cached || self.comment.is_some() {
            out.unsafe_to_cache_prepared();
        }
        if let Some(comment) = &self.comment {
            out.push_sql(comment);
        }
        let mut binds = self.binds.iter();
        for part in &self.sql.parts {
            out.push_sql(part);
            if let Some(bind) = binds.next() {
                out.push_bind_param::<Inferred, Bind>(bind)?;
            }
        }
        Ok(())
    }
}

impl QueryId for Statement<'_> {
    type QueryId = ();
    // Prepared statements are then cached by their text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement<'_> {
    type SqlType = Untyped;
}
