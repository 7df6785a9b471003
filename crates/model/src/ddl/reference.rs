//! Statements that create, validate and drop foreign keys.

use super::{DatabaseObject, Ddl, Execution, in_shared_transaction};
use crate::catalog::{Model, OnDelete, Reference};
use crate::object_names::empty_trigger_name;
use crate::quote::{quote, quote_literal};
use crate::shape::FieldId;

/// PostgreSQL checks each statement at its end, unless the transaction defers the check so that related writes can come
/// in any order.
const DEFERRABLE: &str = "DEFERRABLE INITIALLY IMMEDIATE";

/// Adds the foreign key of a reference. A key that is not valid applies only to new writes; `validate_foreign_key` checks the
/// existing rows later, without blocking reads and writes.
pub(crate) fn add_foreign_key(model: &Model, reference: &Reference, target: &Model, valid: bool) -> Ddl {
    let column = model.column_name(reference.field);
    let on_delete = match reference.on_delete {
        OnDelete::Restrict => "NO ACTION".to_owned(),
        OnDelete::Cascade => "CASCADE".to_owned(),
        OnDelete::SetNull => format!("SET NULL ({column})"),
    };
    let sql = format!(
        "ALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY (\"_tenant\", {column}) REFERENCES {} (\"_tenant\", {}) ON DELETE {on_delete} {DEFERRABLE}{}",
        model.table.qualified(),
        quote(&reference.constraint),
        target.table.qualified(),
        target.column_name(target.roles.id),
        if valid { "" } else { " NOT VALID" },
    );
    Ddl { creates: Some(DatabaseObject::ForeignKey(reference.constraint.clone())), ..in_own_transaction(model, sql) }
}

/// Checks that every record satisfies the foreign key.
pub(crate) fn validate_foreign_key(model: &Model, reference: &Reference) -> Ddl {
    let table = model.table.qualified();
    in_own_transaction(model, format!("ALTER TABLE {table} VALIDATE CONSTRAINT {}", quote(&reference.constraint)))
}

/// Makes an existing foreign key deferrable, for keys that earlier versions created without it. It does not read or
/// change rows.
pub fn make_deferrable(model: &Model, reference: &Reference) -> Ddl {
    let (table, name) = (model.table.qualified(), quote(&reference.constraint));
    in_own_transaction(model, format!("ALTER TABLE {table} ALTER CONSTRAINT {name} {DEFERRABLE}"))
}

/// Drops the foreign key.
pub(crate) fn drop_foreign_key(model: &Model, reference: &Reference) -> Ddl {
    let table = model.table.qualified();
    in_own_transaction(model, format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {}", quote(&reference.constraint)))
}

/// Converts a column of texts, where a missing value is the empty text, into one of ids, where it is NULL. Processes of
/// the previous revision still write the empty text: a trigger replaces it with NULL.
pub(crate) fn replace_empty_with_null(model: &Model, reference: &Reference, never_null: bool) -> Vec<Ddl> {
    let (table, column) = (model.table.qualified(), model.column_name(reference.field));
    let (trigger, function) = trigger_names(model, reference);
    let body = quote_literal(&format!("BEGIN NEW.{column} := NULL; RETURN NEW; END"));
    let mut statements = Vec::new();
    if never_null {
        let sql =
            format!("ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL, ALTER COLUMN {column} DROP DEFAULT");
        statements.push(in_shared_transaction(model, sql));
    }
    statements.extend([
        in_shared_transaction(
            model,
            format!("CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS {body}"),
        ),
        in_shared_transaction(
            model,
            format!(
                "CREATE OR REPLACE TRIGGER {trigger} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW \
                 WHEN (NEW.{column} = '') EXECUTE FUNCTION {function}()"
            ),
        ),
        in_batches(model, format!("UPDATE {table} SET {column} = NULL WHERE {column} = ''")),
    ]);
    statements
}

/// Reverts [`replace_empty_with_null`].
pub(crate) fn undo_replace_empty_with_null(model: &Model, reference: &Reference, never_null: bool) -> Vec<Ddl> {
    let table = model.table.qualified();
    let (trigger, function) = trigger_names(model, reference);
    let mut statements = vec![
        in_shared_transaction(model, format!("DROP TRIGGER IF EXISTS {trigger} ON {table}")),
        in_shared_transaction(model, format!("DROP FUNCTION IF EXISTS {function}()")),
    ];
    if never_null {
        statements.extend(forbid_null(model, reference.field));
    }
    statements
}

/// Converts a nullable column of texts into one that is never NULL.
pub fn forbid_null(model: &Model, field: FieldId) -> Vec<Ddl> {
    let (table, column) = (model.table.qualified(), model.column_name(field));
    vec![
        in_shared_transaction(model, format!("ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT ''")),
        in_batches(model, format!("UPDATE {table} SET {column} = '' WHERE {column} IS NULL")),
        in_shared_transaction(model, format!("ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL")),
    ]
}

/// Returns the names of the trigger and of its function.
fn trigger_names(model: &Model, reference: &Reference) -> (String, String) {
    let column = &model.shape().field(reference.field).storage_name;
    let name = quote(&empty_trigger_name(&model.table, column));
    let function = format!("{}.{name}", quote(&model.table.schema));
    (name, function)
}

fn in_own_transaction(model: &Model, sql: String) -> Ddl {
    Ddl { execution: Execution::InOwnTransaction, ..in_shared_transaction(model, sql) }
}

fn in_batches(model: &Model, sql: String) -> Ddl {
    Ddl { execution: Execution::InBatches, ..in_shared_transaction(model, sql) }
}
