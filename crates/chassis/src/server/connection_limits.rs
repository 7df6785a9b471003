//! Limits of connections, in total and for each address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// The limit that a connection exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionLimit {
    /// The total limit.
    All,
    /// The limit for one address.
    Address,
}

impl ConnectionLimit {
    /// Returns the label of metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Address => "address",
        }
    }
}

/// The limits, and the open connections.
#[derive(Debug)]
pub(super) struct ConnectionLimits {
    most: usize,
    most_of_address: usize,
    open: Mutex<OpenConnections>,
}

#[derive(Debug, Default)]
struct OpenConnections {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// The permit of a connection; dropping it frees it.
#[derive(Debug)]
pub(super) struct ConnectionPermit {
    limits: Arc<ConnectionLimits>,
    address: IpAddr,
}

impl ConnectionLimits {
    pub(super) fn new(most: usize, most_of_address: usize) -> Arc<Self> {
        Arc::new(Self { most, most_of_address, open: Mutex::default() })
    }

    /// Returns the number of open connections.
    pub(super) fn count(&self) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).all
    }

    /// Admits a connection, if the limits allow it.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<ConnectionPermit, ConnectionLimit> {
        let address = client_network(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.all >= self.most {
            return Err(ConnectionLimit::All);
        }
        let of_address = open.by_address.entry(address).or_default();
        if *of_address >= self.most_of_address {
            return Err(ConnectionLimit::Address);
        }
        *of_address += 1;
        open.all += 1;
        Ok(ConnectionPermit { limits: self.clone(), address })
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.limits.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all -= 1;
        if let Some(of_address) = open.by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

/// Returns the network that counts as one address: an IPv6 client has 2^64 addresses.
pub(crate) fn client_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::{ConnectionLimit, ConnectionLimits};

    #[test]
    fn connections_are_limited_in_total_and_by_address() {
        let limits = ConnectionLimits::new(3, 2);
        let admit = |address: &str| limits.admit(address.parse().unwrap());
        let first = admit("10.0.0.1").unwrap();
        let _second = admit("::ffff:10.0.0.1").unwrap();
        assert_eq!(admit("10.0.0.1").unwrap_err(), ConnectionLimit::Address);
        let _third = admit("2001:db8::1").unwrap();
        assert_eq!(admit("10.0.0.2").unwrap_err(), ConnectionLimit::All);
        drop(first);
        let _fourth = admit("2001:db8::ffff").unwrap();
        assert_eq!(limits.open.lock().unwrap().by_address.len(), 2);
        assert_eq!(admit("2001:db8::2").unwrap_err(), ConnectionLimit::All);
    }
}
