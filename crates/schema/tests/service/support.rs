//! The service with a test database, and a follower that simulates `records`.

use groundplan_chassis::database::{Bind, Database, Sql, execute};
use groundplan_chassis::settings::{DatabaseSettings, defaults};
use groundplan_chassis::transport::{Transport, local};
use groundplan_proto::eventlog::v1::Event;
use groundplan_proto::schema::v1::distribution_service_client::DistributionServiceClient;
use groundplan_proto::schema::v1::schema_service_client::SchemaServiceClient;
use groundplan_proto::schema::v1::{
    ApplyRequest, ApplyResponse, GetRevisionRequest, ListRevisionsRequest, Models, Preparation, ReportProgressRequest,
    Revision, RevisionState, SourceFile, TailRevisionsRequest, TailRevisionsResponse,
};
use groundplan_schema::{DATABASE_SCHEMA, Dependencies, Settings, mount};
use groundplan_testkit::TestDatabase;
use prost::Message as _;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};
use tonic_types::StatusExt;

/// A process of the service.
pub(crate) struct Process {
    pub(crate) schema: SchemaServiceClient<Transport>,
    pub(crate) distribution: DistributionServiceClient<Transport>,
    pub(crate) database: Database,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: JoinSet<()>,
}

pub(crate) fn impatient() -> Settings {
    Settings {
        poll_interval: Duration::from_millis(20),
        apply_timeout: Duration::from_millis(300),
        ..Settings::default()
    }
}

pub(crate) fn patient() -> Settings {
    Settings { poll_interval: Duration::from_millis(20), ..Settings::default() }
}

/// Starts a process of the service.
pub(crate) async fn start(test: &TestDatabase, settings: Settings) -> Process {
    start_with(test, settings, defaults()).await
}

/// Starts a process with a single database connection and a short timeout.
pub(crate) async fn start_with_one_connection(test: &TestDatabase, settings: Settings) -> Process {
    let one = DatabaseSettings { db_pool_size: 1, db_pool_timeout: Duration::from_millis(50), ..defaults() };
    start_with(test, settings, one).await
}

async fn start_with(test: &TestDatabase, settings: Settings, settings_of_database: DatabaseSettings) -> Process {
    let database = Database::connect(&test.url(), DATABASE_SCHEMA, &settings_of_database).await.unwrap();
    let stop = CancellationToken::new();
    let mounted = mount(Dependencies { database: database.clone(), settings, stop: stop.clone() }).await.unwrap();
    assert!(*mounted.ready[0].borrow());
    let transport = local(mounted.router);
    let schema = SchemaServiceClient::new(transport.clone());
    Process { schema, distribution: DistributionServiceClient::new(transport), database, stop, tasks: mounted.tasks }
}

/// Returns a model with an id, followed by the given fields.
pub(crate) fn entity(fields: &str) -> Models {
    let content = format!(
        "syntax = \"proto3\";\npackage example.v1;\nimport \"groundplan/model/v1/model.proto\";\n\
         // A record.\nmessage Entity {{\n  option (groundplan.model.v1.model) = {{ resource: \"resource\" }};\n\
         \x20 string id = 1;\n{fields}}}\n"
    );
    file("example/v1/entity.proto", &content)
}

pub(crate) fn file(path: &str, content: &str) -> Models {
    let file = SourceFile { path: path.into(), content: content.into() };
    Models { files: vec![file], descriptor_set: Vec::new() }
}

impl Process {
    pub(crate) async fn apply(&self, models: Models) -> Result<Streaming<ApplyResponse>, Status> {
        let request = ApplyRequest { models: Some(models), base_revision: 0 };
        self.schema.clone().apply(request).await.map(tonic::Response::into_inner)
    }

    /// Applies models and reads the whole stream.
    pub(crate) async fn apply_to_the_end(&self, models: Models) -> Result<Vec<ApplyResponse>, Status> {
        let mut stream = self.apply(models).await?;
        let mut responses = Vec::new();
        while let Some(response) = stream.message().await? {
            responses.push(response);
        }
        Ok(responses)
    }

    pub(crate) async fn revision(&self, number: i64) -> Result<Revision, Status> {
        self.schema.clone().get_revision(GetRevisionRequest { number }).await.map(tonic::Response::into_inner)
    }

    pub(crate) async fn state(&self, number: i64) -> RevisionState {
        self.revision(number).await.unwrap().state()
    }

    pub(crate) async fn tail(&self, token: &str) -> Result<Streaming<TailRevisionsResponse>, Status> {
        let request = TailRevisionsRequest { token: token.into() };
        self.distribution.clone().tail_revisions(request).await.map(tonic::Response::into_inner)
    }

