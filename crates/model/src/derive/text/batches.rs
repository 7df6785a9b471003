//! The methods, requests and responses of batch writes.

use super::Writer;
use super::writes::{REQUEST_ID, VALIDATE_ONLY};
use std::fmt::Write as _;

/// The part of the comment that all batch writes share.
const TOGETHER: &str = "Either all
  // requests succeed or none. An error names the invalid request, such as `requests[3]`.";

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
  // Errors as in Create{name}. INVALID_ARGUMENT if there are no requests, more than 1,000, or two with the same id.
  rpc BatchCreate{plural_name}({create}) returns ({create_response});

  // Updates several records (AIP-234), in the order of the requests. {TOGETHER}
  //
  // Errors as in Update{name}. INVALID_ARGUMENT if there are no requests, more than 1,000, or two with the same id.
  rpc BatchUpdate{plural_name}({update}) returns ({update_response});

  // Deletes several records (AIP-235), in the order of the requests. {TOGETHER}
  //
  // Errors as in Delete{name}. INVALID_ARGUMENT if there are no requests, more than 1,000, or two with the same id.
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
        let _ = write!(
            text,
            "
// The request of {service}.Batch{verb}{plural_name}.
message {request} {{
  // One request for each record, 1 to 1,000. Their `request_id` and `validate_only` must be empty; set those of the batch.
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
// The response of {service}.Batch{verb}{plural_name}.
message {response} {{
  // The records, in the order of the requests.
  repeated {record} {plural} = 1;
}}
"
        );
    }
}
