//! What options say of a field.

use super::number;
use prost_reflect::{FieldDescriptor, ReflectMessage as _, Value};

/// The number of a field's role, 0 if it says nothing.
pub(crate) fn written_role(field: &FieldDescriptor) -> i32 {
    let options = field.options();
    let pool = field.parent_message().parent_pool();
    pool.get_extension_by_name("groundplan.model.v1.field")
        .filter(|extension| options.has_extension(extension))
        .and_then(|extension| options.get_extension(&extension).as_message().map(|option| number(option, "role")))
        .unwrap_or(0)
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
