//! The text of a derived file.

use crate::catalog::IdFormat;
use crate::declared::Declared;
use crate::derive::message_names;
use crate::roles::{Role, fields_of};
use prost_reflect::FileDescriptor;
use std::fmt::Write as _;

/// Writes the file of one model's service. Equal models give equal text.
pub(super) fn service_file(declared: &Declared) -> String {
    let file = declared.message.parent_file();
    let mut imports = vec![file.name().to_owned()];
    imports.extend(super::IMPORTS.map(str::to_owned));
    imports.sort();
    let mut text = format!(
        "// Derived by Groundplan from the model {}. Do not edit it: `groundplan generate` writes it anew.\n\
         syntax = \"proto3\";\n\npackage {};\n\n",
        declared.full_name(),
        declared.message.package_name(),
    );
    for import in imports {
        line(&mut text, &format!("import \"{import}\";"));
    }
    file_options(&mut text, &file);
    text.push('\n');
    Writer::new(declared).write(&mut text);
    text
}

/// Repeats the options that all files of a package must agree on.
fn file_options(text: &mut String, file: &FileDescriptor) {
    let Some(options) = &file.file_descriptor_proto().options else { return };
    let mut lines = Vec::new();
    for (name, value) in [
        ("csharp_namespace", &options.csharp_namespace),
        ("go_package", &options.go_package),
        ("java_package", &options.java_package),
        ("objc_class_prefix", &options.objc_class_prefix),
        ("php_class_prefix", &options.php_class_prefix),
        ("php_namespace", &options.php_namespace),
        ("ruby_package", &options.ruby_package),
        ("swift_prefix", &options.swift_prefix),
    ] {
        if let Some(value) = value {
            lines.push(format!("option {name} = \"{}\";", escape(value)));
        }
    }
    if let Some(multiple) = options.java_multiple_files {
        lines.push(format!("option java_multiple_files = {multiple};"));
    }
    lines.sort();
    if !lines.is_empty() {
        text.push('\n');
    }
    for option in lines {
        line(text, &option);
    }
}

/// Escapes a string for a `.proto` file.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '"' | '\\' => escaped.extend(['\\', character]),
            '\n' => escaped.push_str("\\n"),
            control if control.is_ascii_control() => {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "\\{:03o}", u32::from(control));
            }
            other => escaped.push(other),
        }
    }
    escaped
}

fn line(text: &mut String, content: &str) {
    text.push_str(content);
    text.push('\n');
}

/// What the text of one service is made of.
struct Writer<'a> {
    name: &'a str,
    /// The model's type, as a field of another message refers to it.
    record: String,
    singular: String,
    plural: String,
    plural_name: &'a str,
    service: String,
    id: String,
    id_format: IdFormat,
    etag: Option<String>,
    /// `google`, or `.google` where the package would hide it.
    google: &'static str,
    messages: [String; 6],
}

impl<'a> Writer<'a> {
    fn new(declared: &'a Declared) -> Self {
        let first = |role| fields_of(&declared.message, role).first().map(|field| field.name().to_owned());
        // A field called like its type would hide it.
        let is_capital = declared.name().starts_with(|first: char| first.is_ascii_uppercase());
        let record = if is_capital { declared.name().to_owned() } else { format!(".{}", declared.full_name()) };
        let pool = declared.message.parent_pool();
        let hides = |name: &str| name.split('.').skip(1).any(|part| part == "google");
        let hidden = pool.files().any(|file| hides(file.package_name()))
            || pool.all_messages().any(|message| hides(message.full_name()))
            || pool.all_enums().any(|of| hides(of.full_name()));
        Self {
            name: declared.name(),
            record,
            singular: declared.singular_field(),
            plural: declared.plural_field(),
            plural_name: &declared.plural,
            service: declared.service_name(),
            id: first(Role::Id).unwrap_or_else(|| "id".to_owned()),
            id_format: declared.id_format.unwrap_or(IdFormat::UuidV7),
            etag: first(Role::Etag),
            google: if hidden { ".google" } else { "google" },
            messages: message_names(declared),
        }
    }

    fn write(&self, text: &mut String) {
        self.write_service(text);
        self.write_create(text);
        self.write_get(text);
        self.write_list(text);
        self.write_update(text);
        self.write_delete(text);
    }

