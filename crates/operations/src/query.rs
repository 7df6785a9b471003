//! Requests that read records.

use groundplan_proto::query::v1::{Aggregation, Count};

/// The fields and relations to return.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Field paths (AIP-157), in proto or JSON names; empty, or only `*`: all fields.
    pub read_mask: Vec<String>,
    /// Relations to expand, such as `author` or `author.books.publisher`.
    pub expand: Vec<String>,
}

/// A request for a page of records. All values are as the caller sent them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// The maximum number of records; 0: the default.
    pub page_size: i32,
    /// Empty: from the first.
    pub page_token: String,
    /// CEL; empty: all.
    pub filter: String,
    /// Empty: by id.
    pub order_by: String,
    /// The number of records to skip before the page.
    pub skip: i32,
    pub count: Count,
    /// Whether a query that no index supports is allowed to read a large table.
    pub allow_scan: bool,
    /// Whether to include deleted records; only for models with soft delete.
    pub show_deleted: bool,
    pub view: View,
}

/// A request for aggregations over records. All values are as the caller sent them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AggregateQuery {
    /// CEL; empty: all.
    pub filter: String,
    pub group_by: Vec<String>,
    pub aggregations: Vec<Aggregation>,
    pub allow_scan: bool,
}

/// Returns the name of an aggregation in the response: the caller's, or one built from the function and the field.
pub fn value_name(aggregation: &Aggregation) -> String {
    if !aggregation.name.is_empty() {
        return aggregation.name.clone();
    }
    let function = aggregation.function().as_str_name().trim_start_matches("FUNCTION_").to_lowercase();
    let field = aggregation.field.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
    if field.is_empty() { function } else { format!("{function}_{field}") }
}
