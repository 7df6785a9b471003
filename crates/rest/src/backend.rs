//! What the REST API needs from the service behind it.

use groundplan_chassis::principal::Principal;
use groundplan_codec::mask::UpdateMask;
use groundplan_codec::{Record, Stored};
use groundplan_error::Error;
use groundplan_model::catalog::{Catalog, Model};
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
    ) -> impl Future<Output = Result<Stored, Error>> + Send;

    /// Reads the records behind `page_token` (empty: from the first), at most `page_size` (0: as many as the backend likes).
    fn list(
        &self,
        caller: &Principal,
        model: &Arc<Model>,
        page_size: i32,
        page_token: &str,
    ) -> impl Future<Output = Result<Page, Error>> + Send;

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

/// A part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub records: Vec<Stored>,
    /// Where the next page starts; empty behind the last record.
    pub next_page_token: String,
}
