//! The generated stubs of the suite's own API, and its descriptors. Nothing else.

/// `groundplan.query.v1`: what the derived services' queries share.
pub mod query {
    #[allow(missing_docs, clippy::all, unreachable_pub)]
    pub mod v1 {
        tonic::include_proto!("groundplan.query.v1");
    }
}

/// `groundplan.schema.v1`: plan, apply, revisions.
pub mod schema {
    #[allow(missing_docs, clippy::all, unreachable_pub)]
    pub mod v1 {
        tonic::include_proto!("groundplan.schema.v1");
    }
}

/// The suite's own API as a serialized `google.protobuf.FileDescriptorSet`, with comments, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.binpb"));
