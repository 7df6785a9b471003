//! The connection of an import, and what the statements on it share.

use super::CHUNK_BYTES;
use super::copy::{HEAD, TAIL};
use super::header::Header;
use super::part_error::PartError;
use super::progress::Progress;
use super::staging::Staging;
use crate::call::Call;
use bytes::Bytes;
use futures_util::SinkExt as _;
use std::pin::pin;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

/// The state of one import, with its database connection. The connection uses tokio-postgres, because Diesel has no `COPY`.
pub(crate) struct ImportSession<'a> {
    pub(crate) call: Call<'a>,
    pub(crate) header: &'a Header,
    pub(crate) client: Client,
    pub(crate) staging: Staging,
    pub(crate) progress: Progress,
    /// Whether rows are checked before they are written. Usually all rows are valid, and writing without checks is faster.
    pub(crate) is_careful: bool,
    /// The number of events that the open transaction holds back.
    pub(crate) events: i64,
}

impl ImportSession<'_> {
    /// Copies rows into the staging table.
    pub(crate) async fn stage(&self, copy: &str, rows: &Bytes) -> Result<(), PartError> {
        let mut sink = pin!(self.client.copy_in::<_, Bytes>(copy).await?);
        sink.feed(Bytes::from_static(HEAD)).await?;
        let mut rest = rows.clone();
        while !rest.is_empty() {
            sink.feed(rest.split_to(rest.len().min(CHUNK_BYTES))).await?;
        }
        sink.feed(Bytes::from_static(TAIL)).await?;
        sink.finish().await?;
        Ok(())
    }

    /// Runs a statement whose first value is the tenant. Returns the number of changed rows.
    pub(crate) async fn execute(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<i64, PartError> {
        let tenant: &(dyn ToSql + Sync) = &self.call.principal.tenant;
        // Some statements have no values.
        let takes_tenant = sql.contains("$1");
        let values: Vec<_> = takes_tenant.then_some(tenant).into_iter().chain(values.iter().copied()).collect();
        let changed = self.client.execute(sql, &values).await?;
        Ok(i64::try_from(changed).unwrap_or(i64::MAX))
    }

    pub(crate) async fn run_sql(&self, sql: &str) -> Result<(), PartError> {
        Ok(self.client.batch_execute(sql).await?)
    }
}
