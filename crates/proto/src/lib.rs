//! The generated stubs of the suite's own API, and its descriptors. The stubs refuse requests with fields that nobody knows.

pub mod strict;

/// `groundplan.eventlog.v1`: the events of a service's log.
pub mod eventlog {
    #[allow(missing_docs, clippy::all, unreachable_pub)]
    pub mod v1 {
        tonic::include_proto!("groundplan.eventlog.v1");
    }
}

/// `groundplan.query.v1`: what the derived services' queries share.
pub mod query {
    #[allow(missing_docs, clippy::all, unreachable_pub)]
    pub mod v1 {
        tonic::include_proto!("groundplan.query.v1");
    }
}

/// `groundplan.records.v1`: what is asked of several models at once.
pub mod records {
    #[allow(missing_docs, clippy::all, unreachable_pub)]
    pub mod v1 {
        tonic::include_proto!("groundplan.records.v1");
    }
}

/// `groundplan.schema.v1`: plan, apply, revisions.
pub mod schema {
    #[allow(missing_docs, clippy::all, unreachable_pub)]
    pub mod v1 {
        tonic::include_proto!("groundplan.schema.v1");
    }
}

/// `groundplan.watch.v1`: what the derived services' watches and histories share.
pub mod watch {
    #[allow(missing_docs, clippy::all, unreachable_pub)]
    pub mod v1 {
        tonic::include_proto!("groundplan.watch.v1");
    }
}

/// The suite's own API as a serialized `google.protobuf.FileDescriptorSet`, with comments, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.binpb"));
