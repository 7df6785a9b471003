//! What is served: one immutable value a revision, compiled from descriptors, shared by all requests that began with it.

mod formula;
mod method;

use crate::shape::{FieldId, ShapeId, Shapes};
use bytes::Bytes;
pub use method::{Method, MethodKind};
use prost_reflect::DescriptorPool;
use std::collections::HashMap;
use std::sync::Arc;

/// Everything of one revision.
#[derive(Debug)]
pub struct Catalog {
    /// The revision's number; 0 for a catalog that was not applied.
    pub revision: i64,
    /// Models, what they import, and the derived services.
    pub pool: DescriptorPool,
    /// The same, serialized, options and comments kept.
    pub descriptor_set: Bytes,
    /// The message types that models are made of.
    pub shapes: Arc<Shapes>,
    /// The models, by full name in order.
    pub models: Vec<Arc<Model>>,
    pub(crate) methods: HashMap<String, Method>,
    pub(crate) collections: HashMap<String, usize>,
}

/// A resource type.
#[derive(Debug)]
pub struct Model {
    /// Such as `example.v1.Entity`.
    pub full_name: String,
    /// Such as `Entity`.
    pub name: String,
    /// The plural in UpperCamel, such as `Entities`.
    pub plural: String,
    /// The message's first comment, without markers; empty if there is none.
    pub comment: String,
    /// The derived service's full name, such as `example.v1.EntityService`.
    pub service: String,
    /// The name of the field that holds the record in requests, such as `entity`.
    pub singular_field: String,
    /// The name of the field that holds the records in a list, such as `entities`.
    pub plural_field: String,
    /// The name of the field that holds the record in events of a watch and in revisions: that of `singular_field`, or
    /// `record` where another field of theirs is called so.
    pub event_field: String,
    /// Of the path `/api/<version>/<resource>`.
    pub version: String,
    /// Of the path `/api/<version>/<resource>`.
    pub resource: String,
    /// The message.
    pub shape: ShapeId,
    /// The message types that `shape` is in, so that a model can be handed around alone.
    pub shapes: Arc<Shapes>,
    /// Which ids the records have.
    pub id_format: IdFormat,
    /// Which past states of records can be read; none if there is none.
    pub history: Option<History>,
    /// How deleted records are kept; none if they are gone at once. With it, [`Roles::deleted_at`] is there.
    pub soft_delete: Option<SoftDelete>,
    /// How records end by themselves; none if they do not. With it, [`Roles::expires_at`] is there.
    pub expiry: Option<Expiry>,
    /// What fields without a value get when a record is created: CEL, in the order of the fields' numbers.
    pub defaults: Vec<Formula>,
    /// What the server computes at each write: CEL, in the order of the fields' numbers.
    pub computed: Vec<Formula>,
    /// The system's own fields.
    pub roles: Roles,
    /// Where the records are.
    pub table: Table,
    /// The indexes beside the primary key: those that are declared, then those that references imply.
    pub indexes: Vec<Index>,
    /// The fields that hold ids of other records, in the order of their numbers.
    pub references: Vec<Reference>,
    /// The references of all models that lead here, by model and field in order.
    pub referrers: Vec<Referrer>,
}

/// A field that holds the id of another record. Its column is nullable: an empty id is NULL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub field: FieldId,
    /// The name of a step along it in expressions and `expand`: the field's name without `_id` at its end, or the field's
    /// name as it is where another field has the shorter one.
    pub name: String,
    /// The full name of the other model.
    pub target: String,
    /// Which ids the records of the other model have.
    pub target_ids: IdFormat,
    pub on_delete: OnDelete,
    /// The name of the way back, on the other model.
    pub inverse: Option<String>,
    /// The name of the foreign key, unique in the table.
    pub constraint: String,
}

/// A reference as seen from the model that it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// The full name of the model that has the reference.
    pub model: String,
    /// The field of that model.
    pub field: FieldId,
    pub on_delete: OnDelete,
    /// The name of the way from here to there, such as `books`.
    pub inverse: Option<String>,
}

/// What becomes of a record when the one that it refers to is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDelete {
    Restrict,
    Cascade,
    SetNull,
}

impl OnDelete {
    /// As models write it.
    pub fn option_name(self) -> &'static str {
        match self {
            Self::Restrict => "ON_DELETE_RESTRICT",
            Self::Cascade => "ON_DELETE_CASCADE",
            Self::SetNull => "ON_DELETE_SET_NULL",
        }
    }
}

