//! The statements of an import: built once for each, with columns by their places, so that no name of a field clashes.
//!
//! Staging tables are temporary: nobody else sees them, they are in no log, and they end with the connection. A row of staging is
//! `l` (its line), `v` (the version that it gets), `p` (its event), `g` (whether it has a time of creation), and `c0`, `c1`, … for
//! the columns of the table.

use crate::call::Call;
use groundplan_error::Error;
use groundplan_eventlog::append_selected;
use groundplan_model::catalog::{Index, IndexMethod, Model, Reference};
use groundplan_model::shape::FieldId;
use groundplan_proto::watch::v1::ChangeKind;
use groundplan_query::visibility;

/// What the session of an import is set to. Joins of a large table with a part must use the table's index, and PostgreSQL knows
/// too little of a temporary table to see that.
const SESSION: &str =
    "SET enable_hashjoin = off; SET enable_mergejoin = off; SET work_mem = '32MB'; SET temp_buffers = '32MB'";

/// The statements. `$1` is the tenant.
pub(crate) struct Staging {
    /// Sets the session up.
    pub(crate) prepare: String,
    pub(crate) copy_rows: String,
    pub(crate) copy_changes: String,
    /// Writes new records.
    pub(crate) insert: String,
    /// Line and id of the rows whose ids are taken.
    pub(crate) taken: String,
    /// Line and id of the rows whose ids an earlier row has, or, where rows replace, a later one.
    pub(crate) doubled: String,
    pub(crate) superseded: String,
    /// Line and value of the rows that refer to what is not there.
    pub(crate) references: Vec<(FieldId, String)>,
    /// Lines of the rows that clash with others in a unique index.
    pub(crate) uniques: Vec<(Vec<FieldId>, String)>,
    /// A cursor over the records that are replaced: line, `p`, `g`, version, columns.
    pub(crate) replaced: String,
    /// Writes what they become.
    pub(crate) update: String,
    /// Appends the events of new records: `$2` is the topic, `$3` their number.
    pub(crate) append: String,
    /// Keeps the events of what staging has for the end of the transaction, and appends what is kept.
    pub(crate) keep_events: String,
    pub(crate) append_kept: String,
}

/// Leaves a line of the rows out.
pub(crate) const REMOVE: &str = "DELETE FROM import_rows WHERE l = ANY($1)";

/// Marks lines that a later one replaces; it is undone for all others.
pub(crate) const SUPERSEDE: &str = "UPDATE import_rows SET d = l = ANY($1) WHERE d IS DISTINCT FROM (l = ANY($1))";

/// Leaves out what has been replaced.
pub(crate) const REMOVE_REPLACED: &str = "DELETE FROM import_rows WHERE l IN (SELECT l FROM import_changes)";

/// Empties staging within a transaction.
pub(crate) const EMPTY: &str = "TRUNCATE import_rows, import_changes";

impl Staging {
    pub(crate) fn new(call: &Call<'_>) -> Result<Self, Error> {
        let model = &call.table.model;
        let fields: Vec<FieldId> = call.table.columns.iter().map(|column| column.field).collect();
        let of = Of { model, fields: &fields };
        let references = model.references.iter().map(|reference| {
            let target = &call.related(&reference.target)?.model;
            Ok((reference.field, of.dangling(reference, target)))
        });
        let uniques = model.indexes.iter().filter(|index| index.unique && index.method == IndexMethod::Ordered);
        Ok(Self {
            prepare: of.prepare(),
            copy_rows: of.copy("import_rows"),
            copy_changes: of.copy("import_changes"),
            insert: of.insert(),
            taken: of.taken(),
            doubled: of.doubled(""),
            superseded: of.doubled(" DESC"),
            references: references.collect::<Result<_, Error>>()?,
            uniques: uniques.map(|index| of.clashing(index)).collect(),
            replaced: of.replaced(),
            update: of.update(),
            append: append_selected(&of.events("import_rows", ChangeKind::Created)),
            keep_events: format!(
                "INSERT INTO import_events {} UNION ALL {}",
                of.events("import_rows", ChangeKind::Created),
                of.events("import_changes", ChangeKind::Updated)
            ),
            append_kept: append_selected("SELECT line, key, kind, payload FROM import_events"),
        })
    }
}

/// The model whose statements are built.
struct Of<'a> {
    model: &'a Model,
    fields: &'a [FieldId],
}

