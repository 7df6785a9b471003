//! The query parameters that say what is shown of records.

use crate::query::Query;
use groundplan_error::Error;
use groundplan_operations::View;

/// What a query asks to see.
pub(super) fn of(query: &Query) -> Result<View, Error> {
    Ok(View { read_mask: query.names("readMask")?, expand: query.names("expand")? })
}
