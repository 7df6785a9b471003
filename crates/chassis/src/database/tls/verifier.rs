//! The verification of the server's certificate.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

/// Trusted certificates.
#[derive(Debug)]
pub(super) struct TrustedCertificates {
    /// The certificates as authorities.
    roots: RootCertStore,
    /// The certificates themselves: rustls does not accept a self-signed server certificate as its own authority.
    certificates: Vec<CertificateDer<'static>>,
}

/// Verifies a server's certificate as `sslmode` requires. It always checks that the server has the key: the channel binding of
/// passwords depends on it.
#[derive(Debug)]
pub(super) struct Verifier {
    algorithms: WebPkiSupportedAlgorithms,
    /// None accepts any certificate.
    trusted: Option<TrustedCertificates>,
    /// Whether the certificate must name the host.
    verify_name: bool,
}

impl TrustedCertificates {
    /// Trusts all certificates, or returns an error.
    pub(super) fn from_all(certificates: Vec<CertificateDer<'static>>) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        certificates.iter().try_for_each(|certificate| roots.add(certificate.clone()))?;
        Ok(Self { roots, certificates })
    }

    /// Trusts the certificates that can be parsed, if any.
    pub(super) fn from_parsable(certificates: Vec<CertificateDer<'static>>) -> Option<Self> {
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(certificates);
        (added > 0).then(|| Self { roots, certificates: Vec::new() })
    }
}

impl Verifier {
    pub(super) fn new(
        algorithms: WebPkiSupportedAlgorithms,
        trusted: Option<TrustedCertificates>,
        verify_name: bool,
    ) -> Self {
        Self { algorithms, trusted, verify_name }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(trusted) = &self.trusted else { return Ok(ServerCertVerified::assertion()) };
        let parsed = ParsedCertificate::try_from(certificate)?;
        match trusted.certificates.contains(certificate) {
            true => verify_validity(certificate, now)?,
            false => {
                let algorithms = self.algorithms.all;
                verify_server_cert_signed_by_trust_anchor(&parsed, &trusted.roots, chain, now, algorithms)?;
            }
        }
        if self.verify_name {
            verify_server_name(&parsed, name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Checks that a certificate is valid now.
fn verify_validity(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let certificate = Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let validity = certificate.tbs_certificate().validity();
    let (from, until) = (validity.not_before.to_unix_duration(), validity.not_after.to_unix_duration());
    let (not_before, not_after) = (UnixTime::since_unix_epoch(from), UnixTime::since_unix_epoch(until));
    match () {
        () if now < not_before => Err(CertificateError::NotValidYetContext { time: now, not_before }.into()),
        () if now > not_after => Err(CertificateError::ExpiredContext { time: now, not_after }.into()),
        () => Ok(()),
    }
}
