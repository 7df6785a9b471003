//! The served models of one revision: an immutable value, compiled from descriptors and shared by all requests that
//! started with it.

mod formula;
mod method;

use crate::shape::{FieldId, ShapeId, Shapes};
use bytes::Bytes;
pub use method::{Method, MethodKind};
use prost_reflect::DescriptorPool;
use std::collections::HashMap;
use std::sync::Arc;

/// The models of one revision.
#[derive(Debug)]
pub struct Catalog {
    /// The revision's number; 0 for a catalog that has not been applied.
    pub revision: i64,
    /// The models, their imports, and the derived services.
    pub pool: DescriptorPool,
    /// The files of `pool`, serialized with options and comments.
    pub descriptor_set: Bytes,
    /// The message types that the models use.
    pub shapes: Arc<Shapes>,
    /// The models, sorted by full name.
    pub models: Vec<Arc<Model>>,
    pub(crate) methods: HashMap<String, Method>,
    pub(crate) collections: HashMap<String, usize>,
}

/// A resource type.
#[derive(Debug)]
pub struct Model {
    /// The message's full name, such as `example.v1.Entity`.
    pub full_name: String,
    /// The message's name, such as `Entity`.
    pub name: String,
    /// The plural in UpperCamelCase, such as `Entities`.
    pub plural: String,
    /// The message's comment, without markers; empty if it has none.
    pub comment: String,
    /// The derived service's full name, such as `example.v1.EntityService`.
    pub service: String,
    /// The name of the field that holds the record in requests, such as `entity`.
    pub singular_field: String,
    /// The name of the field that holds the records in a list, such as `entities`.
    pub plural_field: String,
    /// The name of the field that holds the record in watch events and in revisions: `singular_field`, or `record` if
    /// another field of those messages has that name.
    pub event_field: String,
    /// Of the path `/api/<version>/<resource>`.
    pub version: String,
    /// Of the path `/api/<version>/<resource>`.
    pub resource: String,
    /// The message.
    pub shape: ShapeId,
    /// All message types, so that a model can be used without its catalog.
    pub shapes: Arc<Shapes>,
    /// The format of the records' ids.
    pub id_format: IdFormat,
    /// How long past states of records are kept; `None` if they are not.
    pub history: Option<History>,
    /// How long deleted records are kept; `None` if they are removed immediately. Otherwise, [`Roles::deleted_at`] is
    /// set.
    pub soft_delete: Option<SoftDelete>,
    /// When records expire; `None` if they do not. Otherwise, [`Roles::expires_at`] is set.
    pub expiry: Option<Expiry>,
    /// The CEL expressions that set fields without a value when a record is created, in the order of field numbers.
    pub defaults: Vec<Formula>,
    /// The CEL expressions that the server evaluates at each write, in the order of field numbers.
    pub computed: Vec<Formula>,
    /// The fields that the system uses.
    pub roles: Roles,
    /// The table that stores the records.
    pub table: Table,
    /// The indexes in addition to the primary key: first the declared ones, then those that references imply.
    pub indexes: Vec<Index>,
    /// The fields that hold ids of other records, in the order of field numbers.
    pub references: Vec<Reference>,
    /// The references of all models to this one, sorted by model and field.
    pub referrers: Vec<Referrer>,
}

/// A field that holds the id of another record. Its column is nullable: an empty id is stored as NULL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub field: FieldId,
    /// The name by which expressions and `expand` follow the reference: the field's name without the suffix `_id`, or
    /// the whole name if another field has the shorter one.
    pub name: String,
    /// The full name of the referenced model.
    pub target: String,
    /// The id format of the referenced model.
    pub target_ids: IdFormat,
    pub on_delete: OnDelete,
    /// The name of the inverse relation on the referenced model.
    pub inverse: Option<String>,
    /// The name of the foreign key, unique in the table.
    pub constraint: String,
}

/// A reference as seen from the referenced model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// The full name of the referencing model.
    pub model: String,
    /// The field of the referencing model.
    pub field: FieldId,
    pub on_delete: OnDelete,
    /// The name of the inverse relation, such as `books`.
    pub inverse: Option<String>,
}

/// What happens to a record when the record that it references is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDelete {
    Restrict,
    Cascade,
    SetNull,
}

impl OnDelete {
    /// Returns the name of the value in models.
    pub fn option_name(self) -> &'static str {
        match self {
            Self::Restrict => "ON_DELETE_RESTRICT",
            Self::Cascade => "ON_DELETE_CASCADE",
            Self::SetNull => "ON_DELETE_SET_NULL",
        }
    }
}

