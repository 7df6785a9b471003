//! Writes of one record, of several records of a model, or of any records, all or none.

use groundplan_codec::mask::UpdateMask;
use groundplan_codec::{Record, Stored};
use groundplan_model::catalog::Model;
use std::sync::Arc;

/// Writes that take effect in order, all or none.
#[derive(Clone, Debug, PartialEq)]
pub struct Writes {
    pub list: Vec<Write>,
    /// The form of the request, which determines how errors name writes and what a request id is bound to.
    pub form: Form,
    /// The id that makes repeated calls take effect once (AIP-155); empty: none.
    pub request_id: String,
    /// Whether the call is a dry run: everything is checked, and nothing is written (AIP-163).
    pub validate_only: bool,
    /// Whether the writes take effect as if no other writes ran at the same time.
    pub is_serializable: bool,
}

/// The form of a request that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A method of one record: errors name its fields.
    Single,
    /// A batch of one model: errors name `requests[3]`.
    Batch,
    /// A commit over any models: errors name `writes[3]`.
    Commit,
}

/// One of the writes.
#[derive(Clone, Debug)]
pub struct Write {
    pub model: Arc<Model>,
    pub operation: Operation,
    /// A CEL condition that the record must meet before the write; empty: none.
    pub condition: String,
}

/// The operation on a record. Ids, etags and paths are as the caller sent them; an empty etag means none.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "an update, the large one, is as frequent as the others")]
pub enum Operation {
    Create {
        record: Record,
        /// A name by which later writes can refer to the record, as `$name` instead of its id; empty: none.
        local_ref: String,
    },
    Update {
        id: String,
        update: Record,
        mask: UpdateMask,
        transforms: Transforms,
        etag: String,
        /// Whether to create the record if it does not exist.
        allow_missing: bool,
    },
    Delete {
        id: String,
        etag: String,
        /// Whether the delete succeeds if the record does not exist.
        allow_missing: bool,
    },
    Undelete {
        id: String,
        etag: String,
    },
    /// Requires that the record exists, or that it does not.
    Verify {
        id: String,
        etag: String,
        is_missing: bool,
    },
}

/// Fields whose new value is computed from the old value and the value in the update: field paths, in proto or JSON names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transforms {
    /// Numbers: adds the update's value.
    pub increment: Vec<String>,
    /// Lists: appends the update's elements.
    pub append: Vec<String>,
    /// Lists: removes every element that is in the update's list.
    pub remove: Vec<String>,
    /// The larger of both values.
    pub maximum: Vec<String>,
    /// The smaller of both values.
    pub minimum: Vec<String>,
    /// Timestamps: the time of the write.
    pub server_time: Vec<String>,
}

/// The result of writes.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// In the order of the writes: the record after the write; none if it no longer exists, or was only verified.
    pub records: Vec<Option<Stored>>,
    /// In the order of the writes: whether the write created the record.
    pub created: Vec<bool>,
    /// The number of attempts; more than one after conflicts with other writes.
    pub attempts: u32,
    /// Whether this is the response of an earlier call with the same request id.
    pub is_repeat: bool,
}

impl PartialEq for Write {
    fn eq(&self, other: &Self) -> bool {
        let plain = |write: &Self| (write.model.full_name.clone(), write.operation.clone(), write.condition.clone());
        plain(self) == plain(other)
    }
}

impl Transforms {
    /// Checks whether there are no transforms.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Writes {
    /// Returns the one write of a method on a single record.
    pub fn single(model: &Arc<Model>, operation: Operation) -> Self {
        let write = Write { model: model.clone(), operation, condition: String::new() };
        Self { list: vec![write], form: Form::Single, ..Self::default() }
    }
}

impl Default for Writes {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            form: Form::Single,
            request_id: String::new(),
            validate_only: false,
            is_serializable: false,
        }
    }
}

impl Written {
    /// Checks whether the first write created its record.
    pub fn has_created(&self) -> bool {
        self.created.first() == Some(&true)
    }

    /// Returns the record for the response of a method on a single record.
    pub fn into_single(self) -> Option<Stored> {
        self.records.into_iter().next().flatten()
    }
}
