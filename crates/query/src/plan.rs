//! PostgreSQL's plans of statements.

use super::SqlBuilder;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Columns, Sql, database_error, rows};
use groundplan_error::Error;
use serde_json::Value;
use std::collections::BTreeSet;

/// PostgreSQL's plan of a statement, from `EXPLAIN (FORMAT JSON)`.
#[derive(Debug)]
pub struct Plan(Value);

impl Plan {
    /// Returns the plan of a statement with its values, without running it.
    pub async fn of(connection: &mut AsyncPgConnection, statement: &SqlBuilder) -> Result<Self, Error> {
        let sql = Sql::new(statement.text()).explain_json();
        let rows = rows(connection, &sql, statement.binds()).await.map_err(database_error)?;
        let text = rows.first().map(|row| row.text(0)).transpose().map_err(database_error)?.flatten();
        serde_json::from_str(&text.unwrap_or_default()).map(Self).map_err(Error::internal)
    }

    /// Returns the number of rows that PostgreSQL expects.
    pub fn rows(&self) -> i64 {
        // The planner counts rows as doubles and prints them without a fraction.
        self.top("Plan Rows").and_then(Value::as_i64).unwrap_or(i64::MAX)
    }

    /// Returns the expected cost in PostgreSQL's unit.
    pub fn cost(&self) -> f64 {
        self.top("Total Cost").and_then(Value::as_f64).unwrap_or_default()
    }

    /// Returns the names of the indexes that the plan uses, sorted and without duplicates.
    pub fn indexes(&self) -> Vec<String> {
        let mut names = BTreeSet::new();
        indexes(&self.0, &mut names);
        names.into_iter().collect()
    }

    /// Returns the whole plan as JSON.
    pub fn json(&self) -> String {
        self.0.to_string()
    }

    fn top(&self, name: &str) -> Option<&Value> {
        self.0.get(0)?.get("Plan")?.get(name)
    }
}

fn indexes(plan: &Value, names: &mut BTreeSet<String>) {
    match plan {
        Value::Array(plans) => plans.iter().for_each(|plan| indexes(plan, names)),
        Value::Object(members) => {
            if let Some(Value::String(name)) = members.get("Index Name") {
                names.insert(name.clone());
            }
            members.values().for_each(|member| indexes(member, names));
        }
        _ => {}
    }
}