/// The format of the ids of a model's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdFormat {
    /// A UUID that the server generates unless the caller sets one.
    UuidV7,
    /// A string that the caller sets.
    ClientAssigned,
}

impl IdFormat {
    /// Returns the name of the value in models.
    pub fn option_name(self) -> &'static str {
        match self {
            Self::UuidV7 => "ID_FORMAT_UUID_V7",
            Self::ClientAssigned => "ID_FORMAT_CLIENT_ASSIGNED",
        }
    }
}

/// The retention of past states of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// The number of days, 1 to 3,650.
    pub retention_days: u16,
}

/// The retention of deleted records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftDelete {
    /// The number of days during which a deleted record can be undeleted, 1 to 3,650.
    pub retention_days: u16,
}

/// The expiry of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// The default lifetime in microseconds, more than 0; `None` means that records do not expire by default.
    pub ttl: Option<i64>,
}

/// An expression that sets a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formula {
    pub field: FieldId,
    /// The CEL expression over the model's fields.
    pub source: String,
}

/// The fields that the system sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    pub id: FieldId,
    pub created_at: Option<FieldId>,
    pub updated_at: Option<FieldId>,
    pub etag: Option<FieldId>,
    /// The time at which a record was deleted; absent while it is not. Only models with soft delete have it.
    pub deleted_at: Option<FieldId>,
    /// The time at which a record expires; absent if it does not. Only models with expiry have it.
    pub expires_at: Option<FieldId>,
}

/// A PostgreSQL table. Names are not quoted; use [`crate::quote`].
///
/// In addition to the columns of fields, a table has `_tenant text` and `_version bigint`; the primary key is
/// `(_tenant, <id>)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    /// The schema, derived from the package: `example.v1` gives `example_v1`.
    pub schema: String,
    /// The name, derived from the message: `LineItem` gives `line_item`.
    pub name: String,
}

impl Table {
    /// Returns the schema and the name for a statement, both quoted.
    pub fn qualified(&self) -> String {
        format!("{}.{}", crate::quote(&self.schema), crate::quote(&self.name))
    }
}

/// An index of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// The name: unique in the PostgreSQL schema, and derived from the definition of the index.
    pub name: String,
    pub fields: Vec<IndexField>,
    pub unique: bool,
    pub reason: String,
    pub method: IndexMethod,
    /// Whether the index excludes deleted records, as unique indexes of models with soft delete do.
    pub excludes_deleted: bool,
}

/// The method of an index, and the queries that it supports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexMethod {
    /// A b-tree on `_tenant`, the fields and the id, for equality, ranges, prefixes and order.
    Ordered,
    /// A GIN index of the trigrams of one string field.
    Trigram,
    /// A GIN index of the words of one string field, with a text search configuration of PostgreSQL.
    Search { language: String },
    /// A GIN index of the elements of one repeated scalar field.
    Elements,
    /// A b-tree on one time field of the records of all tenants, for the purge.
    Purge,
}

/// A field of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexField {
    pub field: FieldId,
    pub descending: bool,
}

impl Catalog {
    /// Finds the method of a gRPC path such as `/example.v1.EntityService/GetEntity`.
    pub fn method(&self, path: &str) -> Option<&Method> {
        self.methods.get(path)
    }

    /// Lists the paths of all methods.
    pub fn method_paths(&self) -> impl Iterator<Item = &str> {
        self.methods.keys().map(String::as_str)
    }

    /// Finds the model at `/api/<version>/<resource>`.
    pub fn collection(&self, version: &str, resource: &str) -> Option<&Arc<Model>> {
        self.collections.get(&format!("{version}/{resource}")).map(|&at| &self.models[at])
    }

    /// Finds a model by its full name.
    pub fn model(&self, full_name: &str) -> Option<&Arc<Model>> {
        self.models.binary_search_by(|model| model.full_name.as_str().cmp(full_name)).ok().map(|at| &self.models[at])
    }
}

impl Model {
    /// Returns the quoted name of a field's column.
    pub fn column_name(&self, field: FieldId) -> String {
        crate::quote(&self.shape().field(field).storage_name)
    }

    /// Returns the reference that a field holds, if it is one.
    pub fn reference(&self, field: FieldId) -> Option<&Reference> {
        self.references.iter().find(|reference| reference.field == field)
    }

    /// Returns the message's shape.
    pub fn shape(&self) -> &crate::shape::Shape {
        self.shapes.get(self.shape)
    }
}
