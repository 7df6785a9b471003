//! The staging tables of an import and its statements, built once per import. Columns have numbers, so that field names cannot
//! collide.
//!
//! Staging tables are temporary: other sessions do not see them, they are not in the WAL, and they end with the connection. Their
//! columns are `l` (line), `v` (new version), `p` (event), `g` (whether the row has a creation time), and `c0`, `c1`, … for the
//! columns of the table.

use crate::call::Call;
use groundplan_error::Error;
use groundplan_eventlog::append_selected;
use groundplan_model::catalog::{Index, IndexMethod, Model, Reference};
use groundplan_model::shape::FieldId;
use groundplan_proto::watch::v1::ChangeKind;
use groundplan_query::visibility;

/// The settings of an import's session. Joins of a large table with a part must use the table's index, and PostgreSQL has no
/// statistics of a temporary table to decide that.
const SESSION: &str =
    "SET enable_hashjoin = off; SET enable_mergejoin = off; SET work_mem = '32MB'; SET temp_buffers = '32MB'";

/// The statements of an import. `$1` is the tenant.
pub(crate) struct Staging {
    /// Prepares the session.
    pub(crate) prepare: String,
    pub(crate) copy_rows: String,
    pub(crate) copy_changes: String,
    /// Writes new records.
    pub(crate) insert: String,
    /// Selects line and id of the rows whose ids exist.
    pub(crate) taken: String,
    /// Selects line and id of the rows whose ids an earlier row has.
    pub(crate) doubled: String,
    /// Selects line and id of the rows whose ids a later row has.
    pub(crate) superseded: String,
    /// Select line and value of the rows that refer to records that do not exist.
    pub(crate) references: Vec<(FieldId, String)>,
    /// Select lines of the rows that repeat values of a unique index.
    pub(crate) uniques: Vec<(Vec<FieldId>, String)>,
    /// Declares a cursor over the replaced records: line, `p`, `g`, version, columns.
    pub(crate) replaced: String,
    /// Writes the new state of the replaced records.
    pub(crate) update: String,
    /// Appends the events of new records. `$2` is the topic, `$3` their number.
    pub(crate) append: String,
    /// Saves the events of the staging tables for the end of the transaction.
    pub(crate) keep_events: String,
    /// Appends the saved events.
    pub(crate) append_kept: String,
}

/// Removes lines from the rows.
pub(crate) const REMOVE: &str = "DELETE FROM import_rows WHERE l = ANY($1)";

/// Marks lines that a later line replaces, and unmarks all others.
pub(crate) const SUPERSEDE: &str = "UPDATE import_rows SET d = l = ANY($1) WHERE d IS DISTINCT FROM (l = ANY($1))";

/// Removes the rows that replaced a record.
pub(crate) const REMOVE_REPLACED: &str = "DELETE FROM import_rows WHERE l IN (SELECT l FROM import_changes)";

/// Empties the staging tables within a transaction.
pub(crate) const EMPTY: &str = "TRUNCATE import_rows, import_changes";

impl Staging {
    pub(crate) fn new(call: &Call<'_>) -> Result<Self, Error> {
        let model = &call.table.model;
        let fields: Vec<FieldId> = call.table.columns.iter().map(|column| column.field).collect();
        let builder = StatementBuilder { model, fields: &fields };
        let references = model.references.iter().map(|reference| {
            let target = &call.related(&reference.target)?.model;
            Ok((reference.field, builder.orphaned(reference, target)))
        });
        let uniques = model.indexes.iter().filter(|index| index.unique && index.method == IndexMethod::Ordered);
        Ok(Self {
            prepare: builder.prepare(),
            copy_rows: builder.copy("import_rows"),
            copy_changes: builder.copy("import_changes"),
            insert: builder.insert(),
            taken: builder.taken(),
            doubled: builder.doubled(""),
            superseded: builder.doubled(" DESC"),
            references: references.collect::<Result<_, Error>>()?,
            uniques: uniques.map(|index| builder.unique_violations(index)).collect(),
            replaced: builder.replaced(),
            update: builder.update(),
            append: append_selected(&builder.events("import_rows", ChangeKind::Created)),
            keep_events: format!(
                "INSERT INTO import_events {} UNION ALL {}",
                builder.events("import_rows", ChangeKind::Created),
                builder.events("import_changes", ChangeKind::Updated)
            ),
            append_kept: append_selected("SELECT line, key, kind, payload FROM import_events"),
        })
    }
}

