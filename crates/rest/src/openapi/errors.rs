//! The error envelope and the responses that carry it.

use serde_json::{Map, Value, json};

/// An error response: the HTTP status, the name of its component, its codes, and its meaning.
struct Failure {
    status: u16,
    name: &'static str,
    codes: &'static [&'static str],
    meaning: &'static str,
}

const FAILURES: &[Failure] = &[
    Failure {
        status: 400,
        name: "BadRequest",
        codes: &["INVALID_INPUT", "FAILED_PRECONDITION"],
        meaning: "The request is invalid; the details name each invalid field.",
    },
    Failure {
        status: 401,
        name: "Unauthenticated",
        codes: &["UNAUTHENTICATED"],
        meaning: "The credentials are missing or wrong.",
    },
    Failure {
        status: 403,
        name: "Forbidden",
        codes: &["FORBIDDEN"],
        meaning: "The caller is not allowed to make this request.",
    },
    Failure { status: 404, name: "NotFound", codes: &["NOT_FOUND"], meaning: "The record does not exist." },
    Failure {
        status: 409,
        name: "Conflict",
        codes: &["ALREADY_EXISTS", "CONFLICT"],
        meaning: "The id or a unique value exists, or the etag in the body or query does not match.",
    },
    Failure {
        status: 410,
        name: "Gone",
        codes: &["GONE"],
        meaning: "The token of a watch, or the requested time, is older than the retention.",
    },
    Failure {
        status: 412,
        name: "PreconditionFailed",
        codes: &["CONFLICT"],
        meaning: "If-Match or If-None-Match does not match.",
    },
    Failure {
        status: 413,
        name: "TooLarge",
        codes: &["INVALID_INPUT"],
        meaning: "The body exceeds the limit of the server.",
    },
    Failure { status: 415, name: "UnsupportedMediaType", codes: &["INVALID_INPUT"], meaning: "The body is not JSON." },
    Failure {
        status: 429,
        name: "RateLimited",
        codes: &["RATE_LIMITED"],
        meaning: "A rate limit or memory limit is exhausted; retry after the time in Retry-After, if present.",
    },
    Failure {
        status: 431,
        name: "HeadersTooLarge",
        codes: &[],
        meaning: "The path, query and headers together exceed the limit of the server. The response might have no body.",
    },
    Failure { status: 499, name: "Cancelled", codes: &["CANCELLED"], meaning: "The caller canceled the request." },
    Failure {
        status: 500,
        name: "Internal",
        codes: &["INTERNAL"],
        meaning: "The server failed. Its log has the details.",
    },
    Failure { status: 501, name: "Unimplemented", codes: &["UNIMPLEMENTED"], meaning: "The request is not supported." },
    Failure {
        status: 503,
        name: "Unavailable",
        codes: &["UNAVAILABLE"],
        meaning: "The server or its database is not available; retry.",
    },
    Failure { status: 504, name: "DeadlineExceeded", codes: &["DEADLINE_EXCEEDED"], meaning: "The deadline passed." },
];

/// The name of the envelope's component. It differs from all components of messages, because names of messages have no hyphen.
pub(super) const COMPONENT: &str = "Error-Envelope";

/// The statuses of all operations.
const COMMON: &[u16] = &[400, 401, 403, 429, 431, 499, 500, 501, 503, 504];

/// The components.
pub(super) fn responses() -> Value {
    let of = |failure: &Failure| {
        // The HTTP library rejects the request, so the body, if any, is unknown.
        let Some(code) = failure.codes.first() else {
            return (failure.name.to_owned(), json!({ "description": failure.meaning }));
        };
        let example =
            json!({ "error": { "code": code, "message": failure.meaning.trim_end_matches('.'), "details": [] } });
        let content = json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{COMPONENT}") }, "example": example } });
        let description = format!("{} `error.code`: {}.", failure.meaning, failure.codes.join(" or "));
        (failure.name.to_owned(), json!({ "description": description, "content": content }))
    };
    FAILURES.iter().map(of).collect::<Map<_, _>>().into()
}

/// The references for an operation that has `statuses` in addition to the common ones.
pub(super) fn references(statuses: &[u16]) -> Map<String, Value> {
    let applies = |failure: &&Failure| COMMON.contains(&failure.status) || statuses.contains(&failure.status);
    let reference = |failure: &Failure| {
        (failure.status.to_string(), json!({ "$ref": format!("#/components/responses/{}", failure.name) }))
    };
    FAILURES.iter().filter(applies).map(reference).collect()
}

/// The envelope.
pub(super) fn schema() -> Value {
    let mut codes: Vec<&str> = FAILURES.iter().flat_map(|failure| failure.codes).copied().collect();
    codes.sort_unstable();
    codes.dedup();
    json!({
        "type": "object",
        "description": "An error.",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "details"],
                "properties": {
                    "code": { "type": "string", "enum": codes, "description": "The kind of error, for programs." },
                    "message": { "type": "string", "description": "The error message, for people." },
                    "details": {
                        "type": "array",
                        "description": "`google.rpc` details: ErrorInfo with a stable reason, BadRequest with each invalid field, and so on.",
                        "items": {
                            "type": "object",
                            "properties": { "@type": { "type": "string" } },
                            "additionalProperties": true,
                        },
                    },
                },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundplan_error::{Error, Reason};

    #[test]
    fn every_reason_has_a_response() {
        for reason in Reason::ALL {
            let (status, envelope) = Error::new(*reason, "x").to_envelope();
            let described = |failure: &Failure| failure.status == status && failure.codes.contains(&envelope.code);
            assert!(FAILURES.iter().any(described), "{status} {}", envelope.code);
        }
    }
}
