//! Validates the frames of a gRPC call: the number of messages of the method, and the flags.
//!
//! tonic ignores further messages of a unary call, and reports invalid frames of clients as errors of the server. It reads the
//! whole request before the method starts, so nothing has been done when this layer rejects it.

use super::{InnerService, Middleware, Request, Response};
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

/// The methods with client streams. Other methods reject a second message.
const CLIENT_STREAMING_METHODS: &[&str] = &[
    "/groundplan.records.v1.RecordsService/Import",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// Checks whether a method has a client stream.
pub fn is_client_streaming(path: &str) -> bool {
    CLIENT_STREAMING_METHODS.contains(&path)
}

/// The layer.
#[derive(Clone)]
pub struct ValidateFrames;

impl<S: InnerService> Middleware<S> for ValidateFrames {
    type Future = Either<S::Future, Ready<Result<Response, Infallible>>>;

    fn handle(&self, inner: &mut S, request: Request) -> Self::Future {
        match RequestProtocol::from_headers(request.headers()) {
            RequestProtocol::Rest => Either::Left(inner.call(request)),
            RequestProtocol::UnsupportedGrpc => Either::Right(ready(Ok(error_response(&unsupported_format(), true)))),
            RequestProtocol::Grpc | RequestProtocol::Web(_) => {
                let validator =
                    FrameValidator::new(is_client_streaming(request.uri().path()), is_compressed(request.headers()));
                Either::Left(inner.call(request.map(|body| Body::new(ValidatedBody { body, validator }))))
            }
        }
    }
}

/// Checks whether the call names a compression. The routes check which one.
fn is_compressed(headers: &HeaderMap) -> bool {
    headers.get("grpc-encoding").is_some_and(|encoding| encoding != "identity")
}

/// A request body whose frames are validated.
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

    /// False until the end has been read: a call without a message is rejected there.
    fn is_end_stream(&self) -> bool {
        self.validator.is_finished
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The library of gRPC-Web reports invalid base64 as an error of the server.
fn from_grpc_web_status(status: Status) -> Status {
    if !status.message().starts_with("tonic-web: ") {
        return status;
    }
    let message =
        "the body of the gRPC-Web call is not valid base64, or is truncated; send whole groups of four characters";
    Error::new(Reason::MalformedRequest, message).caused_by(status).to_status()
}

/// The position in the frames of a request. A frame is a flag, a length of four bytes, and a message.
struct FrameValidator {
    is_client_streaming: bool,
    is_compressed: bool,
    /// The received bytes of the current frame's header.
    header: [u8; HEADER_LENGTH],
    header_length: usize,
    /// The remaining bytes of the current message.
    remaining: usize,
    has_message: bool,
    is_finished: bool,
}

/// The length of a frame's header, in bytes.
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

    /// Validates the next bytes.
    fn push(&mut self, mut data: &[u8]) -> Result<(), Error> {
        while let Some(&first) = data.first() {
            if self.remaining > 0 {
                let skipped = self.remaining.min(data.len());
                self.remaining -= skipped;
                data = data.get(skipped..).unwrap_or_default();
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

    /// Validates the flag of a new frame.
    fn start_frame(&self, flag: u8) -> Result<(), Error> {
        if self.has_message && !self.is_client_streaming {
            let message = "the method accepts one message, and a second one was sent; nothing was done, so send each message \
                           in its own call";
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

    /// Validates the end of the request.
    fn finish(&mut self) -> Result<(), Error> {
        self.is_finished = true;
        if self.header_length > 0 || self.remaining > 0 {
            return Err(Error::new(Reason::MalformedRequest, "the request is truncated within a gRPC message"));
        }
        if !self.has_message && !self.is_client_streaming {
            let message =
                "the method requires one message, and none was sent; an empty message is a frame of five zero bytes";
            return Err(Error::new(Reason::MessageCount, message));
        }
        Ok(())
    }
}

fn unsupported_format() -> Error {
    let message = "only protobuf messages are supported; send the content type application/grpc or application/grpc+proto, or \
                   use the REST API for JSON";
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
    fn frames_are_validated_across_chunks() {
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
    fn calls_without_a_message_are_rejected() {
        assert_eq!(push(&[], false, false).unwrap_err().reason(), Reason::MessageCount);
        assert!(push(&[], true, false).is_ok());
        assert!(push(&[b"\0\0\0\0\0"], false, false).is_ok());
        assert!(push(&[b"\0\0\0\0\0\0\0\0\0\0"], false, false).is_err());
    }

    #[test]
    fn flags_must_match_the_encoding_of_the_call() {
        for (flag, is_compressed, is_right) in
            [(0, false, true), (0, true, true), (1, true, true), (1, false, false), (2, true, false)]
        {
            let outcome = push(&[&[flag, 0, 0, 0, 0]], false, is_compressed);
            assert_eq!(outcome.is_ok(), is_right, "{flag} {is_compressed}");
            assert!(outcome.is_ok() || outcome.unwrap_err().message().contains("compressed flag"));
        }
    }
}