    fn write_service(&self, text: &mut String) {
        let Self { name, record, singular, plural_name, service, id, google, .. } = self;
        let [create, get, list, list_response, update, delete] = &self.messages;
        let given = match self.id_format {
            IdFormat::UuidV7 => format!(
                "  // `{singular}.{id}` may be given, as a UUID of any version; otherwise the server makes one of version 7 (RFC 9562)."
            ),
            IdFormat::ClientAssigned => format!(
                "  // `{singular}.{id}` must be given: 1 to 128 characters of `A-Z a-z 0-9 . _ ~ -`, the first a letter or a digit."
            ),
        };
        let _ = write!(
            text,
            "\
// Creates, reads, updates and deletes records of the model `{name}`, by Google's API Improvement Proposals.
//
// A record belongs to the caller's tenant: nobody else sees it. A caller without a valid key gets UNAUTHENTICATED.
// Errors carry google.rpc details (AIP-193): ErrorInfo with a stable reason, and BadRequest with each field that is wrong.
service {service} {{
  // Creates a record (AIP-133).
  //
{given}
  // What only the server sets is ignored on input. The response is the record as it is stored, but for the fields that
  // are INPUT_ONLY: those are never returned, by no call (AIP-203).
  //
  // INVALID_ARGUMENT if a rule of the model is broken; ALREADY_EXISTS if the id, or a value that must be unique, is taken.
  rpc Create{name}({create}) returns ({record});

  // Gets a record (AIP-131).
  //
  // NOT_FOUND if there is none of that id; INVALID_ARGUMENT if it is no id.
  rpc Get{name}({get}) returns ({record}) {{
    option idempotency_level = NO_SIDE_EFFECTS;
  }}

  // Lists records page by page, in the order of their ids (AIP-132, AIP-158).
  //
  // INVALID_ARGUMENT if the size is negative or the token is not one of this list's.
  rpc List{plural_name}({list}) returns ({list_response}) {{
    option idempotency_level = NO_SIDE_EFFECTS;
  }}

  // Updates a record (AIP-134). The response is the record as it is stored, but for the fields that are INPUT_ONLY.
  //
  // NOT_FOUND if there is none of that id; INVALID_ARGUMENT if the mask names what is no field, a rule is broken, or a
  // field that is IMMUTABLE would change; ABORTED if the etag is not the record's, or others keep changing the record;
  // ALREADY_EXISTS if a value that must be unique is taken.
  rpc Update{name}({update}) returns ({record});

  // Deletes a record for good (AIP-135).
  //
  // NOT_FOUND if there is none of that id; INVALID_ARGUMENT if it is no id; ABORTED if the etag is not the record's.
  rpc Delete{name}({delete}) returns ({google}.protobuf.Empty);
}}
"
        );
    }

    fn write_create(&self, text: &mut String) {
        let Self { name, record, singular, .. } = self;
        let [create, ..] = &self.messages;
        let _ = write!(
            text,
            "
// Asks {service}.Create{name} for a new record.
message {create} {{
  // The record. Required.
  {record} {singular} = 1;
}}
",
            service = self.service,
        );
    }

    fn write_get(&self, text: &mut String) {
        let _ = write!(
            text,
            "
// Asks {service}.Get{name} for one record.
message {get} {{
  // The record's id. Required.
  string id = 1;
}}
",
            service = self.service,
            name = self.name,
            get = self.messages[1],
        );
    }

    fn write_list(&self, text: &mut String) {
        let Self { record, plural, plural_name, service, .. } = self;
        let [_, _, list, list_response, ..] = &self.messages;
        let _ = write!(
            text,
            "
// Asks {service}.List{plural_name} for a page.
message {list} {{
  // At most so many records: 50 if it is 0; more than 1,000 is taken as 1,000.
  int32 page_size = 1;
  // `next_page_token` of the page before; empty for the first page. The other fields must stay as they were, but for
  // `page_size`.
  string page_token = 2;
}}

// A page of {service}.List{plural_name}.
message {list_response} {{
  // The records of the page. It may have fewer than asked for, and others follow all the same.
  repeated {record} {plural} = 1;
  // Asks for the page that follows; empty at the end.
  string next_page_token = 2;
}}
"
        );
    }

    fn write_update(&self, text: &mut String) {
        let Self { name, record, singular, service, id, google, .. } = self;
        let update = &self.messages[4];
        let etag = match &self.etag {
            Some(etag) => format!(
                "  // Update only if this is the record's etag (AIP-154); `{singular}.{etag}` says the same. Empty: whatever it is."
            ),
            None => "  // Update only if this is the record's etag, which the response's metadata `etag` carries (AIP-154).\n  // Empty: whatever it is."
                .to_owned(),
        };
        let _ = write!(
            text,
            "
// Asks {service}.Update{name} to change a record.
message {update} {{
  // The record's new values. Required, and so is its `{id}`, which names the record and cannot be changed.
  {record} {singular} = 1;
  // What to change (AIP-161): names of fields, nested ones with dots. A field that is named but absent in `{singular}` is
  // cleared. Without a mask, the fields that are set in `{singular}` are changed; `*` replaces the whole record. What only
  // the server sets stays as it is, whatever the mask says.
  {google}.protobuf.FieldMask update_mask = 2;
{etag}
  string etag = 3;
}}
"
        );
    }

    fn write_delete(&self, text: &mut String) {
        let Self { name, service, .. } = self;
        let delete = &self.messages[5];
        let _ = write!(
            text,
            "
// Asks {service}.Delete{name} to delete a record.
message {delete} {{
  // The record's id. Required.
  string id = 1;
  // Delete only if this is the record's etag (AIP-154). Empty: whatever it is.
  string etag = 2;
}}
"
        );
    }
}
