//! Holds the frames of a gRPC call to the protocol: as many messages as the method takes, and flags that mean something.
//!
//! tonic takes the first message of a call that has one and drops those after it, and it blames the server for frames that a
//! client got wrong. It reads a request to its end before the method begins, so that nothing has been done when this refuses it.

use super::{InnerService, Request, Response};
use crate::respond::{RequestProtocol, error_response};
use bytes::Bytes;
use futures_util::future::{Either, Ready, ready};
use groundplan_error::{Error, Reason};
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tonic::Status;
use tonic::body::Body;
use tower::Service;

/// The methods whose requests are streams. A method that is missing here refuses the second message of its callers.
const CLIENT_STREAMING_METHODS: &[&str] = &[
    "/groundplan.records.v1.RecordsService/Import",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// Whether the request of a method is a stream.
pub fn is_client_streaming(path: &str) -> bool {
    CLIENT_STREAMING_METHODS.contains(&path)
}

/// The layer.
#[derive(Clone)]
pub struct ValidateFrames<S> {
    inner: S,
}

impl<S> ValidateFrames<S> {
    /// Follows the frames of the calls to `inner`.
    pub fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S: InnerService> Service<Request> for ValidateFrames<S> {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response, Infallible>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match RequestProtocol::from_headers(request.headers()) {
            RequestProtocol::Rest => Either::Left(self.inner.call(request)),
            RequestProtocol::UnsupportedGrpc => Either::Right(ready(Ok(error_response(&unsupported_format(), true)))),
            RequestProtocol::Grpc | RequestProtocol::Web(_) => {
                let validator =
                    FrameValidator::new(is_client_streaming(request.uri().path()), is_compressed(request.headers()));
                Either::Left(self.inner.call(request.map(|body| Body::new(ValidatedBody { body, validator }))))
            }
        }
    }
}

/// Whether the call names a compression. Which ones there are, the routes know.
fn is_compressed(headers: &HeaderMap) -> bool {
    headers.get("grpc-encoding").is_some_and(|encoding| encoding != "identity")
}

/// A body whose frames are followed.
struct ValidatedBody {
    body: Body,
    validator: FrameValidator,
}

impl http_body::Body for ValidatedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let outcome = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            Some(Ok(frame)) => match frame.data_ref() {
                Some(data) => self.validator.push(data).map(|()| Some(frame)),
                None => self.validator.finish().map(|()| Some(frame)),
            },
            Some(Err(status)) => return Poll::Ready(Some(Err(from_grpc_web_status(status)))),
            None => self.validator.finish().map(|()| None),
        };
        Poll::Ready(outcome.map_err(|error| error.to_status()).transpose())
    }

    /// Never before the end was seen: a call without a message is refused there.
    fn is_end_stream(&self) -> bool {
        self.validator.is_finished
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// gRPC-Web's library blames the server for text that is no base64.
fn from_grpc_web_status(status: Status) -> Status {
    if !status.message().starts_with("tonic-web: ") {
        return status;
    }
    let message = "the body of the gRPC-Web call is not base64, or was cut off; send whole groups of four characters";
    Error::new(Reason::MalformedRequest, message).caused_by(status).to_status()
}

/// Where in its frames a request is: each is a flag, a length of four bytes, and a message.
struct FrameValidator {
    is_client_streaming: bool,
    is_compressed: bool,
    /// The bytes of the present frame's head that have come.
    header: [u8; HEADER_LENGTH],
    header_length: usize,
    /// The bytes of the present message that are still to come.
    remaining: usize,
    has_message: bool,
    is_finished: bool,
}

/// The length of a frame's head.
const HEADER_LENGTH: usize = 5;

impl FrameValidator {
    fn new(is_client_streaming: bool, is_compressed: bool) -> Self {
        let header = [0; HEADER_LENGTH];
        Self {
            is_client_streaming,
            is_compressed,
            header,
            header_length: 0,
            remaining: 0,
            has_message: false,
            is_finished: false,
        }
    }

    /// Takes the next bytes.
    fn push(&mut self, mut data: &[u8]) -> Result<(), Error> {
        while let Some(&first) = data.first() {
            if self.remaining > 0 {
                let taken = self.remaining.min(data.len());
                self.remaining -= taken;
                data = data.get(taken..).unwrap_or_default();
                continue;
            }
            if self.header_length == 0 {
                self.start_frame(first)?;
            }
            if let Some(byte) = self.header.get_mut(self.header_length) {
                *byte = first;
            }
            self.header_length += 1;
            data = data.get(1..).unwrap_or_default();
            if self.header_length == HEADER_LENGTH {
                let [_, length @ ..] = self.header;
                self.remaining = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
                self.header_length = 0;
                self.has_message = true;
            }
        }
        Ok(())
    }

    /// Begins a frame.
    fn start_frame(&self, flag: u8) -> Result<(), Error> {
        if self.has_message && !self.is_client_streaming {
            let message = "the method takes one message, and a second one came; nothing was done, so send each in a call of its own";
            return Err(Error::new(Reason::MessageCount, message));
        }
        match flag {
            0 => Ok(()),
            1 if self.is_compressed => Ok(()),
            1 => Err(Error::new(
                Reason::FrameInvalid,
                "the compressed flag of the message is set, but the call has no grpc-encoding; name it, or send the flag 0",
            )),
            _ => Err(Error::new(
                Reason::FrameInvalid,
                format!("the compressed flag of the message is {flag}; it must be 0 (plain) or 1 (compressed)"),
            )),
        }
    }

    /// Takes the end.
    fn finish(&mut self) -> Result<(), Error> {
        self.is_finished = true;
        if self.header_length > 0 || self.remaining > 0 {
            return Err(Error::new(Reason::MalformedRequest, "the request is cut off within a gRPC message"));
        }
        if !self.has_message && !self.is_client_streaming {
            let message = "the method takes one message, and none came; an empty message is a frame of five zero bytes";
            return Err(Error::new(Reason::MessageCount, message));
        }
        Ok(())
    }
}

fn unsupported_format() -> Error {
    let message = "messages are read in protobuf only; send the content type application/grpc or application/grpc+proto, or use the REST API for JSON";
    Error::new(Reason::EncodingNotSupported, message)
}

#[cfg(test)]
mod tests {
    use super::FrameValidator;
    use groundplan_error::{Error, Reason};

    fn push(parts: &[&[u8]], is_client_streaming: bool, is_compressed: bool) -> Result<(), Error> {
        let mut validator = FrameValidator::new(is_client_streaming, is_compressed);
        parts.iter().try_for_each(|part| validator.push(part))?;
        validator.finish()
    }

    #[test]
    fn frames_are_followed_wherever_they_are_cut() {
        let two = b"\0\0\0\0\x02ab\0\0\0\0\x01c";
        for size in 1..two.len() {
            let parts: Vec<&[u8]> = two.chunks(size).collect();
            assert!(push(&parts, true, false).is_ok(), "{size}");
            assert_eq!(push(&parts, false, false).unwrap_err().reason(), Reason::MessageCount, "{size}");
            let parts: Vec<&[u8]> = two[..7].chunks(size).collect();
            assert!(push(&parts, false, false).is_ok(), "{size}");
        }
        for cut in [1, 5, 6] {
            assert_eq!(push(&[&two[..cut]], false, false).unwrap_err().reason(), Reason::MalformedRequest, "{cut}");
        }
    }

    #[test]
    fn calls_without_a_message_are_refused_and_empty_messages_are_none() {
        assert_eq!(push(&[], false, false).unwrap_err().reason(), Reason::MessageCount);
        assert!(push(&[], true, false).is_ok());
        assert!(push(&[b"\0\0\0\0\0"], false, false).is_ok());
        assert!(push(&[b"\0\0\0\0\0\0\0\0\0\0"], false, false).is_err());
    }

    #[test]
    fn flags_are_held_to_the_calls_encoding() {
        for (flag, is_compressed, is_right) in
            [(0, false, true), (0, true, true), (1, true, true), (1, false, false), (2, true, false)]
        {
            let outcome = push(&[&[flag, 0, 0, 0, 0]], false, is_compressed);
            assert_eq!(outcome.is_ok(), is_right, "{flag} {is_compressed}");
            assert!(outcome.is_ok() || outcome.unwrap_err().message().contains("compressed flag"));
        }
    }
}
