//! What was given, against what is committed.

use groundplan_eventlog::Event;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

/// What is committed of an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Committed {
    pub(crate) writer: i32,
    /// Counts the events of a writer.
    pub(crate) number: i32,
    /// The number of the first event of the append, and how many it has.
    pub(crate) first: i32,
    pub(crate) size: i32,
}

/// What is wrong with what was given.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Findings {
    pub(crate) committed: usize,
    pub(crate) delivered: usize,
    /// Committed and not given.
    pub(crate) lost: usize,
    /// Given again.
    pub(crate) doubled: usize,
    /// Given and not committed.
    pub(crate) invented: usize,
    /// Given behind something of a later place, or of a later number of the same writer.
    pub(crate) disordered: usize,
    /// Without the rest of its append, or with others', or with a wrong part or end.
    pub(crate) torn: usize,
}

impl Findings {
    pub(crate) fn is_faultless(&self) -> bool {
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

/// Compares.
pub(crate) fn check(truth: &HashMap<String, Committed>, given: &[Arc<Event>]) -> Findings {
    let mut findings = Findings { committed: truth.len(), delivered: given.len(), ..Findings::default() };
    let mut seen = HashSet::new();
    let mut newest_of_writer: HashMap<i32, i32> = HashMap::new();
    for event in given {
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
    findings.disordered += given.windows(2).filter(|pair| pair[0].at >= pair[1].at).count();
    for append in given.chunk_by(|one, next| one.at.position == next.at.position) {
        findings.torn += usize::from(is_torn(truth, append));
    }
    findings
}

/// Whether events of one position are not exactly those of one append.
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
