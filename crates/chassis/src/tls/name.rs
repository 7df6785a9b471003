//! Names of services in certificates.

use rustls::pki_types::CertificateDer;
use std::fmt;

/// The prefix of names as URIs.
const NAME_PREFIX: &str = "spiffe://groundplan/";

/// The name of the service at the other end of a connection, from its certificate: an extension of each request over mutual TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerName(String);

impl PeerName {
    /// Returns the name in a verified certificate: its first URI with the prefix. None if there is none.
    pub(crate) fn from_certificate(certificate: &CertificateDer<'_>) -> Option<Self> {
        let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
        let mut names = certificate.valid_uri_names().filter_map(|uri| uri.strip_prefix(NAME_PREFIX));
        names.find(|name| !name.is_empty()).map(|name| Self(name.to_owned()))
    }

    /// Creates a name without a certificate.
    #[cfg(test)]
    pub(crate) fn for_test(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// Returns the name, such as `schema`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PeerName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}
