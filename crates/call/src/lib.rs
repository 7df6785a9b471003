//! What the layers and the handlers of one call share: its method, its context, the cause of its failure, and a thread for long
//! work. REST and gRPC are both built on it.

mod failure;
mod method;
mod offload;

pub mod context;

pub use failure::{Cause, ErrorCode, envelope};
pub use method::MatchedMethod;
pub use offload::{LONG, offload, offload_if_long};
