//! Where the lists of related records go on.

use super::related_token::related_token;
use super::walk::Continued;
use crate::call::Call;
use groundplan_error::Error;
use groundplan_query::Parent;
use std::collections::{BTreeMap, BTreeSet};

/// A page token for each way back on which there is more, by the path of its list below the version; with the version
/// where the answer has another list of that path, in another version.
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
