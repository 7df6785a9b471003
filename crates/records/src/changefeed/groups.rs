//! The watchers of a hub, in groups with the same subscription.

use super::Subscription;
use super::buffer::{Buffer, End};
use super::compiled_subscription::CompiledSubscription;
use super::delivery::Delivery;
use crate::served::Served;
use groundplan_error::{Error, Reason};
use groundplan_eventlog::Event;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The groups of a hub.
#[derive(Default)]
pub(crate) struct Groups {
    by_number: HashMap<u64, Group>,
    numbers: HashMap<Arc<Subscription>, u64>,
    /// By the model's full name, because most changes matter to few groups.
    by_topic: HashMap<String, HashSet<u64>>,
    /// The number of the next group.
    next: u64,
    /// The revision of all compiled subscriptions; `None` if they might be of several revisions.
    served: Option<Arc<Served>>,
}

/// Watchers with the same subscription.
struct Group {
    compiled: Arc<CompiledSubscription>,
    members: HashMap<u64, Arc<Buffer>>,
}

impl Groups {
    pub(crate) fn is_empty(&self) -> bool {
        self.by_number.is_empty()
    }

    /// Adds a watcher to the group of its subscription. The first watcher creates the group.
    pub(crate) fn join(&mut self, compiled: &Arc<CompiledSubscription>, member: u64, buffer: Arc<Buffer>) {
        let number = match self.numbers.get(&compiled.subscription) {
            Some(number) => *number,
            None => self.add(compiled),
        };
        if let Some(group) = self.by_number.get_mut(&number) {
            group.members.insert(member, buffer);
        }
    }

    fn add(&mut self, compiled: &Arc<CompiledSubscription>) -> u64 {
        if self.served.as_ref().is_some_and(|served| !Arc::ptr_eq(served, &compiled.served)) {
            self.served = None;
        }
        let number = self.next;
        self.next += 1;
        self.numbers.insert(compiled.subscription.clone(), number);
        for watched in &compiled.subscription.models {
            self.by_topic.entry(watched.model.clone()).or_default().insert(number);
        }
        self.by_number.insert(number, Group { compiled: compiled.clone(), members: HashMap::new() });
        number
    }

    /// Removes a watcher from its group, and removes the group with its last watcher.
    pub(crate) fn leave(&mut self, subscription: &Arc<Subscription>, member: u64) {
        let Some(number) = self.numbers.get(subscription).copied() else { return };
        let Some(group) = self.by_number.get_mut(&number) else { return };
        group.members.remove(&member);
        if group.members.is_empty() {
            self.remove(number);
        }
    }

    fn remove(&mut self, number: u64) {
        let Some(group) = self.by_number.remove(&number) else { return };
        let subscription = &group.compiled.subscription;
        self.numbers.remove(subscription);
        for watched in &subscription.models {
            if let Some(of_topic) = self.by_topic.get_mut(&watched.model) {
                of_topic.remove(&number);
                if of_topic.is_empty() {
                    self.by_topic.remove(&watched.model);
                }
            }
        }
    }

    /// Recompiles the groups for another served revision: their subscriptions keep their meaning and include new fields. Ends
    /// groups with subscriptions that no longer compile.
    pub(crate) fn renew(&mut self, served: &Arc<Served>) {
        if self.served.as_ref().is_some_and(|known| Arc::ptr_eq(known, served)) {
            return;
        }
        self.served = Some(served.clone());
        let mut unfit = Vec::new();
        for (number, group) in &mut self.by_number {
            if Arc::ptr_eq(&group.compiled.served, served) {
                continue;
            }
            match CompiledSubscription::compile(served, &group.compiled.subscription) {
                Ok(compiled) => group.compiled = Arc::new(compiled),
                Err(error) => {
                    group.end(&End::Changed(error.reason(), error.message().into_owned()));
                    unfit.push(*number);
                }
            }
        }
        unfit.into_iter().for_each(|number| self.remove(number));
    }

    /// Returns the subscriptions of a revision that include an event's model, for the event's tenant.
    pub(crate) fn compiled(&self, served: &Arc<Served>, event: &Event) -> Vec<(u64, Arc<CompiledSubscription>)> {
        let numbers = self.by_topic.get(&event.topic).into_iter().flatten();
        let groups = numbers.filter_map(|number| Some((*number, self.by_number.get(number)?.compiled.clone())));
        let looks = |compiled: &CompiledSubscription| {
            compiled.subscription.tenant == event.tenant && Arc::ptr_eq(&compiled.served, served)
        };
        groups.filter(|(_, compiled)| looks(compiled)).collect()
    }

    /// Delivers the result of comparing an event with the subscription of a group.
    pub(crate) fn give(&self, number: u64, event: &Event, seen: Result<Option<Delivery>, Error>, limit: usize) {
        let Some(group) = self.by_number.get(&number) else { return };
        match seen {
            Ok(None) => {}
            Ok(Some(delivery)) => group.give(&delivery, limit),
            Err(error) if error.reason() == Reason::MemoryExhausted => group.end(&End::NoMemory),
            Err(error) if error.reason() == Reason::BudgetExceeded => {
                group.end(&End::Costly(error.message().into_owned()));
            }
            Err(error) => group.fail(event, error.log_text()),
        }
    }

    /// Disconnects the watchers with the most waiting bytes to free memory: all with at least half of the maximum. Returns
    /// whether any bytes were waiting.
    pub(crate) fn relieve(&self) -> bool {
        let buffers = || self.by_number.values().flat_map(|group| group.members.values());
        let most = buffers().map(|buffer| buffer.bytes()).max().unwrap_or_default();
        if most > 0 {
            buffers().filter(|buffer| buffer.bytes() >= most.div_ceil(2)).for_each(|buffer| buffer.drop_all());
        }
        most > 0
    }

    /// Disconnects all watchers.
    pub(crate) fn end_all(&mut self, end: &End) {
        self.by_number.values().for_each(|group| group.end(end));
        *self = Self { next: self.next, ..Self::default() };
    }
}

impl Group {
    fn give(&self, delivery: &Delivery, limit: usize) {
        for member in self.members.values() {
            member.push(delivery.clone(), limit);
        }
    }

    fn end(&self, end: &End) {
        self.members.values().for_each(|member| member.end(end.clone()));
    }

    /// Ends the group, because it must not continue without an event that might matter to it.
    fn fail(&self, event: &Event, error: String) {
        let Event { topic, at, .. } = event;
        tracing::error!(error, topic, position = at.position, "an event cannot be read: its watchers are disconnected");
        self.end(&End::Changed(Reason::Internal, "an event cannot be read".to_owned()));
    }
}
