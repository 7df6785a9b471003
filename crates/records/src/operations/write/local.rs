//! Names that records get within one commit: `$name` stands for the id of a record that an earlier write creates.

use crate::operations::Id;
use groundplan_codec::{Record, Value};
use groundplan_error::{Error, Violation};
use groundplan_model::catalog::Model;
use groundplan_rest::{Form, Operation, Writes};
use std::collections::HashMap;

/// The longest name, in bytes.
pub(crate) const MAX_NAME: usize = 64;

/// The names of a commit. Other requests have none, and `$` means nothing in them.
pub(super) struct Locals<'a> {
    /// Which write makes each.
    places: HashMap<&'a str, usize>,
    /// Those that are made so far, with the full name of the model.
    made: HashMap<String, (String, Id)>,
    is_commit: bool,
}

impl<'a> Locals<'a> {
    /// Finds the names.
    pub(super) fn new(writes: &'a Writes) -> Result<Self, Error> {
        let mut places = HashMap::new();
        for (at, write) in writes.list.iter().enumerate() {
            let Operation::Create { local_ref, .. } = &write.operation else { continue };
            if local_ref.is_empty() {
                continue;
            }
            let refuse = |rule: &'static str, words: String| {
                Err(Error::field("local_ref", rule, words).within(&format!("writes[{at}].create")))
            };
            if !is_name(local_ref) {
                return refuse("string.pattern", format!("must be 1 to {MAX_NAME} letters, digits, `_` or `-`"));
            }
            if let Some(first) = places.insert(local_ref.as_str(), at) {
                return refuse("repeated.unique", format!("is that of writes[{first}] too; each names one record"));
            }
        }
        Ok(Self { places, made: HashMap::new(), is_commit: writes.form == Form::Commit })
    }

    /// Notes that a write has made its record.
    pub(super) fn add(&mut self, name: &str, model: &Model, id: &Id) {
        if !name.is_empty() {
            self.made.insert(name.to_owned(), (model.full_name.clone(), id.clone()));
        }
    }

    /// The id that a text of a write stands for, if it is a name.
    pub(super) fn id(&self, model: &Model, text: &str, at: usize) -> Result<Option<Id>, Error> {
        let name = &model.shape().field(model.roles.id).name;
        self.find(&model.full_name, text, at).map_err(|words| Error::field(name.as_str(), "local_ref", words))
    }

    /// Puts ids in place of names in the fields that refer to a record.
    pub(super) fn resolve(&self, model: &Model, record: &mut Record, at: usize) -> Result<(), Error> {
        let mut violations = Vec::new();
        for reference in &model.references {
            let Some(Value::String(text)) = record.get(reference.field) else { continue };
            match self.find(&reference.target, text, at) {
                Ok(None) => {}
                Ok(Some(id)) => record.set(reference.field, Some(id.to_value())),
                Err(description) => violations.push(Violation {
                    field: model.shape().field(reference.field).name.clone(),
                    description,
                    rule: "local_ref".into(),
                }),
            }
        }
        if violations.is_empty() { Ok(()) } else { Err(Error::invalid(violations)) }
    }

    /// What a text stands for as the id of a record of a model; an error is what is wrong with it.
    fn find(&self, model: &str, text: &str, at: usize) -> Result<Option<Id>, String> {
        let Some(name) = text.strip_prefix('$').filter(|_| self.is_commit) else { return Ok(None) };
        match (self.made.get(name), self.places.get(name)) {
            (Some((of, id)), _) if of == model => Ok(Some(id.clone())),
            (Some((of, _)), _) => Err(format!("is {text}, which is a record of {of}, not of {model}")),
            (None, Some(place)) if *place == at => Err(format!("is {text}, which is the record of this very write")),
            (None, Some(place)) => {
                Err(format!("is {text}, which writes[{place}] makes only later; put that one before this"))
            }
            (None, None) => Err(format!("is {text}, but no write of this commit has the local_ref {name:?}")),
        }
    }
}

fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}
