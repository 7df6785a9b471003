//! Where the lists of related records go on.

use super::Call;
use super::walk::Continued;
use crate::operations::list::related_token;
use crate::query::Parent;
use groundplan_error::Error;
use std::collections::BTreeMap;

/// A page token for each way back on which there is more, by the path of its list below the version.
pub(super) fn page_tokens(call: &Call<'_>, continued: Vec<Continued>) -> Result<BTreeMap<String, String>, Error> {
    let entry = |way: Continued| {
        let path = format!("{}/{}/{}", way.start.resource, way.id, way.name);
        let table = call.related(&way.target.full_name)?;
        let parent = Parent { field: way.field, id: way.id };
        Ok((path, related_token(call.records, &call.principal.tenant, table, &parent, &way.last)?))
    };
    continued.into_iter().map(entry).collect()
}
