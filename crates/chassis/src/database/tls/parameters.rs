//! The TLS parameters of `DB_URL`.

use std::path::PathBuf;
use tokio_postgres::config::SslMode;

/// The parameters that are removed from `DB_URL`.
pub(super) const NAMES: [&str; 4] = ["sslmode", "sslrootcert", "sslcert", "sslkey"];

/// The verification of the server, as in libpq.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SslVerification {
    /// No TLS.
    Disable,
    /// TLS only if the server rejects plain connections.
    Allow,
    /// TLS if the server supports it.
    Prefer,
    /// TLS; the certificate is verified only if there are authorities.
    Require,
    /// TLS with a certificate of a trusted authority.
    VerifyCa,
    /// TLS with a certificate of a trusted authority that names the host.
    VerifyFull,
}

/// The trusted authorities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Authorities {
    File(PathBuf),
    /// The authorities of the system.
    System,
}

/// The TLS parameters of `DB_URL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Parameters {
    pub(super) mode: SslVerification,
    pub(super) authorities: Option<Authorities>,
    /// The client certificate and its key.
    pub(super) identity: Option<(PathBuf, PathBuf)>,
}

impl SslVerification {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(match text {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return Err("sslmode must be disable, allow, prefer, require, verify-ca or verify-full".to_owned()),
        })
    }

    /// Returns the modes to try in order, while the server rejects them.
    pub(super) fn attempts(self) -> &'static [SslMode] {
        match self {
            Self::Disable => &[SslMode::Disable],
            Self::Allow => &[SslMode::Disable, SslMode::Require],
            Self::Prefer => &[SslMode::Prefer, SslMode::Disable],
            Self::Require | Self::VerifyCa | Self::VerifyFull => &[SslMode::Require],
        }
    }
}

impl Parameters {
    /// Parses the parameters of a connection string. Of duplicates the last one counts, as in libpq; an empty value counts as
    /// unset.
    pub(super) fn from_pairs(pairs: Vec<(String, String)>) -> Result<Self, String> {
        let last = |name| pairs.iter().rfind(|(key, _)| key == name).map(|(_, value)| &**value);
        let [mode, authorities, certificate, key] = NAMES.map(|name| last(name).filter(|value| !value.is_empty()));
        let authorities = authorities.map(|value| match value {
            "system" => Authorities::System,
            file => Authorities::File(file.into()),
        });
        let is_system = authorities == Some(Authorities::System);
        let default_mode = if is_system { SslVerification::VerifyFull } else { SslVerification::Prefer };
        let mode = mode.map_or(Ok(default_mode), SslVerification::parse)?;
        if is_system && mode != SslVerification::VerifyFull {
            return Err(
                "sslrootcert=system requires sslmode=verify-full: anybody can get a certificate of a public authority for \
                 another name"
                    .to_owned(),
            );
        }
        if authorities.is_none() && matches!(mode, SslVerification::VerifyCa | SslVerification::VerifyFull) {
            return Err(
                "sslmode=verify-ca and verify-full need sslrootcert: the PEM file of the authority that signed the server's \
                 certificate, or `system` (with verify-full) for the authorities of the system"
                    .to_owned(),
            );
        }
        let identity = match (certificate, key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
            (Some(_), None) => return Err("sslcert needs sslkey, the PEM file of its private key".to_owned()),
            (None, Some(_)) => return Err("sslkey needs sslcert, the PEM file of its certificate".to_owned()),
        };
        Ok(Self { mode, authorities, identity })
    }
}

#[cfg(test)]
mod tests {
    use super::super::connection_string::extract;
    use super::{Authorities, NAMES, Parameters, SslVerification};

    fn parse(text: &str) -> Result<Parameters, String> {
        Parameters::from_pairs(extract(text, &NAMES).1)
    }

    #[test]
    fn defaults_are_those_of_libpq() {
        assert_eq!(parse("host=h").unwrap().mode, SslVerification::Prefer);
        assert_eq!(parse("sslmode=require sslmode=disable").unwrap().mode, SslVerification::Disable);
        let system = parse("postgres://u@h/d?sslrootcert=system").unwrap();
        assert_eq!((system.mode, system.authorities), (SslVerification::VerifyFull, Some(Authorities::System)));
        let full = parse("sslmode=verify-full sslrootcert=/ca.pem sslcert=/c sslkey=/k").unwrap();
        assert_eq!(full.authorities, Some(Authorities::File("/ca.pem".into())));
        assert_eq!(full.identity, Some(("/c".into(), "/k".into())));
    }

    #[test]
    fn misleading_parameters_are_rejected() {
        for (text, expected) in [
            ("sslmode=VERIFY-FULL", "must be disable, allow, prefer, require, verify-ca or verify-full"),
            ("sslmode=on", "must be disable"),
            ("sslmode=verify-full", "need sslrootcert"),
            ("sslmode=verify-ca sslrootcert=''", "need sslrootcert"),
            ("sslmode=require sslrootcert=system", "requires sslmode=verify-full"),
            ("sslmode=require sslcert=/c", "needs sslkey"),
            ("sslmode=require sslkey=/k", "needs sslcert"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
