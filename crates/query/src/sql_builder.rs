//! A builder for SQL statements with binds.

use groundplan_chassis::database::{Bind, Sql, oid};
use groundplan_expr::{Fragment, Slot};
use std::borrow::Cow;

/// A statement under construction: its text and its binds.
#[derive(Debug, Default)]
pub struct SqlBuilder {
    text: String,
    binds: Vec<Bind>,
    /// PostgreSQL's types of the binds.
    types: Vec<Cow<'static, str>>,
}

impl SqlBuilder {
    /// Adds text without input of callers and without `?`.
    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a bind whose type PostgreSQL infers from its context.
    pub fn value(&mut self, bind: Bind, of_type: &'static str) -> &mut Self {
        self.text.push('?');
        self.binds.push(bind);
        self.types.push(Cow::Borrowed(of_type));
        self
    }

    /// Adds a bind with a cast to its type.
    pub fn cast(&mut self, bind: Bind, of_type: &'static str) -> &mut Self {
        self.value(bind, of_type).push("::").push(of_type)
    }

    /// Adds a compiled expression. `now` is the time of the request in microseconds since the Unix epoch.
    pub fn fragment(&mut self, fragment: &Fragment, now: i64) -> &mut Self {
        let mut suffixes = fragment.text.split('?').skip(1);
        for slot in &fragment.slots {
            let cast = suffixes.next().and_then(|text| text.strip_prefix("::")).unwrap_or_default();
            let (bind, of_type) = value(slot, now, cast);
            self.binds.push(bind);
            self.types.push(of_type);
        }
        self.push(&fragment.text)
    }

    /// Adds the text and the binds of another builder.
    pub fn append(&mut self, other: Self) -> &mut Self {
        self.binds.extend(other.binds);
        self.types.extend(other.types);
        self.push(&other.text)
    }

    /// Returns the text, with a `?` for each bind.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn binds(&self) -> &[Bind] {
        &self.binds
    }

    /// Returns the text as PostgreSQL gets it, and the types of the binds.
    pub fn explained(self) -> (String, Vec<String>) {
        let types = self.types.into_iter().map(Cow::into_owned).collect();
        (Sql::once(&self.text).numbered(), types)
    }
}

/// Returns a bind in PostgreSQL's format with its type. `cast` is the type cast after it in the statement.
fn value(slot: &Slot, now: i64, cast: &str) -> (Bind, Cow<'static, str>) {
    let bind = match slot {
        Slot::Boolean(value) => Bind::bool(*value),
        Slot::Bigint(value) => Bind::i64(*value),
        Slot::Integer(value) => Bind::i32(*value),
        Slot::Numeric(value) => Bind::numeric(*value),
        Slot::DoublePrecision(value) => Bind::f64(*value),
        Slot::Text(value) => Bind::text(value),
        Slot::Bytea(value) => Bind::bytes(value.clone()),
        Slot::Uuid(value) => Bind::uuid(*value),
        Slot::Timestamptz(value) => Bind::timestamptz(*value),
        Slot::Interval(value) => Bind::interval(*value),
        Slot::Now => Bind::timestamptz(now),
        Slot::Array(items) => {
            let (name, element) = items.first().map_or_else(|| named(cast), of_slot);
            let items: Vec<Bind> = items.iter().map(|item| value(item, now, "").0).collect();
            return (Bind::array(element, &items), Cow::Owned(format!("{name}[]")));
        }
    };
    (bind, Cow::Borrowed(of_slot(slot).0))
}

/// The supported types: PostgreSQL's name and OID.
const TYPES: [(&str, u32); 10] = [
    ("text", oid::TEXT),
    ("boolean", oid::BOOL),
    ("bigint", oid::INT8),
    ("integer", oid::INT4),
    ("numeric", oid::NUMERIC),
    ("double precision", oid::FLOAT8),
    ("bytea", oid::BYTEA),
    ("uuid", oid::UUID),
    ("timestamptz", oid::TIMESTAMPTZ),
    ("interval", oid::INTERVAL),
];

/// Returns the element type at the start of a cast such as `bigint[]`, for arrays without elements.
fn named(cast: &str) -> (&'static str, u32) {
    TYPES.into_iter().find(|(name, _)| cast.starts_with(name)).unwrap_or(("text", oid::TEXT))
}

fn of_slot(slot: &Slot) -> (&'static str, u32) {
    named(match slot {
        Slot::Boolean(_) => "boolean",
        Slot::Bigint(_) => "bigint",
        Slot::Integer(_) => "integer",
        Slot::Numeric(_) => "numeric",
        Slot::DoublePrecision(_) => "double precision",
        // Arrays of arrays do not exist.
        Slot::Text(_) | Slot::Array(_) => "text",
        Slot::Bytea(_) => "bytea",
        Slot::Uuid(_) => "uuid",
        Slot::Timestamptz(_) | Slot::Now => "timestamptz",
        Slot::Interval(_) => "interval",
    })
}

#[cfg(test)]
mod tests {
    use super::SqlBuilder;
    use groundplan_chassis::database::{Bind, oid};
    use groundplan_expr::{Fragment, Slot};

    #[test]
    fn binds_keep_their_order_and_types() {
        let mut builder = SqlBuilder::default();
        builder.push("SELECT 1 WHERE _tenant = ").value(Bind::text("a"), "text").push(" AND ");
        let slots = vec![Slot::Array(vec![Slot::Bigint(3)]), Slot::Array(vec![]), Slot::Now];
        let fragment = Fragment { text: "a = ANY(?) AND b = ANY(?::double precision[]) AND c < ?".into(), slots };
        builder.fragment(&fragment, 7).push(" AND id > ").cast(Bind::uuid([0; 16]), "uuid");
        assert_eq!(builder.binds()[1], Bind::array(oid::INT8, &[Bind::i64(3)]));
        assert_eq!(builder.binds()[2], Bind::array(oid::FLOAT8, &[]));
        assert_eq!(builder.binds()[3], Bind::timestamptz(7));
        let (text, types) = builder.explained();
        assert_eq!(
            text,
            "SELECT 1 WHERE _tenant = $1 AND a = ANY($2) AND b = ANY($3::double precision[]) AND c < $4 AND id > $5::uuid"
        );
        assert_eq!(types, ["text", "bigint[]", "double precision[]", "timestamptz", "uuid"]);
    }
}
