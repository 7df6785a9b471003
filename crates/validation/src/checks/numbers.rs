//! Rules of the twelve number types.

use super::Checks;
use groundplan_codec::Value;
use prost_protovalidate::types;
use prost_protovalidate::types::field_rules::Type;
use prost_protovalidate::types::rules_meta::numeric;
use std::fmt::Display;

/// A number type of rules, and the wider type of the codec's values.
trait Number: Copy + PartialOrd + Display + 'static {
    type Wide: Copy + PartialOrd + Send + Sync + 'static;

    fn widen(self) -> Self::Wide;
    fn read(value: &Value) -> Option<Self::Wide>;
}

macro_rules! number {
    ($($type:ty => $variant:ident $wide:ty;)+) => {
        $(impl Number for $type {
            type Wide = $wide;

            fn widen(self) -> $wide {
                <$wide>::from(self)
            }

            fn read(value: &Value) -> Option<$wide> {
                match value {
                    Value::$variant(number) => Some(*number),
                    _ => None,
                }
            }
        })+
    };
}

number! {
    i32 => Int i64;
    i64 => Int i64;
    u32 => Int i64;
    u64 => Uint u64;
    f32 => Double f64;
    f64 => Double f64;
}

/// Rules of one number type. At most one of `gt` and `gte` is set, and of `lt` and `lte`.
struct NumberRules<'a, T> {
    /// Such as `int32`.
    prefix: &'static str,
    wanted: Option<T>,
    gt: Option<T>,
    gte: Option<T>,
    lt: Option<T>,
    lte: Option<T>,
    allowed: &'a [T],
    forbidden: &'a [T],
}

macro_rules! number_rules {
    ($rules:expr, $module:ident, $prefix:literal) => {{
        use types::$module::{GreaterThan, LessThan};
        let rules = $rules;
        let (gt, gte) = match rules.greater_than {
            Some(GreaterThan::Gt(bound)) => (Some(bound), None),
            Some(GreaterThan::Gte(bound)) => (None, Some(bound)),
            None => (None, None),
        };
        let (lt, lte) = match rules.less_than {
            Some(LessThan::Lt(bound)) => (Some(bound), None),
            Some(LessThan::Lte(bound)) => (None, Some(bound)),
            None => (None, None),
        };
        let wanted = rules.r#const;
        let (allowed, forbidden) = (rules.r#in.as_slice(), rules.not_in.as_slice());
        NumberRules { prefix: $prefix, wanted, gt, gte, lt, lte, allowed, forbidden }
    }};
}

impl Checks {
    /// Adds the rules of a number; ignores rules of other types.
    pub(super) fn number(&mut self, rules: &Type) {
        match rules {
            Type::Int32(rules) => self.ordered(&number_rules!(rules, int32_rules, "int32")),
            Type::Int64(rules) => self.ordered(&number_rules!(rules, int64_rules, "int64")),
            Type::Uint32(rules) => self.ordered(&number_rules!(rules, u_int32_rules, "uint32")),
            Type::Uint64(rules) => self.ordered(&number_rules!(rules, u_int64_rules, "uint64")),
            Type::Sint32(rules) => self.ordered(&number_rules!(rules, s_int32_rules, "sint32")),
            Type::Sint64(rules) => self.ordered(&number_rules!(rules, s_int64_rules, "sint64")),
            Type::Fixed32(rules) => self.ordered(&number_rules!(rules, fixed32_rules, "fixed32")),
            Type::Fixed64(rules) => self.ordered(&number_rules!(rules, fixed64_rules, "fixed64")),
            Type::Sfixed32(rules) => self.ordered(&number_rules!(rules, s_fixed32_rules, "sfixed32")),
            Type::Sfixed64(rules) => self.ordered(&number_rules!(rules, s_fixed64_rules, "sfixed64")),
            Type::Float(rules) => {
                let finite = rules.finite == Some(true);
                self.floating(&number_rules!(rules, float_rules, "float"), finite);
            }
            Type::Double(rules) => {
                let finite = rules.finite == Some(true);
                self.floating(&number_rules!(rules, double_rules, "double"), finite);
            }
            _ => {}
        }
    }

    /// Adds the rules of floating-point numbers for infinities and NaN, which is in no range.
    fn floating<T: Number<Wide = f64>>(&mut self, rules: &NumberRules<'_, T>, finite: bool) {
        if finite {
            let holds = |value: &Value| T::read(value).is_none_or(f64::is_finite);
            self.value(numeric::finite_id(rules.prefix), numeric::FINITE_MESSAGE, holds);
            self.stop_on_failure();
        }
        if let Some((rule, _)) = numeric::nan_range_rule(rules.prefix, rules.gt, rules.gte, rules.lt, rules.lte) {
            self.value(rule, "", |value| !T::read(value).is_some_and(f64::is_nan));
            self.stop_on_failure();
        }
        self.ordered(rules);
    }

    fn ordered<T: Number>(&mut self, rules: &NumberRules<'_, T>) {
        if let Some(wanted) = rules.wanted {
            let message = numeric::const_message(wanted);
            let wanted = wanted.widen();
            let holds = move |value: &Value| T::read(value).is_none_or(|number| number == wanted);
            self.value(numeric::const_id(rules.prefix), &message, holds);
        }
        let range = numeric::range_rule(rules.prefix, rules.gt, rules.gte, rules.lt, rules.lte, T::to_string);
        if let Some(range) = range {
            let (above, below) = (rules.gt.or(rules.gte).map(T::widen), rules.lt.or(rules.lte).map(T::widen));
            let kind = range.kind;
            let holds = move |value: &Value| T::read(value).is_none_or(|number| !kind.violated(above, below, number));
            self.value(range.rule_id, &range.message, holds);
        }
        if !rules.allowed.is_empty() {
            let holds = is_in(rules.allowed, true);
            self.value(numeric::in_id(rules.prefix), numeric::IN_MESSAGE, holds);
        }
        if !rules.forbidden.is_empty() {
            let holds = is_in(rules.forbidden, false);
            self.value(numeric::not_in_id(rules.prefix), numeric::NOT_IN_MESSAGE, holds);
        }
    }
}

/// Returns a test whether a number is in the list, or is not.
fn is_in<T: Number>(list: &[T], wanted: bool) -> impl Fn(&Value) -> bool + Send + Sync + 'static {
    let list: Vec<T::Wide> = list.iter().map(|item| item.widen()).collect();
    move |value| T::read(value).is_none_or(|number| list.contains(&number) == wanted)
}
