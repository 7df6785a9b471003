//! A peer by its names: all addresses that they have, of which those that answer take turns.

use super::address::{Address, PeerHost};
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
const REFRESH_INTERVAL: Duration = Duration::from_secs(2);

/// The same after a call has failed, at the earliest.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// How long a call waits for the first addresses.
const FIRST_RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// A peer, whose addresses are looked after for as long as it lives.
#[derive(Debug)]
pub(super) struct Peer {
    endpoint: Endpoint,
    hosts: Vec<Arc<PeerHost>>,
    /// None until the names have been resolved once, or could not be.
    known: watch::Sender<Option<ResolvedAddresses>>,
    /// Whose turn it is.
    next_index: AtomicUsize,
    /// Told when a call finds nobody.
    failed: Arc<Notify>,
}

/// The addresses, or why there are none.
type ResolvedAddresses = Result<Vec<Arc<Address>>, String>;

impl Peer {
    /// The peer at these places, which need not be there yet. Within the runtime.
    pub(super) fn new(endpoint: Endpoint, hosts: Vec<PeerHost>) -> Arc<Self> {
        let peer = Arc::new(Self {
            endpoint,
            hosts: hosts.into_iter().map(Arc::new).collect(),
            known: watch::Sender::new(None),
            next_index: AtomicUsize::new(0),
            failed: Arc::default(),
        });
        tokio::spawn(refresh_periodically(Arc::downgrade(&peer)));
        peer
    }

    /// The address whose turn it is: one that answers, or any if none does, so that a caller hears why.
    pub(super) async fn next_address(&self) -> Result<Arc<Address>, Status> {
        let mut known = self.known.subscribe();
        let resolved = match timeout(FIRST_RESOLVE_TIMEOUT, known.wait_for(Option::is_some)).await {
            Ok(Ok(resolved)) => resolved.clone(),
            _ => None,
        };
        let unknown = |why: &str| Status::unavailable(format!("{} has no address: {why}", self.names()));
        let addresses = resolved.ok_or_else(|| unknown("it was not resolved in time"))?.map_err(|why| unknown(&why))?;
        let next_index = self.next_index.fetch_add(1, Ordering::Relaxed);
        let best_availability = addresses.iter().map(|address| address.availability()).min();
        let candidates: Vec<_> =
            addresses.iter().filter(|address| Some(address.availability()) == best_availability).collect();
        let chosen = next_index.checked_rem(candidates.len()).and_then(|index| candidates.get(index).copied().cloned());
        chosen.ok_or_else(|| unknown("its name has none"))
    }

    /// Notes that a call found nobody at an address.
    pub(super) fn mark_unreachable(&self, address: &Address) {
        address.mark_unreachable();
        self.failed.notify_one();
    }

