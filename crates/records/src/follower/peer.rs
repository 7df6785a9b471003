//! The calls to `schema`.

use groundplan_chassis::transport::Transport;
use groundplan_proto::schema::v1::distribution_service_client::DistributionServiceClient;
use groundplan_proto::schema::v1::schema_service_client::SchemaServiceClient;
use groundplan_proto::schema::v1::{
    FollowRevisionsRequest, FollowRevisionsResponse, GetRevisionRequest, ReportProgressRequest, Revision,
};
use tonic::{Code, Status, Streaming};
use uuid::Uuid;

/// The longest message from `schema`: a revision is 8 MiB of files as descriptors, with its plan.
const MAX_REVISION: usize = 64 << 20;

/// The way to `schema`, for one follower.
#[derive(Clone)]
pub(super) struct Peer {
    transport: Transport,
    follower: String,
}

impl Peer {
    pub(super) fn new(transport: Transport) -> Self {
        Self { transport, follower: Uuid::now_v7().to_string() }
    }

    /// Begins to follow.
    pub(super) async fn follow(&self) -> Result<Streaming<FollowRevisionsResponse>, Status> {
        let request = FollowRevisionsRequest { follower: self.follower.clone() };
        Ok(self.distribution().follow_revisions(request).await?.into_inner())
    }

    /// Asks for the live revision, if there is one.
    pub(super) async fn live(&self) -> Result<Option<Revision>, Status> {
        let mut client = SchemaServiceClient::new(self.transport.clone()).max_decoding_message_size(MAX_REVISION);
        match client.get_revision(GetRevisionRequest { number: 0 }).await {
            Ok(revision) => Ok(Some(revision.into_inner())),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(status),
        }
    }

    /// Reports as this follower.
    pub(super) async fn report(&self, mut report: ReportProgressRequest) -> Result<(), Status> {
        report.follower.clone_from(&self.follower);
        self.distribution().report_progress(report).await.map(drop)
    }

    fn distribution(&self) -> DistributionServiceClient<Transport> {
        DistributionServiceClient::new(self.transport.clone()).max_decoding_message_size(MAX_REVISION)
    }
}
