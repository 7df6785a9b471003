//! What PostgreSQL says of how it would run a statement.

use super::SqlBuilder;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Columns, Sql, database_error, rows};
use groundplan_error::Error;
use serde_json::Value;
use std::collections::BTreeSet;

/// PostgreSQL's plan of a statement, as `EXPLAIN (FORMAT JSON)` gives it.
#[derive(Debug)]
pub struct Plan(Value);

impl Plan {
    /// Asks for the plan of a statement with these very values. It is not run.
    pub async fn of(connection: &mut AsyncPgConnection, statement: &SqlBuilder) -> Result<Self, Error> {
        let sql = Sql::new(statement.text()).explain_json();
        let found = rows(connection, &sql, statement.binds()).await.map_err(database_error)?;
        let text = found.first().map(|row| row.text(0)).transpose().map_err(database_error)?.flatten();
        serde_json::from_str(&text.unwrap_or_default()).map(Self).map_err(Error::internal)
    }

    /// How many rows PostgreSQL expects.
    pub fn rows(&self) -> i64 {
        // The planner counts rows as doubles, and prints them without a fraction.
        self.top("Plan Rows").and_then(Value::as_i64).unwrap_or(i64::MAX)
    }

    /// The expected cost, in PostgreSQL's unit.
    pub fn cost(&self) -> f64 {
        self.top("Total Cost").and_then(Value::as_f64).unwrap_or_default()
    }

    /// The indexes that are used, each once, in the order of their names.
    pub fn indexes(&self) -> Vec<String> {
        let mut found = BTreeSet::new();
        indexes(&self.0, &mut found);
        found.into_iter().collect()
    }

    /// The whole plan.
    pub fn json(&self) -> String {
        self.0.to_string()
    }

    fn top(&self, name: &str) -> Option<&Value> {
        self.0.get(0)?.get("Plan")?.get(name)
    }
}

fn indexes(plan: &Value, found: &mut BTreeSet<String>) {
    match plan {
        Value::Array(plans) => plans.iter().for_each(|plan| indexes(plan, found)),
        Value::Object(members) => {
            if let Some(Value::String(name)) = members.get("Index Name") {
                found.insert(name.clone());
            }
            members.values().for_each(|member| indexes(member, found));
        }
        _ => {}
    }
}
