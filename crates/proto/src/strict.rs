//! The codec of the generated stubs: requests are checked against their definition before they are decoded.
//!
//! prost skips unknown fields. It would silently drop a field of a newer client, even the guard of a write. So the bytes of
//! every request are checked first, including nested messages, by the descriptors of the stubs. Responses are not checked: a
//! client continues to work with a newer server.

mod shapes;
mod walk;

use groundplan_error::{Error, Reason};
use prost::bytes::Buf as _;
use prost::{Message, Name};
use shapes::{SHAPES, Shape};
use std::marker::PhantomData;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder};
use tonic_prost::{ProstCodec, ProstEncoder};

/// Writes `T` and reads `U`.
#[derive(Debug)]
pub struct StrictCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for StrictCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for StrictCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Name + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = StrictDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        StrictDecoder { shape: SHAPES.request(&U::full_name()), message: PhantomData }
    }
}

/// Reads `U`.
#[derive(Debug)]
pub struct StrictDecoder<U> {
    /// None for what is no request.
    shape: Option<&'static Shape>,
    message: PhantomData<fn() -> U>,
}

impl<U: Message + Default + Name> Decoder for StrictDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        // One piece: tonic collects a message before it is decoded.
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        if let Some(shape) = self.shape {
            walk::check(&SHAPES, shape, &bytes).map_err(|why| malformed(&shape.name, &why).to_status())?;
        }
        let decoded = U::decode(bytes);
        decoded.map(Some).map_err(|error| malformed(U::NAME, "it cannot be decoded").caused_by(error).to_status())
    }
}

fn malformed(name: &str, why: &str) -> Error {
    Error::new(Reason::MalformedRequest, format!("the request is not a {name}: {why}"))
}
