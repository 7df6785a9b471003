//! The conditions of a write: etags in headers (412 if not met) and in the body or query (409).

use super::Call;
use super::write_options::{REQUEST_ID, WriteOptions};
use crate::etag::{self, Tags};
use crate::parameter_errors::invalid_parameter;
use crate::rest_error::RestError;
use groundplan_error::{Error, Reason};
use groundplan_operations::{Backend, View};
use http::HeaderMap;

/// The conditions of a write.
#[derive(Debug)]
pub(super) struct Precondition {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
    field: Option<String>,
}

/// The etag that the backend must compare, and where it comes from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ExpectedEtag {
    Nothing,
    /// The record does not exist, as the client expects.
    Absent,
    ByHeader(String),
    ByField(String),
}

impl Precondition {
    /// Reads the conditions of the headers, and combines them with that of the body or query.
    pub(super) fn new(headers: &HeaderMap, field: Option<String>) -> Result<Self, Error> {
        let if_match = etag::if_match(headers)?;
        if let (Some(tags), Some(field)) = (&if_match, &field)
            && !tags.contain(unquoted(field))
        {
            return Err(invalid_parameter("etag", "etag", "is not among the etags of If-Match; send one of them"));
        }
        Ok(Self { if_match, if_none_match: etag::if_none_match(headers)?, field })
    }

    /// Whether the record must not exist (RFC 9110, 13.1.2).
    pub(super) fn needs_no_record(&self) -> bool {
        self.if_none_match == Some(Tags::Any)
    }

    /// Whether the record must exist (RFC 9110, 13.1.1).
    pub(super) fn needs_a_record(&self) -> bool {
        self.if_match.is_some()
    }

