//! What lists give: records, and those that relations lead to.

use groundplan_codec::Stored;
use groundplan_model::catalog::Model;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A part of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub records: Vec<Stored>,
    /// Where the next page starts; empty behind the last record.
    pub next_page_token: String,
    /// How many records match over all pages, if that was asked for.
    pub total: Option<Total>,
    pub included: Included,
}

/// How many records match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    pub size: i64,
    pub is_estimate: bool,
}

/// The records that relations lead to, each once, beside those that were asked for.
#[derive(Clone, Debug, Default)]
pub struct Included {
    /// By the model's full name in order, and by id within.
    pub records: Vec<(Arc<Model>, Vec<Stored>)>,
    /// Where the next page of a relation of many records starts, by the path of its list, such as `authors/{id}/books`.
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
