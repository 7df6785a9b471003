//! Names of records within one commit: `$name` stands for the id of a record that a write of the commit creates.

use groundplan_codec::{Record, Value};
use groundplan_error::{Error, Violation};
use groundplan_model::catalog::Model;
use groundplan_operations::{Form, Operation, Writes};
use groundplan_query::id::Id;
use std::collections::HashMap;

/// The longest name, in bytes.
pub(crate) const MAX_NAME: usize = 64;

/// The names of a commit. Other requests have none, and `$` has no meaning in them.
pub(crate) struct Locals<'a> {
    names: HashMap<&'a str, Named<'a>>,
    /// The ids of the created records, by the index of the write. `None` if the write creates no record, or has an invalid
    /// id for it.
    ids: Vec<Option<Id>>,
    is_commit: bool,
}

/// The record that a name stands for.
struct Named<'a> {
    /// The index of the write that creates it.
    at: usize,
    /// The full name of its model.
    model: &'a str,
}

impl<'a> Locals<'a> {
    /// Collects the names, and assigns each created record its id now, because an earlier write can refer to a later one's
    /// record.
    pub(crate) fn new(writes: &'a Writes) -> Result<Self, Error> {
        let mut names: HashMap<&str, Named<'_>> = HashMap::new();
        let mut ids = vec![None; writes.list.len()];
        for (at, (write, of_write)) in writes.list.iter().zip(&mut ids).enumerate() {
            let Operation::Create { record, local_ref } = &write.operation else { continue };
            *of_write = Id::for_create(&write.model, record.get(write.model.roles.id)).ok();
            if local_ref.is_empty() {
                continue;
            }
            let refuse = |rule: &'static str, words: String| {
                Err(Error::field("local_ref", rule, words).within(&format!("writes[{at}].create")))
            };
            if !is_name(local_ref) {
                return refuse("string.pattern", format!("must be 1 to {MAX_NAME} letters, digits, `_` or `-`"));
            }
            if let Some(first) = names.insert(local_ref.as_str(), Named { at, model: &write.model.full_name }) {
                let words = format!("is that of writes[{}] too; each names one record", first.at);
                return refuse("repeated.unique", words);
            }
        }
        Ok(Self { names, ids, is_commit: writes.form == Form::Commit })
    }

    /// Returns the id of the record that a write creates.
    pub(crate) fn created(&self, at: usize) -> Option<&Id> {
        self.ids.get(at)?.as_ref()
    }

    /// Returns the id that a text of a write stands for, or `None` if it is not a name. An earlier write must create the
    /// record.
    pub(crate) fn id(&self, model: &Model, text: &str, at: usize) -> Result<Option<Id>, Error> {
        let name = &model.shape().field(model.roles.id).name;
        let found = match self.find(&model.full_name, text) {
            Ok(Some((place, _))) if place == at => Err(format!("is {text}, which is the record of this very write")),
            Ok(Some((place, _))) if place > at => {
                Err(format!("is {text}, which writes[{place}] creates later; put that one before this"))
            }
            found => found,
        };
        let found = found.map_err(|words| Error::field(name.as_str(), "local_ref", words))?;
        Ok(found.map(|(_, id)| id.clone()))
    }

    /// Replaces names with ids in the fields that refer to a record. Any write of the commit can create that record:
    /// references are checked after all writes.
    pub(crate) fn resolve(&self, model: &Model, record: &mut Record) -> Result<(), Error> {
        let mut violations = Vec::new();
        for reference in &model.references {
            let Some(Value::String(text)) = record.get(reference.field) else { continue };
            match self.find(&reference.target, text) {
                Ok(None) => {}
                Ok(Some((_, id))) => record.set(reference.field, Some(id.to_value())),
                Err(description) => violations.push(Violation {
                    field: model.shape().field(reference.field).name.clone(),
                    description,
                    rule: "local_ref".into(),
                }),
            }
        }
        if violations.is_empty() { Ok(()) } else { Err(Error::invalid(violations)) }
    }

    /// Returns the write that creates the record that a text names, and its id, or `None` if the text is not a name. The
    /// error describes the problem with the text.
    fn find(&self, model: &str, text: &str) -> Result<Option<(usize, &Id)>, String> {
        let Some(name) = text.strip_prefix('$').filter(|_| self.is_commit) else { return Ok(None) };
        let Some(Named { at, model: of }) = self.names.get(name) else {
            return Err(format!("is {text}, but no write of this commit has the local_ref {name:?}"));
        };
        if *of != model {
            return Err(format!("is {text}, which is a record of {of}, not of {model}"));
        }
        let id =
            self.created(*at).ok_or_else(|| format!("is {text}, but writes[{at}] gives that record no valid id"))?;
        Ok(Some((*at, id)))
    }
}

fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}
