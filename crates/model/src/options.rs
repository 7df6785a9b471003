//! The options of `groundplan/model/v1/model.proto` as they are written at messages and fields.

use crate::diagnostic::Place;
use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, ReflectMessage as _, Value};

/// The number of both options.
pub(crate) const OPTION: i32 = 77_310;
/// Which field of a field's descriptor holds its options.
const FIELD_OPTIONS: i32 = 8;

/// What a field gets by an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormulaKind {
    /// What it gets at creation when it has no value.
    Default,
    /// What the server makes it be at each write.
    Computed,
}

impl FormulaKind {
    pub(crate) const ALL: [Self; 2] = [Self::Default, Self::Computed];

    /// As it is written in options.
    pub(crate) fn option_name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Computed => "computed",
        }
    }

    /// Which field of the option holds it.
    fn option_number(self) -> i32 {
        match self {
            Self::Default => 3,
            Self::Computed => 4,
        }
    }
}

/// Reads from a field's option, if it has one.
pub(crate) fn from_option<T>(field: &FieldDescriptor, read: impl FnOnce(&DynamicMessage) -> T) -> Option<T> {
    let options = field.options();
    let extension = field.parent_message().parent_pool().get_extension_by_name("groundplan.model.v1.field")?;
    if !options.has_extension(&extension) {
        return None;
    }
    options.get_extension(&extension).as_message().map(read)
}

/// The number of a field's role, 0 if it says nothing.
pub(crate) fn written_role(field: &FieldDescriptor) -> i32 {
    from_option(field, |option| number(option, "role")).unwrap_or(0)
}

/// The expression that a field gets its value by. An empty one is none.
pub(crate) fn written_formula(field: &FieldDescriptor, kind: FormulaKind) -> Option<String> {
    from_option(field, |option| text(option, kind.option_name())).filter(|source| !source.is_empty())
}

/// The numbers of `google.api.field_behavior`.
pub(crate) fn written_behavior(field: &FieldDescriptor) -> Vec<i32> {
    let options = field.options();
    let pool = field.parent_message().parent_pool();
    let Some(extension) = pool.get_extension_by_name("google.api.field_behavior") else { return Vec::new() };
    if !options.has_extension(&extension) {
        return Vec::new();
    }
    let value = options.get_extension(&extension);
    value.as_list().unwrap_or_default().iter().filter_map(Value::as_enum_number).collect()
}

/// Whether protovalidate's rules say `required`.
pub(crate) fn is_required_by_rule(field: &FieldDescriptor) -> bool {
    let options = field.options();
    let pool = field.parent_message().parent_pool();
    pool.get_extension_by_name("buf.validate.field")
        .filter(|extension| options.has_extension(extension))
        .and_then(|extension| {
            let value = options.get_extension(&extension);
            let rules = value.as_message()?;
            rules.descriptor().get_field_by_name("required")?;
            rules.get_field_by_name("required")?.as_bool()
        })
        .unwrap_or(false)
}

/// Where such an expression is written: the part of the option, or the option as a whole where it is written in one.
pub(crate) fn formula_place(field: &FieldDescriptor, kind: FormulaKind) -> Place {
    let mut path = field.path().to_vec();
    path.extend([FIELD_OPTIONS, OPTION, kind.option_number()]);
    Place::path(&field.parent_message().parent_file(), &path)
}

/// Whether a message is a model whose option has a part.
pub(crate) fn has_part(message: &MessageDescriptor, part: &str) -> bool {
    let options = message.options();
    let extension = message.parent_pool().get_extension_by_name("groundplan.model.v1.model");
    let extension = extension.filter(|extension| options.has_extension(extension));
    let has = |option: &DynamicMessage| option.has_field_by_name(part);
    extension.is_some_and(|extension| options.get_extension(&extension).as_message().is_some_and(has))
}

pub(crate) fn text(message: &DynamicMessage, field: &str) -> String {
    message.get_field_by_name(field).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

pub(crate) fn number(message: &DynamicMessage, field: &str) -> i32 {
    message.get_field_by_name(field).and_then(|value| value.as_enum_number()).unwrap_or(0)
}
