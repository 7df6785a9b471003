//! A peer by its names: all addresses that they have, of which those that answer take turns.

use super::address::{Address, Place};
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
    places: Vec<Arc<Place>>,
    /// None until the names have been resolved once, or could not be.
    known: watch::Sender<Option<Found>>,
    /// Whose turn it is.
    turn: AtomicUsize,
    /// Told when a call finds nobody.
    failed: Arc<Notify>,
}

/// The addresses, or why there are none.
type Found = Result<Vec<Arc<Address>>, String>;

impl Peer {
    /// The peer at these places, which need not be there yet. Within the runtime.
    pub(super) fn new(endpoint: Endpoint, places: Vec<Place>) -> Arc<Self> {
        let peer = Arc::new(Self {
            endpoint,
            places: places.into_iter().map(Arc::new).collect(),
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
        let unknown = |why: &str| Status::unavailable(format!("{} has no address: {why}", self.names()));
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

    /// What it is called in messages.
    fn names(&self) -> String {
        self.places.iter().map(|place| place.host.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Resolves the names, and asks the addresses how they are. Those that are known already keep their connections; those
    /// that are gone lose them once their calls have ended.
    async fn look(&self) {
        let (mut addresses, mut trouble) = (Vec::new(), None);
        for place in &self.places {
            match lookup_host((place.host.as_str(), place.port)).await {
                Ok(sockets) => addresses.extend(sockets.map(|socket| self.address_of(place, socket))),
                Err(error) => {
                    let before = self.unresolved(place, &error);
                    if before.is_empty() {
                        trouble = Some(error);
                    }
                    addresses.extend(before);
                }
            }
        }
        match trouble {
            Some(error) if addresses.is_empty() => {
                self.known.send_replace(Some(Err(error.to_string())));
            }
            _ => self.resolved(addresses).await,
        }
    }

    /// Uses these from now on.
    async fn resolved(&self, mut addresses: Vec<Arc<Address>>) {
        addresses.sort_by_key(|address| address.socket);
        addresses.dedup_by_key(|address| address.socket);
        // A single one is used whatever it says: a call tells its caller more than a probe.
        if addresses.len() > 1 {
            join_all(addresses.iter().map(|address| address.probe())).await;
        }
        self.known.send_replace(Some(Ok(addresses)));
    }

    /// An address as it is known, or a new one.
    fn address_of(&self, place: &Arc<Place>, socket: SocketAddr) -> Arc<Address> {
        let known = self.known(|address| address.socket == socket && Arc::ptr_eq(&address.place, place));
        known.into_iter().next().unwrap_or_else(|| Arc::new(Address::new(&self.endpoint, Arc::clone(place), socket)))
    }

    /// The addresses that a name had before: a resolver that is away for a while takes none away.
    fn unresolved(&self, place: &Arc<Place>, error: &io::Error) -> Vec<Arc<Address>> {
        let before = self.known(|address| Arc::ptr_eq(&address.place, place));
        if !before.is_empty() {
            let host = &place.host;
            tracing::warn!(host, %error, "a peer's name cannot be resolved; its old addresses are used");
        }
        before
    }

    /// Of the addresses that are known, those that are meant.
    fn known(&self, is_meant: impl Fn(&Address) -> bool) -> Vec<Arc<Address>> {
        match &*self.known.borrow() {
            Some(Ok(known)) => known.iter().filter(|address| is_meant(address)).cloned().collect(),
            _ => Vec::new(),
        }
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
    use super::super::address::{Address, Place};
    use super::Peer;
    use crate::mounted::grpc;
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
        let nowhere = Place { host: "peer.invalid".to_owned(), port: 1, verification: None };
        let peer = Peer::new(Endpoint::from_static("http://peer.invalid:1"), vec![nowhere]);
        assert!(peer.address().await.unwrap_err().message().contains("peer.invalid"));
        let places = peer.places.clone();
        let addresses = |sockets: &[SocketAddr]| -> Vec<Arc<Address>> {
            sockets.iter().map(|socket| peer.address_of(&places[0], *socket)).collect()
        };
        let all = [one, other, starting, nobody, one];
        peer.resolved(addresses(&all)).await;
        assert_eq!(used(&peer).await, BTreeSet::from([one, other]));
        let kept = peer.address().await.unwrap();
        peer.failed(&kept);
        assert_eq!(used(&peer).await.len(), 1, "not before it is known to be back");
        peer.resolved(addresses(&all)).await;
        assert_eq!(used(&peer).await, BTreeSet::from([one, other]));
        drop(stop_other);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        peer.resolved(addresses(&all)).await;
        assert_eq!(used(&peer).await, BTreeSet::from([one]));
        peer.resolved(addresses(&[starting, nobody])).await;
        assert_eq!(used(&peer).await, BTreeSet::from([starting]), "one that is there tells more than one that is not");
        peer.resolved(vec![]).await;
        assert!(peer.address().await.is_err());
    }

    #[tokio::test]
    async fn a_peer_may_have_several_names() {
        let (one, _one) = start(ServingStatus::Serving).await;
        let (other, _other) = start(ServingStatus::Serving).await;
        let place = |host: &str, port| Place { host: host.to_owned(), port, verification: None };
        let places = vec![place("peer.invalid", 1), place("127.0.0.1", one.port()), place("127.0.0.1", other.port())];
        let peer = Peer::new(Endpoint::from_static("http://peer.invalid:1"), places);
        peer.look().await;
        assert_eq!(
            used(&peer).await,
            BTreeSet::from([one, other]),
            "one that has no address keeps nobody from the others"
        );
    }
}