    /// What it is called in messages.
    fn names(&self) -> String {
        self.hosts.iter().map(|host| host.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Resolves the names, and asks the addresses how they are. Those that are known already keep their connections; those
    /// that are gone lose them once their calls have ended.
    async fn refresh(&self) {
        let (mut addresses, mut last_error) = (Vec::new(), None);
        for host in &self.hosts {
            match lookup_host((host.name.as_str(), host.port)).await {
                Ok(sockets) => addresses.extend(sockets.map(|socket| self.known_or_new(host, socket))),
                Err(error) => {
                    let previous = self.previous_addresses(host, &error);
                    if previous.is_empty() {
                        last_error = Some(error);
                    }
                    addresses.extend(previous);
                }
            }
        }
        match last_error {
            Some(error) if addresses.is_empty() => {
                self.known.send_replace(Some(Err(error.to_string())));
            }
            _ => self.set_addresses(addresses).await,
        }
    }

    /// Uses these from now on.
    async fn set_addresses(&self, mut addresses: Vec<Arc<Address>>) {
        addresses.sort_by_key(|address| address.socket);
        addresses.dedup_by_key(|address| address.socket);
        // A single one is used whatever it says: a call tells its caller more than a probe.
        if addresses.len() > 1 {
            join_all(addresses.iter().map(|address| address.probe())).await;
        }
        self.known.send_replace(Some(Ok(addresses)));
    }

    /// An address as it is known, or a new one.
    fn known_or_new(&self, host: &Arc<PeerHost>, socket: SocketAddr) -> Arc<Address> {
        let known = self.find_known(|address| address.socket == socket && Arc::ptr_eq(&address.host, host));
        known.into_iter().next().unwrap_or_else(|| Arc::new(Address::new(&self.endpoint, Arc::clone(host), socket)))
    }

    /// The addresses that a name had before: a resolver that is away for a while takes none away.
    fn previous_addresses(&self, host: &Arc<PeerHost>, error: &io::Error) -> Vec<Arc<Address>> {
        let previous = self.find_known(|address| Arc::ptr_eq(&address.host, host));
        if !previous.is_empty() {
            let name = &host.name;
            tracing::warn!(host = name, %error, "a peer's name cannot be resolved; its old addresses are used");
        }
        previous
    }

    /// Of the addresses that are known, those that are meant.
    fn find_known(&self, matches: impl Fn(&Address) -> bool) -> Vec<Arc<Address>> {
        match &*self.known.borrow() {
            Some(Ok(known)) => known.iter().filter(|address| matches(address)).cloned().collect(),
            _ => Vec::new(),
        }
    }
}

/// Looks for changes until nobody uses the peer any more.
async fn refresh_periodically(peer: Weak<Peer>) {
    loop {
        let Some(peer) = peer.upgrade() else { return };
        peer.refresh().await;
        let failed = Arc::clone(&peer.failed);
        // Whoever waits here must not keep it alive.
        drop(peer);
        tokio::select! {
            () = failed.notified() => sleep(RETRY_INTERVAL).await,
            () = sleep(REFRESH_INTERVAL) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::address::{Address, PeerHost};
    use super::Peer;
    use crate::mounted_service::grpc_routes;
    use crate::server::serve;
    use crate::settings::defaults;
    use std::collections::BTreeSet;
    use std::net::SocketAddr;
    use std::sync::Arc;
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
        tokio::spawn(async move { serve(listener, grpc_routes(health), None, stopped, &defaults()).await });
        (address, stop.drop_guard())
    }

    /// The addresses that calls go to.
    async fn used(peer: &Peer) -> BTreeSet<SocketAddr> {
        let mut used = BTreeSet::new();
        for _ in 0..8 {
            used.insert(peer.next_address().await.unwrap().socket);
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
        let nowhere = PeerHost { name: "peer.invalid".to_owned(), port: 1, verification: None };
        let peer = Peer::new(Endpoint::from_static("http://peer.invalid:1"), vec![nowhere]);
        assert!(peer.next_address().await.unwrap_err().message().contains("peer.invalid"));
        let hosts = peer.hosts.clone();
        let addresses = |sockets: &[SocketAddr]| -> Vec<Arc<Address>> {
            sockets.iter().map(|socket| peer.known_or_new(&hosts[0], *socket)).collect()
        };
        let all = [one, other, starting, nobody, one];
        peer.set_addresses(addresses(&all)).await;
        assert_eq!(used(&peer).await, BTreeSet::from([one, other]));
        let chosen = peer.next_address().await.unwrap();
        peer.mark_unreachable(&chosen);
        assert_eq!(used(&peer).await.len(), 1, "not before it is known to be back");
        peer.set_addresses(addresses(&all)).await;
        assert_eq!(used(&peer).await, BTreeSet::from([one, other]));
        drop(stop_other);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        peer.set_addresses(addresses(&all)).await;
        assert_eq!(used(&peer).await, BTreeSet::from([one]));
        peer.set_addresses(addresses(&[starting, nobody])).await;
        assert_eq!(used(&peer).await, BTreeSet::from([starting]), "one that is there tells more than one that is not");
        peer.set_addresses(vec![]).await;
        assert!(peer.next_address().await.is_err());
    }

    #[tokio::test]
    async fn a_peer_may_have_several_names() {
        let (one, _one) = start(ServingStatus::Serving).await;
        let (other, _other) = start(ServingStatus::Serving).await;
        let host = |name: &str, port| PeerHost { name: name.to_owned(), port, verification: None };
        let hosts = vec![host("peer.invalid", 1), host("127.0.0.1", one.port()), host("127.0.0.1", other.port())];
        let peer = Peer::new(Endpoint::from_static("http://peer.invalid:1"), hosts);
        peer.refresh().await;
        assert_eq!(
            used(&peer).await,
            BTreeSet::from([one, other]),
            "one that has no address keeps nobody from the others"
        );
    }
}
