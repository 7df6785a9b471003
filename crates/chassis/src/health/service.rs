//! `grpc.health.v1.Health`. A watch sends only changes of a status.

use super::HealthState;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use groundplan_error::{Error, Reason};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tonic::{Code, Request, Response, Status};
use tonic_health::pb;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// The maximum number of watches of a process's health: a load balancer needs one.
pub const MAX_WATCHES: usize = 64;

/// The suggested delay before a retry when all watches are in use.
const RETRY: Duration = Duration::from_secs(10);

/// The service.
pub(super) struct Health {
    state: HealthState,
    changes: watch::Receiver<Vec<bool>>,
    watches: Arc<Semaphore>,
}

impl Health {
    pub(super) fn new(state: HealthState, changes: watch::Receiver<Vec<bool>>) -> Self {
        Self { state, changes, watches: Arc::new(Semaphore::new(MAX_WATCHES)) }
    }
}

#[tonic::async_trait]
impl pb::health_server::Health for Health {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        match status(&self.state, &request.get_ref().service) {
            ServingStatus::ServiceUnknown => Err(Status::new(Code::NotFound, "the service does not exist")),
            known => Ok(Response::new(response(known))),
        }
    }

    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let permit = self.watches.clone().try_acquire_owned().map_err(|_| too_many().to_status())?;
        let watch = Watch {
            state: self.state.clone(),
            changes: self.changes.clone(),
            name: request.into_inner().service,
            last: None,
            _permit: permit,
        };
        let statuses = stream::unfold(watch, |mut watch| async move {
            let status = watch.next().await?;
            Some((Ok(response(status)), watch))
        });
        Ok(Response::new(statuses.boxed()))
    }
}

/// One watch.
struct Watch {
    state: HealthState,
    changes: watch::Receiver<Vec<bool>>,
    name: String,
    /// The last status that was sent.
    last: Option<ServingStatus>,
    _permit: OwnedSemaphorePermit,
}

impl Watch {
    /// Waits for a status that differs from the last one; none after the server has stopped and reported that.
    async fn next(&mut self) -> Option<ServingStatus> {
        loop {
            self.changes.borrow_and_update();
            let status = status(&self.state, &self.name);
            if self.last.replace(status) != Some(status) {
                return Some(status);
            }
            self.changes.changed().await.ok()?;
        }
    }
}

fn status(state: &HealthState, name: &str) -> ServingStatus {
    match state.status(name) {
        None => ServingStatus::ServiceUnknown,
        Some(true) => ServingStatus::Serving,
        Some(false) => ServingStatus::NotServing,
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

fn too_many() -> Error {
    let message = format!("{MAX_WATCHES} watches of the process's health are open; call Check periodically instead");
    Error::new(Reason::RateLimited, message).retry_after(RETRY)
}

#[cfg(test)]
mod tests {
    use super::MAX_WATCHES;
    use crate::health::mount;
    use crate::mounted_service::MountedService;
    use axum::Router;
    use std::time::Duration;
    use tokio::sync::watch;
    use tokio::task::JoinSet;
    use tokio::time::timeout;
    use tokio_util::sync::CancellationToken;
    use tonic::Code;
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_check_response::ServingStatus;
    use tonic_health::pb::health_client::HealthClient;

    fn request(service: &str) -> HealthCheckRequest {
        HealthCheckRequest { service: service.to_owned() }
    }

    /// Returns the health routes of a service, and the sender of its readiness.
    async fn health() -> (MountedService, watch::Sender<bool>) {
        let (sender, ready) = watch::channel(true);
        let service =
            MountedService { router: Router::new(), names: vec!["a.A"], ready: vec![ready], tasks: JoinSet::new() };
        (mount(&[service], CancellationToken::new()).await, sender)
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_receives_only_changes() {
        let (health, sender) = health().await;
        let mut client = HealthClient::new(crate::transport::local(health.router.clone()));
        let mut statuses = client.watch(request("a.A")).await.unwrap().into_inner();
        assert_eq!(statuses.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
        for _ in 0..100 {
            // The service reports the same readiness again.
            sender.send_replace(true);
            tokio::task::yield_now().await;
        }
        assert!(timeout(Duration::from_secs(60), statuses.message()).await.is_err(), "nothing has changed");
        sender.send_replace(false);
        assert_eq!(statuses.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
        let mut unknown = client.watch(request("b.B")).await.unwrap().into_inner();
        assert_eq!(unknown.message().await.unwrap().unwrap().status(), ServingStatus::ServiceUnknown);
        assert_eq!(client.check(request("b.B")).await.unwrap_err().code(), Code::NotFound);
    }

    #[tokio::test]
    async fn watches_are_limited_and_closing_one_frees_its_slot() {
        let (health, _says) = health().await;
        let mut client = HealthClient::new(crate::transport::local(health.router.clone()));
        let mut open = Vec::new();
        for _ in 0..MAX_WATCHES {
            open.push(client.watch(request("")).await.unwrap());
        }
        let refused = client.watch(request("")).await.unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert!(client.check(request("")).await.is_ok(), "checks are still served");
        open.pop();
        assert!(client.watch(request("")).await.is_ok());
    }
}
