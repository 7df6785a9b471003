//! What the REST API needs from the service behind it.

use groundplan_chassis::principal::Principal;
use groundplan_codec::mask::UpdateMask;
use groundplan_codec::{Record, Stored};
use groundplan_error::Error;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_proto::query::v1::{AggregateResponse, Aggregation, Count, Explanation};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

/// The operations that are served as REST. Whoever implements them decides on permissions, validates and stores.
pub trait Backend: Clone + Send + Sync + 'static {
    /// The revision that is served now. Fails before the first one is loaded.
    fn catalog(&self) -> Result<Arc<Catalog>, Error>;

    /// Stores a new record.
    fn create(
        &self,
        caller: &Principal,
        model: &Arc<Model>,
        record: Record,
    ) -> impl Future<Output = Result<Stored, Error>> + Send;

    /// Reads one record.
    fn get(
        &self,
        caller: &Principal,
        model: &Arc<Model>,
        id: &str,
        view: &View,
    ) -> impl Future<Output = Result<(Stored, Included), Error>> + Send;

    /// Reads several records, in the order of their ids. If one is not there, none is read.
    fn batch_get(
        &self,
        caller: &Principal,
        model: &Arc<Model>,
        ids: &[String],
        view: &View,
    ) -> impl Future<Output = Result<(Vec<Stored>, Included), Error>> + Send;

    /// Reads a page of the records that match.
    fn list(
        &self,
        caller: &Principal,
        model: &Arc<Model>,
        query: &ListQuery,
    ) -> impl Future<Output = Result<Page, Error>> + Send;

    /// Reads a page of the records that refer to the record `id`, by the place of the way back in [`Model::referrers`].
    /// The records are of the referrer's model.
    fn list_related(
        &self,
        caller: &Principal,
        model: &Arc<Model>,
        id: &str,
        referrer: usize,
        query: &ListQuery,
    ) -> impl Future<Output = Result<Page, Error>> + Send;

    /// Says how a list would be run.
    fn explain_list(
        &self,
        caller: &Principal,
        model: &Arc<Model>,
        query: &ListQuery,
    ) -> impl Future<Output = Result<Explanation, Error>> + Send;

    /// Computes over records.
    fn aggregate(
        &self,
        caller: &Principal,
        model: &Arc<Model>,
        query: &AggregateQuery,
    ) -> impl Future<Output = Result<AggregateResponse, Error>> + Send;

    /// Changes what `mask` names of the record `id`, provided that its etag is `etag`, if that is given.
    #[expect(
        clippy::too_many_arguments,
        reason = "an update has as many parts, and none belong together more than others"
    )]
    fn update(
        &self,
        caller: &Principal,
        model: &Arc<Model>,
        id: &str,
        update: Record,
        mask: UpdateMask,
        etag: Option<&str>,
    ) -> impl Future<Output = Result<Stored, Error>> + Send;

    /// Deletes the record `id`, provided that its etag is `etag`, if that is given.
    fn delete(
        &self,
        caller: &Principal,
        model: &Arc<Model>,
        id: &str,
        etag: Option<&str>,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

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

/// A part of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub records: Vec<Stored>,
    /// Where the next page starts; empty behind the last record.
    pub next_page_token: String,
    /// How many records match over all pages, if that was asked for.
    pub total: Option<Total>,
    pub included: Included,
}

/// How many records match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    pub size: i64,
    pub is_estimate: bool,
}

/// The records that relations lead to, each once, beside those that were asked for.
#[derive(Clone, Debug, Default)]
pub struct Included {
    /// By the model's full name in order, and by id within.
    pub records: Vec<(Arc<Model>, Vec<Stored>)>,
    /// Where the next page of a relation of many records starts, by the path of its list, such as `authors/{id}/books`.
    pub page_tokens: BTreeMap<String, String>,
}

impl PartialEq for Included {
    fn eq(&self, other: &Self) -> bool {
        let plain = |included: &Self| -> Vec<(String, Vec<Stored>)> {
            included.records.iter().map(|(model, records)| (model.full_name.clone(), records.clone())).collect()
        };
        plain(self) == plain(other) && self.page_tokens == other.page_tokens
    }
}
