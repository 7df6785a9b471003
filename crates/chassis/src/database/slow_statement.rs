//! Slow statements for the log: the text without values, and PostgreSQL's plan.

use super::{Bind, Columns as _, Sql, rows};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager as _};
use groundplan_call::context::{self, SlowStatement};
use serde_json::Value;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The minimum interval between two plans of a process: when everything is slow the plans are alike, and the database is busy
/// enough.
const PLAN_INTERVAL: Duration = Duration::from_secs(10);

/// The maximum length of a text or a plan, in characters.
const MAX_TEXT_CHARS: usize = 4_000;

/// Records the time of a statement that started at `started`. A slow one is recorded with its text and, outside of transactions,
/// its plan. Callers of [`super::row_stream`] call this after the last row; the other functions call it themselves.
pub async fn record_statement(connection: &mut AsyncPgConnection, sql: &Sql, binds: &[Bind], started: Instant) {
    let elapsed = started.elapsed();
    if !context::add_statement(elapsed) {
        return;
    }
    // If EXPLAIN failed, it would abort the transaction.
    let should_explain = !is_in_transaction(connection) && claim_plan_slot();
    let plan = if should_explain { Box::pin(explain(connection, sql, binds)).await } else { None };
    context::remember_statement(SlowStatement { text: truncate(&sql.to_string()), took: elapsed, plan });
}

fn is_in_transaction(connection: &mut AsyncPgConnection) -> bool {
    let depth = AnsiTransactionManager::transaction_manager_status_mut(connection).transaction_depth();
    // An unknown status counts as a broken connection.
    !matches!(depth, Ok(None))
}

/// Returns whether another plan can be requested, and claims it.
fn claim_plan_slot() -> bool {
    static LAST: Mutex<Option<Instant>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let is_due = last.is_none_or(|last| last.elapsed() >= PLAN_INTERVAL);
    if is_due {
        *last = Some(Instant::now());
    }
    is_due
}

/// Returns PostgreSQL's plan for a statement with these values, without running it.
async fn explain(connection: &mut AsyncPgConnection, sql: &Sql, binds: &[Bind]) -> Option<String> {
    let rows = rows(connection, &sql.explain_json(), binds).await.ok()?;
    let text = rows.first()?.text(0).ok()??;
    let plan: Value = serde_json::from_str(&text).ok()?;
    Some(truncate(&summarize(plan.get(0)?.get("Plan")?)))
}

/// Formats a plan on one line, outer steps first: `Limit (10 rows) < Index Scan on entity by entity_pkey (1200 rows)`. Conditions
/// are left out, because they contain values.
fn summarize(plan: &Value) -> String {
    let text = |name: &str| plan.get(name).and_then(Value::as_str);
    let mut line = text("Node Type").unwrap_or("?").to_owned();
    for (word, name) in [("on", "Relation Name"), ("by", "Index Name")] {
        if let Some(named) = text(name) {
            line.push_str(&format!(" {word} {named}"));
        }
    }
    if let Some(rows) = plan.get("Plan Rows") {
        line.push_str(&format!(" ({rows} rows)"));
    }
    let below: Vec<String> = plan.get("Plans").and_then(Value::as_array).into_iter().flatten().map(summarize).collect();
    match below.as_slice() {
        [] => line,
        [one] => format!("{line} < {one}"),
        several => format!("{line} < [{}]", several.join(", ")),
    }
}

fn truncate(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_TEXT_CHARS, summarize, truncate};
    use serde_json::json;

    #[test]
    fn plans_are_shown_without_values() {
        let scan = json!({"Node Type": "Index Scan", "Relation Name": "entity", "Index Name": "entity_pkey", "Plan Rows": 3,
            "Index Cond": "(id = 'secret'::text)", "Filter": "(field1 = 'secret'::text)"});
        let plan = json!({"Node Type": "Hash Join", "Plan Rows": 7, "Hash Cond": "(a = 'secret')", "Plans": [
            {"Node Type": "Seq Scan", "Relation Name": "books", "Plan Rows": 100},
            {"Node Type": "Hash", "Plan Rows": 3, "Plans": [scan]},
        ]});
        let expected = "Hash Join (7 rows) < [Seq Scan on books (100 rows), Hash (3 rows) < Index Scan on entity by \
                        entity_pkey (3 rows)]";
        assert_eq!(summarize(&plan), expected);
    }

    #[test]
    fn long_texts_are_truncated_between_characters() {
        let long = "ä".repeat(MAX_TEXT_CHARS + 1);
        assert_eq!(truncate(&long).chars().count(), MAX_TEXT_CHARS + 1);
        assert_eq!(truncate("SELECT 1"), "SELECT 1");
    }
}
