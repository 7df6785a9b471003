//! Rules of timestamps and durations. Bounds have nanoseconds, values microseconds; both are compared as seconds and
//! nanoseconds.

use super::Checks;
use groundplan_codec::Value;
use prost_protovalidate::time::now_systemtime;
use prost_protovalidate::types::rules_meta::numeric::RangeRule;
use prost_protovalidate::types::rules_meta::{duration, timestamp};
use prost_protovalidate::types::{DurationRules, TimestampRules, duration_rules, timestamp_rules};

/// Seconds and nanoseconds, which have the same sign in durations, so that pairs are ordered.
type Time = (i64, i32);

/// Microseconds in a second.
const SECOND: i64 = 1_000_000;

/// Returns `seconds` and `nanos` of a message in the rules.
macro_rules! time {
    ($message:expr) => {
        ($message.seconds, $message.nanos)
    };
}

impl Checks {
    pub(super) fn timestamp(&mut self, rules: &TimestampRules) {
        use timestamp_rules::{GreaterThan, LessThan};
        let (gt, gte, gt_now) = match &rules.greater_than {
            Some(GreaterThan::Gt(bound)) => (Some(time!(bound)), None, false),
            Some(GreaterThan::Gte(bound)) => (None, Some(time!(bound)), false),
            Some(GreaterThan::GtNow(now)) => (None, None, *now),
            None => (None, None, false),
        };
        let (lt, lte, lt_now) = match &rules.less_than {
            Some(LessThan::Lt(bound)) => (Some(time!(bound)), None, false),
            Some(LessThan::Lte(bound)) => (None, Some(time!(bound)), false),
            Some(LessThan::LtNow(now)) => (None, None, *now),
            None => (None, None, false),
        };
        if let Some(wanted) = &rules.r#const {
            let wanted = time!(wanted);
            self.time(timestamp::CONST_ID, timestamp::CONST_MESSAGE, move |time| time == wanted);
        }
        self.range(timestamp::range_rule(gt, gte, lt, lte), gt.or(gte), lt.or(lte));
        if lt_now {
            self.time(timestamp::LT_NOW_ID, timestamp::LT_NOW_MESSAGE, |time| time < now());
        }
        if gt_now {
            self.time(timestamp::GT_NOW_ID, timestamp::GT_NOW_MESSAGE, |time| time > now());
        }
        if let Some(within) = &rules.within {
            let within = nanoseconds(time!(within));
            let holds = move |time| (nanoseconds(time) - nanoseconds(now())).abs() <= within;
            self.time(timestamp::WITHIN_ID, timestamp::WITHIN_MESSAGE, holds);
        }
    }

    pub(super) fn duration(&mut self, rules: &DurationRules) {
        use duration_rules::{GreaterThan, LessThan};
        let (gt, gte) = match &rules.greater_than {
            Some(GreaterThan::Gt(bound)) => (Some(time!(bound)), None),
            Some(GreaterThan::Gte(bound)) => (None, Some(time!(bound))),
            None => (None, None),
        };
        let (lt, lte) = match &rules.less_than {
            Some(LessThan::Lt(bound)) => (Some(time!(bound)), None),
            Some(LessThan::Lte(bound)) => (None, Some(time!(bound))),
            None => (None, None),
        };
        if let Some(wanted) = &rules.r#const {
            let wanted = time!(wanted);
            let message = duration::const_message(wanted.0, wanted.1);
            self.time(duration::CONST_ID, &message, move |time| time == wanted);
        }
        self.range(duration::range_rule(gt, gte, lt, lte), gt.or(gte), lt.or(lte));
        if !rules.r#in.is_empty() {
            let allowed: Vec<Time> = rules.r#in.iter().map(|item| time!(item)).collect();
            self.time(duration::IN_ID, &duration::in_message(&allowed), move |time| allowed.contains(&time));
        }
        if !rules.not_in.is_empty() {
            let forbidden: Vec<Time> = rules.not_in.iter().map(|item| time!(item)).collect();
            let message = duration::not_in_message(&forbidden);
            self.time(duration::NOT_IN_ID, &message, move |time| !forbidden.contains(&time));
        }
    }

    fn range(&mut self, rule: Option<RangeRule>, above: Option<Time>, below: Option<Time>) {
        if let Some(rule) = rule {
            let kind = rule.kind;
            self.value(rule.rule_id, &rule.message, move |value| {
                read(value).is_none_or(|time| !kind.violated(above, below, time))
            });
        }
    }

    fn time(&mut self, rule: &'static str, message: &str, holds: impl Fn(Time) -> bool + Send + Sync + 'static) {
        self.value(rule, message, move |value| read(value).is_none_or(&holds));
    }
}

/// A timestamp's or duration's seconds and nanoseconds.
fn read(value: &Value) -> Option<Time> {
    let (seconds, microseconds) = match value {
        Value::Timestamp(time) => (time.div_euclid(SECOND), time.rem_euclid(SECOND)),
        Value::Duration(time) => (time / SECOND, time % SECOND),
        _ => return None,
    };
    Some((seconds, i32::try_from(microseconds * 1_000).expect("less than a second")))
}

fn now() -> Time {
    time!(now_systemtime())
}

fn nanoseconds(time: Time) -> i128 {
    i128::from(time.0) * 1_000_000_000 + i128::from(time.1)
}
