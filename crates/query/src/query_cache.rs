//! A cache of the compiled queries of a revision.

use super::Compiled;
use groundplan_error::Error;
use groundplan_expr::limits::{MAX_LENGTH, MAX_ORDER_LENGTH};
use groundplan_model::catalog::{Catalog, Model};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The maximum number of cached queries.
const MAX_QUERIES: usize = 256;

/// The maximum total size of their texts and SQL, in bytes. The other compiled data takes a few times as much. The caches of
/// previous revisions are small enough to be dropped with them.
const MAX_BYTES: usize = 512 << 10;

/// The compiled queries of one revision. A full cache drops the least recently used query.
#[derive(Debug, Default)]
pub struct QueryCache {
    /// The most frequent query: no filter, and the order of the ids, of any model.
    everything: Arc<Compiled>,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    by_text: HashMap<Text, (Arc<Compiled>, u64)>,
    /// The size of all texts and of the SQL compiled from them.
    bytes: usize,
    /// Increments with each use.
    clock: u64,
}

/// The source of a query.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Text {
    model: String,
    filter: String,
    order_by: String,
}

/// Returns the size of a cached query in bytes.
fn bytes(text: &Text, compiled: &Compiled) -> usize {
    text.model.len() + text.filter.len() + text.order_by.len() + compiled.bytes()
}

impl QueryCache {
    /// Compiles a filter and an order, or returns the cached query.
    ///
    /// # Errors
    /// `FILTER_INVALID`, `ORDER_INVALID`.
    pub fn compile(
        &self,
        catalog: &Catalog,
        model: &Arc<Model>,
        filter: &str,
        order_by: &str,
    ) -> Result<Arc<Compiled>, Error> {
        if filter.is_empty() && order_by.is_empty() {
            return Ok(self.everything.clone());
        }
        if filter.len() > MAX_LENGTH || order_by.len() > MAX_ORDER_LENGTH {
            // Compiling it fails, and it must not become a key.
            return Compiled::new(catalog, model, filter, order_by).map(Arc::new);
        }
        let text = Text { model: model.full_name.clone(), filter: filter.to_owned(), order_by: order_by.to_owned() };
        if let Some(compiled) = self.entries().get(&text) {
            return Ok(compiled);
        }
        let compiled = Arc::new(Compiled::new(catalog, model, filter, order_by)?);
        self.entries().insert(text, compiled.clone());
        Ok(compiled)
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn get(&mut self, text: &Text) -> Option<Arc<Compiled>> {
        self.clock += 1;
        let (compiled, last_used) = self.by_text.get_mut(text)?;
        *last_used = self.clock;
        Some(compiled.clone())
    }

    fn insert(&mut self, text: Text, compiled: Arc<Compiled>) {
        let bytes = bytes(&text, &compiled);
        while self.by_text.len() >= MAX_QUERIES || (self.bytes + bytes > MAX_BYTES && !self.by_text.is_empty()) {
            let oldest = self.by_text.iter().min_by_key(|(_, (_, last_used))| *last_used);
            let Some(oldest) = oldest.map(|(text, _)| text.clone()) else { break };
            self.remove(&oldest);
        }
        // Another call might have added the same query meanwhile.
        self.remove(&text);
        self.clock += 1;
        self.bytes += bytes;
        self.by_text.insert(text, (compiled, self.clock));
    }

    fn remove(&mut self, text: &Text) {
        if let Some((compiled, _)) = self.by_text.remove(text) {
            self.bytes -= bytes(text, &compiled);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Entries, MAX_BYTES, MAX_QUERIES, QueryCache, Text, bytes};
    use crate::Compiled;
    use crate::testing::catalog;
    use std::sync::Arc;

    fn text(filter: String) -> Text {
        Text { model: "a.v1.B".into(), filter, order_by: String::new() }
    }

    #[test]
    fn least_recently_used_query_is_dropped() {
        let mut entries = Entries::default();
        for at in 0..2 * MAX_QUERIES {
            entries.insert(text(at.to_string()), Arc::new(Compiled::default()));
            assert!(entries.get(&text("0".into())).is_some(), "used queries stay");
        }
        assert_eq!(entries.by_text.len(), MAX_QUERIES);
        assert!(entries.get(&text("1".into())).is_none());
        assert!(entries.get(&text((2 * MAX_QUERIES - 1).to_string())).is_some());
    }

    #[test]
    fn total_size_is_limited() {
        let mut entries = Entries::default();
        for at in 0..MAX_QUERIES {
            entries.insert(text(format!("{at}{}", "x".repeat(4_000))), Arc::new(Compiled::default()));
            assert!(entries.bytes <= MAX_BYTES);
        }
        let all: usize = entries.by_text.iter().map(|(text, (compiled, _))| bytes(text, compiled)).sum();
        assert_eq!(entries.bytes, all);
        assert!(entries.by_text.len() > 50);
    }

    #[test]
    fn compiled_size_counts_and_query_without_filter_is_shared() {
        let source = "syntax = \"proto3\"; package test.v1; import \"groundplan/model/v1/model.proto\"; message Thing { \
                      option (groundplan.model.v1.model) = {}; string id = 1; string title = 2; }";
        let catalog = catalog(1, source);
        let model = catalog.model("test.v1.Thing").unwrap();
        let queries = QueryCache::default();
        let compile = |filter: &str| queries.compile(&catalog, model, filter, "").unwrap();
        assert!(Arc::ptr_eq(&compile(""), &compile("")));
        assert_eq!(queries.entries().bytes, 0);
        let compiled = compile("title == 'a'");
        assert!(Arc::ptr_eq(&compiled, &compile("title == 'a'")));
        assert_eq!(queries.entries().bytes, "test.v1.Thing".len() + "title == 'a'".len() + compiled.bytes());
        assert!(compiled.bytes() > "title == 'a'".len());
    }
}
