//! What tests share: a PostgreSQL that nobody has to start.

mod database;
mod private;
mod server;

pub use database::TestDatabase;
pub use private::PrivateServer;
