//! The roles of fields that the system uses, set by option or implied by name and type.

use crate::options::{FormulaKind, behavior_numbers, formula_source, model_option_has, role_number};
use crate::shape::Behavior;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

/// A role of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Id,
    CreateTime,
    UpdateTime,
    Etag,
    DeleteTime,
    ExpireTime,
}

impl Role {
    pub(crate) const ALL: [Self; 6] =
        [Self::Id, Self::CreateTime, Self::UpdateTime, Self::Etag, Self::DeleteTime, Self::ExpireTime];

    /// Returns the name of the value in options.
    pub(crate) fn option_name(self) -> &'static str {
        match self {
            Self::Id => "ROLE_ID",
            Self::CreateTime => "ROLE_CREATE_TIME",
            Self::UpdateTime => "ROLE_UPDATE_TIME",
            Self::Etag => "ROLE_ETAG",
            Self::DeleteTime => "ROLE_DELETE_TIME",
            Self::ExpireTime => "ROLE_EXPIRE_TIME",
        }
    }

    /// Returns the part of the model's option that the role requires, if any.
    pub(crate) fn required_option(self) -> Option<&'static str> {
        match self {
            Self::DeleteTime => Some("soft_delete"),
            Self::ExpireTime => Some("expiry"),
            Self::Id | Self::CreateTime | Self::UpdateTime | Self::Etag => None,
        }
    }

    /// Returns whether the model's option contains the part that the role requires.
    pub(crate) fn is_enabled_for(self, message: &MessageDescriptor) -> bool {
        self.required_option().is_none_or(|part| model_option_has(message, part))
    }

    /// Returns whether only the server sets the field.
    pub(crate) fn is_set_by_server(self) -> bool {
        match self {
            Self::CreateTime | Self::UpdateTime | Self::Etag | Self::DeleteTime => true,
            Self::Id | Self::ExpireTime => false,
        }
    }

    /// Returns the type of the field as in `.proto` files.
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Self::Id | Self::Etag => "string",
            Self::CreateTime | Self::UpdateTime | Self::DeleteTime | Self::ExpireTime => "google.protobuf.Timestamp",
        }
    }

    fn by_name(name: &str) -> Option<Self> {
        match name {
            "id" => Some(Self::Id),
            "created_at" | "create_time" => Some(Self::CreateTime),
            "updated_at" | "update_time" => Some(Self::UpdateTime),
            "etag" => Some(Self::Etag),
            "deleted_at" | "delete_time" => Some(Self::DeleteTime),
            "expires_at" | "expire_time" => Some(Self::ExpireTime),
            _ => None,
        }
    }

    /// Returns whether a field can have the role.
    pub(crate) fn fits(self, field: &FieldDescriptor) -> bool {
        let alone = field.containing_oneof().is_none_or(|oneof| oneof.is_synthetic());
        let kind = match (self, field.kind()) {
            (Self::Id | Self::Etag, Kind::String) => true,
            (Self::CreateTime | Self::UpdateTime | Self::DeleteTime | Self::ExpireTime, Kind::Message(message)) => {
                message.full_name() == "google.protobuf.Timestamp"
            }
            _ => false,
        };
        kind && alone && !field.is_list() && !field.is_map()
    }
}

/// The role that a field's option sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeclaredRole {
    Unset,
    None,
    Role(Role),
    Unknown(i32),
}

/// Reads the role from a field's option.
pub(crate) fn declared_role(field: &FieldDescriptor) -> DeclaredRole {
    match role_number(field) {
        0 => DeclaredRole::Unset,
        1 => DeclaredRole::None,
        2 => DeclaredRole::Role(Role::Id),
        3 => DeclaredRole::Role(Role::CreateTime),
        4 => DeclaredRole::Role(Role::UpdateTime),
        5 => DeclaredRole::Role(Role::Etag),
        6 => DeclaredRole::Role(Role::DeleteTime),
        7 => DeclaredRole::Role(Role::ExpireTime),
        other => DeclaredRole::Unknown(other),
    }
}

/// Returns a field's role, if it has one that fits.
pub(crate) fn field_role(field: &FieldDescriptor) -> Option<Role> {
    let role = match declared_role(field) {
        DeclaredRole::Role(role) => role,
        DeclaredRole::Unset => Role::by_name(field.name())?,
        DeclaredRole::None | DeclaredRole::Unknown(_) => return None,
    };
    (role.fits(field) && role.is_enabled_for(field.parent_message())).then_some(role)
}

/// Returns all fields with a role. [`crate::check`] reports more than one as an error.
pub(crate) fn fields_with_role(message: &MessageDescriptor, role: Role) -> Vec<FieldDescriptor> {
    message.fields().filter(|field| field_role(field) == Some(role)).collect()
}

/// Returns the behavior that `google.api.field_behavior`, the field's formula and, in a model, the role define.
pub(crate) fn field_behavior(field: &FieldDescriptor, role: Option<Role>) -> Behavior {
    let written = behavior_numbers(field);
    let says = |number: i32| written.contains(&number);
    let set_by_server =
        role.is_some_and(Role::is_set_by_server) || formula_source(field, FormulaKind::Computed).is_some();
    Behavior { required: says(2), output_only: says(3) || set_by_server, input_only: says(4), immutable: says(5) }
}
