//! Descriptors to [`Catalog`], two catalogs to a [`Plan`], and the services derived from models. Pure: no I/O, no waiting.
pub mod catalog;
pub mod shape;
