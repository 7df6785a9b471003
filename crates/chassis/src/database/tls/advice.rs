//! Advice for connections that fail because of TLS.

use super::parameters::{Authorities, Parameters};
use super::stream::HandshakeError;
use rustls::{AlertDescription, CertificateError, Error as Failure};
use std::error::Error;
use std::io;

/// The message of tokio-postgres when the server does not support TLS.
const NO_TLS_MESSAGE: &str = "server does not support TLS";

/// Checks whether the TLS handshake has failed.
pub(in super::super) fn is_handshake_error(error: &tokio_postgres::Error) -> bool {
    error.source().is_some_and(|source| source.is::<HandshakeError>())
}

/// Returns advice for an error that is about TLS.
pub(in super::super) fn advice(error: &tokio_postgres::Error, parameters: &Parameters) -> Option<String> {
    if error.source().is_some_and(|source| source.to_string() == NO_TLS_MESSAGE) {
        let text = "sslmode of DB_URL requires TLS: enable it in the server (`ssl = on`), or use sslmode=disable within a \
                    trusted network";
        return Some(text.to_owned());
    }
    let authorities = match &parameters.authorities {
        Some(Authorities::File(file)) => file.display().to_string(),
        Some(Authorities::System) | None => "the system".to_owned(),
    };
    Some(match find_tls_error(error)? {
        Failure::InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }) => {
            "sslmode=verify-full requires a certificate that names the host: correct the host of DB_URL, give the server a \
             certificate with that name among its subjectAltNames, or use sslmode=verify-ca, which accepts any name"
                .to_owned()
        }
        Failure::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature | CertificateError::Other(_),
        ) if parameters.authorities.is_some() => format!(
            "the server's certificate is not signed by an authority in {authorities}: set sslrootcert of DB_URL to the PEM \
             file of the authority that signed it"
        ),
        Failure::InvalidCertificate(_) => "give the server a valid certificate".to_owned(),
        Failure::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRequired
            | AlertDescription::CertificateExpired
            | AlertDescription::DecryptError
            | AlertDescription::UnsupportedCertificate,
        ) => "the server rejects the client certificate: set sslcert and sslkey of DB_URL to one signed by an authority that \
              the server trusts (its `ssl_ca_file`)"
            .to_owned(),
        Failure::AlertReceived(AlertDescription::ProtocolVersion) | Failure::PeerIncompatible(_) => {
            "TLS 1.2 or 1.3 is required, with a cipher suite that has forward secrecy: check the server's \
             `ssl_min_protocol_version`, `ssl_max_protocol_version` and `ssl_ciphers`"
                .to_owned()
        }
        _ => return None,
    })
}

/// Returns the TLS error among the causes of an error.
fn find_tls_error(error: &tokio_postgres::Error) -> Option<&Failure> {
    let mut source = error.source();
    while let Some(cause) = source {
        // `io::Error` does not return the error that it wraps as its source.
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(tls_error) = wrapped.and_then(|wrapped| wrapped.downcast_ref()) {
            return Some(tls_error);
        }
        source = cause.source();
    }
    None
}
