//! Aggregate: counts, sums and similar functions over the matching records, in one statement.

mod request;
mod result;

pub(crate) use request::MAX_NAME;

use crate::call::Call;
use crate::clock::now;
use crate::scan::{self, Scan};
use crate::streamed::{MAX_ANSWER_BYTES, rows_until_or};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use groundplan_budget::Resource;
use groundplan_chassis::database::{Bind, PgRow, database_error};
use groundplan_error::{Error, Reason};
use groundplan_expr::Scope;
use groundplan_operations::AggregateQuery;
use groundplan_operations::limits::MAX_GROUPS;
use groundplan_proto::query::v1::{AggregateResponse, Group};
use groundplan_query::{Selection, SqlBuilder, advice};
use prost::Message as _;
use request::Request;
use std::ops::ControlFlow;

/// Computes aggregations over the matching records.
pub(crate) async fn aggregate(call: &Call<'_>, query: &AggregateQuery) -> Result<AggregateResponse, Error> {
    let model = &call.table.model;
    let request = Request::parse(Scope { catalog: &call.served.catalog, model }, query)?;
    let compiled = call.served.query(model, &query.filter, "")?;
    if !query.allow_scan && !advice::narrows(model, &compiled, None) {
        let scan = match compiled.filter {
            Some(_) => Scan::of_query(model, &compiled),
            None => {
                let (what, instead) = ("an aggregate of all records", "filter by a field with an index");
                Scan { what, advice: None, instead }
            }
        };
        scan::admit(call, scan).await?;
    }
    let (tenant, now) = (call.principal.tenant.as_str(), now()?);
    let selection = Selection { model, tenant, compiled: &compiled, parent: None, now, with_deleted: false };
    let statement = statement(&request, &selection)?;
    let groups = read(call, &request, &statement).await?;
    Ok(AggregateResponse { groups })
}

/// Returns the statement. The columns of a row are the keys, then the columns of the aggregations.
fn statement(request: &Request, selection: &Selection<'_>) -> Result<SqlBuilder, Error> {
    let mut builder = SqlBuilder::default();
    builder.push("SELECT ");
    let keys = request.keys.iter().map(|key| key.column.key());
    for (at, sql) in keys.chain(request.computed.iter().map(|computed| computed.sql.as_str())).enumerate() {
        builder.push(if at == 0 { "" } else { ", " }).push(sql);
    }
    builder.push(" FROM ");
    selection.source(&mut builder);
    if !request.keys.is_empty() {
        let by: Vec<&str> = request.keys.iter().map(|key| key.column.sql()).collect();
        let by = by.join(", ");
        let limit = i64::try_from(MAX_GROUPS + 1).map_err(Error::internal)?;
        builder.push(&format!(" GROUP BY {by} ORDER BY {by} LIMIT ")).value(Bind::i64(limit), "bigint");
    }
    Ok(builder)
}

/// Reads the groups, and cancels the statement when they exceed a response: PostgreSQL does not send the remaining rows.
async fn read(call: &Call<'_>, request: &Request, statement: &SqlBuilder) -> Result<Vec<Group>, Error> {
    let mut groups = Vec::new();
    let mut room = MAX_ANSWER_BYTES;
    let sql = call.records.statement_cache().sql(statement.text());
    let take = |row: PgRow| {
        call.budget.charge(Resource::Rows, 1)?;
        if groups.len() == MAX_GROUPS {
            return Err(too_many());
        }
        let group = group(request, &row)?;
        room = room.checked_sub(group.encoded_len()).ok_or_else(too_large)?;
        call.budget.hold(2 * group.encoded_len())?;
        groups.push(group);
        Ok(ControlFlow::Continue(()))
    };
    rows_until_or(call, &sql, statement.binds(), take, failed).await?;
    Ok(groups)
}

fn group(request: &Request, row: &PgRow) -> Result<Group, Error> {
    let mut group = Group::default();
    for (at, key) in request.keys.iter().enumerate() {
        if let Some(value) = key.column.read(row, at)? {
            group.keys.insert(key.name.clone(), value);
        }
    }
    let mut at = request.keys.len();
    for computed in &request.computed {
        if let Some(value) = computed.outcome.read(row, at, &computed.name)? {
            group.values.insert(computed.name.clone(), value);
        }
        at += computed.outcome.width();
    }
    Ok(group)
}

fn too_many() -> Error {
    let message = format!("there are more than {MAX_GROUPS} groups; filter, or group by fewer fields");
    Error::new(Reason::AnswerTooLarge, message)
}

fn too_large() -> Error {
    let message = format!("the groups have more than {MAX_ANSWER_BYTES} bytes; filter, or ask for fewer values");
    Error::new(Reason::AnswerTooLarge, message)
}

/// Converts the error of a failed statement. Diesel does not expose the SQLSTATE, so the text of PostgreSQL's message
/// decides.
fn failed(error: DieselError) -> Error {
    if let DieselError::DatabaseError(DatabaseErrorKind::Unknown, facts) = &error
        && facts.message().contains("out of range")
    {
        let message = "a sum of doubles or durations, or one of which an average is made, does not fit its type; filter, \
                       or group by a field";
        return Error::new(Reason::SumOverflow, message).caused_by(error);
    }
    database_error(error)
}
