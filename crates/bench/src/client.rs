//! The way to the suite, and what its refusals mean to a client that does not give up.

use crate::output::Failure;
use crate::stubs::{Entity, EntityServiceClient, ListEntitiesRequest};
use groundplan_proto::records::v1::records_service_client::RecordsServiceClient;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

/// After so long without an answer nobody knows what became of a call.
const PATIENCE: Duration = Duration::from_secs(20);

/// Before a call is tried again.
pub(crate) const AGAIN: Duration = Duration::from_millis(100);

/// How many bytes a narrow client lets come that it does not read.
const NARROW: u32 = 4_096;

/// The most records of a page.
const PAGE: i32 = 1_000;

/// Which suite.
#[derive(clap::Args)]
#[command(next_help_heading = "Suite")]
pub(crate) struct Suite {
    /// The address of the suite, or of Envoy in front of it.
    #[arg(long, env = "GROUNDPLAN_ADDRESS", value_name = "URL", default_value = "http://127.0.0.1:3000")]
    address: String,

    /// The key to call with.
    #[arg(long, env = "API_KEY", hide_env_values = true, value_name = "KEY")]
    api_key: String,
}

/// A connection that sends the key with each call.
pub(crate) type Connection = InterceptedService<Channel, Credentials>;

/// A client of the example's service.
pub(crate) type Entities = EntityServiceClient<Connection>;

/// A client of the service of all models.
pub(crate) type AllRecords = RecordsServiceClient<Connection>;

/// Puts the key into each call.
#[derive(Clone)]
pub(crate) struct Credentials(MetadataValue<Ascii>);

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

impl Suite {
    /// A client with a connection of its own, which is made at the first call, and anew when it breaks.
    pub(crate) fn client(&self) -> Result<Entities, Failure> {
        self.over(Endpoint::from_shared(self.address.clone())?)
    }

    /// As [`Suite::client`], but with so little room for what is not read that the suite feels it.
    pub(crate) fn narrow_client(&self, address: Option<&str>) -> Result<Entities, Failure> {
        let endpoint = Endpoint::from_shared(address.unwrap_or(&self.address).to_owned())?;
        self.over(endpoint.initial_stream_window_size(NARROW).initial_connection_window_size(NARROW))
    }

    fn over(&self, endpoint: Endpoint) -> Result<Entities, Failure> {
        let (channel, credentials) = self.channel(endpoint)?;
        Ok(EntityServiceClient::with_interceptor(channel, credentials))
    }

    /// A client of what is of no single model.
    pub(crate) fn records(&self) -> Result<AllRecords, Failure> {
        let (channel, credentials) = self.channel(Endpoint::from_shared(self.address.clone())?)?;
        Ok(RecordsServiceClient::with_interceptor(channel, credentials))
    }

    /// A connection for calls without stubs.
    pub(crate) fn connection(&self) -> Result<Connection, Failure> {
        let (channel, credentials) = self.channel(Endpoint::from_shared(self.address.clone())?)?;
        Ok(InterceptedService::new(channel, credentials))
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn api_key(&self) -> &str {
        &self.api_key
    }

    fn channel(&self, endpoint: Endpoint) -> Result<(Channel, Credentials), Failure> {
        let mut key = MetadataValue::try_from(format!("Bearer {}", self.api_key))?;
        key.set_sensitive(true);
        let channel = endpoint.tcp_nodelay(true).connect_timeout(PATIENCE).connect_lazy();
        Ok((channel, Credentials(key)))
    }
}

/// Whether a status says only that the way to the server, or the server, broke: nobody knows whether the call was done.
/// What the server itself says has details.
pub(crate) fn is_break(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded => true,
        Code::Internal | Code::Unknown => status.details().is_empty(),
        _ => false,
    }
}

/// The calls of this process that broke.
pub(crate) static BREAKS: Breaks = Breaks { count: AtomicU64::new(0), first: Mutex::new(Vec::new()) };

/// Calls that broke: how many, and the first of them.
pub(crate) struct Breaks {
    count: AtomicU64,
    first: Mutex<Vec<String>>,
}

impl Breaks {
    fn note(&self, what: String) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        if first.len() < 5 {
            first.push(what);
        }
    }

    /// How many there were, and what the first ones said.
    pub(crate) fn all(&self) -> (u64, Vec<String>) {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        (self.count.load(Ordering::Relaxed), first.clone())
    }
}

/// Repeats a call until there is an answer of the server's; says, too, whether one of the calls before has none, so that it
/// may have been done.
pub(crate) async fn settle<M, T, F>(
    client: &Entities,
    message: &M,
    call: impl Fn(Entities, M) -> F,
) -> (Result<T, Status>, bool)
where
    M: Clone,
    F: Future<Output = Result<T, Status>>,
{
    let mut is_unsure = false;
    loop {
        match timeout(PATIENCE, call(client.clone(), message.clone())).await {
            Ok(Err(status)) if is_break(&status) => BREAKS.note(status.to_string()),
            Err(_) => BREAKS.note(format!("no answer in {PATIENCE:?}")),
            Ok(answer) => return (answer, is_unsure),
        }
        is_unsure = true;
        sleep(AGAIN).await;
    }
}

/// All records that match.
pub(crate) async fn list(client: &Entities, filter: &str) -> Result<Vec<Entity>, Status> {
    let (mut entities, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListEntitiesRequest {
            filter: filter.to_owned(),
            page_size: PAGE,
            page_token: page_token.clone(),
            allow_scan: true,
            ..ListEntitiesRequest::default()
        };
        let call = |mut client: Entities, request| async move { client.list_entities(request).await };
        let (page, _) = settle(client, &request, call).await;
        let page = page?.into_inner();
        entities.extend(page.entities);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(entities);
        }
    }
}
