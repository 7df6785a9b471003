//! Statements that write several records of a model. Each connection keeps the statements of a few sizes prepared.

use crate::table::Table;
use groundplan_chassis::database::Sql;

/// The number of records that one statement takes, largest first. A few statements cover any number.
const SIZES: [usize; 5] = [256, 64, 16, 4, 1];

/// The most values of a statement; PostgreSQL accepts 65,535.
const MAX_VALUES: usize = 32_000;

/// Splits records into parts that have statements, for statements with `values` values for each record.
pub(crate) fn parts<T>(mut records: &[T], values: usize) -> Vec<&[T]> {
    let mut parts = Vec::new();
    while !records.is_empty() {
        let fits = |size: &usize| *size <= records.len() && (*size == 1 || *size * values <= MAX_VALUES);
        let size = SIZES.into_iter().find(fits).unwrap_or(1);
        let (part, rest) = records.split_at(size);
        parts.push(part);
        records = rest;
    }
    parts
}

/// Returns the statement that inserts the records whose ids are not taken, and returns their ids. Binds for each record:
/// the tenant, the version, and the columns.
pub(crate) fn insert(table: &Table, records: usize) -> Sql {
    let model = &table.model;
    let names: Vec<String> = table.columns.iter().map(|column| model.column_name(column.field)).collect();
    let row = format!("({})", vec!["?"; names.len() + 2].join(", "));
    let id = model.column_name(model.roles.id);
    Sql::new(&format!(
        "INSERT INTO {} (_tenant, _version, {}) VALUES {} ON CONFLICT (_tenant, {id}) DO NOTHING RETURNING {id}",
        model.table.qualified(),
        names.join(", "),
        vec![row; records].join(", ")
    ))
}

/// Returns the statement that updates locked records. Binds for each record: the new version, the id, and the columns that
/// can change; then the tenant.
pub(crate) fn update(table: &Table, records: usize) -> Sql {
    let model = &table.model;
    let id = model.column_name(model.roles.id);
    let changing: Vec<(String, &str)> = table
        .updatable_columns()
        .map(|column| (model.column_name(column.field), plain(model.column_type(column.field))))
        .collect();
    let mut row = format!("(?::bigint, ?::{}", plain(model.column_type(model.roles.id)));
    let (mut names, mut sets) = (format!("_version, {id}"), String::new());
    for (name, of_type) in &changing {
        row.push_str(&format!(", ?::{of_type}"));
        names.push_str(&format!(", {name}"));
        sets.push_str(&format!(", {name} = v.{name}"));
    }
    row.push(')');
    Sql::new(&format!(
        "UPDATE {} AS r SET _version = v._version{sets} FROM (VALUES {}) AS v ({names}) \
         WHERE r._tenant = ? AND r.{id} = v.{id}",
        model.table.qualified(),
        vec![row; records].join(", ")
    ))
}

/// Returns a type without its collation.
fn plain(of_type: &str) -> &str {
    of_type.split(" COLLATE").next().unwrap_or(of_type)
}

#[cfg(test)]
mod tests {
    use super::{MAX_VALUES, parts};

    #[test]
    fn any_number_is_made_of_few_sizes() {
        for number in [1, 2, 3, 4, 5, 16, 255, 256, 257, 999, 1_000] {
            let records: Vec<usize> = (0..number).collect();
            let cut = parts(&records, 10);
            assert_eq!(cut.concat(), records);
            assert!(cut.len() <= 15, "{number}");
        }
        assert_eq!(parts(&[0; 4], MAX_VALUES).len(), 4, "one record is always taken");
        assert!(parts(&[0; 1_000], 500).iter().all(|part| part.len() * 500 <= MAX_VALUES));
    }
}
