//! The JSON body of a query or batch. It is read key by key, so that each error has the path of the invalid value.

pub(crate) mod mask;
pub(crate) mod raw;
mod record;

use crate::enum_params::EnumParam;
use crate::limits::MAX_SUGGESTIONS;
use crate::parameter_errors::{self, invalid_parameter, invalid_parameters, violation};
use groundplan_codec::{shorten_name, suggestion};
use groundplan_error::{Error, ErrorCollector, MAX_VIOLATIONS, Reason};
use groundplan_operations::limits::MAX_BATCH;
use raw::Members;
pub(crate) use record::{TYPE, Typed};
use serde_json::value::RawValue;

/// The members of an object: each key is known and unique. `null` means absent.
#[derive(Debug)]
pub(crate) struct Input<'a> {
    /// The path of the object, with a trailing `.`; empty for the body itself.
    path: String,
    members: Vec<(&'a str, &'a RawValue)>,
}

impl<'a> Input<'a> {
    /// Reads a body. The error lists all unknown keys. `snake_case` keys are accepted too.
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
            let Some(name) = known.iter().find(|name| **name == key || is_proto_name_of(&key, name)) else {
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

    /// Whether a key is present and not `null`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(other, value)| *other == name && !raw::is_null(value))
    }

    /// The keys that are present and not `null`.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.members.iter().filter(|(_, value)| !raw::is_null(value)).map(|(name, _)| *name)
    }

    /// Returns the path of a field, for errors.
    pub(crate) fn path_of(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }

    /// The path of the object itself, for errors.
    pub(crate) fn object_path(&self) -> &str {
        self.path.trim_end_matches('.')
    }

    /// Reads a string; empty if absent.
    pub(crate) fn text(&mut self, name: &str) -> Result<String, Error> {
        let Some(value) = self.take(name) else { return Ok(String::new()) };
        raw::text(value)?.ok_or_else(|| self.wrong_type(name, "a string", value))
    }

    /// Reads comma-separated names, such as a FieldMask; none if absent or empty.
    pub(crate) fn names(&mut self, name: &str) -> Result<Vec<String>, Error> {
        let text = self.text(name)?;
        parameter_errors::split_names(&self.path_of(name), &text)
    }

    /// Reads a bool; false if absent.
    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, Error> {
        let Some(value) = self.take(name) else { return Ok(false) };
        raw::flag(value).ok_or_else(|| self.wrong_type(name, "true or false", value))
    }

    /// Reads a required enum.
    pub(crate) fn choice<T: Copy>(&mut self, name: &str, param: &EnumParam<T>) -> Result<T, Error> {
        match self.take(name).map(raw::text).transpose()?.flatten() {
            Some(text) => param.parse(&self.path_of(name), &text),
            None => Err(param.error(&self.path_of(name))),
        }
    }

    /// Reads an enum; the default if absent.
    pub(crate) fn choice_or_default<T: Copy + Default>(
        &mut self,
        name: &str,
        param: &EnumParam<T>,
    ) -> Result<T, Error> {
        if self.has(name) { self.choice(name, param) } else { Ok(T::default()) }
    }

    /// Reads a list of strings; empty if absent.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Vec<String>, Error> {
        let items = self.list(name)?;
        let text = |(at, value): (usize, &'a RawValue)| {
            raw::text(value)?.ok_or_else(|| self.wrong_type(&format!("{name}[{at}]"), "a string", value))
        };
        items.into_iter().enumerate().map(text).collect()
    }

    /// Reads an object with these keys; none if absent.
    pub(crate) fn object(&mut self, name: &str, known: &[&'a str]) -> Result<Option<Self>, Error> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let members = raw::members(value)?.ok_or_else(|| self.wrong_type(name, "an object", value))?;
        Self::new(format!("{}.", self.path_of(name)), members, known).map(Some)
    }

    /// Reads a list of objects with these keys; empty if absent.
    pub(crate) fn objects(&mut self, name: &str, known: &[&'a str]) -> Result<Vec<Self>, Error> {
        let items = self.list(name)?;
        items.into_iter().enumerate().map(|item| self.element(name, item, known)).collect()
    }

    /// Reads a list of 1 to [`MAX_BATCH`] objects with these keys. The error names the violations of all elements.
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
        ErrorCollector::collect(items.into_iter().enumerate().map(one))
    }

    /// Reads an element of a list as an object with these keys.
    fn element(&self, name: &str, (at, value): (usize, &'a RawValue), known: &[&'a str]) -> Result<Self, Error> {
        match raw::members(value)? {
            Some(members) => Self::new(format!("{}[{at}].", self.path_of(name)), members, known),
            None => Err(self.wrong_type(&format!("{name}[{at}]"), "an object", value)),
        }
    }

    /// The elements of a list, at most one more than any list can have.
    fn list(&mut self, name: &str) -> Result<Vec<&'a RawValue>, Error> {
        self.counted(name).map(|(items, _)| items)
    }

    /// The elements of a list, and their number.
    fn counted(&mut self, name: &str) -> Result<(Vec<&'a RawValue>, usize), Error> {
        let Some(value) = self.take(name) else { return Ok((Vec::new(), 0)) };
        let elements = raw::elements(value)?.ok_or_else(|| self.wrong_type(name, "an array", value))?;
        Ok((elements.kept, elements.count))
    }

    /// Takes a value; none if it is absent or `null`.
    fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let at = self.members.iter().position(|(other, _)| *other == name)?;
        Some(self.members.swap_remove(at).1).filter(|value| !raw::is_null(value))
    }

    fn wrong_type(&self, name: &str, expected: &str, value: &RawValue) -> Error {
        invalid_parameter(self.path_of(name), "json_type", format!("must be {expected}, not {}", raw::kind(value)))
    }
}

/// Whether a key is the proto name of a field: `group_by` for `groupBy`.
pub(crate) fn is_proto_name_of(key: &str, name: &str) -> bool {
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
