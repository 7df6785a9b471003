//! The text of a derived file.

mod batches;
mod history;
mod messages;
mod options;
mod queries;
mod related;
mod service;
mod watch;
mod writes;

use super::names::Names;
use crate::catalog::IdFormat;
use crate::declared::DeclaredModel;
use crate::relations::{Relation, Relations};
use crate::roles::{Role, fields_with_role};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Writes the file of one model's service. Equal models give equal text.
pub(super) fn service_file(declared: &DeclaredModel, relations: &Relations<'_>) -> String {
    let file = declared.message.parent_file();
    let writer = Writer::new(declared, relations);
    let mut imports: BTreeSet<String> = super::IMPORTS.map(str::to_owned).into();
    imports.insert(file.name().to_owned());
    imports.extend(writer.related.iter().map(|relation| relation.from.message.parent_file().name().to_owned()));
    let mut text = format!(
        "// Derived by Groundplan from the model {}. Do not edit; `groundplan generate` overwrites it.\n\
         syntax = \"proto3\";\n\npackage {};\n\n",
        declared.full_name(),
        declared.message.package_name(),
    );
    for import in imports {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "import \"{import}\";");
    }
    options::repeat(&mut text, &file);
    text.push('\n');
    writer.write(&mut text);
    text
}

/// Writes the text of one service.
struct Writer<'a> {
    name: &'a str,
    package: &'a str,
    /// The model's type, as a field of another message refers to it.
    record: String,
    singular: String,
    plural: String,
    plural_name: &'a str,
    /// The field of events and revisions that holds the record.
    event: String,
    service: String,
    id: String,
    id_format: IdFormat,
    etag: Option<String>,
    /// Whether the model has soft delete.
    is_soft: bool,
    /// `google`, or `.google` where the package would hide it.
    google: &'static str,
    /// The package of the types that queries share, with a leading dot where another package would hide it.
    query: &'static str,
    /// The package of the types that watches share, with the same rule for the dot.
    watch: &'static str,
    messages: Names,
    /// The inverse relations that have a name.
    related: Vec<Relation<'a>>,
    /// Of all models.
    relations: &'a Relations<'a>,
    /// The names of the relations of this model.
    relation_names: Vec<String>,
}

impl<'a> Writer<'a> {
    fn new(declared: &'a DeclaredModel, relations: &'a Relations<'a>) -> Self {
        let first = |role| fields_with_role(&declared.message, role).first().map(|field| field.name().to_owned());
        let hides_groundplan = is_hidden(declared, "groundplan");
        let related = relations.targeting(declared.full_name()).iter().filter(|relation| relation.inverse().is_some());
        Self {
            name: declared.name(),
            package: declared.message.package_name(),
            record: type_name(declared, declared.message.package_name()),
            singular: declared.singular_field(),
            plural: declared.plural_field(),
            plural_name: &declared.plural,
            event: declared.event_field(),
            service: declared.service_name(),
            id: first(Role::Id).unwrap_or_else(|| "id".to_owned()),
            id_format: declared.id_format.unwrap_or(IdFormat::UuidV7),
            etag: first(Role::Etag),
            is_soft: declared.soft_delete.is_some(),
            google: if is_hidden(declared, "google") { ".google" } else { "google" },
            query: if hides_groundplan { ".groundplan.query.v1" } else { "groundplan.query.v1" },
            watch: if hides_groundplan { ".groundplan.watch.v1" } else { "groundplan.watch.v1" },
            messages: Names::of_model(declared),
            related: related.copied().collect(),
            relations,
            relation_names: queries::relation_names(declared, relations),
        }
    }

    fn write(&self, text: &mut String) {
        self.write_service(text);
        self.write_create(text);
        self.write_get(text);
        self.write_list(text);
        self.write_update(text);
        self.write_delete(text);
        self.write_undelete(text);
        self.write_batch_get(text);
        self.write_batches(text);
        self.write_aggregate(text);
        self.write_explain_list(text);
        self.write_watch(text);
        self.write_history(text);
        for relation in &self.related {
            self.write_related(text, relation);
        }
    }
}

/// A model's type, as a field of a message of a package refers to it.
fn type_name(declared: &DeclaredModel, package: &str) -> String {
    // A field called like its type would hide it, and a part of a package that of another.
    let is_capital = declared.name().starts_with(|first: char| first.is_ascii_uppercase());
    if is_capital && declared.message.package_name() == package {
        declared.name().to_owned()
    } else {
        format!(".{}", declared.full_name())
    }
}

/// Whether the first part of a package's name could mean something else within the model's package.
fn is_hidden(declared: &DeclaredModel, first: &str) -> bool {
    let pool = declared.message.parent_pool();
    let hides = |name: &str| name.split('.').skip(1).any(|part| part == first);
    pool.files().any(|file| hides(file.package_name()))
        || pool.all_messages().any(|message| hides(message.full_name()))
        || pool.all_enums().any(|of| hides(of.full_name()))
}
