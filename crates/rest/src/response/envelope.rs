//! The envelope: `{"data": …}`, page tokens, totals and included records.

use super::object::{RECORD_ROOM, write_record};
use crate::projection::Projection;
use groundplan_codec::Stored;
use groundplan_model::catalog::Model;
use groundplan_operations::{Included, Page};
use serde_json::Value;

/// An envelope without its closing brace.
pub(crate) struct Envelope(Vec<u8>);

impl Envelope {
    /// Starts an envelope with one record or its projection.
    pub(crate) fn of_record(model: &Model, shown: Option<&Projection>, stored: &Stored) -> Self {
        let mut envelope = Self(Vec::with_capacity(2 * RECORD_ROOM));
        envelope.raw("{\"data\":");
        write_record(model, shown, &stored.record, &mut envelope.0);
        envelope
    }

    /// Starts an envelope with several records.
    pub(crate) fn of_records(model: &Model, shown: Option<&Projection>, records: &[Stored]) -> Self {
        let mut envelope = Self(Vec::with_capacity(RECORD_ROOM * (records.len() + 1)));
        envelope.raw("{\"data\":");
        envelope.records(model, shown, records);
        envelope
    }

    /// Starts an envelope with other JSON.
    pub(crate) fn of_text(data: impl AsRef<[u8]>) -> Self {
        Self([b"{\"data\":", data.as_ref()].concat())
    }

    /// Adds the token of the next page, and the total if requested.
    pub(crate) fn page(&mut self, page: &Page) {
        self.next_page_token(&page.next_page_token);
        if let Some(total) = page.total {
            self.member("totalSize", &total.size.into());
            if total.is_estimate {
                self.member("totalSizeIsEstimate", &true.into());
            }
        }
    }

    /// Adds the token of the next page.
    pub(crate) fn next_page_token(&mut self, token: &str) {
        self.member("nextPageToken", &token.into());
    }

    /// Adds the related records.
    pub(crate) fn included(&mut self, included: &Included) {
        self.raw(",\"included\":{");
        for (at, (model, records)) in included.records.iter().enumerate() {
            if at > 0 {
                self.raw(",");
            }
            self.raw(&format!("{}:", Value::from(model.full_name.as_str())));
            self.records(model, None, records);
        }
        self.raw("}");
        if !included.page_tokens.is_empty() {
            let tokens = included.page_tokens.iter().map(|(path, token)| (path.clone(), token.as_str().into()));
            self.member("includedPageTokens", &Value::Object(tokens.collect()));
        }
    }

    /// Closes the envelope and returns its text.
    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        self.raw("}");
        self.0
    }

    fn records(&mut self, model: &Model, shown: Option<&Projection>, records: &[Stored]) {
        self.raw("[");
        for (at, stored) in records.iter().enumerate() {
            if at > 0 {
                self.raw(",");
            }
            write_record(model, shown, &stored.record, &mut self.0);
        }
        self.raw("]");
    }

    fn member(&mut self, name: &str, value: &Value) {
        self.raw(&format!(",\"{name}\":{value}"));
    }

    fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }
}
