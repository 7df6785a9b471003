//! Page tokens for lists of related records.

use super::related_token::related_token;
use super::walk::Continued;
use crate::call::Call;
use groundplan_error::Error;
use groundplan_query::Parent;
use std::collections::{BTreeMap, BTreeSet};

/// Returns a page token for each inverse relation with more records. The key is the path of its list without the version.
/// If the response has lists of the same path in several versions, the key includes the version.
pub(crate) fn page_tokens(call: &Call<'_>, continued: Vec<Continued>) -> Result<BTreeMap<String, String>, Error> {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for way in &continued {
        versions.entry(path(way)).or_default().insert(way.start.version.clone());
    }
    let entry = |way: Continued| {
        let path = path(&way);
        let is_ambiguous = versions.get(&path).is_some_and(|versions| versions.len() > 1);
        let key = if is_ambiguous { format!("{}/{path}", way.start.version) } else { path };
        let table = call.related(&way.target.full_name)?;
        let parent = Parent { field: way.field, id: way.id };
        Ok((key, related_token(call.records, &call.principal.tenant, table, &parent, &way.last)?))
    };
    continued.into_iter().map(entry).collect()
}

fn path(way: &Continued) -> String {
    format!("{}/{}/{}", way.start.resource, way.id, way.name)
}
