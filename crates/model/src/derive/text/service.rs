//! The service and its methods, with their errors.

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
// Manages the records of the model `{name}`, according to the API Improvement Proposals (AIP, google.aip.dev).
//
// Records belong to the tenant of the caller and are visible to no other tenant. Callers without a valid key get
// UNAUTHENTICATED. Errors have google.rpc details (AIP-193): ErrorInfo with a stable reason, and BadRequest with each
// invalid field.
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
                "  // `{singular}.{id}` is optional: a UUID of any version. By default, the server generates version 7 (RFC 9562)."
            ),
            IdFormat::ClientAssigned => format!(
                "  // `{singular}.{id}` is required: 1 to 128 characters of `A-Z a-z 0-9 . _ ~ -`, the first a letter or a digit."
            ),
        };
        let _ = write!(
            text,
            "  // Creates a record (AIP-133).
  //
{given}
  // Fields that only the server sets are ignored. Returns the stored record, without INPUT_ONLY fields, which no call
  // returns (AIP-203).
  //
  // INVALID_ARGUMENT (INVALID_FIELDS) if a field breaks a rule of the model or refers to a record that does not exist.
  // ALREADY_EXISTS if the id (RECORD_EXISTS) or a unique value (NOT_UNIQUE) exists.
  rpc Create{name}({create}) returns ({record});

  // Gets a record (AIP-131).
  //
  // NOT_FOUND (RECORD_NOT_FOUND) if no record has this id. INVALID_ARGUMENT if the id or the mask is invalid{too_old}.
  rpc Get{name}({get}) returns ({record}) {{
    option idempotency_level = NO_SIDE_EFFECTS;
  }}

  // Lists the records that match a filter (AIP-160), page by page (AIP-132, AIP-158), in the requested order.
  //
  // INVALID_ARGUMENT if a field of the request is invalid, with the position in the expression (FILTER_INVALID,
  // ORDER_INVALID, EXPAND_INVALID), or if the page token is invalid or expired (PAGE_TOKEN_INVALID, PAGE_TOKEN_EXPIRED).
  // FAILED_PRECONDITION (INDEX_REQUIRED) if the table is large and the query has no index, with the index to declare.
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
        let deleted = if *is_soft { ", or if it is deleted (RECORD_DELETED)" } else { "" };
        let _ = write!(
            text,
            "
  // Updates a record (AIP-134), or creates it if it does not exist and `allow_missing` is set. Returns the stored record,
  // without INPUT_ONLY fields.
  //
  // NOT_FOUND (RECORD_NOT_FOUND) if no record has this id{deleted}.
  // INVALID_ARGUMENT if the mask is invalid, if a field breaks a rule or refers to a record that does not exist
  // (INVALID_FIELDS), or if an IMMUTABLE field would change (FIELD_IMMUTABLE). ABORTED if the etag does not match
  // (ETAG_MISMATCH) or concurrent writes conflict with every attempt (RECORD_BUSY). ALREADY_EXISTS (NOT_UNIQUE) if a
  // unique value exists.
  rpc Update{name}({update}) returns ({record});
",
            update = messages.update,
        );
        self.write_delete_method(text);
        if let Some(undelete) = &messages.undelete {
            let _ = write!(
                text,
                "
  // Undeletes a record (AIP-164), within the retention of the model's `soft_delete`. Returns the stored record, without
  // INPUT_ONLY fields.
  //
  // NOT_FOUND (RECORD_NOT_FOUND) if no record has this id. INVALID_ARGUMENT if the id is invalid, or if the record refers
  // to a deleted record. ALREADY_EXISTS if the record is not deleted (RECORD_NOT_DELETED) or a unique value exists by now
  // (NOT_UNIQUE). ABORTED (ETAG_MISMATCH) if the etag does not match.
  rpc Undelete{name}({undelete}) returns ({record});
"
            );
        }
    }

    fn write_delete_method(&self, text: &mut String) {
        let Self { name, record, google, messages, is_soft, .. } = self;
        let (does, deleted, response) = if *is_soft {
            (
                "Deletes a record (AIP-164). Lists no longer return it, and it can be undeleted within the retention of the model's\n  // `soft_delete`. Returns the deleted record. The reference field of each referring record sets the effect on it.",
                " or the record is already deleted",
                record.clone(),
            )
        } else {
            (
                "Deletes a record permanently (AIP-135). The reference field of each referring record sets the effect on it.",
                "",
                format!("{google}.protobuf.Empty"),
            )
        };
        let _ = write!(
            text,
            "
  // {does}
  //
  // NOT_FOUND (RECORD_NOT_FOUND) if no record has this id{deleted}, unless `allow_missing` is set.
  // INVALID_ARGUMENT if the id is invalid. ABORTED (ETAG_MISMATCH) if the etag does not match. FAILED_PRECONDITION if
  // other records restrict the deletion (RECORD_REFERENCED), or if more than 10,000 records would be deleted with it.
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
  // Gets several records by their ids (AIP-231), as of one moment, in the order of the requests.
  //
  // NOT_FOUND (RECORD_NOT_FOUND) if one of them does not exist; then no record is returned. INVALID_ARGUMENT if an id is
  // invalid, or if there are more than 1,000 requests.
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
  // Computes counts, sums, minimums, maximums and averages of the records that match a filter, grouped by up to three
  // fields.
  //
  // INVALID_ARGUMENT if a field of the request is invalid. FAILED_PRECONDITION if the table is large and the filter has no
  // index (INDEX_REQUIRED), if there are more than 1,000 groups, or if a sum overflows its type (SUM_OVERFLOW).
  rpc Aggregate{plural_name}({aggregate}) returns ({query}.AggregateResponse) {{
    option idempotency_level = NO_SIDE_EFFECTS;
  }}

  // Returns the query plan of a list without running it: its SQL, its indexes, and the estimates of PostgreSQL.
  //
  // Errors as in List{plural_name}, except that a query without an index succeeds and returns the index to declare.
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
  // Lists the `{other}` records whose `{field}` is the given `{name}`, page by page, like a list with that filter.
  //
  // NOT_FOUND (RECORD_NOT_FOUND) if no `{name}` has this id. Otherwise, errors as in {other_service}.List{other_plural}.
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
