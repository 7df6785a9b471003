//! Shared parts of tests: a PostgreSQL that starts automatically.

mod database;
mod private;
mod server;

pub use database::TestDatabase;
pub use private::PrivateServer;
