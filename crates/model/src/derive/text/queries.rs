//! The requests and responses of queries.

use super::Writer;
use super::messages::READ_MASK;
use crate::declared::DeclaredModel;
use crate::relations::{Relations, relation_name};
use std::fmt::Write as _;

impl Writer<'_> {
    pub(super) fn write_list(&self, text: &mut String) {
        let Self { plural_name, service, messages, .. } = self;
        let _ = write!(text, "\n// The request of {service}.List{plural_name}.\nmessage {} {{\n", messages.list);
        self.write_list_fields(text, &self.relation_names);
        text.push_str(show_deleted(self.is_soft));
        let _ = write!(
            text,
            "}}\n\n// The response of {service}.List{plural_name}.\nmessage {} {{\n",
            messages.list_response
        );
        self.write_page_fields(text, &self.record, &self.plural);
        text.push_str("}\n");
    }

    /// The fields of a request for a page, the same in each.
    pub(super) fn write_list_fields(&self, text: &mut String, relation_names: &[String]) {
        let Self { google, query, .. } = self;
        let expand = expand(relation_names);
        let _ = write!(
            text,
            "  // The maximum number of records in the page. 0 means 50; values above 1,000 mean 1,000.
  int32 page_size = 1;
  // The `next_page_token` of the previous page; empty for the first page. `filter` and `order_by` must be the same.
  // Tokens expire, by default after 72 hours.
  string page_token = 2;
  // A filter (AIP-160): a CEL expression over the fields of the model, with comparison, logic, `in`, `has()`, arithmetic,
  // functions of strings and times, lists, maps, and one step along a reference. A record for which the evaluation fails
  // does not match. At most 4,096 bytes. Empty: all records.
  string filter = 3;
  // The order (AIP-132): field names, separated by commas, with dots for nested fields, at most 8 fields and 512 bytes.
  // Append ` desc` to a name for descending order. Absent values are larger than all others. The id is the last key, so
  // that the order is total.
  string order_by = 4;
  // The number of records to skip (AIP-158), at most 100,000. Page tokens are faster.
  int32 skip = 5;
{READ_MASK}
  {google}.protobuf.FieldMask read_mask = 6;
  // Whether and how to count the matching records, over all pages.
  {query}.Count count = 7;
  // Allow the query even if it has no index and the table is large. It might take long.
  bool allow_scan = 8;
{expand}
  repeated string expand = 9;
"
        );
    }

    /// The fields of a page, the same in each.
    pub(super) fn write_page_fields(&self, text: &mut String, record: &str, plural: &str) {
        let included = self.included(4);
        let _ = write!(
            text,
            "  // The records of the page. A page can have fewer records than requested even if more pages follow.
  repeated {record} {plural} = 1;
  // Requests the next page; empty on the last page.
  string next_page_token = 2;
  // The number of matching records, over all pages; 0 unless `count` is set.
  int64 total_size = 3;
  // Whether `total_size` is an estimate (COUNT_ESTIMATED).
  bool total_size_is_estimate = 4;
{included}"
        );
    }

    pub(super) fn write_batch_get(&self, text: &mut String) {
        let Self { plural_name, service, record, plural, google, messages, .. } = self;
        let expand = expand(&self.relation_names);
        let included = self.included(1);
        let _ = write!(
            text,
            "
// The request of {service}.BatchGet{plural_name}.
message {batch_get} {{
  // One request for each record, at most 1,000. {their_own}
  repeated {get} requests = 1;
{READ_MASK}
  {google}.protobuf.FieldMask read_mask = 2;
{expand}
  repeated string expand = 3;
}}

// The response of {service}.BatchGet{plural_name}.
message {batch_get_response} {{
  // The records, in the order of the requests.
  repeated {record} {plural} = 1;
{included}}}
",
            their_own = self.batch_gets(),
            get = messages.get,
            batch_get = messages.batch_get,
            batch_get_response = messages.batch_get_response,
        );
    }

    pub(super) fn write_aggregate(&self, text: &mut String) {
        let Self { plural_name, service, query, messages, .. } = self;
        let _ = write!(
            text,
            "
// The request of {service}.Aggregate{plural_name}.
message {aggregate} {{
  // A filter, as in {service}.List{plural_name}. Empty: all records.
  string filter = 1;
  // Return one group for each combination of values of these fields, at most 3, with dots for nested fields. Empty: one
  // group of all records.
  repeated string group_by = 2;
  // The values to compute, 1 to 20.
  repeated {query}.Aggregation aggregations = 3;
  // Allow the query even if the filter has no index and the table is large. It might take long.
  bool allow_scan = 4;
}}
",
            aggregate = messages.aggregate,
        );
    }

    pub(super) fn write_explain_list(&self, text: &mut String) {
        let Self { plural_name, service, messages, .. } = self;
        let _ = write!(
            text,
            "
// The request of {service}.ExplainList{plural_name}.
message {explain_list} {{
  // The list to explain. Required.
  {list} list = 1;
}}
",
            explain_list = messages.explain_list,
            list = messages.list,
        );
    }

    /// The fields for related records, with the field numbers after `number`.
    fn included(&self, number: u32) -> String {
        let google = self.google;
        format!(
            "  // The related records requested by `expand`, complete and without duplicates. Records of the response itself are
  // included only if `read_mask` leaves out some of their fields.
  repeated {google}.protobuf.Any included = {};
  // For each inverse relation with more than 100 records: the token of the next page, by the path of the list, such as
  // `authors/<id>/books`; with the version, such as `v2/authors/<id>/books`, if the path alone is ambiguous in this
  // response.
  map<string, string> included_page_tokens = {};
",
            number + 1,
            number + 2
        )
    }
}

/// Returns the names of the relations of a model, including inverse relations.
pub(super) fn relation_names(declared: &DeclaredModel, relations: &Relations<'_>) -> Vec<String> {
    let outgoing = declared.references.iter().map(|reference| relation_name(&declared.message, &reference.field));
    let back =
        relations.targeting(declared.full_name()).iter().filter_map(|relation| Some(relation.inverse()?.to_owned()));
    outgoing.chain(back).collect()
}

/// The field `show_deleted`, for models with soft delete.
pub(super) fn show_deleted(is_soft: bool) -> &'static str {
    if is_soft {
        "  // Whether to return deleted records too, within their retention (AIP-164).\n  bool show_deleted = 11;\n"
    } else {
        ""
    }
}

/// The comment of `expand`.
fn expand(relation_names: &[String]) -> String {
    let names: Vec<String> = relation_names.iter().map(|name| format!("`{name}`")).collect();
    let begin = match &names[..] {
        [] => "The model has no relations.".to_owned(),
        [only] => format!("The first step is {only}."),
        [first @ .., last] => format!("The first step is {} or {last}.", first.join(", ")),
    };
    format!(
        "  // Related records to return too: names of relations, with dots between the steps, at most 20 paths of at most 3 steps,
  // and at most 100 records for each inverse relation. {begin}"
    )
}
