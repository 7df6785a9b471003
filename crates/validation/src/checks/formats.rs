//! Well-known formats, checked with the library's functions.

use super::Checks;
use prost_protovalidate::types::rules_meta::{bytes, string};
use prost_protovalidate::types::{BytesRules, KnownRegex, StringRules, bytes_rules, string_rules};
use prost_protovalidate::validators::{
    is_email, is_host_and_port, is_hostname, is_http_header_name, is_http_header_value, is_ip, is_ip_prefix,
    is_ipv4_prefix, is_ipv6, is_ipv6_prefix, is_protobuf_dot_fqn, is_protobuf_fqn, is_tuuid, is_ulid, is_uri,
    is_uri_ref, is_uuid,
};
use std::net::Ipv4Addr;

/// A format's name and test.
type Format = (&'static str, fn(&str) -> bool);

impl Checks {
    pub(super) fn string_format(&mut self, rules: &StringRules) -> Result<(), String> {
        if let Some(string_rules::WellKnown::WellKnownRegex(regex)) = rules.well_known {
            return self.header(regex, rules.strict.unwrap_or(true));
        }
        if let Some((name, valid)) = rules.well_known.as_ref().and_then(format) {
            // An empty text violates only its own rule.
            self.text(string::well_known_empty_id(name), "", |text| !text.is_empty());
            self.text(string::well_known_id(name), "", move |text| text.is_empty() || valid(text));
        }
        Ok(())
    }

    fn header(&mut self, regex: i32, strict: bool) -> Result<(), String> {
        match KnownRegex::try_from(regex) {
            Ok(KnownRegex::HttpHeaderName) => {
                self.text(string::HEADER_NAME_EMPTY_ID, "", |text| !text.is_empty());
                let holds = move |text: &str| text.is_empty() || is_http_header_name(text, strict);
                self.text(string::HEADER_NAME_ID, "", holds);
            }
            Ok(KnownRegex::HttpHeaderValue) => {
                self.text(string::HEADER_VALUE_ID, "", move |text| is_http_header_value(text, strict));
            }
            Ok(KnownRegex::Unspecified) => {}
            Err(_) => return Err(format!("unsupported string.well_known_regex enum value: {regex}")),
        }
        Ok(())
    }

    pub(super) fn bytes_format(&mut self, rules: &BytesRules) {
        use bytes_rules::WellKnown;
        let (empty, rule, messages, lengths): (_, _, _, &'static [usize]) = match rules.well_known {
            Some(WellKnown::Ip(true)) => {
                (bytes::IP_EMPTY_ID, bytes::IP_ID, (bytes::IP_EMPTY_MESSAGE, bytes::IP_MESSAGE), &[4, 16])
            }
            Some(WellKnown::Ipv4(true)) => {
                (bytes::IPV4_EMPTY_ID, bytes::IPV4_ID, (bytes::IPV4_EMPTY_MESSAGE, bytes::IPV4_MESSAGE), &[4])
            }
            Some(WellKnown::Ipv6(true)) => {
                (bytes::IPV6_EMPTY_ID, bytes::IPV6_ID, (bytes::IPV6_EMPTY_MESSAGE, bytes::IPV6_MESSAGE), &[16])
            }
            Some(WellKnown::Uuid(true)) => (bytes::UUID_EMPTY_ID, bytes::UUID_ID, ("", bytes::UUID_MESSAGE), &[16]),
            _ => return,
        };
        self.binary(empty, messages.0, |value| !value.is_empty());
        self.binary(rule, messages.1, move |value| value.is_empty() || lengths.contains(&value.len()));
    }
}

/// Returns the required format, if any.
fn format(rule: &string_rules::WellKnown) -> Option<Format> {
    use string_rules::WellKnown;
    Some(match rule {
        WellKnown::Email(true) => ("email", is_email),
        WellKnown::Hostname(true) => ("hostname", is_hostname),
        WellKnown::Ip(true) => ("ip", is_ip),
        WellKnown::Ipv4(true) => ("ipv4", |text| text.parse::<Ipv4Addr>().is_ok()),
        WellKnown::Ipv6(true) => ("ipv6", is_ipv6),
        WellKnown::Uri(true) => ("uri", is_uri),
        WellKnown::UriRef(true) => ("uri_ref", is_uri_ref),
        WellKnown::Address(true) => ("address", |text| is_hostname(text) || is_ip(text)),
        WellKnown::Uuid(true) => ("uuid", is_uuid),
        WellKnown::Tuuid(true) => ("tuuid", is_tuuid),
        WellKnown::Ulid(true) => ("ulid", is_ulid),
        WellKnown::IpWithPrefixlen(true) => ("ip_with_prefixlen", |text| is_ip_prefix(text, false)),
        WellKnown::Ipv4WithPrefixlen(true) => ("ipv4_with_prefixlen", |text| is_ipv4_prefix(text, false)),
        WellKnown::Ipv6WithPrefixlen(true) => ("ipv6_with_prefixlen", |text| is_ipv6_prefix(text, false)),
        WellKnown::IpPrefix(true) => ("ip_prefix", |text| is_ip_prefix(text, true)),
        WellKnown::Ipv4Prefix(true) => ("ipv4_prefix", |text| is_ipv4_prefix(text, true)),
        WellKnown::Ipv6Prefix(true) => ("ipv6_prefix", |text| is_ipv6_prefix(text, true)),
        WellKnown::HostAndPort(true) => ("host_and_port", |text| is_host_and_port(text, true)),
        WellKnown::ProtobufFqn(true) => ("protobuf_fqn", is_protobuf_fqn),
        WellKnown::ProtobufDotFqn(true) => ("protobuf_dot_fqn", is_protobuf_dot_fqn),
        // Headers are handled above, and `false` requires nothing.
        _ => return None,
    })
}
