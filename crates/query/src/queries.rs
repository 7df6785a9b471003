//! The compiled queries of a revision, so that what comes again is not compiled again.

use super::Compiled;
use groundplan_error::Error;
use groundplan_expr::limits::{MAX_LENGTH, MAX_ORDER_LENGTH};
use groundplan_model::catalog::{Catalog, Model};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The most queries that are kept.
const MAX_QUERIES: usize = 256;

/// The most bytes of their texts together, as callers write them and as PostgreSQL gets them. What else is compiled takes a
/// few times as much; the caches of the few revisions before the served one are small enough to end with those.
const MAX_BYTES: usize = 512 << 10;

/// The compiled queries of one revision, the least recently used of which makes room.
#[derive(Debug, Default)]
pub struct Queries {
    /// The query that most callers have: no filter, and the order of the ids, of any model.
    everything: Arc<Compiled>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_text: HashMap<Text, (Arc<Compiled>, u64)>,
    /// Of all texts, and of what is compiled of them.
    bytes: usize,
    /// Grows with each use.
    clock: u64,
}

/// What a query is compiled of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Text {
    model: String,
    filter: String,
    order_by: String,
}

/// How many bytes a query keeps.
fn bytes(text: &Text, compiled: &Compiled) -> usize {
    text.model.len() + text.filter.len() + text.order_by.len() + compiled.bytes()
}

impl Queries {
    /// Compiles a filter and an order, or finds them compiled.
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
            // It will be refused, and must not be a key before.
            return Compiled::new(catalog, model, filter, order_by).map(Arc::new);
        }
        let text = Text { model: model.full_name.clone(), filter: filter.to_owned(), order_by: order_by.to_owned() };
        if let Some(compiled) = self.kept().get(&text) {
            return Ok(compiled);
        }
        let compiled = Arc::new(Compiled::new(catalog, model, filter, order_by)?);
        self.kept().insert(text, compiled.clone());
        Ok(compiled)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
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
        // Another call may have compiled the same meanwhile.
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
    use super::{Kept, MAX_BYTES, MAX_QUERIES, Queries, Text, bytes};
    use crate::Compiled;
    use crate::testing::catalog;
    use std::sync::Arc;

    fn text(filter: String) -> Text {
        Text { model: "a.v1.B".into(), filter, order_by: String::new() }
    }

    #[test]
    fn the_least_recently_used_makes_room() {
        let mut kept = Kept::default();
        for at in 0..2 * MAX_QUERIES {
            kept.insert(text(at.to_string()), Arc::new(Compiled::default()));
            assert!(kept.get(&text("0".into())).is_some(), "what is used stays");
        }
        assert_eq!(kept.by_text.len(), MAX_QUERIES);
        assert!(kept.get(&text("1".into())).is_none());
        assert!(kept.get(&text((2 * MAX_QUERIES - 1).to_string())).is_some());
    }

    #[test]
    fn their_bytes_are_bounded() {
        let mut kept = Kept::default();
        for at in 0..MAX_QUERIES {
            kept.insert(text(format!("{at}{}", "x".repeat(4_000))), Arc::new(Compiled::default()));
            assert!(kept.bytes <= MAX_BYTES);
        }
        let all: usize = kept.by_text.iter().map(|(text, (compiled, _))| bytes(text, compiled)).sum();
        assert_eq!(kept.bytes, all);
        assert!(kept.by_text.len() > 50);
    }

    #[test]
    fn what_is_compiled_counts_and_everything_is_shared() {
        let source = "syntax = \"proto3\"; package test.v1; import \"groundplan/model/v1/model.proto\"; message Thing { \
                      option (groundplan.model.v1.model) = {}; string id = 1; string title = 2; }";
        let catalog = catalog(1, source);
        let model = catalog.model("test.v1.Thing").unwrap();
        let queries = Queries::default();
        let compile = |filter: &str| queries.compile(&catalog, model, filter, "").unwrap();
        assert!(Arc::ptr_eq(&compile(""), &compile("")));
        assert_eq!(queries.kept().bytes, 0);
        let compiled = compile("title == 'a'");
        assert!(Arc::ptr_eq(&compiled, &compile("title == 'a'")));
        assert_eq!(queries.kept().bytes, "test.v1.Thing".len() + "title == 'a'".len() + compiled.bytes());
        assert!(compiled.bytes() > "title == 'a'".len());
    }
}