    pub(crate) async fn sql(&self, sql: &str, binds: &[Bind]) {
        let sql = Sql::new(sql);
        let mut lease = self.database.lease().await.unwrap();
        lease.run(async |connection| execute(connection, &sql, binds).await).await.unwrap();
    }

    /// Reports progress, repeatedly until the database accepts it.
    pub(crate) async fn report(&self, report: ReportProgressRequest) {
        eventually(async || self.distribution.clone().report_progress(report.clone()).await.is_ok()).await;
    }

    /// Waits until a revision is in a state.
    pub(crate) async fn until(&self, number: i64, state: RevisionState) {
        eventually(async || self.revision(number).await.is_ok_and(|revision| revision.state() == state)).await;
    }
}

/// Waits until a condition holds. If it never does, the test runner's timeout reports it.
pub(crate) async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    while !holds().await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What a follower reports for a preparing revision.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FollowerBehavior {
    /// Reports that it is working.
    Working,
    /// Reports that it is done.
    Done,
    /// Reports a failure.
    Fail(String),
}

/// A follower that simulates `records` until it is dropped.
pub(crate) struct Follower {
    pub(crate) behavior: watch::Sender<FollowerBehavior>,
    _task: JoinSet<()>,
}

impl Follower {
    pub(crate) fn start(process: &Process, id: &str, behavior: FollowerBehavior) -> Self {
        let (sender, receiver) = watch::channel(behavior);
        let mut task = JoinSet::new();
        task.spawn(follow(process.schema.clone(), process.distribution.clone(), id.to_owned(), receiver));
        Self { behavior: sender, _task: task }
    }
}

/// Boxes a future: the compiler cannot prove that the client's own type is `Send`.
fn sendable<'a, T>(future: impl Future<Output = T> + Send + 'a) -> Pin<Box<dyn Future<Output = T> + Send + 'a>> {
    Box::pin(future)
}

async fn follow(
    mut schema: SchemaServiceClient<Transport>,
    mut client: DistributionServiceClient<Transport>,
    id: String,
    mut behavior: watch::Receiver<FollowerBehavior>,
) {
    let mut tail = sendable(client.tail_revisions(TailRevisionsRequest::default())).await.unwrap().into_inner();
    let mut report = ReportProgressRequest { follower: id, ..ReportProgressRequest::default() };
    let (mut steps, mut has_begun) = (0, false);
    loop {
        if let Some(preparation) = &mut report.preparation {
            let behavior = behavior.borrow_and_update().clone();
            preparation.message = "making tables".to_owned();
            preparation.done = behavior == FollowerBehavior::Done;
            preparation.steps_done = if preparation.done { steps } else { 0 };
            preparation.failure = if let FollowerBehavior::Fail(why) = behavior { why } else { String::new() };
        }
        if sendable(client.report_progress(report.clone())).await.is_err() {
            return;
        }
        let next = tokio::select! {
            next = tail.message() => next,
            changed = behavior.changed() => { if changed.is_err() { return } else { continue } }
            () = tokio::time::sleep(Duration::from_secs(1)) => continue,
        };
        let Ok(Some(response)) = next else { return };
        let mut changed: Vec<Revision> = response.events.iter().map(revision_of).collect();
        if !std::mem::replace(&mut has_begun, true) {
            let request = ListRevisionsRequest { page_size: 2, ..ListRevisionsRequest::default() };
            changed = sendable(schema.list_revisions(request)).await.unwrap().into_inner().revisions;
            changed.reverse();
        }
        for Revision { number, .. } in changed {
            let revision = sendable(schema.get_revision(GetRevisionRequest { number })).await.unwrap().into_inner();
            assert!(!revision.descriptor_set.is_empty());
            match revision.state() {
                RevisionState::Live => report.serving = number,
                RevisionState::Preparing => {
                    steps = i32::try_from(revision.steps.len()).unwrap();
                    report.preparation = Some(Preparation { revision: number, ..Preparation::default() });
                }
                _ => {}
            }
        }
    }
}

/// Decodes the revision of an event.
pub(crate) fn revision_of(event: &Event) -> Revision {
    let revision = Revision::decode(event.payload.as_slice()).unwrap();
    assert_eq!((event.topic.as_str(), event.tenant.as_str()), ("revision", ""));
    assert_eq!(event.key, revision.number.to_string());
    revision
}

/// Returns the reason of an error and one value of its metadata.
pub(crate) fn reason_and_metadata(status: &Status, key: &str) -> (String, String) {
    let details = status.get_error_details();
    let information = details.error_info().expect("every error has a reason");
    (information.reason.clone(), information.metadata.get(key).cloned().unwrap_or_default())
}
