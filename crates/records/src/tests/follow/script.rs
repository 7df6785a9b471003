//! A scripted `schema` that sends what a test sets, and records requests.

use crate::follower::Follower;
use crate::tests::fixture::Fixture;
use async_stream::try_stream;
use futures_util::stream::BoxStream;
use groundplan_chassis::mounted_service;
use groundplan_chassis::transport::{self, Transport};
use groundplan_proto::eventlog::v1::Event;
use groundplan_proto::schema::v1::distribution_service_server::{DistributionService, DistributionServiceServer};
use groundplan_proto::schema::v1::schema_service_server::{SchemaService, SchemaServiceServer};
use groundplan_proto::schema::v1::{
    ApplyRequest, ApplyResponse, GetRevisionRequest, ListRevisionsRequest, ListRevisionsResponse, PlanRequest,
    PlanResponse, ReportProgressRequest, ReportProgressResponse, Revision, RevisionState, TailRevisionsRequest,
    TailRevisionsResponse,
};
use prost::Message as _;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status};

#[derive(Clone)]
pub(super) struct Script {
    state: Arc<watch::Sender<State>>,
    received: Arc<watch::Sender<Received>>,
}

/// The state that it sends.
#[derive(Default)]
struct State {
    revisions: BTreeMap<i64, Revision>,
    live: i64,
    events: Vec<Event>,
    /// The incarnation of the log in tokens.
    incarnation: usize,
    /// The number of broken streams.
    breaks: usize,
    is_unavailable: bool,
}

/// The received requests.
#[derive(Debug, Default)]
pub(super) struct Received {
    pub(super) reports: Vec<ReportProgressRequest>,
    pub(super) tokens: Vec<String>,
    /// The number of rejected calls.
    pub(super) rejections: usize,
}

impl Script {
    pub(super) fn new() -> Self {
        Self { state: Arc::default(), received: Arc::default() }
    }

    /// Adds a revision without an event.
    pub(super) fn add(&self, revision: Revision) {
        self.state.send_modify(|state| state.add(revision));
    }

    /// Adds a revision with an event.
    pub(super) fn publish(&self, revision: Revision) {
        self.state.send_modify(|state| {
            state.append(revision.number, revision.state());
            state.add(revision);
        });
    }

    /// Adds an event about a revision.
    pub(super) fn append(&self, number: i64, state: RevisionState) {
        self.state.send_modify(|script| script.append(number, state));
    }

    /// Breaks the streams.
    pub(super) fn break_streams(&self) {
        self.state.send_modify(|state| state.breaks += 1);
    }

    /// Replaces the log with an empty one.
    pub(super) fn restore(&self) {
        self.state.send_modify(|state| {
            state.events.clear();
            state.incarnation += 1;
            state.breaks += 1;
        });
    }

    /// Sets whether it rejects calls for revisions.
    pub(super) fn set_unavailable(&self, is_unavailable: bool) {
        self.state.send_modify(|state| state.is_unavailable = is_unavailable);
    }

    pub(super) fn transport(&self) -> Transport {
        let router = mounted_service::grpc_routes(SchemaServiceServer::new(self.clone()))
            .merge(mounted_service::grpc_routes(DistributionServiceServer::new(self.clone())));
        transport::local(router)
    }

    /// Starts a follower.
    pub(super) fn follow(&self, fixture: &Fixture) -> Running {
        let (settled, ready) = watch::channel(false);
        let (mut tasks, stop) = (JoinSet::new(), CancellationToken::new());
        let follower = Follower::new(fixture.records.clone(), self.transport(), settled);
        follower.spawn(&mut tasks, stop.clone());
        Running { ready, tasks, stop }
    }

    /// Returns the received requests.
    pub(super) fn received(&self) -> watch::Ref<'_, Received> {
        self.received.borrow()
    }

    /// Waits until the received requests meet a condition.
    pub(super) async fn wait_for(&self, what: &str, is: impl Fn(&Received) -> bool) {
        let mut received = self.received.subscribe();
        let waiting = tokio::time::timeout(Duration::from_secs(20), received.wait_for(|received| is(received))).await;
        waiting.unwrap_or_else(|_| panic!("{what}: {:#?}", self.received.borrow())).unwrap();
    }

    /// Waits for a report, including earlier ones.
    pub(super) async fn reported(
        &self,
        what: &str,
        is: impl Fn(&ReportProgressRequest) -> bool,
    ) -> ReportProgressRequest {
        self.wait_for(what, |received| received.reports.iter().any(&is)).await;
        self.received().reports.iter().find(|report| is(report)).unwrap().clone()
    }

    pub(super) async fn serving(&self, number: i64) {
        self.reported("serving", |report| report.serving == number).await;
    }

    pub(super) async fn prepared(&self, number: i64) {
        let is_done = |report: &ReportProgressRequest| {
            report.preparation.as_ref().is_some_and(|preparation| preparation.done && preparation.revision == number)
        };
        self.reported("prepared", is_done).await;
    }

    fn state(&self) -> Result<watch::Ref<'_, State>, Status> {
        let state = self.state.borrow();
        if state.is_unavailable {
            drop(state);
            self.received.send_modify(|received| received.rejections += 1);
            return Err(Status::unavailable("the script is silent"));
        }
        Ok(state)
    }
}

