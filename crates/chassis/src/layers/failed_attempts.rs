//! Failed attempts to authenticate, limited by address.
//!
//! A call with the right key is always served: otherwise clients with a shared address or proxy could lock each other out.
//! Guessing is impossible anyway, because a key has 32 random bytes. The limit makes clients with a wrong key slow down, and
//! notifies operators.

use super::Request;
use crate::server::{CallerAddress, client_network};
use crate::settings::Networks;
use crate::tls::PeerName;
use groundplan_error::{Error, Limit, Reason};
use opentelemetry::KeyValue;
use opentelemetry::global::meter;
use opentelemetry::metrics::Counter;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The number of failed attempts of one address that get an immediate response; after that one a second.
const BURST: usize = 60;

/// The time until an address has its full number of attempts again.
const REFILL_TIME: Duration = Duration::from_secs(BURST as u64);

/// The maximum number of addresses with counts.
const MAX_ADDRESSES: usize = 10_000;

/// The limits of this module.
pub const LIMITS: &[Limit] = &[
    Limit::things(
        "calls with wrong credentials from one address",
        BURST,
        "calls",
        "RATE_LIMITED; then one call per second",
    ),
    Limit::things(
        "addresses with a count of their own",
        MAX_ADDRESSES,
        "addresses",
        "further addresses share one count",
    ),
];

/// Shared by unknown addresses, and by new addresses when the maximum is reached.
const SHARED_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The recent failed attempts of an address.
#[derive(Debug)]
struct Bucket {
    /// The remaining attempts, as of `since`.
    left: usize,
    since: Instant,
    /// Whether a warning was logged since the bucket was last full.
    logged: bool,
}

/// The failed attempts at a server.
#[derive(Debug)]
pub(super) struct FailedAttempts {
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
    proxies: Networks,
    failed: Counter<u64>,
}

impl FailedAttempts {
    /// Creates empty counts. `proxies` are trusted to name the address of the caller.
    pub(super) fn new(proxies: Networks) -> Self {
        let failed = meter("groundplan")
            .u64_counter("groundplan.credentials.failed")
            .with_description("Calls rejected for their credentials: missing, wrong, or too many wrong ones.")
            .build();
        Self { buckets: Mutex::default(), proxies, failed }
    }

    /// Records a failed attempt, and returns the error for the caller.
    pub(super) fn failed(&self, request: &Request, refusal: Error) -> Error {
        let has_credentials = request.headers().contains_key(http::header::AUTHORIZATION);
        let limited = if has_credentials { self.take_attempt(self.address(request)) } else { None };
        let kind = match (has_credentials, limited) {
            (false, _) => "missing",
            (true, None) => "wrong",
            (true, Some(_)) => "limited",
        };
        self.failed.add(1, &[KeyValue::new("reason", kind)]);
        match limited {
            None => refusal,
            Some(wait) => Error::new(
                Reason::RateLimited,
                format!(
                    "{refusal}; and more than {BURST} calls with wrong credentials came from this address, so wait before \
                     another attempt. A call with the right key is served immediately",
                    refusal = refusal.message()
                ),
            )
            .retry_after(wait),
        }
    }

    /// Returns the address of a caller: as reported by a trusted proxy, or that of the connection.
    fn address(&self, request: &Request) -> IpAddr {
        let Some(CallerAddress(peer)) = request.extensions().get() else { return SHARED_ADDRESS };
        let is_envoy = request.extensions().get().is_some_and(|name: &PeerName| name.as_str() == "envoy");
        if !is_envoy && !self.proxies.contains(*peer) {
            return client_network(*peer);
        }
        // Earlier entries come from the caller and can be forged.
        let last = request.headers().get_all("x-forwarded-for").iter().next_back();
        let last = last.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
        client_network(last.unwrap_or(*peer))
    }

    /// Takes one attempt of an address. Returns the time to wait if none is left.
    fn take_attempt(&self, address: IpAddr) -> Option<Duration> {
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_ADDRESSES && !buckets.contains_key(&address) {
            // An address without recent attempts starts with a full bucket again.
            buckets.retain(|_, bucket| now.duration_since(bucket.since) < REFILL_TIME);
        }
        let known = buckets.len() < MAX_ADDRESSES || buckets.contains_key(&address);
        let address = if known { address } else { SHARED_ADDRESS };
        let bucket = buckets.entry(address).or_insert(Bucket { left: BURST, since: now, logged: false });
        bucket.refill(now);
        if bucket.left > 0 {
            bucket.left -= 1;
            return None;
        }
        if !bucket.logged {
            bucket.logged = true;
            tracing::warn!(%address, "many calls with wrong credentials come from an address; they are rejected with a time to wait");
        }
        Some(Duration::from_secs(1))
    }
}