/// Which ids records have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdFormat {
    /// A UUID, made by the server unless the caller gives one.
    UuidV7,
    /// A string that the caller gives.
    ClientAssigned,
}

impl IdFormat {
    /// As models write it.
    pub fn option_name(self) -> &'static str {
        match self {
            Self::UuidV7 => "ID_FORMAT_UUID_V7",
            Self::ClientAssigned => "ID_FORMAT_CLIENT_ASSIGNED",
        }
    }
}

/// The past states of records that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// For how many days: 1 to 3,650.
    pub retention_days: u16,
}

/// How deleted records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftDelete {
    /// For how many days a deleted record can be undeleted: 1 to 3,650.
    pub retention_days: u16,
}

/// How records end by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// How long a record lives whose creator gave no time, in microseconds, more than 0; none: for ever.
    pub ttl: Option<i64>,
}

/// A value that a field gets by an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formula {
    pub field: FieldId,
    /// CEL over the model's fields.
    pub source: String,
}

/// The fields that the system sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    pub id: FieldId,
    pub created_at: Option<FieldId>,
    pub updated_at: Option<FieldId>,
    pub etag: Option<FieldId>,
    /// When a record of a soft-deleting model was deleted; absent while it lives.
    pub deleted_at: Option<FieldId>,
    /// When a record of an expiring model ends; absent: never.
    pub expires_at: Option<FieldId>,
}

/// A PostgreSQL table. Names are not quoted: quote them with [`crate::quote`].
///
/// Besides its fields' columns a table has `_tenant text` and `_version bigint`; the primary key is `(_tenant, <id>)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    /// Of the package: `example.v1` gives `example_v1`.
    pub schema: String,
    /// Of the message: `LineItem` gives `line_item`.
    pub name: String,
}

impl Table {
    /// The table in a statement: its schema and its name, both quoted.
    pub fn qualified(&self) -> String {
        format!("{}.{}", crate::quote(&self.schema), crate::quote(&self.name))
    }
}

/// An index of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Unique in the PostgreSQL schema, and derived from everything that makes the index what it is.
    pub name: String,
    pub fields: Vec<IndexField>,
    pub unique: bool,
    pub reason: String,
    pub method: IndexMethod,
    /// Whether it holds only records that are not deleted: unique indexes of soft-deleting models do.
    pub living_only: bool,
}

/// What an index serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexMethod {
    /// A b-tree on `_tenant`, the fields, and the id: equality, ranges, prefixes, order.
    Ordered,
    /// A GIN index of the trigrams of one string field.
    Trigram,
    /// A GIN index of the words of one string field, by a text search configuration of PostgreSQL.
    Search { language: String },
    /// A GIN index of the elements of one repeated scalar field.
    Elements,
    /// A b-tree on one time alone, of the records of all tenants that have it: for the purge.
    Purge,
}

/// A field of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexField {
    pub field: FieldId,
    pub descending: bool,
}

impl Catalog {
    /// The method of a gRPC path such as `/example.v1.EntityService/GetEntity`.
    pub fn method(&self, path: &str) -> Option<&Method> {
        self.methods.get(path)
    }

    /// The paths of all methods.
    pub fn method_paths(&self) -> impl Iterator<Item = &str> {
        self.methods.keys().map(String::as_str)
    }

    /// The model at `/api/<version>/<resource>`.
    pub fn collection(&self, version: &str, resource: &str) -> Option<&Arc<Model>> {
        self.collections.get(&format!("{version}/{resource}")).map(|&at| &self.models[at])
    }

    /// The model of a full name.
    pub fn model(&self, full_name: &str) -> Option<&Arc<Model>> {
        self.models.binary_search_by(|model| model.full_name.as_str().cmp(full_name)).ok().map(|at| &self.models[at])
    }
}

impl Model {
    /// A field's column in a statement: its name, quoted.
    pub fn column_name(&self, field: FieldId) -> String {
        crate::quote(&self.shape().field(field).storage_name)
    }

    /// The reference that a field holds, if it is one.
    pub fn reference(&self, field: FieldId) -> Option<&Reference> {
        self.references.iter().find(|reference| reference.field == field)
    }

    /// The message's shape.
    pub fn shape(&self) -> &crate::shape::Shape {
        self.shapes.get(self.shape)
    }
}
