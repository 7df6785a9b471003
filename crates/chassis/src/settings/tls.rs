//! Mutual TLS: the certificate of this process, the trusted authorities, and the allow list.

use std::fmt;
use std::path::PathBuf;

/// The certificate of this process, and the trusted authorities.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Mutual TLS")]
pub struct TlsSettings {
    /// Certificate of this process, a PEM file followed by its chain. It names the service by the URI
    /// `spiffe://groundplan/<name>`. Set `GROUNDPLAN_TLS_CERT`, `GROUNDPLAN_TLS_KEY` and `GROUNDPLAN_TLS_CA` together;
    /// without them, TLS is off. The files are reloaded when they change.
    #[arg(long, env = "GROUNDPLAN_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// Private key of the certificate, a PEM file.
    #[arg(long, env = "GROUNDPLAN_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Certificate authorities trusted for callers and peers, a PEM file.
    #[arg(long, env = "GROUNDPLAN_TLS_CA", value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,
}

/// The allowed callers of a server with mutual TLS.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Mutual TLS")]
pub struct CallerSettings {
    /// Allowed callers, by the names in their certificates, as a comma-separated list: `name` allows everything,
    /// `name=/path.prefix` allows these paths, and `name!=/path.prefix` forbids them. Default: `schema` allows `envoy`,
    /// for SchemaService only, and `records`; `records` allows `envoy`.
    #[arg(long, env = "GROUNDPLAN_TLS_ALLOW", value_name = "LIST", value_parser = AllowList::parse)]
    pub tls_allow: Option<AllowList>,
}

/// The allow list. A caller that it does not name can call nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowList(Vec<AllowRule>);

/// A rule of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct AllowRule {
    name: String,
    /// The prefix of the paths.
    prefix: String,
    /// Whether the rule forbids the paths instead of allowing them.
    is_exception: bool,
}

impl AllowList {
    /// Parses `envoy,envoy!=/groundplan.schema.v1.,records=/groundplan.schema.v1.`.
    pub fn parse(text: &str) -> Result<Self, String> {
        text.split(',').map(|one| AllowRule::parse(one.trim())).collect::<Result<_, _>>().map(Self)
    }

    /// Checks whether a caller can call a path: a rule must allow it, and none must forbid it.
    pub fn allows(&self, name: &str, path: &str) -> bool {
        let rules = |one: &&AllowRule| one.name == name && path.starts_with(&one.prefix);
        let mut rules = self.0.iter().filter(rules).peekable();
        rules.peek().is_some() && rules.all(|one| !one.is_exception)
    }
}

impl AllowRule {
    fn parse(text: &str) -> Result<Self, String> {
        // A `!` without a path stays in the name, which is rejected for it.
        let (name, prefix, is_exception) = match (text.split_once("!="), text.split_once('=')) {
            (Some((name, prefix)), _) => (name, prefix, true),
            (None, Some((name, prefix))) => (name, prefix, false),
            (None, None) => (text, "/", false),
        };
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(format!("{name:?} is not a name such as envoy"));
        }
        if !prefix.starts_with('/') {
            return Err(format!("{prefix:?} is not a path prefix, such as /groundplan.schema.v1."));
        }
        Ok(Self { name: name.to_owned(), prefix: prefix.to_owned(), is_exception })
    }
}

impl fmt::Display for AllowList {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = |allowed: &AllowRule| match (allowed.is_exception, allowed.prefix.as_str()) {
            (false, "/") => allowed.name.clone(),
            (false, prefix) => format!("{}={prefix}", allowed.name),
            (true, prefix) => format!("{}!={prefix}", allowed.name),
        };
        out.write_str(&self.0.iter().map(one).collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::AllowList;

    #[test]
    fn callers_that_are_not_named_can_call_nothing() {
        let text = "envoy,envoy!=/groundplan.schema.v1.DistributionService/,records=/groundplan.schema.v1.";
        let list = AllowList::parse(&text.replace(',', ", ")).unwrap();
        for (name, path, allowed) in [
            ("envoy", "/anything", true),
            ("envoy", "/groundplan.schema.v1.SchemaService/Apply", true),
            ("envoy", "/groundplan.schema.v1.DistributionService/ReportProgress", false),
            ("records", "/groundplan.schema.v1.DistributionService/ReportProgress", true),
            ("records", "/groundplan.schema.v1.SchemaService/Apply", true),
            ("records", "/groundplan.records.v1.RecordsService/Commit", false),
            ("record", "/groundplan.schema.v1.SchemaService/Apply", false),
            ("", "/anything", false),
        ] {
            assert_eq!(list.allows(name, path), allowed, "{name} {path}");
        }
        assert_eq!(list.to_string(), text);
    }

    #[test]
    fn invalid_lists_are_rejected() {
        for text in ["", ",", "envoy,", "a b", "envoy=", "envoy=schema", "=/path", "envoy!", "!=/path"] {
            assert!(AllowList::parse(text).is_err(), "{text:?}");
        }
    }
}
