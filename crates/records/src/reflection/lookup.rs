//! Lookups in a pool of descriptors.

use prost_reflect::{DescriptorPool, FileDescriptor};
use std::collections::HashSet;

/// A request of a client.
pub(super) enum Query {
    Services,
    /// A file by its name.
    File(String),
    /// The file that declares a name.
    Symbol(String),
    /// The file that declares an extension: the extended message's name, and the number.
    Extension(String, i32),
    /// The numbers of a message's extensions.
    Extensions(String),
}

/// The response to a client.
pub(super) enum Reply {
    Services(Vec<String>),
    /// Serialized files, in any order.
    Files(Vec<Vec<u8>>),
    Extensions(String, Vec<i32>),
    Nothing,
}

/// Returns the response from a pool; `None` if the pool does not contain the name.
pub(super) fn find(pool: &DescriptorPool, query: &Query, sent: &mut HashSet<String>) -> Option<Reply> {
    let file = match query {
        Query::Services => return None,
        Query::File(name) => pool.get_file_by_name(name)?,
        Query::Symbol(name) => declaring(pool, name)?,
        Query::Extension(message, number) => {
            let number = u32::try_from(*number).ok()?;
            pool.get_message_by_name(message)?.get_extension(number)?.parent_file()
        }
        Query::Extensions(message) => {
            let extended = pool.get_message_by_name(message)?;
            let numbers = extended.extensions().filter_map(|extension| i32::try_from(extension.number()).ok());
            return Some(Reply::Extensions(message.clone(), numbers.collect()));
        }
    };
    Some(Reply::Files(with_imports(file, sent)))
}

/// Returns the file and its transitive imports, without imports that the stream already received.
fn with_imports(file: FileDescriptor, sent: &mut HashSet<String>) -> Vec<Vec<u8>> {
    sent.insert(file.name().to_owned());
    let mut files = vec![file.encode_to_vec()];
    let mut open = vec![file];
    while let Some(file) = open.pop() {
        for import in file.dependencies() {
            if sent.insert(import.name().to_owned()) {
                files.push(import.encode_to_vec());
                open.push(import);
            }
        }
    }
    files
}

/// Returns the file that declares a message, service, enum or extension, or a part of one.
fn declaring(pool: &DescriptorPool, name: &str) -> Option<FileDescriptor> {
    let whole = pool
        .get_message_by_name(name)
        .map(|message| message.parent_file())
        .or_else(|| pool.get_service_by_name(name).map(|service| service.parent_file()))
        .or_else(|| pool.get_enum_by_name(name).map(|declared| declared.parent_file()))
        .or_else(|| pool.get_extension_by_name(name).map(|extension| extension.parent_file()));
    whole.or_else(|| declaring_part(pool, name))
}

/// Returns the file that declares a method, field, oneof or enum value.
fn declaring_part(pool: &DescriptorPool, name: &str) -> Option<FileDescriptor> {
    let (parent, part) = name.rsplit_once('.')?;
    if let Some(service) = pool.get_service_by_name(parent) {
        return service.methods().any(|method| method.name() == part).then(|| service.parent_file());
    }
    if let Some(message) = pool.get_message_by_name(parent) {
        let has_field = message.get_field_by_name(part).is_some();
        let has_part = has_field || message.oneofs().any(|oneof| oneof.name() == part);
        if has_part {
            return Some(message.parent_file());
        }
    }
    // The scope of an enum value is that of its enum.
    let declared = pool.all_enums().find(|declared| declared.values().any(|value| value.full_name() == name));
    declared.map(|declared| declared.parent_file())
}
