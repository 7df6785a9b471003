//! Holds the frames of a gRPC call to the protocol: as many messages as the method takes, and flags that mean something.
//!
//! tonic takes the first message of a call that has one and drops those after it, and it blames the server for frames that a
//! client got wrong. It reads a request to its end before the method begins, so that nothing has been done when this refuses it.

use super::{Inner, Request, Response};
use crate::respond::{Speech, refuse};
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
const STREAMED: &[&str] = &[
    "/groundplan.records.v1.RecordsService/Import",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// Whether the request of a method is a stream.
pub fn is_streamed(path: &str) -> bool {
    STREAMED.contains(&path)
}

/// The layer.
#[derive(Clone)]
pub struct Frames<S> {
    inner: S,
}

impl<S> Frames<S> {
    /// Follows the frames of the calls to `inner`.
    pub fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S: Inner> Service<Request> for Frames<S> {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response, Infallible>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match Speech::of(request.headers()) {
            Speech::Rest => Either::Left(self.inner.call(request)),
            Speech::Foreign => Either::Right(ready(Ok(refuse(&foreign(), true)))),
            Speech::Grpc | Speech::Web(_) => {
                let follower = Follower::new(is_streamed(request.uri().path()), is_compressed(request.headers()));
                Either::Left(self.inner.call(request.map(|body| Body::new(Followed { body, follower }))))
            }
        }
    }
}

/// Whether the call names a compression. Which ones there are, the routes know.
fn is_compressed(headers: &HeaderMap) -> bool {
    headers.get("grpc-encoding").is_some_and(|encoding| encoding != "identity")
}

/// A body whose frames are followed.
struct Followed {
    body: Body,
    follower: Follower,
}

impl http_body::Body for Followed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let outcome = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            Some(Ok(frame)) => match frame.data_ref() {
                Some(data) => self.follower.follow(data).map(|()| Some(frame)),
                None => self.follower.end().map(|()| Some(frame)),
            },
            Some(Err(status)) => return Poll::Ready(Some(Err(of_web(status)))),
            None => self.follower.end().map(|()| None),
        };
        Poll::Ready(outcome.map_err(|error| error.to_status()).transpose())
    }

    /// Never before the end was seen: a call without a message is refused there.
    fn is_end_stream(&self) -> bool {
        self.follower.is_over
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// gRPC-Web's library blames the server for text that is no base64.
fn of_web(status: Status) -> Status {
    if !status.message().starts_with("tonic-web: ") {
        return status;
    }
    let words = "the body of the gRPC-Web call is not base64, or was cut off; send whole groups of four characters";
    Error::new(Reason::MalformedRequest, words).caused_by(status).to_status()
}

/// Where in its frames a request is: each is a flag, a length of four bytes, and a message.
struct Follower {
    is_streamed: bool,
    is_compressed: bool,
    /// The bytes of the present frame's head that have come.
    head: [u8; HEAD],
    head_length: usize,
    /// The bytes of the present message that are still to come.
    rest: usize,
    has_message: bool,
    is_over: bool,
}

/// The length of a frame's head.
const HEAD: usize = 5;

impl Follower {
    fn new(is_streamed: bool, is_compressed: bool) -> Self {
        let head = [0; HEAD];
        Self { is_streamed, is_compressed, head, head_length: 0, rest: 0, has_message: false, is_over: false }
    }

    /// Takes the next bytes.
    fn follow(&mut self, mut data: &[u8]) -> Result<(), Error> {
        while let Some(&first) = data.first() {
            if self.rest > 0 {
                let taken = self.rest.min(data.len());
                self.rest -= taken;
                data = data.get(taken..).unwrap_or_default();
                continue;
            }
            if self.head_length == 0 {
                self.begin(first)?;
            }
            if let Some(byte) = self.head.get_mut(self.head_length) {
                *byte = first;
            }
            self.head_length += 1;
            data = data.get(1..).unwrap_or_default();
            if self.head_length == HEAD {
                let [_, length @ ..] = self.head;
                self.rest = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
                self.head_length = 0;
                self.has_message = true;
            }
        }
        Ok(())
    }

    /// Begins a frame.
    fn begin(&self, flag: u8) -> Result<(), Error> {
        if self.has_message && !self.is_streamed {
            let words = "the method takes one message, and a second one came; nothing was done, so send each in a call of its own";
            return Err(Error::new(Reason::MessageCount, words));
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
    fn end(&mut self) -> Result<(), Error> {
        self.is_over = true;
        if self.head_length > 0 || self.rest > 0 {
            return Err(Error::new(Reason::MalformedRequest, "the request is cut off within a gRPC message"));
        }
        if !self.has_message && !self.is_streamed {
            let words = "the method takes one message, and none came; an empty message is a frame of five zero bytes";
            return Err(Error::new(Reason::MessageCount, words));
        }
        Ok(())
    }
}

fn foreign() -> Error {
    let words = "messages are read in protobuf only; send the content type application/grpc or application/grpc+proto, or use the REST API for JSON";
    Error::new(Reason::EncodingNotSupported, words)
}

#[cfg(test)]
mod tests {
    use super::Follower;
    use groundplan_error::{Error, Reason};

    fn follow(parts: &[&[u8]], is_streamed: bool, is_compressed: bool) -> Result<(), Error> {
        let mut follower = Follower::new(is_streamed, is_compressed);
        parts.iter().try_for_each(|part| follower.follow(part))?;
        follower.end()
    }

    #[test]
    fn frames_are_followed_wherever_they_are_cut() {
        let two = b"\0\0\0\0\x02ab\0\0\0\0\x01c";
        for size in 1..two.len() {
            let parts: Vec<&[u8]> = two.chunks(size).collect();
            assert!(follow(&parts, true, false).is_ok(), "{size}");
            assert_eq!(follow(&parts, false, false).unwrap_err().reason(), Reason::MessageCount, "{size}");
            let parts: Vec<&[u8]> = two[..7].chunks(size).collect();
            assert!(follow(&parts, false, false).is_ok(), "{size}");
        }
        for cut in [1, 5, 6] {
            assert_eq!(follow(&[&two[..cut]], false, false).unwrap_err().reason(), Reason::MalformedRequest, "{cut}");
        }
    }

    #[test]
    fn calls_without_a_message_are_refused_and_empty_messages_are_none() {
        assert_eq!(follow(&[], false, false).unwrap_err().reason(), Reason::MessageCount);
        assert!(follow(&[], true, false).is_ok());
        assert!(follow(&[b"\0\0\0\0\0"], false, false).is_ok());
        assert!(follow(&[b"\0\0\0\0\0\0\0\0\0\0"], false, false).is_err());
    }

    #[test]
    fn flags_are_held_to_the_calls_encoding() {
        for (flag, is_compressed, is_right) in
            [(0, false, true), (0, true, true), (1, true, true), (1, false, false), (2, true, false)]
        {
            let outcome = follow(&[&[flag, 0, 0, 0, 0]], false, is_compressed);
            assert_eq!(outcome.is_ok(), is_right, "{flag} {is_compressed}");
            assert!(outcome.is_ok() || outcome.unwrap_err().message().contains("compressed flag"));
        }
    }
}
