//! The state that all requests share, and REST's way to the operations.

use crate::operations::{self, Call, Update};
use crate::page_token::PageTokens;
use crate::served::Served;
use crate::store::secrets::secret_ensure;
use arc_swap::ArcSwap;
use groundplan_chassis::database::{Database, refusal};
use groundplan_chassis::principal::Principal;
use groundplan_codec::mask::UpdateMask;
use groundplan_codec::{Record, Stored};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::{Catalog, Model};
use groundplan_proto::query::v1::{AggregateResponse, Explanation};
use groundplan_rest::{AggregateQuery, Backend, Included, ListQuery, Page, View};
use std::sync::Arc;
use std::time::Duration;

/// How many revisions before the served one stay known, for REST requests that began with them.
const KEPT_REVISIONS: usize = 3;

/// When a caller may try again who came too early.
const NOT_READY_RETRY: Duration = Duration::from_secs(1);

/// The service's state; a handle to it.
#[derive(Clone)]
pub(crate) struct Records(Arc<State>);

struct State {
    database: Database,
    page_tokens: PageTokens,
    /// The served revision first, then those before it; empty until the first catalog question is settled.
    served: ArcSwap<Vec<Arc<Served>>>,
}

impl Records {
    /// Opens the service on a migrated database. It serves nothing yet.
    pub(crate) async fn open(database: Database) -> Result<Self, Error> {
        let mut lease = database.lease().await?;
        let key = lease.run(async |conn| secret_ensure(conn, "page tokens").await).await.map_err(refusal)?;
        let page_tokens = PageTokens::new(&key)?;
        Ok(Self(Arc::new(State { database, page_tokens, served: ArcSwap::default() })))
    }

    /// Serves a revision from now on. Requests that have begun go on with what they have.
    pub(crate) fn serve(&self, served: Served) {
        let mut line = vec![Arc::new(served)];
        line.extend(self.0.served.load().iter().take(KEPT_REVISIONS).cloned());
        self.0.served.store(Arc::new(line));
    }

    /// The served revision.
    pub(crate) fn served(&self) -> Result<Arc<Served>, Error> {
        self.0.served.load().first().cloned().ok_or_else(not_ready)
    }

    pub(crate) fn database(&self) -> &Database {
        &self.0.database
    }

    pub(crate) fn page_tokens(&self) -> &PageTokens {
        &self.0.page_tokens
    }

    /// The call of a REST request, which knows its model but not the revision that it is of.
    fn call<'a>(&'a self, principal: &'a Principal, model: &Arc<Model>) -> Result<Call<'a>, Error> {
        let line = self.0.served.load();
        let table = line.iter().find_map(|served| served.table(model)).cloned();
        let table = table.ok_or_else(|| {
            Error::new(Reason::NotReady, "the models have changed several times during the call; try again")
                .retry_after(NOT_READY_RETRY)
        })?;
        Ok(Call { records: self, principal, table })
    }
}

/// The refusal while nothing is known of what is to be served.
fn not_ready() -> Error {
    Error::new(Reason::NotReady, "the server is starting and does not know the live revision yet; try again")
        .retry_after(NOT_READY_RETRY)
}

impl Backend for Records {
    fn catalog(&self) -> Result<Arc<Catalog>, Error> {
        Ok(self.served()?.catalog.clone())
    }

    async fn create(&self, caller: &Principal, model: &Arc<Model>, record: Record) -> Result<Stored, Error> {
        operations::create(&self.call(caller, model)?, record).await
    }

    async fn get(
        &self,
        caller: &Principal,
        model: &Arc<Model>,
        id: &str,
        _: &View,
    ) -> Result<(Stored, Included), Error> {
        Ok((operations::get(&self.call(caller, model)?, id).await?, Included::default()))
    }

    async fn batch_get(
        &self,
        _: &Principal,
        _: &Arc<Model>,
        _: &[String],
        _: &View,
    ) -> Result<(Vec<Stored>, Included), Error> {
        Err(Error::new(Reason::NotSupported, "not written yet"))
    }

    async fn list(&self, caller: &Principal, model: &Arc<Model>, query: &ListQuery) -> Result<Page, Error> {
        operations::list(&self.call(caller, model)?, query.page_size, &query.page_token).await
    }

    async fn list_related(
        &self,
        _: &Principal,
        _: &Arc<Model>,
        _: &str,
        _: usize,
        _: &ListQuery,
    ) -> Result<Page, Error> {
        Err(Error::new(Reason::NotSupported, "not written yet"))
    }

    async fn explain_list(&self, _: &Principal, _: &Arc<Model>, _: &ListQuery) -> Result<Explanation, Error> {
        Err(Error::new(Reason::NotSupported, "not written yet"))
    }

    async fn aggregate(&self, _: &Principal, _: &Arc<Model>, _: &AggregateQuery) -> Result<AggregateResponse, Error> {
        Err(Error::new(Reason::NotSupported, "not written yet"))
    }

    async fn update(
        &self,
        caller: &Principal,
        model: &Arc<Model>,
        id: &str,
        update: Record,
        mask: UpdateMask,
        etag: Option<&str>,
    ) -> Result<Stored, Error> {
        let copy = update.clone();
        let again = || Ok(copy.clone());
        operations::update(&self.call(caller, model)?, Update { id, update, mask, etag, again: &again }).await
    }

    async fn delete(&self, caller: &Principal, model: &Arc<Model>, id: &str, etag: Option<&str>) -> Result<(), Error> {
        operations::delete(&self.call(caller, model)?, id, etag).await
    }
}
