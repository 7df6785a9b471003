//! The client of `schema`.

use futures_util::StreamExt as _;
use groundplan_chassis::transport::Transport;
use groundplan_eventlog::{Messages, Source};
use groundplan_proto::schema::v1::distribution_service_client::DistributionServiceClient;
use groundplan_proto::schema::v1::schema_service_client::SchemaServiceClient;
use groundplan_proto::schema::v1::{
    GetRevisionRequest, ListRevisionsRequest, ReportProgressRequest, Revision, TailRevisionsRequest,
    TailRevisionsResponse,
};
use tonic::{Code, Status};

/// The maximum message size from `schema` in bytes. A revision contains descriptors of 8 MiB of files, and its plan.
const MAX_REVISION: usize = 64 << 20;

/// The number of newest revisions to inspect.
const NEWEST: i32 = 20;

/// The maximum length of the host name in a follower's name, which `schema` limits. Longer names are truncated.
const MAX_HOST: usize = 64;

/// A client of `schema` for one follower.
#[derive(Clone)]
pub(super) struct Peer {
    transport: Transport,
    follower: String,
}

impl Peer {
    pub(super) fn new(transport: Transport) -> Self {
        Self { transport, follower: name(&rustix::system::uname().nodename().to_string_lossy()) }
    }

    /// Returns a revision, or `None` if it does not exist. Number 0 is the live one.
    pub(super) async fn revision(&self, number: i64) -> Result<Option<Revision>, Status> {
        match self.schema().get_revision(GetRevisionRequest { number }).await {
            Ok(revision) => Ok(Some(revision.into_inner())),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(status),
        }
    }

    /// Returns the newest revisions of any state without their descriptors, newest first.
    pub(super) async fn newest(&self) -> Result<Vec<Revision>, Status> {
        let request = ListRevisionsRequest { page_size: NEWEST, page_token: String::new() };
        Ok(self.schema().list_revisions(request).await?.into_inner().revisions)
    }

    /// Sends a report of this follower.
    pub(super) async fn report(&self, mut report: ReportProgressRequest) -> Result<(), Status> {
        report.follower.clone_from(&self.follower);
        self.distribution().report_progress(report).await.map(drop)
    }

    fn schema(&self) -> SchemaServiceClient<Transport> {
        SchemaServiceClient::new(self.transport.clone()).max_decoding_message_size(MAX_REVISION)
    }

    fn distribution(&self) -> DistributionServiceClient<Transport> {
        DistributionServiceClient::new(self.transport.clone()).max_decoding_message_size(MAX_REVISION)
    }
}

impl Source for Peer {
    async fn tail(&mut self, token: &str) -> Result<Messages, Status> {
        let request = TailRevisionsRequest { token: token.to_owned() };
        let responses = self.distribution().tail_revisions(request).await?.into_inner();
        Ok(responses.map(|response| response.map(|TailRevisionsResponse { events, token }| (events, token))).boxed())
    }
}

/// Returns the name of this process: its host and process, and a random part, because other hosts can have the same name.
fn name(host: &str) -> String {
    let host: String = host.chars().filter(|character| !character.is_control()).collect();
    let host = host.get(..host.floor_char_boundary(MAX_HOST)).unwrap_or_default();
    format!("{host}-{}-{:08x}", std::process::id(), rand::random::<u32>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_contains_host_and_process_and_is_unique() {
        let (one, other) = (name("records-0"), name("records-0"));
        assert!(one.starts_with(&format!("records-0-{}-", std::process::id())), "{one}");
        assert_ne!(one, other);
        let long = name(&format!("a\n\u{7f}{}", "é".repeat(500)));
        assert!(long.starts_with("aé") && long.len() <= 128 && !long.chars().any(char::is_control), "{long}");
    }
}
