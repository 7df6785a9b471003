//! Requests that read records.

use groundplan_proto::query::v1::{Aggregation, Count};

/// What is shown of records that are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Paths of fields (AIP-157), by proto names or JSON names; empty, or only `*`: all of them.
    pub read_mask: Vec<String>,
    /// Relations to follow, such as `author` or `author.books.publisher`.
    pub expand: Vec<String>,
}

/// Which records are asked for, in which order. Everything is as the caller sent it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// At most so many; 0: as many as the backend likes.
    pub page_size: i32,
    /// Empty: from the first.
    pub page_token: String,
    /// CEL; empty: all.
    pub filter: String,
    /// Empty: by id.
    pub order_by: String,
    /// How many records to leave out before the page.
    pub skip: i32,
    pub count: Count,
    /// Whether a query that no index serves may read a large table.
    pub allow_scan: bool,
    /// Whether deleted records are listed too; only where the listed model keeps them.
    pub show_deleted: bool,
    pub view: View,
}

/// What to compute, over which records. Everything is as the caller sent it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AggregateQuery {
    /// CEL; empty: all.
    pub filter: String,
    pub group_by: Vec<String>,
    pub aggregations: Vec<Aggregation>,
    pub allow_scan: bool,
}

/// The name of an aggregation in the answer: the caller's, or one of the function and the field.
pub fn value_name(aggregation: &Aggregation) -> String {
    if !aggregation.name.is_empty() {
        return aggregation.name.clone();
    }
    let function = aggregation.function().as_str_name().trim_start_matches("FUNCTION_").to_lowercase();
    let field = aggregation.field.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
    if field.is_empty() { function } else { format!("{function}_{field}") }
}
