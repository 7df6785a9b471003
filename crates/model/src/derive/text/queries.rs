//! What is asked of several records, and what is answered.

use super::Writer;
use super::messages::READ_MASK;
use crate::declared::Declared;
use crate::relations::{Relations, name_of};
use std::fmt::Write as _;

impl Writer<'_> {
    pub(super) fn write_list(&self, text: &mut String) {
        let Self { plural_name, service, messages, .. } = self;
        let _ = write!(text, "\n// Asks {service}.List{plural_name} for a page.\nmessage {} {{\n", messages.list);
        self.write_list_fields(text, &self.relation_names);
        text.push_str(show_deleted(self.is_soft));
        let _ =
            write!(text, "}}\n\n// A page of {service}.List{plural_name}.\nmessage {} {{\n", messages.list_response);
        self.write_page_fields(text, &self.record, &self.plural);
        text.push_str("}\n");
    }

    /// The fields of a request for a page, the same in each.
    pub(super) fn write_list_fields(&self, text: &mut String, relation_names: &[String]) {
        let Self { google, query, .. } = self;
        let expand = expand(relation_names);
        let _ = write!(
            text,
            "  // At most so many records: 50 if it is 0; more than 1,000 is taken as 1,000.
  int32 page_size = 1;
  // `next_page_token` of the page before; empty for the first page. `filter` and `order_by` must stay as they were. A token
  // expires, after three days unless the server is set otherwise.
  string page_token = 2;
  // Which records (AIP-160): a CEL expression over the model's fields, with comparison, logic, `in`, `has()`, arithmetic,
  // functions of texts and times, lists, maps, and one step along a reference. A record for which it is an error does not
  // match. At most 4,096 bytes. Empty: all records.
  string filter = 3;
  // In which order (AIP-132): names of fields with commas between them, nested ones with dots, each with ` desc` behind it
  // to turn its direction, at most 8 fields and 512 bytes. Absent values are larger than all others. The id comes last,
  // so that the order is total.
  string order_by = 4;
  // How many records to skip first (AIP-158), at most 100,000. Pages by token are faster.
  int32 skip = 5;
{READ_MASK}
  {google}.protobuf.FieldMask read_mask = 6;
  // Whether to count the records that match, over all pages.
  {query}.Count count = 7;
  // Go on even if no index serves the query and the table is large. It may take long.
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
            "  // The records of the page. It may have fewer than asked for, and others follow all the same.
  repeated {record} {plural} = 1;
  // Asks for the page that follows; empty at the end.
  string next_page_token = 2;
  // How many records match, over all pages; 0 unless `count` asks for it.
  int64 total_size = 3;
  // Whether `total_size` is an estimate, as COUNT_ESTIMATED asks for.
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
// Asks {service}.BatchGet{plural_name} for several records.
message {batch_get} {{
  // One for each record, at most 1,000. {their_own}
  repeated {get} requests = 1;
{READ_MASK}
  {google}.protobuf.FieldMask read_mask = 2;
{expand}
  repeated string expand = 3;
}}

// The records of {service}.BatchGet{plural_name}.
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
// Asks {service}.Aggregate{plural_name} to compute over records.
message {aggregate} {{
  // Which records, as in {service}.List{plural_name}. Empty: all.
  string filter = 1;
  // Compute for each combination of values of these fields, at most 3, nested ones with dots. None: for all records together.
  repeated string group_by = 2;
  // What to compute, 1 to 20.
  repeated {query}.Aggregation aggregations = 3;
  // Go on even if no index serves the filter and the table is large. It may take long.
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
// Asks {service}.ExplainList{plural_name} how a list would be run.
message {explain_list} {{
  // The list. Required.
  {list} list = 1;
}}
",
            explain_list = messages.explain_list,
            list = messages.list,
        );
    }

    /// What comes with the records, under the numbers that follow one.
    fn included(&self, number: u32) -> String {
        let google = self.google;
        format!(
            "  // The related records that `expand` asks for, whole and each once. What is above is not repeated here, unless
  // `read_mask` hides part of it.
  repeated {google}.protobuf.Any included = {};
  // Where more than 100 records refer to one of these: the token with which the list of the way back goes on, by what it
  // is about, such as `authors/<id>/books`; with the version before it, such as `v2/authors/<id>/books`, where that alone
  // would be another list of the answer too.
  map<string, string> included_page_tokens = {};
",
            number + 1,
            number + 2
        )
    }
}

/// The names of the steps along relations that begin at a model.
pub(super) fn relation_names(declared: &Declared, relations: &Relations<'_>) -> Vec<String> {
    let outgoing = declared.references.iter().map(|reference| name_of(&declared.message, &reference.field));
    let back = relations.to(declared.full_name()).iter().filter_map(|relation| Some(relation.inverse()?.to_owned()));
    outgoing.chain(back).collect()
}

/// The field of a request for a page that asks for deleted records too, if those that are listed are kept.
pub(super) fn show_deleted(is_soft: bool) -> &'static str {
    if is_soft {
        "  // Whether deleted records are listed too, as long as they are kept (AIP-164).\n  bool show_deleted = 11;\n"
    } else {
        ""
    }
}

/// What an `expand` is.
fn expand(relation_names: &[String]) -> String {
    let names: Vec<String> = relation_names.iter().map(|name| format!("`{name}`")).collect();
    let begin = match &names[..] {
        [] => "The model has no relation, so there is nothing to name.".to_owned(),
        [only] => format!("The first step is {only}."),
        [first @ .., last] => format!("The first step is {} or {last}.", first.join(", ")),
    };
    format!(
        "  // Related records to return besides: names of relations with dots between the steps, at most 20 paths of at most 3
  // steps, and 100 records where many refer to one. {begin}"
    )
}
