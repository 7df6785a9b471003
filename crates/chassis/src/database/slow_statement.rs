//! What a slow statement leaves for the log: its text without values, and how PostgreSQL would run it.

use super::{Bind, Columns as _, Sql, rows};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager as _};
use groundplan_call::context::{self, SlowStatement};
use serde_json::Value;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A process asks for one plan in this time: where everything is slow, they say the same, and the database has enough to do.
const PLAN_INTERVAL: Duration = Duration::from_secs(10);

/// How many characters of a text or a plan are kept.
const MAX_TEXT_CHARS: usize = 4_000;

/// Notes for the log how long a statement has run since it `began`; if that is long, with its text and, outside of a transaction, its plan.
/// Those that read a [`super::row_stream`] do so at its end; the other ways to run a statement do by themselves.
pub async fn record_statement(connection: &mut AsyncPgConnection, sql: &Sql, binds: &[Bind], began: Instant) {
    let took = began.elapsed();
    if !context::add_statement(took) {
        return;
    }
    // A transaction would break if the question failed.
    let should_explain = !is_in_transaction(connection) && claim_plan_slot();
    let plan = if should_explain { Box::pin(explain(connection, sql, binds)).await } else { None };
    context::remember_statement(SlowStatement { text: truncate(&sql.to_string()), took, plan });
}

fn is_in_transaction(connection: &mut AsyncPgConnection) -> bool {
    let depth = AnsiTransactionManager::transaction_manager_status_mut(connection).transaction_depth();
    // What cannot say is broken.
    !matches!(depth, Ok(None))
}

/// Whether another plan may be asked for; if so, it is.
fn claim_plan_slot() -> bool {
    static LAST: Mutex<Option<Instant>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let is_due = last.is_none_or(|last| last.elapsed() >= PLAN_INTERVAL);
    if is_due {
        *last = Some(Instant::now());
    }
    is_due
}

/// How PostgreSQL would run a statement with these values. It is not run.
async fn explain(connection: &mut AsyncPgConnection, sql: &Sql, binds: &[Bind]) -> Option<String> {
    let rows = rows(connection, &sql.explain_json(), binds).await.ok()?;
    let text = rows.first()?.text(0).ok()??;
    let plan: Value = serde_json::from_str(&text).ok()?;
    Some(truncate(&summarize(plan.get(0)?.get("Plan")?)))
}

/// A plan in one line, outer steps first: `Limit (10 rows) < Index Scan on entity by entity_pkey (1200 rows)`. Of the conditions, which
/// have values, there is nothing.
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
    fn a_plan_is_told_without_values() {
        let scan = json!({"Node Type": "Index Scan", "Relation Name": "entity", "Index Name": "entity_pkey", "Plan Rows": 3,
            "Index Cond": "(id = 'secret'::text)", "Filter": "(field1 = 'secret'::text)"});
        let plan = json!({"Node Type": "Hash Join", "Plan Rows": 7, "Hash Cond": "(a = 'secret')", "Plans": [
            {"Node Type": "Seq Scan", "Relation Name": "books", "Plan Rows": 100},
            {"Node Type": "Hash", "Plan Rows": 3, "Plans": [scan]},
        ]});
        let expected = "Hash Join (7 rows) < [Seq Scan on books (100 rows), Hash (3 rows) < Index Scan on entity by entity_pkey (3 rows)]";
        assert_eq!(summarize(&plan), expected);
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let long = "ä".repeat(MAX_TEXT_CHARS + 1);
        assert_eq!(truncate(&long).chars().count(), MAX_TEXT_CHARS + 1);
        assert_eq!(truncate("SELECT 1"), "SELECT 1");
    }
}
