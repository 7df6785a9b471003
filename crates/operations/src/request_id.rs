//! Request ids (AIP-155).

use crate::limits::MAX_REQUEST_ID;

/// Checks whether a text is a valid request id: 1 to [`MAX_REQUEST_ID`] visible ASCII characters.
pub fn is_request_id(id: &str) -> bool {
    (1..=MAX_REQUEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}
