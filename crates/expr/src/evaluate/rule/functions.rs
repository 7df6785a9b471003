//! Functions on values: conversions, and functions of protovalidate.

use super::format::to_text;
use crate::evaluate::{Datum, EvaluationFailure, convert};
use crate::ir::{Function, Type};
use crate::time_literal;
use prost_protovalidate::validators as formats;
use std::borrow::Cow;
use std::collections::HashSet;

pub(super) fn call<'e>(function: Function, arguments: &[Datum<'e>]) -> Result<Datum<'e>, EvaluationFailure> {
    let (value, rest) = arguments.split_first().ok_or(EvaluationFailure::Absent)?;
    Ok(match function {
        Function::Int => match value {
            Datum::String(text) => {
                Datum::Int(text.parse().map_err(|_| EvaluationFailure::Invalid("the text is not an int"))?)
            }
            Datum::Timestamp(micros) => Datum::Int(micros.div_euclid(1_000_000)),
            value => convert::convert(value, &Type::Int)?,
        },
        Function::Uint => match value {
            Datum::String(text) => {
                Datum::Uint(text.parse().map_err(|_| EvaluationFailure::Invalid("the text is not a uint"))?)
            }
            value => convert::convert(value, &Type::Uint)?,
        },
        Function::Double => match value {
            Datum::String(text) => {
                Datum::Double(text.parse().map_err(|_| EvaluationFailure::Invalid("the text is not a double"))?)
            }
            value => convert::convert(value, &Type::Double)?,
        },
        Function::String => Datum::owned_text(to_text(value)?),
        Function::Bytes => match value {
            Datum::String(text) => Datum::Bytes(Cow::Owned(text.as_bytes().to_vec())),
            value => value.clone(),
        },
        Function::Bool => match value {
            Datum::String(text) => Datum::Bool(parse_bool(text)?),
            value => value.clone(),
        },
        Function::Timestamp => match value {
            Datum::String(text) => Datum::Timestamp(
                time_literal::parse_timestamp(text)
                    .map_err(|_| EvaluationFailure::Invalid("the text is not a time"))?,
            ),
            Datum::Int(seconds) => Datum::Timestamp(seconds.checked_mul(1_000_000).ok_or(EvaluationFailure::Overflow)?),
            value => value.clone(),
        },
        Function::Duration => match value {
            Datum::String(text) => Datum::Duration(
                time_literal::parse_duration(text)
                    .map_err(|_| EvaluationFailure::Invalid("the text is not a duration"))?,
            ),
            value => value.clone(),
        },
        Function::Unique => Datum::Bool(is_unique(value)?),
        Function::IsNan => Datum::Bool(double(value)?.is_nan()),
        Function::IsInf => Datum::Bool(is_infinite(double(value)?, rest)),
        _ => Datum::Bool(has_format(function, value.text()?, rest)),
    })
}

fn double(value: &Datum<'_>) -> Result<f64, EvaluationFailure> {
    match value {
        Datum::Double(value) => Ok(*value),
        _ => Err(EvaluationFailure::Null),
    }
}

fn parse_bool(text: &str) -> Result<bool, EvaluationFailure> {
    match text {
        "true" | "True" | "TRUE" | "t" | "1" => Ok(true),
        "false" | "False" | "FALSE" | "f" | "0" => Ok(false),
        _ => Err(EvaluationFailure::Invalid("the text is not a bool")),
    }
}

/// Whether a value is infinite. A positive or negative second argument requires its sign; 0 and no argument accept both.
fn is_infinite(value: f64, rest: &[Datum<'_>]) -> bool {
    let sign = match rest {
        [Datum::Int(sign)] => *sign,
        _ => 0,
    };
    value.is_infinite() && (sign == 0 || (sign > 0) == value.is_sign_positive())
}

/// Whether a text has one of protovalidate's well-known formats.
fn has_format(function: Function, text: &str, rest: &[Datum<'_>]) -> bool {
    let version = rest.iter().find_map(|argument| match argument {
        Datum::Int(version) => Some(*version),
        _ => None,
    });
    let flag = rest.iter().any(|argument| matches!(argument, Datum::Bool(true)));
    match (function, version.unwrap_or_default()) {
        (Function::IsEmail, _) => formats::is_email(text),
        (Function::IsHostname, _) => formats::is_hostname(text),
        (Function::IsHostAndPort, _) => formats::is_host_and_port(text, flag),
        (Function::IsUri, _) => formats::is_uri(text),
        (Function::IsUriRef, _) => formats::is_uri_ref(text),
        (Function::IsIp, 0) => formats::is_ip(text),
        (Function::IsIp, 4) => formats::is_ipv4(text),
        (Function::IsIp, 6) => formats::is_ipv6(text),
        (Function::IsIpPrefix, 0) => formats::is_ip_prefix(text, flag),
        (Function::IsIpPrefix, 4) => formats::is_ipv4_prefix(text, flag),
        (Function::IsIpPrefix, 6) => formats::is_ipv6_prefix(text, flag),
        _ => false,
    }
}

/// The identity of an element for uniqueness.
#[derive(PartialEq, Eq, Hash)]
enum Identity<'a> {
    Bool(bool),
    Integer(i128),
    Bits(u64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    Time(i64),
}

/// Whether no two elements of a list are equal. NaN equals nothing; positive and negative zero are equal.
fn is_unique(list: &Datum<'_>) -> Result<bool, EvaluationFailure> {
    let Datum::List(list) = list else { return Err(EvaluationFailure::Null) };
    let mut seen = HashSet::with_capacity(list.len());
    for element in list.iter() {
        let identity = match element {
            Datum::Bool(value) => Identity::Bool(value),
            Datum::Double(value) if value.is_nan() => continue,
            Datum::Double(value) => Identity::Bits((value + 0.0).to_bits()),
            Datum::String(text) => Identity::Text(text),
            Datum::Bytes(bytes) => Identity::Bytes(bytes),
            Datum::Timestamp(micros) | Datum::Duration(micros) => Identity::Time(micros),
            element => Identity::Integer(element.integer().ok_or(EvaluationFailure::Null)?),
        };
        if !seen.insert(identity) {
            return Ok(false);
        }
    }
    Ok(true)
}
