//! The declarations of models: the options of `groundplan/model/v1/model.proto`, and the names that follow from them.

mod history;
mod index;
mod lifetime;
mod reference;

use crate::catalog::{Catalog, IdFormat, Table};
use crate::diagnostic::SourceLocation;
use crate::options::{OPTION, number, text};
use crate::source::ParsedFiles;
use crate::{naming, scan};
pub(crate) use history::{DeclaredHistory, MAX_RETENTION_DAYS};
pub(crate) use index::DeclaredIndex;
pub(crate) use lifetime::{
    DEFAULT_DELETED_DAYS, DeclaredExpiry, DeclaredSoftDelete, MAX_DELETED_DAYS, MAX_TTL_SECONDS,
};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, Value};
pub(crate) use reference::{DeclaredReference, declared_reference};

/// The number of the field of `DescriptorProto` that contains the options.
const MESSAGE_OPTIONS: i32 = 7;
/// The number of the option's field that contains the indexes.
const INDEXES: i32 = 4;

/// A message with the model option, with defaults filled in. It is not checked yet.
#[derive(Clone, Debug)]
pub(crate) struct DeclaredModel {
    pub(crate) message: MessageDescriptor,
    pub(crate) resource: String,
    pub(crate) plural: String,
    /// Whether the plural is written, not derived.
    pub(crate) plural_is_written: bool,
    /// `None` for an unknown number.
    pub(crate) id_format: Option<IdFormat>,
    /// `None` for a model without history.
    pub(crate) history: Option<DeclaredHistory>,
    /// `None` for a model without soft delete.
    pub(crate) soft_delete: Option<DeclaredSoftDelete>,
    /// `None` for a model without expiry.
    pub(crate) expiry: Option<DeclaredExpiry>,
    pub(crate) indexes: Vec<DeclaredIndex>,
    /// Sorted by field number.
    pub(crate) references: Vec<DeclaredReference>,
}

impl DeclaredModel {
    pub(crate) fn name(&self) -> &str {
        self.message.name()
    }

    pub(crate) fn full_name(&self) -> &str {
        self.message.full_name()
    }

    pub(crate) fn version(&self) -> &str {
        naming::version(self.message.package_name())
    }

    pub(crate) fn table(&self) -> Table {
        Table { schema: self.message.package_name().replace('.', "_"), name: naming::snake_case(self.name()) }
    }

    /// Returns the name of the request field that contains the record.
    pub(crate) fn singular_field(&self) -> String {
        naming::snake_case(self.name())
    }

    /// Returns the name of the list response's field that contains the records.
    pub(crate) fn plural_field(&self) -> String {
        naming::snake_case(&self.plural)
    }

    /// Returns the name of the field of events and revisions that contains the record: the singular, unless another
    /// field of those messages has that name.
    pub(crate) fn event_field(&self) -> String {
        /// The other fields of watch events and of revisions.
        const OTHERS: [&str; 9] =
            ["kind", "previous", "changedfields", "removal", "token", "transaction", "time", "etag", "principal"];
        let singular = self.singular_field();
        if OTHERS.contains(&singular.replace('_', "").as_str()) { "record".to_owned() } else { singular }
    }

    /// Returns the service's name, without the package.
    pub(crate) fn service_name(&self) -> String {
        format!("{}Service", self.name())
    }

    /// Returns the path of the file with the derived service.
    pub(crate) fn service_file(&self) -> String {
        let folder = self.message.package_name().replace('.', "/");
        let separator = if folder.is_empty() { "" } else { "/" };
        format!("{folder}{separator}{}_service.proto", self.singular_field())
    }
}

/// Finds all models, sorted by full name. Models in `live` keep their plurals.
pub(crate) fn find_models(pool: &DescriptorPool, live: Option<&Catalog>) -> Vec<DeclaredModel> {
    let Some(extension) = pool.get_extension_by_name("groundplan.model.v1.model") else { return Vec::new() };
    let mut declared: Vec<DeclaredModel> = pool
        .all_messages()
        .filter_map(|message| {
            let options = message.options();
            if !options.has_extension(&extension) {
                return None;
            }
            let option = options.get_extension(&extension);
            Some(declare_model(message.clone(), option.as_message()?, live))
        })
        .collect();
    declared.sort_by(|one, other| one.full_name().cmp(other.full_name()));
    declared
}

