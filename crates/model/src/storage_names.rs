//! The names of fields in the database. They are fixed when a field is first applied and survive later renames.

use crate::types::Reachable;
use std::collections::{BTreeMap, BTreeSet};

/// Names in the database, by the message's full name and the field's number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorageNames(BTreeMap<(String, u32), String>);

impl StorageNames {
    /// Returns the name of a field.
    pub fn get(&self, message: &str, number: u32) -> Option<&str> {
        self.0.get(&(message.to_owned(), number)).map(String::as_str)
    }

    /// Sets the name of a field.
    pub fn insert(&mut self, message: impl Into<String>, number: u32, name: impl Into<String>) {
        self.0.insert((message.into(), number), name.into());
    }

    /// Lists all names, sorted by message and number.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u32, &str)> {
        self.0.iter().map(|((message, number), name)| (message.as_str(), *number, name.as_str()))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds names for the fields that have none: the field's own name, unless an older field of the message has it.
    pub(crate) fn add_missing(&mut self, reachable: &Reachable) {
        for message in &reachable.messages {
            let full_name = message.full_name();
            let mut taken: BTreeSet<String> = self
                .0
                .range((full_name.to_owned(), 0)..=(full_name.to_owned(), u32::MAX))
                .map(|(_, name)| name.clone())
                .collect();
            for field in message.fields() {
                if self.get(full_name, field.number()).is_some() {
                    continue;
                }
                let name = free_name(field.name(), field.number(), &taken);
                taken.insert(name.clone());
                self.insert(full_name, field.number(), name);
            }
        }
    }
}

/// Returns the field's name. If an older field of the message has it, returns the name with the field's number appended
/// and, if that is taken too, a counter.
fn free_name(name: &str, number: u32, taken: &BTreeSet<String>) -> String {
    let numbered = |ending: String| {
        let stem = crate::naming::truncate(name, crate::naming::MAX_IDENTIFIER - ending.len());
        format!("{stem}{ending}")
    };
    let fallbacks = (1_u32..).map(|count| match count {
        1 => numbered(format!("_{number}")),
        _ => numbered(format!("_{number}_{count}")),
    });
    let mut names = std::iter::once(name.to_owned()).chain(fallbacks);
    // There are more candidates than names that can be taken.
    names.find(|name| !taken.contains(name)).unwrap_or_else(|| name.to_owned())
}

impl FromIterator<((String, u32), String)> for StorageNames {
    fn from_iter<I: IntoIterator<Item = ((String, u32), String)>>(names: I) -> Self {
        Self(names.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::free_name;
    use std::collections::BTreeSet;

    #[test]
    fn fallback_names_are_not_reused() {
        let taken = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(free_name("a", 7, &taken(&[])), "a");
        assert_eq!(free_name("a", 7, &taken(&["a"])), "a_7");
        assert_eq!(free_name("a", 7, &taken(&["a", "a_7"])), "a_7_2");
        let long = "x".repeat(63);
        let first = free_name(&long, 7, &taken(&[&long]));
        assert_eq!((first.len(), &first[60..]), (63, "x_7"));
        assert_eq!(free_name(&long, 7, &taken(&[&long, &first])).len(), 63);
    }
}
