//! The request and the response of an inverse relation.

use super::queries::{relation_names, show_deleted};
use super::{Writer, type_name};
use crate::derive::RelatedNames;
use crate::relations::Relation;
use std::fmt::Write as _;

impl Writer<'_> {
    pub(super) fn write_related(&self, text: &mut String, relation: &Relation<'_>) {
        let Some(RelatedNames { method, request, response }) = RelatedNames::of_relation(relation) else { return };
        let Self { name, service, package, relations, .. } = self;
        let _ = write!(text, "\n// The request of {service}.{method}.\nmessage {request} {{\n");
        let is_soft = relation.from.soft_delete.is_some();
        self.write_list_fields(text, &relation_names(relation.from, relations));
        let _ = write!(
            text,
            "  // The id of the `{name}`. Required.\n  string id = 10;\n{}}}\n\n// The response of {service}.{method}.\nmessage {response} {{\n",
            show_deleted(is_soft)
        );
        self.write_page_fields(text, &type_name(relation.from, package), &relation.from.plural_field());
        text.push_str("}\n");
    }
}
