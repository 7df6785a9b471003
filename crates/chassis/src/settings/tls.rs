//! Mutual TLS: who we are, whom we believe, and who may call what.

use std::fmt;
use std::path::PathBuf;

/// The certificate that this process shows, and the authority that it holds others' against.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Mutual TLS")]
pub struct TlsSettings {
    /// The certificate that callers and peers are shown, a PEM file, its chain behind it. It names its service by the URI
    /// `spiffe://groundplan/<name>`. The three files of TLS are given together, and are read again when they change;
    /// without them there is no TLS.
    #[arg(long, env = "GROUNDPLAN_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// The private key of that certificate, a PEM file.
    #[arg(long, env = "GROUNDPLAN_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// The authorities whose certificates are believed, those of callers and those of peers, a PEM file.
    #[arg(long, env = "GROUNDPLAN_TLS_CA", value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,
}

/// Who may call a server that has mutual TLS.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Mutual TLS")]
pub struct CallerSettings {
    /// Who may call what, by the names in their certificates: a comma list of `name`, for everything, or
    /// `name=/path.prefix`. By default `schema` takes `envoy` and `records`, and `records` takes `envoy`.
    #[arg(long, env = "GROUNDPLAN_TLS_ALLOW", value_name = "LIST", value_parser = AllowList::parse)]
    pub tls_allow: Option<AllowList>,
}

/// Who may call what. Whoever is not in it may call nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowList(Vec<Allowed>);

/// One that may call, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Allowed {
    name: String,
    /// What the paths that it may call begin with.
    prefix: String,
}

impl AllowList {
    /// Parses `envoy,records=/groundplan.schema.v1.`.
    pub fn parse(text: &str) -> Result<Self, String> {
        text.split(',').map(|one| Allowed::parse(one.trim())).collect::<Result<_, _>>().map(Self)
    }

    /// Those who may call, each with what the paths begin with that it may call.
    pub fn of<'a>(allowed: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let one = |(name, prefix): (&str, &str)| Allowed { name: name.to_owned(), prefix: prefix.to_owned() };
        Self(allowed.into_iter().map(one).collect())
    }

    /// Whether the one of this name may call this path.
    pub fn allows(&self, name: &str, path: &str) -> bool {
        self.0.iter().any(|allowed| allowed.name == name && path.starts_with(&allowed.prefix))
    }
}

impl Allowed {
    fn parse(text: &str) -> Result<Self, String> {
        let (name, prefix) = text.split_once('=').unwrap_or((text, "/"));
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(format!("{name:?} is not a name such as envoy"));
        }
        if !prefix.starts_with('/') {
            return Err(format!("{prefix:?} is not the beginning of a path, such as /groundplan.schema.v1."));
        }
        Ok(Self { name: name.to_owned(), prefix: prefix.to_owned() })
    }
}

impl fmt::Display for AllowList {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = |allowed: &Allowed| match allowed.prefix.as_str() {
            "/" => allowed.name.clone(),
            prefix => format!("{}={prefix}", allowed.name),
        };
        out.write_str(&self.0.iter().map(one).collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::AllowList;

    #[test]
    fn who_is_not_named_may_call_nothing() {
        let list = AllowList::parse("envoy, records=/groundplan.schema.v1.").unwrap();
        for (name, path, allowed) in [
            ("envoy", "/anything", true),
            ("records", "/groundplan.schema.v1.SchemaService/Apply", true),
            ("records", "/groundplan.records.v1.RecordsService/Commit", false),
            ("record", "/groundplan.schema.v1.SchemaService/Apply", false),
            ("", "/anything", false),
        ] {
            assert_eq!(list.allows(name, path), allowed, "{name} {path}");
        }
        assert_eq!(list.to_string(), "envoy,records=/groundplan.schema.v1.");
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in ["", ",", "envoy,", "a b", "envoy=", "envoy=schema", "=/path"] {
            assert!(AllowList::parse(text).is_err(), "{text:?}");
        }
    }
}
