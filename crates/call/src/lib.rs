//! Shared by the layers and the handlers of a call: its method, its context, the cause of its error, and threads for long
//! work. Both REST and gRPC use it.

mod failure;
mod method;
mod offload;

pub mod context;

pub use failure::{Cause, ErrorCode, envelope};
pub use method::MatchedMethod;
pub use offload::{LONG, offload, offload_if_long};
