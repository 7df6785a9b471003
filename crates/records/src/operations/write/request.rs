//! A request id, and the writes that it stands for.

use crate::store::request_ids::Key;

/// The key of a request id, with the digest of the writes of its first call.
pub(crate) struct Request<'a> {
    pub(crate) key: Key<'a>,
    pub(crate) digest: [u8; 32],
}
