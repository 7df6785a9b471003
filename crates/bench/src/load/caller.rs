//! Connections to a server, for all protocols.

use super::rows::PAGE;
use super::{grpc, reference, rest};
use crate::client::Suite;
use crate::output::Failure;
use crate::stubs::Entity;

/// The protocol of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Protocol {
    /// The derived gRPC service of the model
    Grpc,
    /// The derived REST API of the model, over HTTP/1.1
    Rest,
    /// perf.v1.EntityService of the reference peer
    Reference,
}

/// A server and the settings of calls to it.
pub(super) struct Target<'a> {
    pub(super) suite: &'a Suite,
    pub(super) protocol: Protocol,
    pub(super) model: &'a str,
    pub(super) collection: &'a str,
    pub(super) connections: u32,
}

impl Target<'_> {
    /// Creates callers that share the connections. With REST, each caller has a separate connection.
    pub(super) async fn callers(&self, count: u32) -> Result<Vec<Caller>, Failure> {
        let mut callers = Vec::new();
        for number in 0..count {
            let shared = callers.get(usize::try_from(number % self.connections)?);
            callers.push(match (self.protocol, shared) {
                (Protocol::Grpc, Some(Caller::Grpc(first))) => Caller::Grpc(first.clone()),
                (Protocol::Reference, Some(Caller::Reference(first))) => Caller::Reference(first.clone()),
                (Protocol::Grpc, _) => Caller::Grpc(grpc::Caller::new(self.suite, self.model)?),
                (Protocol::Reference, _) => Caller::Reference(reference::Caller::new(self.suite)?),
                (Protocol::Rest, _) => Caller::Rest(rest::Caller::connect(self.suite, self.collection).await?),
            });
        }
        Ok(callers)
    }
}

/// A caller for one of the protocols.
pub(super) enum Caller {
    Grpc(grpc::Caller),
    Rest(rest::Caller),
    Reference(reference::Caller),
}

impl Caller {
    /// Reads a record and returns its etag.
    pub(super) async fn get(&mut self, id: &str) -> Result<String, Failure> {
        match self {
            Self::Grpc(caller) => caller.get(id).await,
            Self::Rest(caller) => caller.get(id).await,
            Self::Reference(caller) => caller.get(id).await,
        }
    }

    /// Reads the first page of the records with a name. Fails if the page is not full.
    pub(super) async fn list(&mut self, name: &str) -> Result<(), Failure> {
        let records = match self {
            Self::Grpc(caller) => caller.list(name).await?,
            Self::Rest(caller) => caller.list(name).await?,
            Self::Reference(caller) => caller.list(name).await?,
        };
        if records == PAGE { Ok(()) } else { Err(Failure::new(format!("{records} records, and not {PAGE}"))) }
    }

    pub(super) async fn create(&mut self, record: Entity) -> Result<(), Failure> {
        match self {
            Self::Grpc(caller) => caller.create(record).await,
            Self::Rest(caller) => caller.create(&record).await,
            Self::Reference(caller) => caller.create(record).await,
        }
    }

    /// Updates a record that has this etag, and returns the new etag.
    pub(super) async fn update(&mut self, record: Entity, etag: &str) -> Result<String, Failure> {
        match self {
            Self::Grpc(caller) => caller.update(record, etag).await,
            Self::Rest(caller) => caller.update(&record, etag).await,
            Self::Reference(caller) => caller.update(record, etag).await,
        }
    }
}
