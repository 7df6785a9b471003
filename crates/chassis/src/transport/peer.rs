//! A peer with one or more host names. Calls rotate over all their addresses; addresses that respond are preferred.

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

/// The interval at which names are resolved again and their addresses are checked.
const REFRESH_INTERVAL: Duration = Duration::from_secs(2);

/// The minimum interval after a call has failed.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// How long a call waits for the first addresses.
const FIRST_RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// A peer, whose addresses are refreshed while it lives.
#[derive(Debug)]
pub(super) struct Peer {
    endpoint: Endpoint,
    hosts: Vec<Arc<PeerHost>>,
    /// None until the names have been resolved once, or have failed to.
    known: watch::Sender<Option<ResolvedAddresses>>,
    /// The index of the next address.
    next_index: AtomicUsize,
    /// Notified when a call cannot connect.
    failed: Arc<Notify>,
}

/// The addresses, or why there are none.
type ResolvedAddresses = Result<Vec<Arc<Address>>, String>;

impl Peer {
    /// Creates a peer with these hosts, which do not need to be reachable yet. Call it within the runtime.
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

    /// Returns the next address: one that responds, or any if none does, so that the caller gets its error.
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

    /// Records that a call could not connect to an address.
    pub(super) fn mark_unreachable(&self, address: &Address) {
        address.mark_unreachable();
        self.failed.notify_one();
    }

    /// Returns the host names, for messages.
    fn names(&self) -> String {
        self.hosts.iter().map(|host| host.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Resolves the names, and checks the addresses. Known addresses keep their connections; removed ones lose them after their
    /// calls have ended.
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

    /// Checks these addresses and uses them from now on.
    async fn set_addresses(&self, mut addresses: Vec<Arc<Address>>) {
        addresses.sort_by_key(|address| address.socket);
        addresses.dedup_by_key(|address| address.socket);
        // A single address is used in any case: the error of a call is more useful than that of a check.
        if addresses.len() > 1 {
            join_all(addresses.iter().map(|address| address.probe())).await;
        }
        self.known.send_replace(Some(Ok(addresses)));
    }

    /// Returns a known address, or a new one.
    fn known_or_new(&self, host: &Arc<PeerHost>, socket: SocketAddr) -> Arc<Address> {
        let known = self.find_known(|address| address.socket == socket && Arc::ptr_eq(&address.host, host));
        known.into_iter().next().unwrap_or_else(|| Arc::new(Address::new(&self.endpoint, Arc::clone(host), socket)))
    }

    /// Returns the previous addresses of a host, which stay in use while its name cannot be resolved.
    fn previous_addresses(&self, host: &Arc<PeerHost>, error: &io::Error) -> Vec<Arc<Address>> {
        let previous = self.find_known(|address| Arc::ptr_eq(&address.host, host));
        if !previous.is_empty() {
            let name = &host.name;
            tracing::warn!(host = name, %error, "the name of a peer cannot be resolved; its previous addresses stay in use");
        }
        previous
    }

    /// Returns the known addresses that match.
    fn find_known(&self, matches: impl Fn(&Address) -> bool) -> Vec<Arc<Address>> {
        match &*self.known.borrow() {
            Some(Ok(known)) => known.iter().filter(|address| matches(address)).cloned().collect(),
            _ => Vec::new(),
        }
    }
}

/// Refreshes the addresses until the peer is dropped.
async fn refresh_periodically(peer: Weak<Peer>) {
    loop {
        let Some(peer) = peer.upgrade() else { return };
        peer.refresh().await;
        let failed = Arc::clone(&peer.failed);
        // The task must not keep the peer alive while it waits.
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

    /// Returns the addresses that calls go to.
    async fn used(peer: &Peer) -> BTreeSet<SocketAddr> {
        let mut used = BTreeSet::new();
        for _ in 0..8 {
            used.insert(peer.next_address().await.unwrap().socket);
        }
        used
    }

    #[tokio::test]
    async fn addresses_that_respond_take_turns_and_others_are_left_out() {
        let (one, _one) = start(ServingStatus::Serving).await;
        let (other, stop_other) = start(ServingStatus::Serving).await;
        let (starting, _starting) = start(ServingStatus::NotServing).await;
        let (nobody, _) = start(ServingStatus::Serving).await;
        // The addresses are set by the test: this host name does not resolve.
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
        assert_eq!(used(&peer).await.len(), 1, "the address is not used before a check succeeds");
        peer.set_addresses(addresses(&all)).await;
        assert_eq!(used(&peer).await, BTreeSet::from([one, other]));
        drop(stop_other);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        peer.set_addresses(addresses(&all)).await;
        assert_eq!(used(&peer).await, BTreeSet::from([one]));
        peer.set_addresses(addresses(&[starting, nobody])).await;
        assert_eq!(
            used(&peer).await,
            BTreeSet::from([starting]),
            "an address that responds is preferred to one that does not"
        );
        peer.set_addresses(vec![]).await;
        assert!(peer.next_address().await.is_err());
    }

    #[tokio::test]
    async fn a_peer_can_have_several_names() {
        let (one, _one) = start(ServingStatus::Serving).await;
        let (other, _other) = start(ServingStatus::Serving).await;
        let host = |name: &str, port| PeerHost { name: name.to_owned(), port, verification: None };
        let hosts = vec![host("peer.invalid", 1), host("127.0.0.1", one.port()), host("127.0.0.1", other.port())];
        let peer = Peer::new(Endpoint::from_static("http://peer.invalid:1"), hosts);
        peer.refresh().await;
        assert_eq!(
            used(&peer).await,
            BTreeSet::from([one, other]),
            "a name that does not resolve does not affect the others"
        );
    }
}
