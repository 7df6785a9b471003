//! Connections outside of the pool, for work that takes long or changes its session.

use super::Database;
use diesel_async::AsyncPgConnection;
use groundplan_error::Error;

impl Database {
    /// Opens a connection that is nobody else's and never goes into the pool: it is closed when it is dropped, and with
    /// it end its settings and its session's locks. A statement that runs then goes on until the server notices.
    pub async fn dedicated(&self) -> Result<AsyncPgConnection, Error> {
        let (client, connection) = self.target.connect_raw().await?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await.map_err(Error::internal)
    }

    /// The same, as the client that Diesel's connection stands on: for `COPY`, which Diesel does not have.
    pub async fn dedicated_client(&self) -> Result<tokio_postgres::Client, Error> {
        self.target.client().await
    }
}