impl Of<'_> {
    /// The column of staging that has a field.
    fn staged(&self, field: FieldId) -> String {
        let at = self.fields.iter().position(|candidate| *candidate == field);
        // All fields but the etag, of which nothing is asked here, have a column.
        at.map_or_else(|| "NULL".to_owned(), |at| format!("c{at}"))
    }

    fn table(&self) -> String {
        self.model.table.qualified()
    }

    /// The columns of the table, and those of staging.
    fn pairs(&self) -> impl Iterator<Item = (String, String)> {
        self.fields.iter().map(|field| (self.model.column_name(*field), self.staged(*field)))
    }

    fn id(&self) -> (String, String) {
        (self.model.column_name(self.model.roles.id), self.staged(self.model.roles.id))
    }

    fn prepare(&self) -> String {
        let columns: String = self.pairs().map(|(column, staged)| format!(", t.{column} AS {staged}")).collect();
        let make = |name: &str| {
            format!(
                "CREATE TEMPORARY TABLE {name} ON COMMIT DELETE ROWS AS SELECT NULL::bigint AS l, NULL::bigint AS v, \
                 NULL::bytea AS p, NULL::boolean AS g{columns} FROM {} t WITH NO DATA",
                self.table()
            )
        };
        format!(
            "{SESSION}; {}; {}; CREATE TEMPORARY TABLE import_events (line bigint, key text COLLATE \"C\", kind smallint, \
             payload bytea) ON COMMIT DELETE ROWS; ALTER TABLE import_rows ADD COLUMN d boolean NOT NULL DEFAULT false",
            make("import_rows"),
            make("import_changes")
        )
    }

    fn copy(&self, staging: &str) -> String {
        let staged: String = self.pairs().map(|(_, staged)| format!(", {staged}")).collect();
        format!("COPY {staging} (l, v, p, g{staged}) FROM STDIN (FORMAT binary)")
    }

    fn insert(&self) -> String {
        let (columns, staged): (Vec<String>, Vec<String>) = self.pairs().unzip();
        format!(
            "INSERT INTO {} (_tenant, _version, {}) SELECT $1, v, {} FROM import_rows ON CONFLICT (_tenant, {}) DO NOTHING",
            self.table(),
            columns.join(", "),
            staged.join(", "),
            self.id().0
        )
    }

    /// Each look at the table is by its index: a subquery is never turned into a join.
    fn taken(&self) -> String {
        let (id, staged) = self.id();
        format!(
            "SELECT s.l, s.{staged}::text FROM import_rows s WHERE (SELECT true FROM {} t WHERE t._tenant = $1 AND t.{id} = s.{staged})",
            self.table()
        )
    }

    fn doubled(&self, direction: &str) -> String {
        let staged = self.id().1;
        format!(
            "SELECT l, {staged}::text FROM (SELECT l, {staged}, row_number() OVER (PARTITION BY {staged} ORDER BY l{direction}) AS n \
             FROM import_rows) s WHERE n > 1 AND $1::text IS NOT NULL"
        )
    }

    fn dangling(&self, reference: &Reference, target: &Model) -> String {
        let staged = self.staged(reference.field);
        let (table, id) = (target.table.qualified(), target.column_name(target.roles.id));
        let within = if target.full_name == self.model.full_name {
            // Hashed once, whatever the session says of joins.
            format!(" AND s.{staged} NOT IN (SELECT {} FROM import_rows WHERE NOT d)", self.id().1)
        } else {
            String::new()
        };
        let (living, kept) = if visibility::can_hide_records(target) {
            // Locked, so that it stays until the import is done. Who referred to it before it was gone may go on.
            let lives = visibility::visible(target, "t") + " FOR KEY SHARE";
            let (own_id, own_staged) = self.id();
            let column = self.model.column_name(reference.field);
            let kept = format!(
                " AND (SELECT true FROM {} o WHERE o._tenant = $1 AND o.{own_id} = s.{own_staged} AND o.{column} = s.{staged}) IS NULL",
                self.table()
            );
            (lives, kept)
        } else {
            Default::default()
        };
        format!(
            "SELECT s.l, s.{staged}::text FROM import_rows s WHERE NOT s.d AND s.{staged} IS NOT NULL \
             AND (SELECT true FROM {table} t WHERE t._tenant = $1 AND t.{id} = s.{staged}{living}) IS NULL{kept}{within}"
        )
    }

    /// Values that an earlier row has, or a record that is another one.
    fn clashing(&self, index: &Index) -> (Vec<FieldId>, String) {
        let fields: Vec<FieldId> = index.fields.iter().map(|indexed| indexed.field).collect();
        let pairs: Vec<(String, String)> =
            fields.iter().map(|field| (self.model.column_name(*field), self.staged(*field))).collect();
        let staged: Vec<String> = pairs.iter().map(|(_, staged)| staged.clone()).collect();
        let there: String = staged.iter().map(|staged| format!(" AND {staged} IS NOT NULL")).collect();
        let same: String = pairs.iter().map(|(column, staged)| format!(" AND t.{column} = s.{staged}")).collect();
        let deleted = self.model.roles.deleted_at.filter(|_| index.excludes_deleted);
        let lives = |prefix: &str, column: String| format!(" AND {prefix}{column} IS NULL");
        let (of_row, of_record) = match deleted {
            Some(field) => (lives("", self.staged(field)), lives("t.", self.model.column_name(field))),
            None => (String::new(), String::new()),
        };
        let (id, staged_id) = self.id();
        let sql = format!(
            "SELECT s.l, s.{staged_id}::text FROM (SELECT *, row_number() OVER (PARTITION BY {} ORDER BY l) AS n FROM import_rows \
             WHERE NOT d{there}{of_row}) s WHERE s.n > 1 OR (SELECT true FROM {} t WHERE t._tenant = $1{same}{of_record} \
             AND t.{id} <> s.{staged_id} LIMIT 1)",
            staged.join(", "),
            self.table()
        );
        (fields, sql)
    }

    fn replaced(&self) -> String {
        let (id, staged) = self.id();
        let columns: String = self.pairs().map(|(column, _)| format!(", t.{column}")).collect();
        format!(
            "DECLARE replaced NO SCROLL CURSOR FOR SELECT s.l, s.p, s.g, t._version{columns} FROM import_rows s \
             JOIN {} t ON t._tenant = $1 AND t.{id} = s.{staged} WHERE NOT s.d ORDER BY s.l FOR UPDATE OF t",
            self.table()
        )
    }

    fn update(&self) -> String {
        let (id, staged_id) = self.id();
        let changes: String = self
            .pairs()
            .filter(|(column, _)| *column != id)
            .map(|(column, staged)| format!(", {column} = s.{staged}"))
            .collect();
        format!(
            "UPDATE {} t SET _version = s.v{changes} FROM import_changes s WHERE t._tenant = $1 AND t.{id} = s.{staged_id}",
            self.table()
        )
    }

    fn events(&self, staging: &str, kind: ChangeKind) -> String {
        format!(
            "SELECT l AS line, {}::text AS key, {}::smallint AS kind, p AS payload FROM {staging}",
            self.id().1,
            kind as i32
        )
    }
}
