//! The generated messages of the suite's API, and its descriptors. With the feature `grpc` also its clients and servers, which
//! reject requests with unknown fields.

#[cfg(feature = "grpc")]
pub mod strict;

/// `groundplan.eventlog.v1`: the events of a service's log.
pub mod eventlog {
    #[allow(missing_docs, clippy::all, unreachable_pub)]
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/groundplan.eventlog.v1.rs"));
    }
}

/// `groundplan.query.v1`: what the derived services' queries share.
pub mod query {
    #[allow(missing_docs, clippy::all, unreachable_pub)]
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/groundplan.query.v1.rs"));
    }
}

/// `groundplan.records.v1`: operations on several models.
pub mod records {
    #[allow(missing_docs, clippy::all, unreachable_pub)]
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/groundplan.records.v1.rs"));
    }
}

/// `groundplan.schema.v1`: plan, apply, revisions.
pub mod schema {
    #[allow(missing_docs, clippy::all, unreachable_pub)]
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/groundplan.schema.v1.rs"));
    }
}

/// `groundplan.watch.v1`: what the derived services' watches and histories share.
pub mod watch {
    #[allow(missing_docs, clippy::all, unreachable_pub)]
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/groundplan.watch.v1.rs"));
    }
}

/// The suite's own API as a serialized `google.protobuf.FileDescriptorSet`, with comments, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.binpb"));
