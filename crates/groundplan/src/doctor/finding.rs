//! What a check finds.

use std::fmt;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Ok,
    /// Something does not work that can be done without.
    Warn,
    Fail,
}

impl Level {
    pub(super) const fn word(self) -> &'static str {
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
    /// What was looked at.
    pub(super) check: &'static str,
    /// What there is.
    pub(super) found: String,
    /// What to do about it; empty if nothing.
    pub(super) way_out: String,
}

impl Finding {
    pub(super) fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { level: Level::Ok, check, found: found.into(), way_out: String::new() }
    }

    pub(super) fn warn(check: &'static str, found: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { level: Level::Warn, check, found: found.into(), way_out: way_out.into() }
    }

    pub(super) fn fail(check: &'static str, found: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { level: Level::Fail, check, found: found.into(), way_out: way_out.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:<4}  {:<14}  {}", self.level.word(), self.check, self.found)?;
        if self.way_out.is_empty() { Ok(()) } else { write!(out, "\n{:22}-> {}", "", self.way_out) }
    }
}

#[cfg(test)]
mod tests {
    use super::Finding;

    #[test]
    fn the_way_out_stands_below() {
        assert_eq!(Finding::ok("port", "free").to_string(), "ok    port            free");
        let failed = Finding::fail("port", "taken", "choose another").to_string();
        assert_eq!(failed, "fail  port            taken\n                      -> choose another");
    }
}
