//! The service on a real PostgreSQL, called as gRPC clients call it.

mod concurrency;
mod crud;
mod fixture;
mod follow;
mod list;
mod reflect;
mod round_trip;
mod storage;
mod storage_trouble;
mod wire_errors;
