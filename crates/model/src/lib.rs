//! Compiles descriptors to a [`Catalog`](catalog::Catalog), plans the steps between two catalogs, and derives services
//! from models. Pure: no I/O and no async code.
//!
//! [`compile`] has four stages: `input` (limits and parsing), `link` (imports and names), `check` (all rules that a
//! model must follow), and `assemble` (the catalog). [`load`] runs only the last one.

mod assemble;
mod bundled;
pub mod catalog;
mod catch_panic;
mod check;
pub mod code;
mod column;
mod comments;
mod compile;
mod ddl;
mod declared;
mod derive;
mod diagnostic;
mod export;
mod input;
mod limits;
mod link;
mod malformed;
mod naming;
mod object_names;
mod options;
mod plan;
mod protoc;
mod quote;
mod relations;
mod roles;
mod scan;
pub mod shape;
mod source;
mod storage_names;
mod types;

pub use assemble::{LoadError, load};
pub use bundled::bundled;
pub use catalog::{
    Catalog, Expiry, Formula, History, IdFormat, Index, IndexField, IndexMethod, Method, MethodKind, Model, OnDelete,
    Reference, Referrer, Roles, SoftDelete, Table,
};
pub use catch_panic::catch_panic;
pub use column::column_type;
pub use compile::{CompileError, Compiled, Compiler, compile};
pub use ddl::{
    DatabaseObject, Ddl, EXTENSIONS_SCHEMA, Execution, TRIGRAM_EXTENSION, TRIGRAM_OPERATORS, forbid_null,
    make_deferrable,
};
pub use diagnostic::Diagnostic;
pub use export::{WRITTEN_BY, export};
pub use input::{MAX_FILE_SIZE, MAX_FILES, MAX_INPUT_SIZE};
pub use limits::LIMITS;
pub use naming::json_name;
pub use object_names::empty_trigger_name;
pub use plan::{ColumnState, Leftover, Plan, Step, StepKind, find_leftovers, plan, reference_step, reference_subject};
pub use quote::{quote, quote_literal};
pub use shape::{
    Behavior, Cardinality, EnumId, EnumShape, Field, FieldId, Integer, Kind, MapKey, Oneof, Shape, ShapeId, Shapes,
    Wrapped,
};
pub use source::{Input, SourceFile};
pub use storage_names::StorageNames;
