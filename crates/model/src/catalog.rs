//! What is served: one immutable value a revision, compiled from descriptors, shared by all requests that began with it.

use crate::shape::{FieldId, ShapeId, Shapes};
use bytes::Bytes;
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
    /// The system's own fields.
    pub roles: Roles,
    /// Where the records are.
    pub table: Table,
    /// The indexes beside the primary key.
    pub indexes: Vec<Index>,
}

/// Which ids records have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdFormat {
    /// A UUID, made by the server unless the caller gives one.
    UuidV7,
    /// A string that the caller gives.
    ClientAssigned,
}

/// The fields that the system sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    pub id: FieldId,
    pub created_at: Option<FieldId>,
    pub updated_at: Option<FieldId>,
    pub etag: Option<FieldId>,
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

/// An index of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Unique in the PostgreSQL schema, and derived from everything that makes the index what it is.
    pub name: String,
    pub fields: Vec<IndexField>,
    pub unique: bool,
    pub reason: String,
}

/// A field of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexField {
    pub field: FieldId,
    pub descending: bool,
}

/// A method of a derived service.
#[derive(Clone, Debug)]
pub struct Method {
    pub model: Arc<Model>,
    pub kind: MethodKind,
}

/// What a derived method does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MethodKind {
    Create,
    Get,
    List,
    Update,
    Delete,
}

impl MethodKind {
    /// In the order in which a service lists them.
    pub const ALL: [Self; 5] = [Self::Create, Self::Get, Self::List, Self::Update, Self::Delete];
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
    /// The message's shape.
    pub fn shape(&self) -> &crate::shape::Shape {
        self.shapes.get(self.shape)
    }

    /// The gRPC path of a method, such as `/example.v1.EntityService/ListEntities`.
    pub fn method_path(&self, kind: MethodKind) -> String {
        format!("/{}/{}", self.service, self.method_name(kind))
    }

    /// A method's name, such as `ListEntities`.
    pub fn method_name(&self, kind: MethodKind) -> String {
        match kind {
            MethodKind::Create => format!("Create{}", self.name),
            MethodKind::Get => format!("Get{}", self.name),
            MethodKind::List => format!("List{}", self.plural),
            MethodKind::Update => format!("Update{}", self.name),
            MethodKind::Delete => format!("Delete{}", self.name),
        }
    }
}
