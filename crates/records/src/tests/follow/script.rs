//! A `schema` that says what a test tells it to say, and remembers what it is told.

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
    said: Arc<watch::Sender<Said>>,
    heard: Arc<watch::Sender<Heard>>,
}

/// What it says.
#[derive(Default)]
struct Said {
    revisions: BTreeMap<i64, Revision>,
    live: i64,
    events: Vec<Event>,
    /// Of which life of the log tokens are.
    life: usize,
    /// How often the streams were broken.
    breaks: usize,
    is_silent: bool,
}

/// What it was told and asked.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) reports: Vec<ReportProgressRequest>,
    pub(super) tokens: Vec<String>,
    /// How often it did not answer.
    pub(super) silences: usize,
}

impl Script {
    pub(super) fn new() -> Self {
        Self { said: Arc::default(), heard: Arc::default() }
    }

    /// A revision is there, of which nobody is told.
    pub(super) fn has(&self, revision: Revision) {
        self.said.send_modify(|said| said.has(revision));
    }

    /// A revision is there, and the log says so.
    pub(super) fn says(&self, revision: Revision) {
        self.said.send_modify(|said| {
            said.tell(revision.number, revision.state());
            said.has(revision);
        });
    }

    /// The log says something of a revision.
    pub(super) fn tells(&self, number: i64, state: RevisionState) {
        self.said.send_modify(|said| said.tell(number, state));
    }

    /// Breaks the streams.
    pub(super) fn breaks(&self) {
        self.said.send_modify(|said| said.breaks += 1);
    }

    /// Makes the log another one, with nothing in it.
    pub(super) fn is_restored(&self) {
        self.said.send_modify(|said| {
            said.events.clear();
            said.life += 1;
            said.breaks += 1;
        });
    }

    /// Whether it does not answer which revisions there are.
    pub(super) fn is_silent(&self, is_silent: bool) {
        self.said.send_modify(|said| said.is_silent = is_silent);
    }

    pub(super) fn transport(&self) -> Transport {
        let router = mounted_service::grpc_routes(SchemaServiceServer::new(self.clone()))
            .merge(mounted_service::grpc_routes(DistributionServiceServer::new(self.clone())));
        transport::local(router)
    }

    /// Starts a follower of it.
    pub(super) fn follow(&self, fixture: &Fixture) -> Running {
        let (settled, ready) = watch::channel(false);
        let (mut tasks, stop) = (JoinSet::new(), CancellationToken::new());
        let follower = Follower::new(fixture.records.clone(), self.transport(), settled);
        follower.spawn(&mut tasks, stop.clone());
        Running { ready, tasks, stop }
    }

    /// What it has heard so far.
    pub(super) fn heard(&self) -> watch::Ref<'_, Heard> {
        self.heard.borrow()
    }

    /// Waits until what it has heard is of some kind.
    pub(super) async fn hears(&self, what: &str, is: impl Fn(&Heard) -> bool) {
        let mut heard = self.heard.subscribe();
        let waiting = tokio::time::timeout(Duration::from_secs(20), heard.wait_for(|heard| is(heard))).await;
        waiting.unwrap_or_else(|_| panic!("{what}: {:#?}", self.heard.borrow())).unwrap();
    }

    /// Waits for a report, of those from now on and before.
    pub(super) async fn reported(
        &self,
        what: &str,
        is: impl Fn(&ReportProgressRequest) -> bool,
    ) -> ReportProgressRequest {
        self.hears(what, |heard| heard.reports.iter().any(&is)).await;
        self.heard().reports.iter().find(|report| is(report)).unwrap().clone()
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

    fn answers(&self) -> Result<watch::Ref<'_, Said>, Status> {
        let said = self.said.borrow();
        if said.is_silent {
            drop(said);
            self.heard.send_modify(|heard| heard.silences += 1);
            return Err(Status::unavailable("the script is silent"));
        }
        Ok(said)
    }
}

impl Said {
    fn has(&mut self, revision: Revision) {
        if revision.state() == RevisionState::Live {
            self.live = revision.number;
        }
        self.revisions.insert(revision.number, revision);
    }

    fn tell(&mut self, number: i64, state: RevisionState) {
        let payload = Revision { number, state: state.into(), ..Revision::default() }.encode_to_vec();
        let key = number.to_string();
        self.events.push(Event { topic: "revision".to_owned(), key, payload, ..Event::default() });
    }
}

/// Waits for events behind a place, or for the stream to break.
async fn news(said: &mut watch::Receiver<Said>, breaks: usize, at: usize) -> Result<Vec<Event>, Status> {
    let is_news = |said: &Said| said.breaks > breaks || said.events.len() > at;
    let said = said.wait_for(is_news).await.map_err(|_| Status::unavailable("the test is over"))?;
    if said.breaks > breaks {
        return Err(Status::unavailable("the script breaks the stream"));
    }
    Ok(said.events.get(at..).unwrap_or_default().to_vec())
}

/// A follower that runs.
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
        let newest: Vec<Revision> = self.answers()?.revisions.values().rev().take(page_size).cloned().collect();
        let summary = |newest| Revision { descriptor_set: Vec::new(), storage_names: Vec::new(), ..newest };
        let revisions = newest.into_iter().map(summary).collect();
        Ok(Response::new(ListRevisionsResponse { revisions, next_page_token: String::new() }))
    }

    async fn get_revision(&self, request: Request<GetRevisionRequest>) -> Result<Response<Revision>, Status> {
        let said = self.answers()?;
        let number = Some(request.into_inner().number).filter(|&number| number > 0).unwrap_or(said.live);
        let found = said.revisions.get(&number).cloned();
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
        self.heard.send_modify(|heard| heard.tokens.push(token.clone()));
        let mut said = self.said.subscribe();
        let (life, breaks, end) = {
            let said = said.borrow();
            (said.life, said.breaks, said.events.len())
        };
        let mut at = match token.split_once('/') {
            None => end,
            Some((of, at)) if of == life.to_string() => at.parse().unwrap(),
            Some(_) => return Err(Status::out_of_range("the log is another one")),
        };
        Ok(Response::new(Box::pin(try_stream! {
            yield TailRevisionsResponse { events: Vec::new(), token: format!("{life}/{at}") };
            loop {
                let events = news(&mut said, breaks, at).await?;
                at += events.len();
                yield TailRevisionsResponse { events, token: format!("{life}/{at}") };
            }
        })))
    }

    async fn report_progress(
        &self,
        request: Request<ReportProgressRequest>,
    ) -> Result<Response<ReportProgressResponse>, Status> {
        self.heard.send_modify(|heard| heard.reports.push(request.into_inner()));
        Ok(Response::new(ReportProgressResponse {}))
    }
}
