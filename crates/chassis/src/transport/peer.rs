//! A peer by its name: all addresses that the name has, of which those that answer take turns.

use super::address::{Address, Verification};
use futures_util::future::join_all;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tonic::Status;
use tonic::transport::Endpoint;

/// How often a name is resolved anew, and its addresses are asked whether they answer.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The same after a call has failed, at the earliest.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// How long a call waits for the first addresses.
const FIRST_LOOK: Duration = Duration::from_secs(5);

/// A peer, whose addresses are looked after for as long as it lives.
#[derive(Debug)]
pub(super) struct Peer {
    endpoint: Endpoint,
    host: String,
    port: u16,
    verification: Option<Verification>,
    /// None until the name has been resolved once, or could not be.
    known: watch::Sender<Option<Found>>,
    /// Whose turn it is.
    turn: AtomicUsize,
    /// Told when a call finds nobody.
    failed: Arc<Notify>,
}

/// The addresses, or why there are none.
type Found = Result<Vec<Arc<Address>>, String>;

impl Peer {
    /// The peer that `endpoint` names, which need not be there yet. Within the runtime.
    pub(super) fn new(endpoint: Endpoint, host: &str, port: u16, verification: Option<Verification>) -> Arc<Self> {
        let peer = Arc::new(Self {
            endpoint,
            // An IPv6 address has brackets in a URL, and nowhere else.
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port,
            verification,
            known: watch::Sender::new(None),
            turn: AtomicUsize::new(0),
            failed: Arc::default(),
        });
        tokio::spawn(look_after(Arc::downgrade(&peer)));
        peer
    }

    /// The address whose turn it is: one that answers, or any if none does, so that a caller hears why.
    pub(super) async fn address(&self) -> Result<Arc<Address>, Status> {
        let mut known = self.known.subscribe();
        let found = match timeout(FIRST_LOOK, known.wait_for(Option::is_some)).await {
            Ok(Ok(found)) => found.clone(),
            _ => None,
        };
        let unknown = |why: &str| Status::unavailable(format!("{} has no address: {why}", self.host));
        let addresses = found.ok_or_else(|| unknown("it was not resolved in time"))?.map_err(|why| unknown(&why))?;
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let best = addresses.iter().map(|address| address.condition()).min();
        let candidates: Vec<_> = addresses.iter().filter(|address| Some(address.condition()) == best).collect();
        let chosen = turn.checked_rem(candidates.len()).and_then(|index| candidates.get(index).copied().cloned());
        chosen.ok_or_else(|| unknown("its name has none"))
    }

    /// Notes that a call found nobody at an address.
    pub(super) fn failed(&self, address: &Address) {
        address.failed();
        self.failed.notify_one();
    }

    /// Resolves the name, and asks the addresses how they are. Those that are known already keep their connections; those
    /// that are gone lose them once their calls have ended.
    async fn look(&self) {
        match lookup_host((self.host.as_str(), self.port)).await {
            Ok(sockets) => self.resolved(sockets.collect()).await,
            Err(error) => self.unresolved(&error),
        }
    }

    /// Uses these from now on.
    async fn resolved(&self, sockets: Vec<SocketAddr>) {
        let mut addresses = self.addresses(sockets);
        addresses.sort_by_key(|address| address.socket);
        addresses.dedup_by_key(|address| address.socket);
        // A single one is used whatever it says: a call tells its caller more than a probe.
        if addresses.len() > 1 {
            join_all(addresses.iter().map(|address| address.probe())).await;
        }
        self.known.send_replace(Some(Ok(addresses)));
    }

    /// The addresses of these sockets: those that are known, and new ones.
    fn addresses(&self, sockets: Vec<SocketAddr>) -> Vec<Arc<Address>> {
        let known = match &*self.known.borrow() {
            Some(Ok(known)) => known.clone(),
            _ => Vec::new(),
        };
        let one = |socket| match known.iter().find(|address| address.socket == socket) {
            Some(address) => Arc::clone(address),
            None => Arc::new(Address::new(&self.endpoint, socket, self.verification.clone())),
        };
        sockets.into_iter().map(one).collect()
    }

    /// A resolver that is away for a while takes no address away.
    fn unresolved(&self, error: &io::Error) {
        self.known.send_if_modified(|known| match known {
            Some(Ok(_)) => {
                tracing::warn!(host = self.host, %error, "a peer's name cannot be resolved; its old addresses are used");
                false
            }
            _ => {
                *known = Some(Err(error.to_string()));
                true
            }
        });
    }
}

/// Looks for changes until nobody uses the peer any more.
async fn look_after(peer: Weak<Peer>) {
    loop {
        let Some(peer) = peer.upgrade() else { return };
        peer.look().await;
        let failed = Arc::clone(&peer.failed);
        // Whoever waits here must not keep it alive.
        drop(peer);
        tokio::select! {
            () = failed.notified() => sleep(LOOK_AGAIN).await,
            () = sleep(LOOK_EVERY) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Peer;
    use crate::mounted::grpc;
    use crate::server::serve;
    use crate::settings::defaults;
    use std::collections::BTreeSet;
    use std::net::SocketAddr;
    use tokio::net::TcpListener;
    use tokio_util::sync::{CancellationToken, DropGuard};
    use tonic::transport::Endpoint;
    use tonic_health::ServingStatus;

    async fn start(status: ServingStatus) -> (SocketAddr, DropGuard) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let (reporter, health) = tonic_health::server::health_reporter();
        reporter.set_service_status("", status).await;
        let stopped = stop.clone();
        tokio::spawn(async move { serve(listener, grpc(health), None, stopped, &defaults()).await });
        (address, stop.drop_guard())
    }

    /// The addresses that calls go to.
    async fn used(peer: &Peer) -> BTreeSet<SocketAddr> {
        let mut used = BTreeSet::new();
        for _ in 0..8 {
            used.insert(peer.address().await.unwrap().socket);
        }
        used
    }

    #[tokio::test]
    async fn those_that_answer_take_turns_and_others_are_left_out() {
        let (one, _one) = start(ServingStatus::Serving).await;
        let (other, stop_other) = start(ServingStatus::Serving).await;
        let (starting, _starting) = start(ServingStatus::NotServing).await;
        let (nobody, _) = start(ServingStatus::Serving).await;
        // By hand, without a resolver: this host has no address.
        let peer = Peer::new(Endpoint::from_static("http://peer.invalid:1"), "peer.invalid", 1, None);
        assert!(peer.address().await.unwrap_err().message().contains("peer.invalid"));
        let all = vec![one, other, starting, nobody, one];
        peer.resolved(all.clone()).await;
        assert_eq!(used(&peer).await, BTreeSet::from([one, other]));
        let kept = peer.address().await.unwrap();
        peer.failed(&kept);
        assert_eq!(used(&peer).await.len(), 1, "not before it is known to be back");
        peer.resolved(all.clone()).await;
        assert_eq!(used(&peer).await, BTreeSet::from([one, other]));
        drop(stop_other);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        peer.resolved(all).await;
        assert_eq!(used(&peer).await, BTreeSet::from([one]));
        peer.resolved(vec![starting, nobody]).await;
        assert_eq!(used(&peer).await, BTreeSet::from([starting]), "one that is there tells more than one that is not");
        peer.resolved(vec![]).await;
        assert!(peer.address().await.is_err());
    }
}
