//! The storage on a real PostgreSQL.

mod apply;
mod deferrable;
mod failures;
mod fixture;
mod indexes;
mod references;
