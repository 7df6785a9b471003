//! Compares delivered with committed events.

use groundplan_eventlog::Event;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

/// A committed event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Committed {
    pub(crate) writer: i32,
    /// The sequence number of the event for its writer.
    pub(crate) number: i32,
    /// The number of the first event of the append, and the number of its events.
    pub(crate) first: i32,
    pub(crate) size: i32,
}

/// The differences between delivered and committed events.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Findings {
    pub(crate) committed: usize,
    pub(crate) delivered: usize,
    /// Committed and not delivered.
    pub(crate) lost: usize,
    /// Delivered more than once.
    pub(crate) doubled: usize,
    /// Delivered and not committed.
    pub(crate) invented: usize,
    /// Delivered after an event with a later position, or with a later number of the same writer.
    pub(crate) disordered: usize,
    /// Positions that do not have exactly the events of one append, with the right parts and end.
    pub(crate) torn: usize,
}

impl Findings {
    pub(crate) fn is_correct(&self) -> bool {
        self.lost + self.doubled + self.invented + self.disordered + self.torn == 0 && self.committed > 0
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { committed, delivered, lost, doubled, invented, disordered, torn } = self;
        write!(
            formatter,
            "{committed} committed, {delivered} delivered, {lost} lost, {doubled} doubled, {invented} invented, \
             {disordered} disordered, {torn} torn"
        )
    }
}

/// Compares delivered events with the committed ones.
pub(crate) fn check(truth: &HashMap<String, Committed>, delivered: &[Arc<Event>]) -> Findings {
    let mut findings = Findings { committed: truth.len(), delivered: delivered.len(), ..Findings::default() };
    let mut seen = HashSet::new();
    let mut newest_of_writer: HashMap<i32, i32> = HashMap::new();
    for event in delivered {
        let Some(committed) = truth.get(&event.key) else {
            findings.invented += 1;
            continue;
        };
        if !seen.insert(event.key.as_str()) {
            findings.doubled += 1;
        }
        let newest = newest_of_writer.entry(committed.writer).or_insert(-1);
        if committed.number <= *newest {
            findings.disordered += 1;
        }
        *newest = committed.number.max(*newest);
    }
    findings.lost = truth.keys().filter(|key| !seen.contains(key.as_str())).count();
    findings.disordered += delivered.windows(2).filter(|pair| pair[0].at >= pair[1].at).count();
    for append in delivered.chunk_by(|one, next| one.at.position == next.at.position) {
        findings.torn += usize::from(is_torn(truth, append));
    }
    findings
}

/// Whether the events of one position differ from those of one append.
fn is_torn(truth: &HashMap<String, Committed>, append: &[Arc<Event>]) -> bool {
    let Some(first) = truth.get(&append[0].key) else { return false };
    let is_right = |(part, event): (i32, &Arc<Event>)| {
        truth.get(&event.key).is_some_and(|committed| {
            event.at.part == part
                && event.is_last == (part + 1 == first.size)
                && (committed.writer, committed.first) == (first.writer, first.first)
                && committed.number == first.first + part
        })
    };
    append.len() != usize::try_from(first.size).unwrap() || !(0..).zip(append).all(is_right)
}
