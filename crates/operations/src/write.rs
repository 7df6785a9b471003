//! What is to be written: one record, several of a model, or any, together or not at all.

use groundplan_codec::mask::UpdateMask;
use groundplan_codec::{Record, Stored};
use groundplan_model::catalog::Model;
use std::sync::Arc;

/// Writes that happen together or not at all, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Writes {
    pub list: Vec<Write>,
    /// What the caller made of them: how errors name them, and what a request id is bound to.
    pub form: Form,
    /// Makes the call happen once, however often it is sent (AIP-155); empty: none.
    pub request_id: String,
    /// Whether everything is checked and nothing is written (AIP-163).
    pub validate_only: bool,
    /// Whether it is as if nobody else wrote at the same time.
    pub is_serializable: bool,
}

/// What a caller made of writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A method of one record: errors name its fields.
    Single,
    /// A batch of one model: errors name `requests[3]`.
    Batch,
    /// A commit over any models: errors name `writes[3]`.
    Commit,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Write {
    pub model: Arc<Model>,
    pub operation: Operation,
    /// CEL over the record as it is before the write, which must hold; empty: none.
    pub condition: String,
}

/// What is to become of a record. Ids, etags and paths are as the caller sent them; an empty etag is none.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "an update, the large one, is as frequent as the others")]
pub enum Operation {
    Create {
        record: Record,
        /// A name by which later writes can refer to the record, as `$name` in place of its id; empty: none.
        local_ref: String,
    },
    Update {
        id: String,
        update: Record,
        mask: UpdateMask,
        transforms: Transforms,
        etag: String,
        /// Whether the record is created if it is not there.
        allow_missing: bool,
    },
    Delete {
        id: String,
        etag: String,
        /// Whether it is no mistake if the record is not there.
        allow_missing: bool,
    },
    Undelete {
        id: String,
        etag: String,
    },
    /// The record must be there, or must not.
    Verify {
        id: String,
        etag: String,
        is_missing: bool,
    },
}

/// Fields whose new value is made of the old one and of that in the update: paths of fields, by proto names or JSON names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transforms {
    /// Numbers: the update's is added.
    pub increment: Vec<String>,
    /// Lists: the elements of the update's are put at the end.
    pub append: Vec<String>,
    /// Lists: elements that are in the update's are taken out.
    pub remove: Vec<String>,
    /// The larger of both.
    pub maximum: Vec<String>,
    /// The smaller of both.
    pub minimum: Vec<String>,
    /// Timestamps: the time of the write.
    pub server_time: Vec<String>,
}

/// What writes have done.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// In the order of the writes: the record as it is now; none where it is gone, or was only verified.
    pub records: Vec<Option<Stored>>,
    /// In the order of the writes: whether the record was not there before.
    pub created: Vec<bool>,
    /// How often the server had to begin, because others wrote the same.
    pub attempts: u32,
    /// Whether this is the answer to an earlier call with the same request id.
    pub is_repeat: bool,
}

impl PartialEq for Write {
    fn eq(&self, other: &Self) -> bool {
        let plain = |write: &Self| (write.model.full_name.clone(), write.operation.clone(), write.condition.clone());
        plain(self) == plain(other)
    }
}

impl Transforms {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Writes {
    /// One write, as a method of one record makes it.
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
    /// Whether the one write has made its record.
    pub fn has_created(&self) -> bool {
        self.created.first() == Some(&true)
    }

    /// The one record that a method of one record answers with.
    pub fn into_single(self) -> Option<Stored> {
        self.records.into_iter().next().flatten()
    }
}