/// The builder of a model's statements.
struct StatementBuilder<'a> {
    model: &'a Model,
    fields: &'a [FieldId],
}

impl StatementBuilder<'_> {
    /// Returns the staging column of a field.
    fn staged(&self, field: FieldId) -> String {
        let at = self.fields.iter().position(|candidate| *candidate == field);
        // All fields except the etag, which is not used here, have a column.
        at.map_or_else(|| "NULL".to_owned(), |at| format!("c{at}"))
    }

    fn table(&self) -> String {
        self.model.table.qualified()
    }

    /// Returns the columns of the table with their staging columns.
    fn pairs(&self) -> impl Iterator<Item = (String, String)> {
        self.fields.iter().map(|field| (self.model.column_name(*field), self.staged(*field)))
    }

    fn id(&self) -> (String, String) {
        (self.model.column_name(self.model.roles.id), self.staged(self.model.roles.id))
    }

    fn prepare(&self) -> String {
        let columns: String = self.pairs().map(|(column, staged)| format!(", t.{column} AS {staged}")).collect();
        let create = |name: &str| {
            format!(
                "CREATE TEMPORARY TABLE {name} ON COMMIT DELETE ROWS AS SELECT NULL::bigint AS l, NULL::bigint AS v, \
                 NULL::bytea AS p, NULL::boolean AS g{columns} FROM {} t WITH NO DATA",
                self.table()
            )
        };
        format!(
            "{SESSION}; {}; {}; CREATE TEMPORARY TABLE import_events (line bigint, key text COLLATE \"C\", kind smallint, \
             payload bytea) ON COMMIT DELETE ROWS; ALTER TABLE import_rows ADD COLUMN d boolean NOT NULL DEFAULT false",
            create("import_rows"),
            create("import_changes")
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

    /// Looks up each row by the table's index: PostgreSQL does not convert such a subquery to a join.
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

    fn orphaned(&self, reference: &Reference, target: &Model) -> String {
        let staged = self.staged(reference.field);
        let (table, id) = (target.table.qualified(), target.column_name(target.roles.id));
        let within = if target.full_name == self.model.full_name {
            // PostgreSQL hashes this once, independently of the join settings.
            format!(" AND s.{staged} NOT IN (SELECT {} FROM import_rows WHERE NOT d)", self.id().1)
        } else {
            String::new()
        };
        let (visible, kept) = if visibility::can_hide_records(target) {
            // The lock keeps the target until the end of the import. Records that referred to it before its deletion remain valid.
            let visible = visibility::visible(target, "t") + " FOR KEY SHARE";
            let (own_id, own_staged) = self.id();
            let column = self.model.column_name(reference.field);
            let kept = format!(
                " AND (SELECT true FROM {} o WHERE o._tenant = $1 AND o.{own_id} = s.{own_staged} AND o.{column} = s.{staged}) IS NULL",
                self.table()
            );
            (visible, kept)
        } else {
            Default::default()
        };
        format!(
            "SELECT s.l, s.{staged}::text FROM import_rows s WHERE NOT s.d AND s.{staged} IS NOT NULL \
             AND (SELECT true FROM {table} t WHERE t._tenant = $1 AND t.{id} = s.{staged}{visible}) IS NULL{kept}{within}"
        )
    }

    /// Finds values that an earlier row or another record has.
    fn unique_violations(&self, index: &Index) -> (Vec<FieldId>, String) {
        let fields: Vec<FieldId> = index.fields.iter().map(|indexed| indexed.field).collect();
        let pairs: Vec<(String, String)> =
            fields.iter().map(|field| (self.model.column_name(*field), self.staged(*field))).collect();
        let staged: Vec<String> = pairs.iter().map(|(_, staged)| staged.clone()).collect();
        let not_null: String = staged.iter().map(|staged| format!(" AND {staged} IS NOT NULL")).collect();
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
             WHERE NOT d{not_null}{of_row}) s WHERE s.n > 1 OR (SELECT true FROM {} t WHERE t._tenant = $1{same}{of_record} \
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
