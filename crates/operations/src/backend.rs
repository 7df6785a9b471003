//! The trait of the service that does the operations.

use crate::{
    AggregateQuery, HistoryPage, HistoryQuery, Included, ListQuery, Page, View, WatchQuery, WatchStream, Writes,
    Written,
};
use groundplan_codec::Stored;
use groundplan_error::Error;
use groundplan_identity::Caller;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_proto::query::v1::{AggregateResponse, Explanation};
use std::future::Future;
use std::sync::Arc;

/// The operations on records. The service that implements them decides on permissions, validates and stores; adapters translate a
/// protocol into them.
pub trait Backend: Clone + Send + Sync + 'static {
    /// The revision that is served now. Fails before the first one is loaded.
    fn catalog(&self) -> Result<Arc<Catalog>, Error>;

    /// Reads one record, as it is, or as it was at `read_time` (microseconds since the Unix epoch) if its model keeps a
    /// history.
    fn get(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        id: &str,
        view: &View,
        read_time: Option<i64>,
    ) -> impl Future<Output = Result<(Stored, Included), Error>> + Send;

    /// Reads several records, in the order of their ids. If one is not there, none is read.
    fn batch_get(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        ids: &[String],
        view: &View,
    ) -> impl Future<Output = Result<(Vec<Stored>, Included), Error>> + Send;

    /// Reads a page of the records that match.
    fn list(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        query: &ListQuery,
    ) -> impl Future<Output = Result<Page, Error>> + Send;

    /// Reads a page of the records that refer to the record `id`, by the place of the way back in [`Model::referrers`].
    /// The records are of the referrer's model.
    fn list_related(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        id: &str,
        referrer: usize,
        query: &ListQuery,
    ) -> impl Future<Output = Result<Page, Error>> + Send;

    /// Says how a list would be run.
    fn explain_list(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        query: &ListQuery,
    ) -> impl Future<Output = Result<Explanation, Error>> + Send;

    /// Computes over records.
    fn aggregate(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        query: &AggregateQuery,
    ) -> impl Future<Output = Result<AggregateResponse, Error>> + Send;

    /// Begins a watch. The events come as they are committed, until the stream ends with an error: it has no other end.
    fn watch(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        query: &WatchQuery,
    ) -> impl Future<Output = Result<WatchStream, Error>> + Send;

    /// Reads a page of what a record was, the newest first, of a model that keeps a history.
    fn list_revisions(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        id: &str,
        query: &HistoryQuery,
    ) -> impl Future<Output = Result<HistoryPage, Error>> + Send;

    /// Writes records: all that is asked for, or nothing. The models are of one revision.
    fn write(&self, caller: &Caller, writes: Writes) -> impl Future<Output = Result<Written, Error>> + Send;
}