impl State {
    fn add(&mut self, revision: Revision) {
        if revision.state() == RevisionState::Live {
            self.live = revision.number;
        }
        self.revisions.insert(revision.number, revision);
    }

    fn append(&mut self, number: i64, state: RevisionState) {
        let payload = Revision { number, state: state.into(), ..Revision::default() }.encode_to_vec();
        let key = number.to_string();
        self.events.push(Event { topic: "revision".to_owned(), key, payload, ..Event::default() });
    }
}

/// Waits for events after a position, or for a broken stream.
async fn next_events(state: &mut watch::Receiver<State>, breaks: usize, at: usize) -> Result<Vec<Event>, Status> {
    let is_due = |state: &State| state.breaks > breaks || state.events.len() > at;
    let state = state.wait_for(is_due).await.map_err(|_| Status::unavailable("the test is over"))?;
    if state.breaks > breaks {
        return Err(Status::unavailable("the script breaks the stream"));
    }
    Ok(state.events.get(at..).unwrap_or_default().to_vec())
}

/// A running follower.
pub(super) struct Running {
    ready: watch::Receiver<bool>,
    pub(super) tasks: JoinSet<()>,
    pub(super) stop: CancellationToken,
}

impl Running {
    pub(super) async fn ready(&mut self) {
        tokio::time::timeout(Duration::from_secs(20), self.ready.wait_for(|ready| *ready)).await.unwrap().unwrap();
    }

    pub(super) fn is_ready(&self) -> bool {
        *self.ready.borrow()
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
        request: Request<ListRevisionsRequest>,
    ) -> Result<Response<ListRevisionsResponse>, Status> {
        let ListRevisionsRequest { page_size, page_token } = request.into_inner();
        assert_eq!(page_token, "");
        let page_size = usize::try_from(page_size).unwrap();
        let newest: Vec<Revision> = self.state()?.revisions.values().rev().take(page_size).cloned().collect();
        let summary = |newest| Revision { descriptor_set: Vec::new(), storage_names: Vec::new(), ..newest };
        let revisions = newest.into_iter().map(summary).collect();
        Ok(Response::new(ListRevisionsResponse { revisions, next_page_token: String::new() }))
    }

    async fn get_revision(&self, request: Request<GetRevisionRequest>) -> Result<Response<Revision>, Status> {
        let state = self.state()?;
        let number = Some(request.into_inner().number).filter(|&number| number > 0).unwrap_or(state.live);
        let found = state.revisions.get(&number).cloned();
        found.map(Response::new).ok_or_else(|| Status::new(Code::NotFound, "there is none"))
    }
}

#[tonic::async_trait]
impl DistributionService for Script {
    type TailRevisionsStream = BoxStream<'static, Result<TailRevisionsResponse, Status>>;

    async fn tail_revisions(
        &self,
        request: Request<TailRevisionsRequest>,
    ) -> Result<Response<Self::TailRevisionsStream>, Status> {
        let token = request.into_inner().token;
        self.received.send_modify(|received| received.tokens.push(token.clone()));
        let mut state = self.state.subscribe();
        let (incarnation, breaks, end) = {
            let state = state.borrow();
            (state.incarnation, state.breaks, state.events.len())
        };
        let mut at = match token.split_once('/') {
            None => end,
            Some((of, at)) if of == incarnation.to_string() => at.parse().unwrap(),
            Some(_) => return Err(Status::out_of_range("the log is another one")),
        };
        Ok(Response::new(Box::pin(try_stream! {
            yield TailRevisionsResponse { events: Vec::new(), token: format!("{incarnation}/{at}") };
            loop {
                let events = next_events(&mut state, breaks, at).await?;
                at += events.len();
                yield TailRevisionsResponse { events, token: format!("{incarnation}/{at}") };
            }
        })))
    }

    async fn report_progress(
        &self,
        request: Request<ReportProgressRequest>,
    ) -> Result<Response<ReportProgressResponse>, Status> {
        self.received.send_modify(|received| received.reports.push(request.into_inner()));
        Ok(Response::new(ReportProgressResponse {}))
    }
}
