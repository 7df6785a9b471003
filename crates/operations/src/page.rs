//! The results of lists: records, and the records that relations lead to.

use groundplan_codec::Stored;
use groundplan_model::catalog::Model;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub records: Vec<Stored>,
    /// The token for the next page; empty after the last record.
    pub next_page_token: String,
    /// The number of matching records over all pages, if requested.
    pub total: Option<Total>,
    pub included: Included,
}

/// The number of matching records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    pub size: i64,
    pub is_estimate: bool,
}

/// The records that relations lead to, each once, in addition to the requested records.
#[derive(Clone, Debug, Default)]
pub struct Included {
    /// Sorted by the model's full name, then by id.
    pub records: Vec<(Arc<Model>, Vec<Stored>)>,
    /// The tokens for the next pages of relations to many records, by the path of their list, such as `authors/{id}/books`.
    pub page_tokens: BTreeMap<String, String>,
}

impl PartialEq for Included {
    fn eq(&self, other: &Self) -> bool {
        let plain = |included: &Self| -> Vec<(String, Vec<Stored>)> {
            included.records.iter().map(|(model, records)| (model.full_name.clone(), records.clone())).collect()
        };
        plain(self) == plain(other) && self.page_tokens == other.page_tokens
    }
}