    /// Resolves the conditions to one etag. If one comparison is not enough, it reads the record and binds the write to the etag that it
    /// read, so that concurrent changes are detected.
    pub(super) async fn resolve<B: Backend>(
        self,
        call: &Call<'_, B>,
        id: &str,
        options: &WriteOptions,
        allow_missing: bool,
    ) -> Result<ExpectedEtag, RestError> {
        let this = match self.resolve_without_record() {
            Ok(expected) => return Ok(expected),
            Err(this) => this,
        };
        if !options.request_id.is_empty() {
            // A repeated call would read the result of the first one, and could not be recognized as a repeat.
            let description =
                "and Idempotency-Key go together with one etag, but not with several etags or with If-None-Match";
            return Err(invalid_parameter(REQUEST_ID, "request_id", description).into());
        }
        match call.backend.get(&call.caller, &call.model, id, &View::default(), None).await {
            Ok((stored, _)) => this.resolve_with_etag(&stored.etag, || mismatch(&call.model.full_name, id)),
            Err(error) if allow_missing && error.reason() == Reason::RecordNotFound && this.field.is_none() => {
                Ok(ExpectedEtag::Absent)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Resolves the conditions without the record, if one comparison is enough.
    fn resolve_without_record(self) -> Result<ExpectedEtag, Self> {
        match (&self.if_match, &self.if_none_match, &self.field) {
            (None | Some(Tags::Any), None, None) => Ok(ExpectedEtag::Nothing),
            (None | Some(Tags::Any), None, Some(field)) => Ok(ExpectedEtag::ByField(field.clone())),
            (Some(tags), None, field) => match tags.only() {
                Some(tag) if field.as_ref().is_none_or(|field| unquoted(field) == tag) => {
                    Ok(ExpectedEtag::ByHeader(tag.to_owned()))
                }
                _ => Err(self),
            },
            (_, Some(_), _) => Err(self),
        }
    }

    /// Resolves the conditions with the record's current etag.
    fn resolve_with_etag(self, current: &str, mismatch: impl Fn() -> Error) -> Result<ExpectedEtag, RestError> {
        let wanted = self.if_match.is_none_or(|tags| tags.contain(current));
        let unwanted = self.if_none_match.is_some_and(|tags| tags.contain(current));
        if !wanted || unwanted {
            return Err(RestError::precondition(mismatch()));
        }
        if self.field.is_some_and(|field| unquoted(&field) != current) {
            return Err(mismatch().into());
        }
        Ok(ExpectedEtag::ByHeader(current.to_owned()))
    }
}

impl ExpectedEtag {
    /// The etag that the backend compares.
    pub(super) fn etag(&self) -> Option<&str> {
        match self {
            Self::Nothing | Self::Absent => None,
            Self::ByHeader(etag) | Self::ByField(etag) => Some(etag),
        }
    }

    /// Converts an error of the backend. The status depends on the source of the etag.
    pub(super) fn to_rest_error(&self, error: Error, model: &str, id: &str) -> RestError {
        match (self, error.reason()) {
            (Self::ByHeader(_), Reason::EtagMismatch) => RestError::precondition(error),
            // RFC 9110 has no invalid etags, only etags that do not match.
            (Self::ByHeader(_), Reason::EtagInvalid) | (Self::Absent, Reason::RecordExists) => {
                RestError::precondition(mismatch(model, id))
            }
            _ => error.into(),
        }
    }
}

/// An etag without its quotes, if any.
pub(super) fn unquoted(etag: &str) -> &str {
    etag.strip_prefix('"').and_then(|etag| etag.strip_suffix('"')).unwrap_or(etag)
}

fn mismatch(model: &str, id: &str) -> Error {
    let message = format!("{model} {id:?} has a different etag; read it again before you write");
    Error::new(Reason::EtagMismatch, message).with_resource(model, id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::{HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};

    fn precondition(headers: &[(HeaderName, &'static str)], field: Option<&str>) -> Precondition {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        Precondition::new(&headers, field.map(str::to_owned)).unwrap()
    }

    #[test]
    fn one_comparison_needs_no_read() {
        assert_eq!(precondition(&[], None).resolve_without_record().unwrap(), ExpectedEtag::Nothing);
        assert_eq!(precondition(&[(IF_MATCH, "*")], None).resolve_without_record().unwrap(), ExpectedEtag::Nothing);
        let field = precondition(&[(IF_MATCH, "*")], Some("a")).resolve_without_record().unwrap();
        assert_eq!(field, ExpectedEtag::ByField("a".into()));
        let header = precondition(&[(IF_MATCH, "\"a\"")], Some("\"a\"")).resolve_without_record().unwrap();
        assert_eq!(header, ExpectedEtag::ByHeader("a".into()));
    }

    #[test]
    fn different_etags_are_rejected() {
        let headers = [(IF_MATCH, HeaderValue::from_static("\"a\", \"b\""))].into_iter().collect();
        assert!(Precondition::new(&headers, Some("\"b\"".into())).is_ok());
        assert_eq!(Precondition::new(&headers, Some("c".into())).unwrap_err().reason(), Reason::InvalidFields);
    }

    #[test]
    fn several_conditions_are_compared_with_the_record() {
        let status = |headers: &[(HeaderName, &'static str)], field| {
            let open = precondition(headers, field).resolve_without_record().unwrap_err();
            match open.resolve_with_etag("b", || mismatch("m", "1")) {
                Ok(expected) => {
                    assert_eq!(expected, ExpectedEtag::ByHeader("b".into()));
                    200
                }
                Err(refusal) => refusal.into_response().status().as_u16(),
            }
        };
        assert_eq!(status(&[(IF_MATCH, "\"a\", \"b\"")], None), 200);
        assert_eq!(status(&[(IF_MATCH, "\"a\", \"c\"")], None), 412);
        assert_eq!(status(&[(IF_MATCH, "\"a\", \"b\"")], Some("a")), 409);
        assert_eq!(status(&[(IF_NONE_MATCH, "*")], None), 412);
        assert_eq!(status(&[(IF_NONE_MATCH, "\"a\"")], Some("\"b\"")), 200);
    }
}
