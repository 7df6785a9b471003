//! The service: its methods, what each does, and how it refuses.

use super::Writer;
use crate::catalog::IdFormat;
use crate::derive::RelatedNames;
use crate::relations::Relation;
use std::fmt::Write as _;

impl Writer<'_> {
    pub(super) fn write_service(&self, text: &mut String) {
        let Self { name, service, .. } = self;
        let _ = write!(
            text,
            "\
// Creates, reads, updates and deletes records of the model `{name}`, by Google's API Improvement Proposals.
//
// A record belongs to the caller's tenant: nobody else sees it. A caller without a valid key gets UNAUTHENTICATED.
// Errors carry google.rpc details (AIP-193): ErrorInfo with a stable reason, and BadRequest with each field that is wrong.
service {service} {{
"
        );
        self.write_standard_methods(text);
        self.write_changing_methods(text);
        self.write_batch_get_method(text);
        self.write_batch_methods(text);
        self.write_query_methods(text);
        self.write_watch_method(text);
        self.write_history_method(text);
        for relation in &self.related {
            self.write_related_method(text, relation);
        }
        text.push_str("}\n");
    }

    fn write_standard_methods(&self, text: &mut String) {
        let Self { name, record, singular, plural_name, id, messages, .. } = self;
        let given = match self.id_format {
            IdFormat::UuidV7 => format!(
                "  // `{singular}.{id}` may be given, as a UUID of any version; otherwise the server makes one of version 7 (RFC 9562)."
            ),
            IdFormat::ClientAssigned => format!(
                "  // `{singular}.{id}` must be given: 1 to 128 characters of `A-Z a-z 0-9 . _ ~ -`, the first a letter or a digit."
            ),
        };
        let _ = write!(
            text,
            "  // Creates a record (AIP-133).
  //
{given}
  // What only the server sets is ignored on input. The response is the record as it is stored, but for the fields that
  // are INPUT_ONLY: those are never returned, by no call (AIP-203).
  //
  // INVALID_ARGUMENT if a rule of the model is broken, or a field refers to a record that is not there; ALREADY_EXISTS if
  // the id, or a value that must be unique, is taken.
  rpc Create{name}({create}) returns ({record});

  // Gets a record (AIP-131).
  //
  // NOT_FOUND if there is none of that id; INVALID_ARGUMENT if it is no id, or the mask names what is no field{too_old}.
  rpc Get{name}({get}) returns ({record}) {{
    option idempotency_level = NO_SIDE_EFFECTS;
  }}

  // Lists records page by page (AIP-132, AIP-158): those that match a filter (AIP-160), in the order that is asked for.
  //
  // INVALID_ARGUMENT if a field of the request is wrong, with the place in the expression, or the token is not one of this
  // query's; FAILED_PRECONDITION if the table is large and no index serves the query, with the index to declare.
  rpc List{plural_name}({list}) returns ({list_response}) {{
    option idempotency_level = NO_SIDE_EFFECTS;
  }}
",
            too_old = self.too_old(),
            create = messages.create,
            get = messages.get,
            list = messages.list,
            list_response = messages.list_response,
        );
    }

    fn write_changing_methods(&self, text: &mut String) {
        let Self { name, record, messages, is_soft, .. } = self;
        let deleted = if *is_soft { ", or it is deleted" } else { "" };
        let _ = write!(
            text,
            "
  // Updates a record (AIP-134), or creates it if there is none and `allow_missing` is set. The response is the record as it
  // is stored, but for the fields that are INPUT_ONLY.
  //
  // NOT_FOUND if there is none of that id{deleted}; INVALID_ARGUMENT if the mask names what is no field, a rule is
  // broken, a field refers to a record that is not there, or a field that is IMMUTABLE would change; ABORTED if the etag is
  // not the record's, or others keep changing the record; ALREADY_EXISTS if a value that must be unique is taken.
  rpc Update{name}({update}) returns ({record});
",
            update = messages.update,
        );
        self.write_delete_method(text);
        if let Some(undelete) = &messages.undelete {
            let _ = write!(
                text,
                "
  // Brings a deleted record back (AIP-164), as long as the model's `soft_delete` keeps it. The response is the record as it
  // is stored, but for the fields that are INPUT_ONLY.
  //
  // NOT_FOUND if there is none of that id; INVALID_ARGUMENT if it is no id; ALREADY_EXISTS if the record is not deleted, or a
  // value that must be unique is taken by now; INVALID_ARGUMENT if it refers to a record that is deleted; ABORTED if the
  // etag is not the record's.
  rpc Undelete{name}({undelete}) returns ({record});
"
            );
        }
    }

    fn write_delete_method(&self, text: &mut String) {
        let Self { name, record, google, messages, is_soft, .. } = self;
        let (does, deleted, response) = if *is_soft {
            (
                "Deletes a record (AIP-164): lists leave it out from now on, and it can be undeleted as long as the model's\n  // `soft_delete` keeps it. The response is the record as it was deleted. What becomes of the records that refer to it is\n  // declared where they do.",
                ", or it is deleted already",
                record.clone(),
            )
        } else {
            (
                "Deletes a record for good (AIP-135). What becomes of the records that refer to it is declared where they do.",
                "",
                format!("{google}.protobuf.Empty"),
            )
        };
        let _ = write!(
            text,
            "
  // {does}
  //
  // NOT_FOUND if there is none of that id{deleted}, unless `allow_missing` is set;
  // INVALID_ARGUMENT if it is no id; ABORTED if the etag is not the record's; FAILED_PRECONDITION if records refer to it
  // that keep it from being deleted, or too many would be deleted with it.
  rpc Delete{name}({delete}) returns ({response});
",
            delete = messages.delete,
        );
    }

    fn write_batch_get_method(&self, text: &mut String) {
        let Self { plural_name, messages, .. } = self;
        let _ = write!(
            text,
            "
  // Gets several records by their ids (AIP-231), all of one moment, in the order in which they are asked for.
  //
  // NOT_FOUND if one of them is not there, and then none is returned; INVALID_ARGUMENT if one is no id, or there are more
  // than 1,000.
  rpc BatchGet{plural_name}({batch_get}) returns ({batch_get_response}) {{
    option idempotency_level = NO_SIDE_EFFECTS;
  }}
",
            batch_get = messages.batch_get,
            batch_get_response = messages.batch_get_response,
        );
    }

    fn write_query_methods(&self, text: &mut String) {
        let Self { plural_name, query, messages, .. } = self;
        let _ = write!(
            text,
            "
  // Counts records and computes sums, extremes and means over their fields, for each combination of values of up to three
  // fields.
  //
  // INVALID_ARGUMENT if a field of the request is wrong; FAILED_PRECONDITION if the table is large and no index serves the
  // filter, there are more than 1,000 groups, or a sum does not fit its type.
  rpc Aggregate{plural_name}({aggregate}) returns ({query}.AggregateResponse) {{
    option idempotency_level = NO_SIDE_EFFECTS;
  }}

  // Says how a list would be run: its SQL, the indexes that it uses, and how much PostgreSQL expects to read.
  //
  // Refuses what List{plural_name} refuses, but for what no index serves: that is told, with the index to declare.
  rpc ExplainList{plural_name}({explain_list}) returns ({query}.Explanation) {{
    option idempotency_level = NO_SIDE_EFFECTS;
  }}
",
            aggregate = messages.aggregate,
            explain_list = messages.explain_list,
        );
    }

    fn write_related_method(&self, text: &mut String, relation: &Relation<'_>) {
        let Some(names) = RelatedNames::of_relation(relation) else { return };
        let Self { name, .. } = self;
        let _ = write!(
            text,
            "
  // Lists the `{other}` records whose `{field}` is one `{name}`, page by page: the same as a list with a filter for it.
  //
  // NOT_FOUND if there is no `{name}` of that id; otherwise as {other_service}.List{other_plural}.
  rpc {method}({request}) returns ({response}) {{
    option idempotency_level = NO_SIDE_EFFECTS;
  }}
",
            other = relation.from.name(),
            field = relation.reference.field.name(),
            other_service = relation.from.service_name(),
            other_plural = relation.from.plural,
            method = names.method,
            request = names.request,
            response = names.response,
        );
    }
}
