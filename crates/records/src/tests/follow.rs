//! The follower against a `schema` of which the test decides what it says.

use super::fixture::{Fixture, catalog, thing};
use crate::follower::Follower;
use futures_util::stream::BoxStream;
use groundplan_chassis::mounted;
use groundplan_chassis::transport::{self, Transport};
use groundplan_model::catalog::MethodKind::Create;
use groundplan_proto::schema::v1::distribution_service_server::{DistributionService, DistributionServiceServer};
use groundplan_proto::schema::v1::schema_service_server::{SchemaService, SchemaServiceServer};
use groundplan_proto::schema::v1::{
    ApplyRequest, ApplyResponse, FollowRevisionsRequest, FollowRevisionsResponse, GetRevisionRequest,
    ListRevisionsRequest, ListRevisionsResponse, PlanRequest, PlanResponse, ReportProgressRequest,
    ReportProgressResponse, Revision, RevisionState, StorageName,
};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::BroadcastStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tower::ServiceExt as _;

/// Says what it is told to say, and remembers what it is told.
#[derive(Clone)]
struct Script {
    live: Arc<Mutex<Option<Revision>>>,
    /// An error breaks the streams.
    stream: broadcast::Sender<Result<Revision, ()>>,
    reports: Arc<watch::Sender<Vec<ReportProgressRequest>>>,
}

impl Script {
    fn new() -> Self {
        Self { live: Arc::default(), stream: broadcast::Sender::new(16), reports: Arc::new(watch::Sender::default()) }
    }

    fn transport(&self) -> Transport {
        let router = mounted::grpc(SchemaServiceServer::new(self.clone()))
            .merge(mounted::grpc(DistributionServiceServer::new(self.clone())));
        transport::local(router)
    }

    /// Starts a follower of it.
    fn follow(&self, fixture: &Fixture) -> Running {
        let (settled, ready) = watch::channel(false);
        let (mut tasks, stop) = (JoinSet::new(), CancellationToken::new());
        let follower = Follower::new(fixture.records.clone(), self.transport(), settled);
        follower.spawn(&mut tasks, stop.clone());
        Running { ready, tasks, stop }
    }

    /// Waits for a report, of those from now on and before.
    async fn reported(&self, what: &str, is: impl Fn(&ReportProgressRequest) -> bool) -> ReportProgressRequest {
        let mut reports = self.reports.subscribe();
        let seen = reports.wait_for(|reports| reports.iter().any(&is));
        let seen = tokio::time::timeout(Duration::from_secs(20), seen).await;
        let seen = seen.unwrap_or_else(|_| panic!("{what}: {:#?}", self.reports.borrow())).unwrap();
        seen.iter().find(|report| is(report)).unwrap().clone()
    }

    async fn serving(&self, number: i64) {
        self.reported("serving", |report| report.serving == number).await;
    }
}

struct Running {
    ready: watch::Receiver<bool>,
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl Running {
    async fn ready(&mut self) {
        tokio::time::timeout(Duration::from_secs(20), self.ready.wait_for(|ready| *ready)).await.unwrap().unwrap();
    }
}

#[tonic::async_trait]
impl SchemaService for Script {
    type ApplyStream = BoxStream<'static, Result<ApplyResponse, Status>>;

    async fn plan(&self, _: Request<PlanRequest>) -> Result<Response<PlanResponse>, Status> {
        Err(Status::unimplemented("not in this script"))
    }

    async fn apply(&self, _: Request<ApplyRequest>) -> Result<Response<Self::ApplyStream>, Status> {
        Err(Status::unimplemented("not in this script"))
    }

    async fn list_revisions(
        &self,
        _: Request<ListRevisionsRequest>,
    ) -> Result<Response<ListRevisionsResponse>, Status> {
        Err(Status::unimplemented("not in this script"))
    }

    async fn get_revision(&self, _: Request<GetRevisionRequest>) -> Result<Response<Revision>, Status> {
        let live = self.live.lock().unwrap().clone();
        live.map(Response::new).ok_or_else(|| Status::new(tonic::Code::NotFound, "nothing was applied yet"))
    }
}

#[tonic::async_trait]
impl DistributionService for Script {
    type FollowRevisionsStream = BoxStream<'static, Result<FollowRevisionsResponse, Status>>;

    async fn follow_revisions(
        &self,
        _: Request<FollowRevisionsRequest>,
    ) -> Result<Response<Self::FollowRevisionsStream>, Status> {
        let stream = BroadcastStream::new(self.stream.subscribe());
        let stream = stream.map(|message| match message.unwrap() {
            Ok(revision) => Ok(FollowRevisionsResponse { revision: Some(revision) }),
            Err(()) => Err(Status::unavailable("the script breaks the stream")),
        });
        Ok(Response::new(Box::pin(stream)))
    }

