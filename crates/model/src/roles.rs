//! The fields that the system sets: by option, or by name and type.

use crate::declared::{written_behavior, written_role};
use crate::shape::Behavior;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

/// What a field is to the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Id,
    CreateTime,
    UpdateTime,
    Etag,
}

impl Role {
    pub(crate) const ALL: [Self; 4] = [Self::Id, Self::CreateTime, Self::UpdateTime, Self::Etag];

    /// As it is written in options.
    pub(crate) fn option_name(self) -> &'static str {
        match self {
            Self::Id => "ROLE_ID",
            Self::CreateTime => "ROLE_CREATE_TIME",
            Self::UpdateTime => "ROLE_UPDATE_TIME",
            Self::Etag => "ROLE_ETAG",
        }
    }

    /// The type that fits, as it is written.
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Self::Id | Self::Etag => "string",
            Self::CreateTime | Self::UpdateTime => "google.protobuf.Timestamp",
        }
    }

    fn by_name(name: &str) -> Option<Self> {
        match name {
            "id" => Some(Self::Id),
            "created_at" | "create_time" => Some(Self::CreateTime),
            "updated_at" | "update_time" => Some(Self::UpdateTime),
            "etag" => Some(Self::Etag),
            _ => None,
        }
    }

    /// Whether a field can have the role.
    pub(crate) fn fits(self, field: &FieldDescriptor) -> bool {
        let alone = field.containing_oneof().is_none_or(|oneof| oneof.is_synthetic());
        let kind = match (self, field.kind()) {
            (Self::Id | Self::Etag, Kind::String) => true,
            (Self::CreateTime | Self::UpdateTime, Kind::Message(message)) => {
                message.full_name() == "google.protobuf.Timestamp"
            }
            _ => false,
        };
        kind && alone && !field.is_list() && !field.is_map()
    }
}

/// What a field's option says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Nothing,
    None,
    Role(Role),
    Unknown(i32),
}

/// Reads a field's option.
pub(crate) fn written(field: &FieldDescriptor) -> Written {
    match written_role(field) {
        0 => Written::Nothing,
        1 => Written::None,
        2 => Written::Role(Role::Id),
        3 => Written::Role(Role::CreateTime),
        4 => Written::Role(Role::UpdateTime),
        5 => Written::Role(Role::Etag),
        other => Written::Unknown(other),
    }
}

/// A field's role, if it has one that fits.
pub(crate) fn of_field(field: &FieldDescriptor) -> Option<Role> {
    let role = match written(field) {
        Written::Role(role) => role,
        Written::Nothing => Role::by_name(field.name())?,
        Written::None | Written::Unknown(_) => return None,
    };
    role.fits(field).then_some(role)
}

/// All fields of a role. More than one is an error that [`crate::check`] reports.
pub(crate) fn fields_of(message: &MessageDescriptor, role: Role) -> Vec<FieldDescriptor> {
    message.fields().filter(|field| of_field(field) == Some(role)).collect()
}

/// What `google.api.field_behavior` and, in a model, the role say.
pub(crate) fn behavior(field: &FieldDescriptor, role: Option<Role>) -> Behavior {
    let written = written_behavior(field);
    let says = |number: i32| written.contains(&number);
    let set_by_server = matches!(role, Some(Role::CreateTime | Role::UpdateTime | Role::Etag));
    Behavior { required: says(2), output_only: says(3) || set_by_server, input_only: says(4), immutable: says(5) }
}
