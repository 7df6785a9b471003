//! The body of a query or of several writes: a JSON object that is read key by key, so that a refusal has the path of what it
//! is about.

pub(crate) mod mask;
pub(crate) mod raw;
mod record;

use crate::enum_params::EnumParam;
use crate::limits::MAX_SUGGESTIONS;
use crate::parameter_errors::{self, invalid_parameter, invalid_parameters, violation};
use groundplan_codec::{shorten_name, suggestion};
use groundplan_error::{Error, MAX_VIOLATIONS, Reason, Refusals};
use groundplan_operations::limits::MAX_BATCH;
use raw::Members;
pub(crate) use record::{TYPE, Typed};
use serde_json::value::RawValue;

/// The members of an object, all of them known and each at most once. `null` is the same as leaving one out.
#[derive(Debug)]
pub(crate) struct Input<'a> {
    /// What leads to the object, with a `.` at its end; empty for the body itself.
    path: String,
    members: Vec<(&'a str, &'a RawValue)>,
}

impl<'a> Input<'a> {
    /// Reads a body. Keys other than `known` are refused by name, all at once; `snake_case` is understood as well.
    pub(crate) fn parse(body: &'a [u8], known: &[&'a str]) -> Result<Self, Error> {
        let value = raw::parse(body)?;
        match raw::members(value)? {
            Some(members) => Self::new(String::new(), members, known),
            None => Err(Error::new(
                Reason::MalformedRequest,
                format!("the body must be a JSON object, not {}", raw::kind(value)),
            )),
        }
    }

    fn new(path: String, given: Members<'a>, known: &[&'a str]) -> Result<Self, Error> {
        let mut members: Vec<(&'a str, &'a RawValue)> = Vec::new();
        let mut violations = Vec::new();
        for (key, value) in given.0 {
            if violations.len() > MAX_VIOLATIONS {
                break;
            }
            let at = format!("{path}{}", shorten_name(&key));
            let Some(name) = known.iter().find(|name| **name == key || is_snake_of(&key, name)) else {
                let nearest = match violations.len() {
                    ..MAX_SUGGESTIONS => suggestion(&key, known.iter().copied()),
                    _ => String::new(),
                };
                let suggestion = match nearest.is_empty() {
                    true => format!("; these are: {}", known.join(", ")),
                    false => nearest,
                };
                violations.push(violation(at, "unknown_field", format!("is not a known key{suggestion}")));
                continue;
            };
            if members.iter().any(|(other, _)| other == name) {
                violations.push(violation(at, "duplicate", "is given more than once"));
            } else {
                members.push((name, value));
            }
        }
        if violations.is_empty() { Ok(Self { path, members }) } else { Err(invalid_parameters(violations)) }
    }

    /// Whether a key is there, and not `null`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(other, value)| *other == name && !raw::is_null(value))
    }

    /// The keys that are there, and not `null`.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.members.iter().filter(|(_, value)| !raw::is_null(value)).map(|(name, _)| *name)
    }

    /// What stands in front of a field's name in refusals.
    pub(crate) fn path_of(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }

    /// The object itself in refusals.
    pub(crate) fn place(&self) -> &str {
        self.path.trim_end_matches('.')
    }

    /// A string; empty if it is not there.
    pub(crate) fn text(&mut self, name: &str) -> Result<String, Error> {
        let Some(value) = self.take(name) else { return Ok(String::new()) };
        raw::text(value)?.ok_or_else(|| self.wrong(name, "a string", value))
    }

    /// Names with commas between them, such as a FieldMask; none if it is not there or empty.
    pub(crate) fn names(&mut self, name: &str) -> Result<Vec<String>, Error> {
        let text = self.text(name)?;
        parameter_errors::split_names(&self.path_of(name), &text)
    }

    /// Yes or no; no if it is not there.
    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, Error> {
        let Some(value) = self.take(name) else { return Ok(false) };
        raw::flag(value).ok_or_else(|| self.wrong(name, "true or false", value))
    }

    /// One of several names, which must be there.
    pub(crate) fn choice<T: Copy>(&mut self, name: &str, param: &EnumParam<T>) -> Result<T, Error> {
        match self.take(name).map(raw::text).transpose()?.flatten() {
            Some(text) => param.parse(&self.path_of(name), &text),
            None => Err(param.error(&self.path_of(name))),
        }
    }

    /// One of several names; the default if it is not there.
    pub(crate) fn choice_or_default<T: Copy + Default>(
        &mut self,
        name: &str,
        param: &EnumParam<T>,
    ) -> Result<T, Error> {
        if self.has(name) { self.choice(name, param) } else { Ok(T::default()) }
    }

    /// A list of strings; empty if it is not there.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Vec<String>, Error> {
        let items = self.list(name)?;
        let text = |(at, value): (usize, &'a RawValue)| {
            raw::text(value)?.ok_or_else(|| self.wrong(&format!("{name}[{at}]"), "a string", value))
        };
        items.into_iter().enumerate().map(text).collect()
    }

    /// An object with these keys; none if it is not there.
    pub(crate) fn object(&mut self, name: &str, known: &[&'a str]) -> Result<Option<Self>, Error> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let members = raw::members(value)?.ok_or_else(|| self.wrong(name, "an object", value))?;
        Self::new(format!("{}.", self.path_of(name)), members, known).map(Some)
    }

    /// A list of objects with these keys; empty if it is not there.
    pub(crate) fn objects(&mut self, name: &str, known: &[&'a str]) -> Result<Vec<Self>, Error> {
        let items = self.list(name)?;
        items.into_iter().enumerate().map(|item| self.element(name, item, known)).collect()
    }

    /// What is made of each of a list of objects with these keys, as many as one call may have. All that are wrong are refused
    /// together.
    pub(crate) fn batch<T>(
        &mut self,
        name: &str,
        known: &[&'a str],
        read: impl Fn(Self) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let (items, count) = self.counted(name)?;
        if count == 0 || count > MAX_BATCH {
            let description = format!("must have from 1 to {MAX_BATCH} elements, not {count}");
            return Err(invalid_parameter(self.path_of(name), "count", description));
        }
        let one = |item| self.element(name, item, known).and_then(&read);
        Refusals::collect(items.into_iter().enumerate().map(one))
    }

    /// An element of a list that is an object with these keys.
    fn element(&self, name: &str, (at, value): (usize, &'a RawValue), known: &[&'a str]) -> Result<Self, Error> {
        match raw::members(value)? {
            Some(members) => Self::new(format!("{}[{at}].", self.path_of(name)), members, known),
            None => Err(self.wrong(&format!("{name}[{at}]"), "an object", value)),
        }
    }

    /// The elements of a list: one too many is enough for any list to be refused.
    fn list(&mut self, name: &str) -> Result<Vec<&'a RawValue>, Error> {
        self.counted(name).map(|(items, _)| items)
    }

    /// The elements of a list, and how many it has.
    fn counted(&mut self, name: &str) -> Result<(Vec<&'a RawValue>, usize), Error> {
        let Some(value) = self.take(name) else { return Ok((Vec::new(), 0)) };
        let elements = raw::elements(value)?.ok_or_else(|| self.wrong(name, "an array", value))?;
        Ok((elements.kept, elements.count))
    }

    /// The text of a value; none if it is not there, or `null`.
    fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let at = self.members.iter().position(|(other, _)| *other == name)?;
        Some(self.members.swap_remove(at).1).filter(|value| !raw::is_null(value))
    }

    fn wrong(&self, name: &str, expected: &str, found: &RawValue) -> Error {
        invalid_parameter(self.path_of(name), "json_type", format!("must be {expected}, not {}", raw::kind(found)))
    }
}

/// Whether a key is the name that the field has in the `.proto`: `group_by` for `groupBy`.
pub(crate) fn is_snake_of(key: &str, name: &str) -> bool {
    let mut key = key.chars();
    name.chars().all(|letter| {
        if letter.is_ascii_uppercase() {
            key.next() == Some('_') && key.next() == Some(letter.to_ascii_lowercase())
        } else {
            key.next() == Some(letter)
        }
    }) && key.next().is_none()
}

#[cfg(test)]
mod tests;
