//! Watches, as gRPC clients see them.

mod begin;
mod bounds;
mod changes;
mod ends;
mod many;
mod storm;

use super::fixture::{Fixture, Messages};
use groundplan_model::catalog::MethodKind::{Create, Delete, Update, Watch};
use serde_json::{Value, json};

impl Fixture {
    /// Watches a model from now on; what comes next are changes.
    async fn watch_now(&self, model: &str, mut request: Value) -> Messages {
        request["start"] = json!("START_NOW");
        let mut messages = self.stream(model, Watch, request).await.unwrap();
        assert_eq!(messages.next().await.unwrap()["kind"], "EVENT_KIND_BOOKMARK");
        messages
    }

    async fn item(&self, record: Value) -> Value {
        self.call("Item", Create, json!({"item": record})).await.unwrap()
    }

    async fn change(&self, record: Value) -> Value {
        self.call("Item", Update, json!({"item": record})).await.unwrap()
    }

    async fn remove(&self, id: &Value) {
        self.call("Item", Delete, json!({"id": id})).await.unwrap();
    }
}

impl Messages {
    /// The next event that is no bookmark.
    async fn change(&mut self) -> Value {
        loop {
            let event = self.next().await.unwrap();
            if event["kind"] != "EVENT_KIND_BOOKMARK" {
                return event;
            }
        }
    }
}

/// What kind of event it is, and of which title.
fn told(event: &Value) -> (&str, &str) {
    let kind = event["kind"].as_str().unwrap_or_default().trim_start_matches("EVENT_KIND_");
    (kind, event["item"]["title"].as_str().unwrap_or_default())
}
