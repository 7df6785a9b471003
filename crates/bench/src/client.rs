//! Connections to the suite, and retries after errors that leave the outcome of a call unknown.

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

/// The timeout of a connect and of an attempt. After it, the outcome of the call is unknown.
const PATIENCE: Duration = Duration::from_secs(20);

/// The delay before a retry.
pub(crate) const AGAIN: Duration = Duration::from_millis(100);

/// The flow-control window of a narrow client: the bytes that it accepts before it reads them.
const NARROW: u32 = 4_096;

/// The maximum number of records in a page.
const PAGE: i32 = 1_000;

/// The suite to call.
#[derive(clap::Args)]
#[command(next_help_heading = "Suite")]
pub(crate) struct Suite {
    /// Address of the suite, or of its Envoy
    #[arg(long, env = "GROUNDPLAN_ADDRESS", value_name = "URL", default_value = "http://127.0.0.1:3000")]
    address: String,

    /// API key for the calls
    #[arg(long, env = "API_KEY", hide_env_values = true, value_name = "KEY")]
    api_key: String,
}

/// A connection that sends the API key with each call.
pub(crate) type Connection = InterceptedService<Channel, Credentials>;

/// A client of the example's service.
pub(crate) type Entities = EntityServiceClient<Connection>;

/// A client of `RecordsService`, which covers all models.
pub(crate) type AllRecords = RecordsServiceClient<Connection>;

/// Adds the API key to each call.
#[derive(Clone)]
pub(crate) struct Credentials(MetadataValue<Ascii>);

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

impl Suite {
    /// Returns a client with a separate connection. It connects at the first call, and reconnects when the connection breaks.
    pub(crate) fn client(&self) -> Result<Entities, Failure> {
        self.over(Endpoint::from_shared(self.address.clone())?)
    }

    /// Like [`Suite::client`], but with flow-control windows of only [`NARROW`] bytes, so that slow reads block the suite.
    pub(crate) fn narrow_client(&self, address: Option<&str>) -> Result<Entities, Failure> {
        let endpoint = Endpoint::from_shared(address.unwrap_or(&self.address).to_owned())?;
        self.over(endpoint.initial_stream_window_size(NARROW).initial_connection_window_size(NARROW))
    }

    fn over(&self, endpoint: Endpoint) -> Result<Entities, Failure> {
        let (channel, credentials) = self.channel(endpoint)?;
        Ok(EntityServiceClient::with_interceptor(channel, credentials))
    }

    /// Returns a client of `RecordsService`.
    pub(crate) fn records(&self) -> Result<AllRecords, Failure> {
        let (channel, credentials) = self.channel(Endpoint::from_shared(self.address.clone())?)?;
        Ok(RecordsServiceClient::with_interceptor(channel, credentials))
    }

    /// Returns a connection for calls without stubs.
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

/// Checks whether a status means that the server or the connection to it broke, so that the outcome of the call is unknown.
/// Internal errors that the server itself reports have details.
pub(crate) fn is_break(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded => true,
        Code::Internal | Code::Unknown => status.details().is_empty(),
        _ => false,
    }
}

/// The broken calls of this process.
pub(crate) static BREAKS: Breaks = Breaks { count: AtomicU64::new(0), first: Mutex::new(Vec::new()) };

/// Broken calls: their number, and the errors of the first five.
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

    /// Returns the number of broken calls, and the errors of the first ones.
    pub(crate) fn all(&self) -> (u64, Vec<String>) {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        (self.count.load(Ordering::Relaxed), first.clone())
    }
}

/// Repeats a call until the server responds. Returns the response, and whether an earlier attempt got none: that attempt
/// might have taken effect.
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

/// Returns all records that match.
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
