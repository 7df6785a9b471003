//! Implements the backend of REST with the operations.

use crate::call::Call;
use crate::changefeed::Subscription;
use crate::operations::{self, Place};
use crate::state::Records;
use crate::watch::{Begin, watch};
use groundplan_codec::Stored;
use groundplan_error::Error;
use groundplan_identity::Caller;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_operations::{
    AggregateQuery, Backend, HistoryPage, HistoryQuery, Included, ListQuery, Page, View, WatchQuery, WatchStream,
    Writes, Written,
};
use groundplan_proto::query::v1::{AggregateResponse, Explanation};
use std::sync::Arc;

impl Records {
    /// Returns the call of a REST request, which knows its model but not the model's revision.
    fn call<'a>(&'a self, caller: &'a Caller, model: &Arc<Model>) -> Result<Call<'a>, Error> {
        let (served, table) = self.serving(model)?;
        Ok(Call { records: self, principal: &caller.principal, budget: caller.budget.clone(), served, table })
    }
}

impl Backend for Records {
    fn catalog(&self) -> Result<Arc<Catalog>, Error> {
        Ok(self.served()?.catalog.clone())
    }

    async fn get(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        id: &str,
        view: &View,
        read_time: Option<i64>,
    ) -> Result<(Stored, Included), Error> {
        let call = self.call(caller, model)?;
        match read_time {
            None => operations::get(&call, id, view).await,
            Some(time) => operations::get_past(&call, id, view, time).await,
        }
    }

    async fn batch_get(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        ids: &[String],
        view: &View,
    ) -> Result<(Vec<Stored>, Included), Error> {
        operations::batch_get(&self.call(caller, model)?, ids, view, Place::Ids).await
    }

    async fn list(&self, caller: &Caller, model: &Arc<Model>, query: &ListQuery) -> Result<Page, Error> {
        operations::list(&self.call(caller, model)?, query, None).await
    }

    async fn list_related(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        id: &str,
        referrer: usize,
        query: &ListQuery,
    ) -> Result<Page, Error> {
        operations::list_related(&self.call(caller, model)?, id, referrer, query).await
    }

    async fn explain_list(&self, caller: &Caller, model: &Arc<Model>, query: &ListQuery) -> Result<Explanation, Error> {
        operations::explain_list(&self.call(caller, model)?, query).await
    }

    async fn aggregate(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        query: &AggregateQuery,
    ) -> Result<AggregateResponse, Error> {
        operations::aggregate(&self.call(caller, model)?, query).await
    }

    async fn watch(&self, caller: &Caller, model: &Arc<Model>, query: &WatchQuery) -> Result<WatchStream, Error> {
        let begin = Begin::of(query.start, &query.token, query.allow_scan)?;
        watch(self, &caller.principal, Subscription::of_model(&caller.principal, model, query), begin).await
    }

    async fn list_revisions(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        id: &str,
        query: &HistoryQuery,
    ) -> Result<HistoryPage, Error> {
        operations::list_revisions(&self.call(caller, model)?, id, query).await
    }

    async fn write(&self, caller: &Caller, writes: Writes) -> Result<Written, Error> {
        let first = writes.list.first().ok_or_else(|| Error::internal("there is nothing to write"))?;
        let call = self.call(caller, &first.model)?;
        operations::write::write(&call, writes).await
    }
}
