//! Several records written together: the methods, what is asked, and what is answered.

use super::Writer;
use super::writes::{REQUEST_ID, VALIDATE_ONLY};
use std::fmt::Write as _;

/// What is the same of each batch of writes, as its method says it.
const TOGETHER: &str = "All of them are written, or none:
  // an error names the request that is wrong, such as `requests[3]`.";

impl Writer<'_> {
    pub(super) fn write_batch_methods(&self, text: &mut String) {
        let Self { name, plural_name, google, messages, .. } = self;
        let deleted = match &messages.batch_delete_response {
            Some(response) => response.clone(),
            None => format!("{google}.protobuf.Empty"),
        };
        let _ = write!(
            text,
            "
  // Creates several records (AIP-233), in the order of the requests. {TOGETHER}
  //
  // Refuses what Create{name} refuses; INVALID_ARGUMENT if there is no request or more than 1,000, or an id is there twice.
  rpc BatchCreate{plural_name}({create}) returns ({create_response});

  // Updates several records (AIP-234), in the order of the requests. {TOGETHER}
  //
  // Refuses what Update{name} refuses; INVALID_ARGUMENT if there is no request or more than 1,000, or an id is there twice.
  rpc BatchUpdate{plural_name}({update}) returns ({update_response});

  // Deletes several records (AIP-235), in the order of the requests. {TOGETHER}
  //
  // Refuses what Delete{name} refuses; INVALID_ARGUMENT if there is no request or more than 1,000, or an id is there twice.
  rpc BatchDelete{plural_name}({delete}) returns ({deleted});
",
            create = messages.batch_create,
            create_response = messages.batch_create_response,
            update = messages.batch_update,
            update_response = messages.batch_update_response,
            delete = messages.batch_delete,
        );
    }

    pub(super) fn write_batches(&self, text: &mut String) {
        let names = &self.messages;
        let deleted = names.batch_delete_response.as_deref();
        for (verb, request, of, response) in [
            ("Create", &names.batch_create, &names.create, Some(names.batch_create_response.as_str())),
            ("Update", &names.batch_update, &names.update, Some(names.batch_update_response.as_str())),
            ("Delete", &names.batch_delete, &names.delete, deleted),
        ] {
            self.write_batch_request(text, verb, request, of);
            if let Some(response) = response {
                self.write_batch_response(text, verb, response);
            }
        }
    }

    fn write_batch_request(&self, text: &mut String, verb: &str, request: &str, of: &str) {
        let Self { plural_name, service, .. } = self;
        let asks = match verb {
            "Create" => "for several new records",
            "Update" => "to change several records",
            _ => "to delete several records",
        };
        let _ = write!(
            text,
            "
// Asks {service}.Batch{verb}{plural_name} {asks}.
message {request} {{
  // One for each record, 1 to 1,000. Their own `request_id` and `validate_only` must be empty: those of the batch count.
  repeated {of} requests = 1;
{REQUEST_ID}
  string request_id = 2;
{VALIDATE_ONLY}
  bool validate_only = 3;
}}
"
        );
    }

    fn write_batch_response(&self, text: &mut String, verb: &str, response: &str) {
        let Self { plural_name, service, record, plural, .. } = self;
        let _ = write!(
            text,
            "
// The records of {service}.Batch{verb}{plural_name}.
message {response} {{
  // The records, in the order of the requests.
  repeated {record} {plural} = 1;
}}
"
        );
    }
}
