//! Reads the options of `groundplan/model/v1/model.proto` from messages and fields.

use crate::diagnostic::SourceLocation;
use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, ReflectMessage as _, Value};

/// The number of both extensions.
pub(crate) const OPTION: i32 = 77_310;
/// The number of the field of `FieldDescriptorProto` that contains the options.
const FIELD_OPTIONS: i32 = 8;

/// The kinds of expressions that set a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormulaKind {
    /// Evaluated when a record is created without a value.
    Default,
    /// Evaluated at each write.
    Computed,
}

impl FormulaKind {
    pub(crate) const ALL: [Self; 2] = [Self::Default, Self::Computed];

    /// Returns the name of the option.
    pub(crate) fn option_name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Computed => "computed",
        }
    }

    /// Returns the number of the option's field.
    fn option_number(self) -> i32 {
        match self {
            Self::Default => 3,
            Self::Computed => 4,
        }
    }
}

/// Calls `read` with a field's option, if it has one.
pub(crate) fn read_field_option<T>(field: &FieldDescriptor, read: impl FnOnce(&DynamicMessage) -> T) -> Option<T> {
    let options = field.options();
    let extension = field.parent_message().parent_pool().get_extension_by_name("groundplan.model.v1.field")?;
    if !options.has_extension(&extension) {
        return None;
    }
    options.get_extension(&extension).as_message().map(read)
}

/// Returns the number of a field's role, 0 if the option sets none.
pub(crate) fn role_number(field: &FieldDescriptor) -> i32 {
    read_field_option(field, |option| number(option, "role")).unwrap_or(0)
}

/// Returns the expression that sets a field. An empty one counts as absent.
pub(crate) fn formula_source(field: &FieldDescriptor, kind: FormulaKind) -> Option<String> {
    read_field_option(field, |option| text(option, kind.option_name())).filter(|source| !source.is_empty())
}

/// Returns the numbers of `google.api.field_behavior`.
pub(crate) fn behavior_numbers(field: &FieldDescriptor) -> Vec<i32> {
    let options = field.options();
    let pool = field.parent_message().parent_pool();
    let Some(extension) = pool.get_extension_by_name("google.api.field_behavior") else { return Vec::new() };
    if !options.has_extension(&extension) {
        return Vec::new();
    }
    let value = options.get_extension(&extension);
    value.as_list().unwrap_or_default().iter().filter_map(Value::as_enum_number).collect()
}

/// Returns whether protovalidate's rules contain `required`.
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

/// Returns the location of an expression: its part of the option, or the whole option if it is written as one message.
pub(crate) fn formula_location(field: &FieldDescriptor, kind: FormulaKind) -> SourceLocation {
    let mut path = field.path().to_vec();
    path.extend([FIELD_OPTIONS, OPTION, kind.option_number()]);
    SourceLocation::at_path(&field.parent_message().parent_file(), &path)
}

/// Returns whether a message is a model whose option has a given field.
pub(crate) fn model_option_has(message: &MessageDescriptor, part: &str) -> bool {
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
