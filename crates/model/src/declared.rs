//! What models say of themselves: the options of `groundplan/model/v1/model.proto`, and the names that follow from them.

use crate::catalog::{IdFormat, Table};
use crate::diagnostic::Place;
use crate::input::ParsedFiles;
use crate::{naming, scan};
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, MessageDescriptor, ReflectMessage as _, Value};

/// The number of both options.
const OPTION: i32 = 77_310;
/// Which field of a descriptor holds a message's options.
const MESSAGE_OPTIONS: i32 = 7;
/// Which field of the option holds the indexes.
const INDEXES: i32 = 4;

/// A message with the option, as it was written and with the defaults filled in. It need not be right.
#[derive(Clone, Debug)]
pub(crate) struct Declared {
    pub(crate) message: MessageDescriptor,
    pub(crate) resource: String,
    pub(crate) plural: String,
    /// Whether the plural was written, not derived.
    pub(crate) plural_is_written: bool,
    /// `None` for a number that means nothing.
    pub(crate) id_format: Option<IdFormat>,
    pub(crate) indexes: Vec<DeclaredIndex>,
}

/// An index as it was written.
#[derive(Clone, Debug)]
pub(crate) struct DeclaredIndex {
    /// Each a name, perhaps with ` desc` behind it.
    pub(crate) fields: Vec<String>,
    pub(crate) unique: bool,
    pub(crate) where_: String,
    pub(crate) reason: String,
}

impl Declared {
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

    /// The field of requests that holds the record.
    pub(crate) fn singular_field(&self) -> String {
        naming::snake_case(self.name())
    }

    /// The field of a list that holds the records.
    pub(crate) fn plural_field(&self) -> String {
        naming::snake_case(&self.plural)
    }

    /// The service's name within the package.
    pub(crate) fn service_name(&self) -> String {
        format!("{}Service", self.name())
    }

    /// The path of the file that holds the derived service.
    pub(crate) fn service_file(&self) -> String {
        let folder = self.message.package_name().replace('.', "/");
        let separator = if folder.is_empty() { "" } else { "/" };
        format!("{folder}{separator}{}_service.proto", self.singular_field())
    }
}

impl DeclaredIndex {
    /// The fields' names, and whether each is descending.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&str, bool)> {
        self.fields.iter().map(|field| match field.trim().rsplit_once(char::is_whitespace) {
            Some((name, "desc" | "DESC")) => (name.trim_end(), true),
            Some((name, "asc" | "ASC")) => (name.trim_end(), false),
            _ => (field.trim(), false),
        })
    }
}

/// All messages with the option, in the order of their full names.
pub(crate) fn find(pool: &DescriptorPool) -> Vec<Declared> {
    let Some(extension) = pool.get_extension_by_name("groundplan.model.v1.model") else { return Vec::new() };
    let mut declared: Vec<Declared> = pool
        .all_messages()
        .filter_map(|message| {
            let options = message.options();
            if !options.has_extension(&extension) {
                return None;
            }
            let option = options.get_extension(&extension);
            Some(declare(message.clone(), option.as_message()?))
        })
        .collect();
    declared.sort_by(|one, other| one.full_name().cmp(other.full_name()));
    declared
}

fn declare(message: MessageDescriptor, option: &DynamicMessage) -> Declared {
    let written_plural = text(option, "plural");
    let plural_is_written = !written_plural.is_empty();
    let plural = if plural_is_written { written_plural } else { naming::plural(message.name()) };
    let written_resource = text(option, "resource");
    let resource = if written_resource.is_empty() { naming::lower_camel(&plural) } else { written_resource };
    let id_format = match number(option, "id_format") {
        0 | 1 => Some(IdFormat::UuidV7),
        2 => Some(IdFormat::ClientAssigned),
        _ => None,
    };
    let indexes = option.get_field_by_name("indexes");
    let indexes = indexes.as_deref().and_then(Value::as_list).unwrap_or_default();
    let indexes = indexes.iter().filter_map(Value::as_message).map(declare_index).collect();
    Declared { message, resource, plural, plural_is_written, id_format, indexes }
}

fn declare_index(index: &DynamicMessage) -> DeclaredIndex {
    let fields = index.get_field_by_name("fields");
    let fields = fields.as_deref().and_then(Value::as_list).unwrap_or_default();
    DeclaredIndex {
        fields: fields.iter().filter_map(|field| field.as_str().map(str::to_owned)).collect(),
        unique: index.get_field_by_name("unique").and_then(|unique| unique.as_bool()).unwrap_or(false),
        where_: text(index, "where"),
        reason: text(index, "reason"),
    }
}

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

fn text(message: &DynamicMessage, field: &str) -> String {
    message.get_field_by_name(field).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn number(message: &DynamicMessage, field: &str) -> i32 {
    message.get_field_by_name(field).and_then(|value| value.as_enum_number()).unwrap_or(0)
}

/// Where what is declared stands.
impl Declared {
    /// The message.
    pub(crate) fn place(&self) -> Place {
        Place::message(&self.message)
    }

    /// The option.
    pub(crate) fn option_place(&self) -> Place {
        Place::path(&self.message.parent_file(), &self.option_path())
    }

    /// An index within the option.
    pub(crate) fn index_place(&self, at: usize, files: &ParsedFiles) -> Place {
        let file = self.message.parent_file();
        let mut path = self.option_path();
        path.extend([INDEXES, i32::try_from(at).unwrap_or(i32::MAX)]);
        let place = Place::path(&file, &path);
        let option = self.option_place();
        if place != option {
            return place;
        }
        // The source information ends at the option; the text tells more.
        let within = files.get(file.name()).and_then(|parsed| {
            let text = parsed.text.as_deref()?;
            let start = option.offset_in(text)?;
            Some(Place::offset(file.name(), text, start + scan::nth_key(text.get(start..)?, "indexes", at)?))
        });
        within.unwrap_or(option)
    }

    fn option_path(&self) -> Vec<i32> {
        let mut path = self.message.path().to_vec();
        path.extend([MESSAGE_OPTIONS, OPTION]);
        path
    }
}
