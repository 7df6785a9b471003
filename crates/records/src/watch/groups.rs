//! The followers of a hub, in groups of those that ask for the same.

use super::Subject;
use super::buffer::{Buffer, End};
use super::event::Delivery;
use super::lens::Lens;
use crate::served::Served;
use groundplan_error::{Error, Reason};
use groundplan_eventlog::Event;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The groups of a hub.
#[derive(Default)]
pub(super) struct Groups {
    by_number: HashMap<u64, Group>,
    numbers: HashMap<Arc<Subject>, u64>,
    /// By the model's full name: most changes matter to few groups.
    by_topic: HashMap<String, HashSet<u64>>,
    /// Grows with each new group.
    next: u64,
    /// The revision that all lenses are of. None if some may be of another one.
    served: Option<Arc<Served>>,
}

/// Followers that ask for the same.
struct Group {
    lens: Arc<Lens>,
    members: HashMap<u64, Arc<Buffer>>,
}

impl Groups {
    pub(super) fn is_empty(&self) -> bool {
        self.by_number.is_empty()
    }

    /// Adds a follower to the group of its subject, which it may be the first of.
    pub(super) fn join(&mut self, lens: &Arc<Lens>, member: u64, buffer: Arc<Buffer>) {
        let number = match self.numbers.get(&lens.subject) {
            Some(number) => *number,
            None => self.add(lens),
        };
        if let Some(group) = self.by_number.get_mut(&number) {
            group.members.insert(member, buffer);
        }
    }

    fn add(&mut self, lens: &Arc<Lens>) -> u64 {
        if self.served.as_ref().is_some_and(|served| !Arc::ptr_eq(served, &lens.served)) {
            self.served = None;
        }
        let number = self.next;
        self.next += 1;
        self.numbers.insert(lens.subject.clone(), number);
        for watched in &lens.subject.models {
            self.by_topic.entry(watched.model.clone()).or_default().insert(number);
        }
        self.by_number.insert(number, Group { lens: lens.clone(), members: HashMap::new() });
        number
    }

    /// Takes a follower out of its group, and the group away with the last one.
    pub(super) fn leave(&mut self, subject: &Arc<Subject>, member: u64) {
        let Some(number) = self.numbers.get(subject).copied() else { return };
        let Some(group) = self.by_number.get_mut(&number) else { return };
        group.members.remove(&member);
        if group.members.is_empty() {
            self.remove(number);
        }
    }

    fn remove(&mut self, number: u64) {
        let Some(group) = self.by_number.remove(&number) else { return };
        let subject = &group.lens.subject;
        self.numbers.remove(subject);
        for watched in &subject.models {
            if let Some(of_topic) = self.by_topic.get_mut(&watched.model) {
                of_topic.remove(&number);
                if of_topic.is_empty() {
                    self.by_topic.remove(&watched.model);
                }
            }
        }
    }

    /// Compiles the groups anew when another revision is served: what they ask for means the same, of more fields.
    pub(super) fn renew(&mut self, served: &Arc<Served>) {
        if self.served.as_ref().is_some_and(|known| Arc::ptr_eq(known, served)) {
            return;
        }
        self.served = Some(served.clone());
        let mut unfit = Vec::new();
        for (number, group) in &mut self.by_number {
            if Arc::ptr_eq(&group.lens.served, served) {
                continue;
            }
            match Lens::compile(served, &group.lens.subject) {
                Ok(lens) => group.lens = Arc::new(lens),
                Err(error) => {
                    group.end(&End::Changed(error.reason(), error.message().into_owned()));
                    unfit.push(*number);
                }
            }
        }
        unfit.into_iter().for_each(|number| self.remove(number));
    }

    /// The lenses of a revision that look at an event's model for its tenant.
    pub(super) fn lenses(&self, served: &Arc<Served>, event: &Event) -> Vec<(u64, Arc<Lens>)> {
        let numbers = self.by_topic.get(&event.topic).into_iter().flatten();
        let groups = numbers.filter_map(|number| Some((*number, self.by_number.get(number)?.lens.clone())));
        let looks = |lens: &Lens| lens.subject.tenant == event.tenant && Arc::ptr_eq(&lens.served, served);
        groups.filter(|(_, lens)| looks(lens)).collect()
    }

    /// Gives a group what its lens has made of an event.
    pub(super) fn give(&self, number: u64, event: &Event, seen: Result<Option<Delivery>, Error>, limit: usize) {
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

    /// Cuts off those for whom most waits, to free memory: all with at least half as much as the one with most. Says whether
    /// anything was waiting.
    pub(super) fn relieve(&self) -> bool {
        let buffers = || self.by_number.values().flat_map(|group| group.members.values());
        let most = buffers().map(|buffer| buffer.bytes()).max().unwrap_or_default();
        if most > 0 {
            buffers().filter(|buffer| buffer.bytes() >= most.div_ceil(2)).for_each(|buffer| buffer.drop_all());
        }
        most > 0
    }

    /// Cuts all followers off.
    pub(super) fn end_all(&mut self, end: &End) {
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

    /// Ends the group: it must not go on without an event that may matter to it.
    fn fail(&self, event: &Event, error: String) {
        let Event { topic, at, .. } = event;
        tracing::error!(error, topic, position = at.position, "an event cannot be read: its followers are cut off");
        self.end(&End::Changed(Reason::Internal, "an event cannot be read".to_owned()));
    }
}
