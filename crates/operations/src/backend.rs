//! The trait of the service that runs the operations.

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

/// The operations on records. The service that implements them checks permissions, validates and stores; adapters
/// translate protocols to them.
pub trait Backend: Clone + Send + Sync + 'static {
    /// Returns the served revision. Fails before the first revision is loaded.
    fn catalog(&self) -> Result<Arc<Catalog>, Error>;

    /// Reads the current state of a record, or its state at `read_time` (microseconds since the Unix epoch) if its model
    /// has a history.
    fn get(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        id: &str,
        view: &View,
        read_time: Option<i64>,
    ) -> impl Future<Output = Result<(Stored, Included), Error>> + Send;

    /// Reads several records, in the order of `ids`. Fails if one does not exist.
    fn batch_get(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        ids: &[String],
        view: &View,
    ) -> impl Future<Output = Result<(Vec<Stored>, Included), Error>> + Send;

    /// Reads a page of the matching records.
    fn list(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        query: &ListQuery,
    ) -> impl Future<Output = Result<Page, Error>> + Send;

    /// Reads a page of the records that refer to the record `id`. `referrer` is the index of the inverse relation in
    /// [`Model::referrers`]. The records are of the referrer's model.
    fn list_related(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        id: &str,
        referrer: usize,
        query: &ListQuery,
    ) -> impl Future<Output = Result<Page, Error>> + Send;

    /// Explains how a list would run.
    fn explain_list(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        query: &ListQuery,
    ) -> impl Future<Output = Result<Explanation, Error>> + Send;

    /// Computes aggregations over records.
    fn aggregate(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        query: &AggregateQuery,
    ) -> impl Future<Output = Result<AggregateResponse, Error>> + Send;

    /// Starts a watch. The stream returns events as they are committed. It ends only with an error.
    fn watch(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        query: &WatchQuery,
    ) -> impl Future<Output = Result<WatchStream, Error>> + Send;

    /// Reads a page of a record's history, newest first. The model must have a history.
    fn list_revisions(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        id: &str,
        query: &HistoryQuery,
    ) -> impl Future<Output = Result<HistoryPage, Error>> + Send;

    /// Writes records, all or none. The models must be of the same revision.
    fn write(&self, caller: &Caller, writes: Writes) -> impl Future<Output = Result<Written, Error>> + Send;
}