    async fn report_progress(
        &self,
        request: Request<ReportProgressRequest>,
    ) -> Result<Response<ReportProgressResponse>, Status> {
        self.reports.send_modify(|reports| reports.push(request.into_inner()));
        Ok(Response::new(ReportProgressResponse {}))
    }
}

/// A revision of a file, as `schema` would send it.
fn revision(number: i64, state: RevisionState, source: &str) -> Revision {
    let catalog = catalog(number, source);
    let mut storage_names = Vec::new();
    for model in &catalog.models {
        for field in &model.shape().fields {
            let (message, number) = (model.full_name.clone(), i32::try_from(field.number).unwrap());
            storage_names.push(StorageName { message, number, name: field.storage_name.clone() });
        }
    }
    let descriptor_set = catalog.descriptor_set.to_vec();
    Revision { number, state: state.into(), descriptor_set, storage_names, ..Revision::default() }
}

#[tokio::test]
async fn nothing_applied_is_ready_too() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    let mut running = script.follow(&fixture);
    running.ready().await;
    script.serving(0).await;
    assert_eq!(fixture.records.served().unwrap().revision(), 0);
    running.stop.cancel();
    script.reported("leaving", |report| report.leaving).await;
    while running.tasks.join_next().await.is_some() {}
}

#[tokio::test]
async fn the_live_revision_is_served_when_it_is_there() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    *script.live.lock().unwrap() = Some(revision(3, RevisionState::Live, &thing("")));
    let mut running = script.follow(&fixture);
    running.ready().await;
    script.serving(3).await;
    assert_eq!(fixture.records.served().unwrap().revision(), 3);
}

#[tokio::test]
async fn a_revision_is_prepared_then_served_and_survives_a_break() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    let mut running = script.follow(&fixture);
    running.ready().await;
    script.stream.send(Ok(revision(1, RevisionState::Preparing, &thing("")))).unwrap();
    let done = |number| {
        move |report: &ReportProgressRequest| {
            report.preparation.as_ref().is_some_and(|preparation| preparation.done && preparation.revision == number)
        }
    };
    script.reported("prepared 1", done(1)).await;
    assert_eq!(fixture.records.served().unwrap().revision(), 0, "not before it is live");
    script.stream.send(Ok(revision(1, RevisionState::Live, &thing("")))).unwrap();
    script.serving(1).await;

    *script.live.lock().unwrap() = Some(revision(2, RevisionState::Live, &thing("string text = 2;")));
    script.stream.send(Err(())).unwrap();
    script.serving(2).await;
    assert_eq!(fixture.records.served().unwrap().revision(), 2);
}

#[tokio::test]
async fn a_revision_that_cannot_be_taken_up_is_reported_and_the_last_one_stays() {
    let fixture = Fixture::empty().await;
    fixture.query("CREATE SCHEMA test_v1").await;
    let script = Script::new();
    *script.live.lock().unwrap() = Some(revision(1, RevisionState::Live, &thing("")));
    let mut running = script.follow(&fixture);
    running.ready().await;
    fixture.query("ALTER TABLE test_v1.thing ADD COLUMN text bytea").await;
    let broken = Revision { descriptor_set: b"garbage".to_vec(), ..revision(2, RevisionState::Preparing, &thing("")) };
    let clash = revision(3, RevisionState::Preparing, &thing("string text = 2;"));
    for revision in [broken, clash] {
        let number = revision.number;
        script.stream.send(Ok(revision)).unwrap();
        let failed = script.reported("failed", |report| {
            report
                .preparation
                .as_ref()
                .is_some_and(|preparation| preparation.revision == number && !preparation.failure.is_empty())
        });
        let failure = failed.await.preparation.unwrap().failure;
        assert!(number == 2 || failure.contains("column text of table test_v1.thing is bytea"), "{failure}");
    }
    assert_eq!(fixture.records.served().unwrap().revision(), 1);
    script.stream.send(Ok(revision(4, RevisionState::Live, &thing("string other = 3;")))).unwrap();
    script.serving(4).await;
}

#[tokio::test]
async fn a_restored_schema_is_followed_back_and_a_late_stream_is_not() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    *script.live.lock().unwrap() = Some(revision(3, RevisionState::Live, &thing("")));
    let mut running = script.follow(&fixture);
    running.ready().await;
    // An older one that is not live any more: the stream is late.
    script.stream.send(Ok(revision(1, RevisionState::Live, &thing("string late = 2;")))).unwrap();
    // The same number of another life, then an older one, which is live.
    let other = thing("string other = 2;");
    *script.live.lock().unwrap() = Some(revision(3, RevisionState::Live, &other));
    script.stream.send(Ok(revision(3, RevisionState::Live, &other))).unwrap();
    served(&fixture, 3, &other).await;
    assert!(script.reports.borrow().iter().all(|report| report.serving != 1));
    let older = thing("string older = 2;");
    *script.live.lock().unwrap() = Some(revision(2, RevisionState::Live, &older));
    script.stream.send(Err(())).unwrap();
    script.serving(2).await;
    served(&fixture, 2, &older).await;
}

