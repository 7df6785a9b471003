//! The result of a check.

use std::fmt;

/// The severity of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Ok,
    /// An optional part does not work.
    Warn,
    Fail,
}

impl Level {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One line of the report.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) level: Level,
    /// The name of the check.
    pub(super) check: &'static str,
    /// The observed state.
    pub(super) detail: String,
    /// What to do about it; empty if nothing.
    pub(super) remedy: String,
}

impl Finding {
    pub(super) fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self { level: Level::Ok, check, detail: detail.into(), remedy: String::new() }
    }

    pub(super) fn warn(check: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Warn, check, detail: detail.into(), remedy: remedy.into() }
    }

    pub(super) fn fail(check: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Fail, check, detail: detail.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:<4}  {:<14}  {}", self.level.name(), self.check, self.detail)?;
        if self.remedy.is_empty() { Ok(()) } else { write!(out, "\n{:22}-> {}", "", self.remedy) }
    }
}

#[cfg(test)]
mod tests {
    use super::Finding;

    #[test]
    fn the_remedy_is_printed_below() {
        assert_eq!(Finding::ok("port", "free").to_string(), "ok    port            free");
        let failed = Finding::fail("port", "taken", "choose another").to_string();
        assert_eq!(failed, "fail  port            taken\n                      -> choose another");
    }
}
