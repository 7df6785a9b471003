//! How long an apply waits for followers, and what it says when it waits no longer.

use crate::Settings;
use groundplan_error::{Error, Reason};
use std::time::Duration;
use tokio::time::Instant;

/// How many followers a refusal names.
const NAMED: usize = 5;

/// How long nothing has moved.
pub(super) struct Idle {
    pub(super) since: Instant,
    nobody_since: Option<Instant>,
}

impl Idle {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), nobody_since: None }
    }

    /// Refuses to wait longer for followers: of those that are `alive`, the `missing` ones `do_not` what is needed.
    pub(super) fn check(
        &mut self,
        settings: &Settings,
        alive: usize,
        missing: &[&str],
        do_not: &str,
    ) -> Result<(), Error> {
        let refuse =
            |words: String| Err(Error::new(Reason::PeerUnavailable, words).retry_after(Duration::from_secs(1)));
        if alive == 0 {
            let nobody_since = *self.nobody_since.get_or_insert_with(Instant::now);
            if nobody_since.elapsed() > settings.apply_timeout {
                return refuse("no `records` process follows; start `groundplan serve records`".to_owned());
            }
            return Ok(());
        }
        self.nobody_since = None;
        if self.since.elapsed() > settings.uptake_timeout {
            let (seconds, count, names) = (settings.uptake_timeout.as_secs(), missing.len(), few(missing));
            return refuse(format!(
                "after {seconds} s, {count} of {alive} `records` processes {do_not}: {names}; see their logs"
            ));
        }
        Ok(())
    }
}

/// Some of the names, and how many more there are.
fn few(names: &[&str]) -> String {
    let (named, more) = names.split_at_checked(NAMED).unwrap_or((names, &[]));
    match more.len() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refused(alive: usize, missing: &[&str], do_not: &str) -> String {
        let (mut idle, mut settings) = (Idle::new(), Settings::default());
        idle.check(&settings, alive, missing, do_not).unwrap();
        (settings.apply_timeout, settings.uptake_timeout) = (Duration::ZERO, Duration::ZERO);
        tokio::time::sleep(Duration::from_millis(1)).await;
        let refused = idle.check(&settings, alive, missing, do_not).unwrap_err();
        assert_eq!(refused.reason(), Reason::PeerUnavailable);
        refused.message().into_owned()
    }

    #[tokio::test]
    async fn it_says_who_is_waited_for() {
        let words = "after 0 s, 1 of 2 `records` processes do not serve revision 7: records-2; see their logs";
        assert_eq!(refused(2, &["records-2"], "do not serve revision 7").await, words);
        let many = ["a", "b", "c", "d", "e", "f", "g"];
        let words = "after 0 s, 7 of 7 `records` processes have not started with revision 7: a, b, c, d, e and 2 more; see \
                     their logs";
        assert_eq!(refused(7, &many, "have not started with revision 7").await, words);
        assert_eq!(few(&many[..5]), "a, b, c, d, e");
        let words = "no `records` process follows; start `groundplan serve records`";
        assert_eq!(refused(0, &[], "do not serve revision 7").await, words);
    }
}
