//! A request id, and its writes.

use crate::store::request_ids::Key;

/// The key of a request id, with the digest of the call's writes.
pub(crate) struct Request<'a> {
    pub(crate) key: Key<'a>,
    pub(crate) digest: [u8; 32],
}
