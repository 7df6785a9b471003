//! The connections.

use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::bb8::Pool;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, PoolError, RecyclingMethod};

/// Opens all connections. A connection is not tested each time it is taken: that would cost a query per request.
pub(crate) async fn connect(url: String, connections: u32) -> Result<Pool<AsyncPgConnection>, PoolError> {
    let mut config = ManagerConfig::<AsyncPgConnection>::default();
    config.recycling_method = RecyclingMethod::Fast;
    let manager = AsyncDieselConnectionManager::new_with_config(url, config);
    Pool::builder().max_size(connections).min_idle(Some(connections)).build(manager).await
}
