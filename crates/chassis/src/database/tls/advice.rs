//! What to do about a connection that TLS has kept from being opened.

use super::parameters::{Authorities, Parameters};
use super::stream::HandshakeError;
use rustls::{AlertDescription, CertificateError, Error as Failure};
use std::error::Error;
use std::io;

/// What tokio-postgres says of a server without TLS where we ask for it.
const NO_TLS_MESSAGE: &str = "server does not support TLS";

/// Whether the two did not come together in TLS.
pub(in super::super) fn is_handshake_error(error: &tokio_postgres::Error) -> bool {
    error.source().is_some_and(|source| source.is::<HandshakeError>())
}

/// The way out, if it has to do with TLS.
pub(in super::super) fn advice(error: &tokio_postgres::Error, parameters: &Parameters) -> Option<String> {
    if error.source().is_some_and(|source| source.to_string() == NO_TLS_MESSAGE) {
        let text = "sslmode of DB_URL asks for TLS: switch it on in the server (`ssl = on`), or use sslmode=disable within a \
                    network that you trust";
        return Some(text.to_owned());
    }
    let authorities = match &parameters.authorities {
        Some(Authorities::File(file)) => file.display().to_string(),
        Some(Authorities::System) | None => "the system".to_owned(),
    };
    Some(match find_tls_error(error)? {
        Failure::InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }) => {
            "sslmode=verify-full asks for a certificate that names the host: correct the host of DB_URL, give the server a \
             certificate with that name among its subjectAltNames, or use sslmode=verify-ca, which takes any name"
                .to_owned()
        }
        Failure::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature | CertificateError::Other(_),
        ) if parameters.authorities.is_some() => format!(
            "the server's certificate is not of an authority that {authorities} has: let sslrootcert of DB_URL name the PEM file \
             of the authority that signed it"
        ),
        Failure::InvalidCertificate(_) => "give the server a certificate that is good".to_owned(),
        Failure::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRequired
            | AlertDescription::CertificateExpired
            | AlertDescription::DecryptError
            | AlertDescription::UnsupportedCertificate,
        ) => "the server does not take our certificate: let sslcert and sslkey of DB_URL name one of an authority that the \
              server believes (its `ssl_ca_file`)"
            .to_owned(),
        Failure::AlertReceived(AlertDescription::ProtocolVersion) | Failure::PeerIncompatible(_) => {
            "TLS 1.2 or 1.3 is needed, with a cipher suite that has forward secrecy: look at the server's \
             `ssl_min_protocol_version`, `ssl_max_protocol_version` and `ssl_ciphers`"
                .to_owned()
        }
        _ => return None,
    })
}

/// The failure of TLS that is behind an error.
fn find_tls_error(error: &tokio_postgres::Error) -> Option<&Failure> {
    let mut source = error.source();
    while let Some(cause) = source {
        // Of the error that it wraps, an error of the system does not say that it is its source.
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(tls_error) = wrapped.and_then(|wrapped| wrapped.downcast_ref()) {
            return Some(tls_error);
        }
        source = cause.source();
    }
    None
}
