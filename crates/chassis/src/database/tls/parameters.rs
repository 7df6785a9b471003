//! What `DB_URL` says of TLS, and what it must not say.

use std::path::PathBuf;
use tokio_postgres::config::SslMode;

/// What we take out of `DB_URL`.
pub(super) const NAMES: [&str; 4] = ["sslmode", "sslrootcert", "sslcert", "sslkey"];

/// How much is asked of the server, as libpq calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// No TLS.
    Disable,
    /// TLS if the server refuses to go without.
    Allow,
    /// TLS if the server has it.
    Prefer,
    /// TLS, with whomever; held against the authorities if there are any.
    Require,
    /// And the server's certificate is of an authority that is believed.
    VerifyCa,
    /// And it names the host.
    VerifyFull,
}

/// Whose certificates are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Authorities {
    File(PathBuf),
    /// Those that the system believes.
    System,
}

/// What `DB_URL` says of TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Parameters {
    pub(super) mode: Mode,
    pub(super) authorities: Option<Authorities>,
    /// Our certificate, and its key.
    pub(super) identity: Option<(PathBuf, PathBuf)>,
}

impl Mode {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(match text {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return Err("sslmode is none of disable, allow, prefer, require, verify-ca and verify-full".to_owned()),
        })
    }

    /// What is tried, one after the other, while the server refuses it.
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
    /// Understands what was taken out of a connection string. The last of two of the same name holds, as with libpq; an empty
    /// one is none.
    pub(super) fn from_pairs(pairs: Vec<(String, String)>) -> Result<Self, String> {
        let last = |name| pairs.iter().rfind(|(key, _)| key == name).map(|(_, value)| &**value);
        let [mode, authorities, certificate, key] = NAMES.map(|name| last(name).filter(|value| !value.is_empty()));
        let authorities = authorities.map(|value| match value {
            "system" => Authorities::System,
            file => Authorities::File(file.into()),
        });
        let is_system = authorities == Some(Authorities::System);
        let default_mode = if is_system { Mode::VerifyFull } else { Mode::Prefer };
        let mode = mode.map_or(Ok(default_mode), Mode::parse)?;
        if is_system && mode != Mode::VerifyFull {
            return Err(
                "sslrootcert=system goes with sslmode=verify-full only: anybody can get a certificate of a public \
                        authority, for a name of theirs"
                    .to_owned(),
            );
        }
        if authorities.is_none() && matches!(mode, Mode::VerifyCa | Mode::VerifyFull) {
            return Err(
                "sslmode=verify-ca and verify-full need sslrootcert: the PEM file of the authority that signed the \
                        server's certificate, or `system` (with verify-full) for those that the system believes"
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
    use super::{Authorities, Mode, NAMES, Parameters};

    fn parse(text: &str) -> Result<Parameters, String> {
        Parameters::from_pairs(extract(text, &NAMES).1)
    }

    #[test]
    fn what_libpq_assumes_is_assumed() {
        assert_eq!(parse("host=h").unwrap().mode, Mode::Prefer);
        assert_eq!(parse("sslmode=require sslmode=disable").unwrap().mode, Mode::Disable);
        let system = parse("postgres://u@h/d?sslrootcert=system").unwrap();
        assert_eq!((system.mode, system.authorities), (Mode::VerifyFull, Some(Authorities::System)));
        let full = parse("sslmode=verify-full sslrootcert=/ca.pem sslcert=/c sslkey=/k").unwrap();
        assert_eq!(full.authorities, Some(Authorities::File("/ca.pem".into())));
        assert_eq!(full.identity, Some(("/c".into(), "/k".into())));
    }

    #[test]
    fn what_protects_less_than_it_seems_to_is_refused() {
        for (text, words) in [
            ("sslmode=VERIFY-FULL", "none of disable, allow, prefer, require, verify-ca and verify-full"),
            ("sslmode=on", "none of"),
            ("sslmode=verify-full", "need sslrootcert"),
            ("sslmode=verify-ca sslrootcert=''", "need sslrootcert"),
            ("sslmode=require sslrootcert=system", "verify-full only"),
            ("sslmode=require sslcert=/c", "needs sslkey"),
            ("sslmode=require sslkey=/k", "needs sslcert"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