/// Waits until a revision is served.
async fn served(fixture: &Fixture, number: i64, source: &str) {
    let expected = catalog(number, source).descriptor_set;
    let waiting = async {
        while fixture.records.served().unwrap().catalog.descriptor_set != expected {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap();
    assert_eq!(fixture.records.served().unwrap().revision(), number);
}

#[tokio::test]
async fn a_live_revision_is_served_though_one_table_is_spoiled() {
    let fixture = Fixture::empty().await;
    fixture.apply(1, &thing("")).await.unwrap();
    fixture.query("ALTER TABLE test_v1.thing ADD COLUMN text bytea").await;
    let other = "message Zebra { option (groundplan.model.v1.model) = {}; string id = 1; }";
    let source = format!("{}{other}", thing("string text = 2;"));
    let script = Script::new();
    *script.live.lock().unwrap() = Some(revision(2, RevisionState::Live, &source));
    let mut running = script.follow(&fixture);
    running.ready().await;
    script.serving(2).await;
    fixture.call("Zebra", Create, json!({"zebra": {}})).await.unwrap();
}

#[tokio::test]
async fn a_failed_preparation_does_not_forget_the_live_revision() {
    let fixture = Fixture::empty().await;
    let garbage =
        |number, state| Revision { descriptor_set: b"garbage".to_vec(), ..revision(number, state, &thing("")) };
    let script = Script::new();
    *script.live.lock().unwrap() = Some(garbage(1, RevisionState::Live));
    let _running = script.follow(&fixture);
    let has_failed = |report: &ReportProgressRequest, number| {
        report
            .preparation
            .as_ref()
            .is_some_and(|preparation| preparation.revision == number && !preparation.failure.is_empty())
    };
    script.reported("failed 1", |report| has_failed(report, 1)).await;
    script.stream.send(Ok(garbage(2, RevisionState::Preparing))).unwrap();
    script.reported("failed 2", |report| has_failed(report, 2)).await;
    let mut reports = script.reports.subscribe();
    let again = reports.wait_for(|reports| {
        reports.iter().skip_while(|report| !has_failed(report, 2)).any(|report| has_failed(report, 1))
    });
    tokio::time::timeout(Duration::from_secs(20), again).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_mounted_service_answers_rest_grpc_and_reflection() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    *script.live.lock().unwrap() = Some(revision(1, RevisionState::Live, &thing("string text = 2;")));
    let stop = CancellationToken::new();
    let dependencies = crate::Dependencies {
        database: fixture.database.clone(),
        schema: script.transport(),
        settings: crate::Settings::default(),
        stop: stop.clone(),
    };
    let mut mounted = crate::mount(dependencies).await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), mounted.ready.wait_for(|ready| *ready)).await.unwrap().unwrap();
    let transport = transport::local(mounted.router);
    let ask = |method: &str, path: &str, kind: &str, body: &'static [u8]| {
        let request = http::Request::builder().method(method).uri(path).header("content-type", kind);
        let body = tonic::body::Body::new(axum::body::Body::from(body));
        transport.clone().oneshot(request.body(body).unwrap())
    };
    let created = ask("POST", "/api/v1/things", "application/json", br#"{"text":"x"}"#).await.unwrap();
    assert_eq!(created.status(), 201);
    let listed = ask("POST", "/test.v1.ThingService/ListThings", "application/grpc", b"\0\0\0\0\0").await.unwrap();
    assert_eq!(listed.headers()["groundplan-revision"], "1");
    assert!(listed.headers().get("grpc-status").is_none(), "{:?}", listed.headers());
    assert_eq!(ask("GET", "/api/v1/nothing", "", b"").await.unwrap().status(), 404);
    assert_eq!(ask("GET", "/", "", b"").await.unwrap().status(), 404);
    let method = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    let reflected = ask("POST", method, "application/grpc", b"\0\0\0\0\x02\x3a\0").await.unwrap();
    assert!(reflected.headers().get("grpc-status").is_none(), "{:?}", reflected.headers());
    stop.cancel();
    while mounted.tasks.join_next().await.is_some() {}
}

#[tokio::test]
async fn a_follower_says_that_it_is_alive() {
    let fixture = Fixture::empty().await;
    let script = Script::new();
    let _running = script.follow(&fixture);
    let mut reports = script.reports.subscribe();
    let three = reports.wait_for(|reports| reports.len() >= 3);
    tokio::time::timeout(Duration::from_secs(6), three).await.unwrap().unwrap();
    let reports = script.reports.borrow().clone();
    assert!(reports.iter().all(|report| report.follower == reports[0].follower && !report.follower.is_empty()));
}