impl Bucket {
    /// Adds the attempts for the elapsed time.
    fn refill(&mut self, now: Instant) {
        let seconds = now.duration_since(self.since).as_secs();
        self.left = self.left.saturating_add(usize::try_from(seconds).unwrap_or(BURST)).min(BURST);
        if self.left == BURST {
            (self.since, self.logged) = (now, false);
        } else {
            self.since += Duration::from_secs(seconds);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BURST, CallerAddress, FailedAttempts, MAX_ADDRESSES, Networks, REFILL_TIME, Request};
    use crate::layers::{RootKey, stack};
    use crate::settings::{Secret, ServerSettings, defaults};
    use axum::Router;
    use axum::routing::get;
    use groundplan_budget::Memory;
    use http_body_util::BodyExt as _;
    use std::net::IpAddr;
    use std::time::Duration;
    use tonic::Code;
    use tonic::body::Body;
    use tonic_types::StatusExt as _;
    use tower::ServiceExt as _;

    const KEY: &str = "q7mUe0yDk4pXr2vT9aLsWc6nHjZbF1gOxI8uE3wYt5M";

    fn request(peer: &str, key: &str, forwarded: &[&str], content_type: &str) -> http::Request<axum::body::Body> {
        let mut request = http::Request::get("/").header("content-type", content_type);
        if !key.is_empty() {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let request = forwarded.iter().fold(request, |request, one| request.header("x-forwarded-for", *one));
        let request = request.extension(CallerAddress(peer.parse().unwrap()));
        request.body(axum::body::Body::empty()).unwrap()
    }

    fn app() -> Router {
        let routes = Router::new().route("/", get(|| async { "in" }));
        stack(
            routes,
            RootKey::new(&Secret::new(KEY)).unwrap(),
            None,
            Memory::new(1 << 20),
            &defaults::<ServerSettings>(),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn wrong_keys_are_limited_by_address_for_rest_and_grpc() {
        let app = app();
        let send =
            |peer: &str, key: &str, content_type: &str| app.clone().oneshot(request(peer, key, &[], content_type));
        for _ in 0..BURST {
            assert_eq!(send("10.0.0.1", "wrong", "application/json").await.unwrap().status(), 401);
        }
        let rest = send("10.0.0.1", "wrong", "application/json").await.unwrap();
        assert_eq!((rest.status().as_u16(), rest.headers()["retry-after"].to_str().unwrap()), (429, "1"));
        let body = rest.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains("RATE_LIMITED") && body.contains("retryDelay"), "{body}");
        let grpc = send("10.0.0.1", "wrong", "application/grpc").await.unwrap();
        let status = tonic::Status::from_header_map(grpc.headers()).unwrap();
        assert_eq!(status.code(), Code::ResourceExhausted);
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, "RATE_LIMITED");
        assert!(details.retry_info().unwrap().retry_delay.unwrap() <= Duration::from_secs(1));
        assert_eq!(
            send("10.0.0.1", KEY, "application/json").await.unwrap().status(),
            200,
            "a call with the right key is served"
        );
        assert_eq!(
            send("10.0.0.2", "wrong", "application/json").await.unwrap().status(),
            401,
            "other addresses are not limited"
        );
        assert_eq!(
            send("10.0.0.1", "", "application/json").await.unwrap().status(),
            401,
            "missing credentials are not counted"
        );
        tokio::time::advance(Duration::from_secs(2)).await;
        for expected in [401, 401, 429] {
            assert_eq!(send("10.0.0.1", "wrong", "application/json").await.unwrap().status(), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_trusted_proxies_name_the_caller() {
        let failed_attempts = FailedAttempts::new(Networks::parse("127.0.0.0/8,::1").unwrap());
        let address = |peer: &str, forwarded: &[&str]| {
            failed_attempts.address(&request(peer, "wrong", forwarded, "").map(Body::new)).to_string()
        };
        assert_eq!(address("127.0.0.1", &["6.6.6.6, 10.0.0.7"]), "10.0.0.7", "the proxy added the last entry");
        assert_eq!(address("127.0.0.1", &["6.6.6.6", "10.0.0.8"]), "10.0.0.8");
        assert_eq!(address("10.0.0.1", &["6.6.6.6"]), "10.0.0.1", "anybody can send that header");
        assert_eq!(address("127.0.0.1", &["unknown"]), "127.0.0.1");
        assert_eq!(address("127.0.0.1", &["2001:db8::1:2:3:4"]), "2001:db8::", "a network of 64 bits is one address");
        let mut envoy: Request = request("10.0.0.1", "wrong", &["10.0.0.9"], "").map(Body::new);
        envoy.extensions_mut().insert(crate::tls::PeerName::for_test("envoy"));
        assert_eq!(failed_attempts.address(&envoy).to_string(), "10.0.0.9", "by its certificate");
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_addresses_is_limited() {
        let failed_attempts = FailedAttempts::new(Networks::default());
        let address = |number: usize| IpAddr::from(u32::try_from(number + (10 << 24)).unwrap().to_be_bytes());
        for number in 0..MAX_ADDRESSES * 2 {
            let _ = failed_attempts.take_attempt(address(number));
        }
        assert!(failed_attempts.buckets.lock().unwrap().len() <= MAX_ADDRESSES + 1);
        assert!(failed_attempts.take_attempt(address(MAX_ADDRESSES * 3)).is_some(), "new addresses share one count");
        assert!(failed_attempts.take_attempt(address(5)).is_none(), "known addresses keep their own count");
        tokio::time::advance(REFILL_TIME).await;
        assert!(failed_attempts.take_attempt(address(MAX_ADDRESSES * 3)).is_none());
        assert!(failed_attempts.buckets.lock().unwrap().len() < 10, "addresses without recent attempts are removed");
    }
}