/// Returns how many indexes a model declares. In the catalog, the implied indexes of references follow them.
pub(crate) fn index_count(pool: &DescriptorPool, full_name: &str) -> usize {
    let count = || {
        let extension = pool.get_extension_by_name("groundplan.model.v1.model")?;
        let option = pool.get_message_by_name(full_name)?.options().get_extension(&extension).into_owned();
        let indexes = option.as_message()?.get_field_by_name("indexes")?.into_owned();
        Some(indexes.as_list()?.len())
    };
    count().unwrap_or_default()
}

fn declare_model(message: MessageDescriptor, option: &DynamicMessage, live: Option<&Catalog>) -> DeclaredModel {
    let written_plural = text(option, "plural");
    let plural_is_written = !written_plural.is_empty();
    let plural = if plural_is_written { written_plural } else { plural(&message, live) };
    let written_resource = text(option, "resource");
    let resource = if written_resource.is_empty() { naming::lower_camel(&plural) } else { written_resource };
    let id_format = match number(option, "id_format") {
        0 | 1 => Some(IdFormat::UuidV7),
        2 => Some(IdFormat::ClientAssigned),
        _ => None,
    };
    let history = DeclaredHistory::read(option);
    let soft_delete = DeclaredSoftDelete::read(option);
    let expiry = DeclaredExpiry::read(option);
    let indexes = option.get_field_by_name("indexes");
    let indexes = indexes.as_deref().and_then(Value::as_list).unwrap_or_default();
    let indexes = indexes.iter().filter_map(Value::as_message).map(DeclaredIndex::read).collect();
    let references = message.fields().filter_map(|field| declared_reference(&field)).collect();
    DeclaredModel {
        message,
        resource,
        plural,
        plural_is_written,
        id_format,
        history,
        soft_delete,
        expiry,
        indexes,
        references,
    }
}

/// Returns the plural of a model that declares none: that of its derived service if one exists, otherwise the English
/// plural. Paths and methods stay the same when the rules of plurals improve.
fn plural(message: &MessageDescriptor, live: Option<&Catalog>) -> String {
    let service = format!("{}Service", message.full_name());
    let derived = |pool: &DescriptorPool| {
        let service = pool.get_service_by_name(&service)?;
        let plural = service.methods().find_map(|method| method.name().strip_prefix("BatchGet").map(str::to_owned));
        plural.filter(|plural| !plural.is_empty())
    };
    let derived = derived(message.parent_pool()).or_else(|| derived(&live?.pool));
    derived.unwrap_or_else(|| naming::plural(message.name()))
}

/// Returns the retention of a part of a model's option in days: `Some(None)` if the part exists without days.
fn retention_days(option: &DynamicMessage, part: &str) -> Option<Option<i32>> {
    if !option.has_field_by_name(part) {
        return None;
    }
    let written = option.get_field_by_name(part)?;
    let days = written.as_message()?.get_field_by_name("retention_days").and_then(|days| days.as_i32());
    Some(days.filter(|days| *days != 0))
}

/// The source locations of declarations.
impl DeclaredModel {
    /// Returns the location of the message.
    pub(crate) fn location(&self) -> SourceLocation {
        SourceLocation::of_message(&self.message)
    }

    /// Returns the location of the option.
    pub(crate) fn option_location(&self) -> SourceLocation {
        SourceLocation::at_path(&self.message.parent_file(), &self.option_path())
    }

    /// Returns the location of an index in the option.
    pub(crate) fn index_location(&self, at: usize, files: &ParsedFiles) -> SourceLocation {
        let file = self.message.parent_file();
        let mut path = self.option_path();
        path.extend([INDEXES, i32::try_from(at).unwrap_or(i32::MAX)]);
        let location = SourceLocation::at_path(&file, &path);
        let option = self.option_location();
        if location != option {
            return location;
        }
        // The source information has no locations inside the option, but the text does.
        let within = files.get(file.name()).and_then(|parsed| {
            let text = parsed.text.as_deref()?;
            let start = option.offset_in(text)?;
            Some(SourceLocation::at_offset(
                file.name(),
                text,
                start + scan::nth_key(text.get(start..)?, "indexes", at)?,
            ))
        });
        within.unwrap_or(option)
    }

    fn option_path(&self) -> Vec<i32> {
        let mut path = self.message.path().to_vec();
        path.extend([MESSAGE_OPTIONS, OPTION]);
        path
    }
}
