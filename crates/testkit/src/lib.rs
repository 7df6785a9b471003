//! What tests share: a PostgreSQL that nobody has to start.

mod database;
mod server;

pub use database::TestDatabase;
