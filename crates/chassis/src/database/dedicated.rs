//! Connections outside of the pool, for work that takes long or changes its session.

use super::Database;
use diesel_async::AsyncPgConnection;
use groundplan_error::Error;

impl Database {
    /// Opens a connection that does not belong to the pool. Dropping it closes it, and ends its settings and session locks. A
    /// running statement continues until the server notices.
    pub async fn dedicated(&self) -> Result<AsyncPgConnection, Error> {
        let (client, connection) = self.target.connect_raw().await?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await.map_err(Error::internal)
    }

    /// Opens such a connection as a client of tokio-postgres: for `COPY`, which Diesel does not support.
    pub async fn dedicated_client(&self) -> Result<tokio_postgres::Client, Error> {
        self.target.client().await
    }
}
