//! Limits how long an apply waits for followers.

use crate::Settings;
use groundplan_error::{Error, Reason};
use std::time::Duration;
use tokio::time::Instant;

/// The maximum number of followers that an error names.
const MAX_NAMES: usize = 5;

/// The time since the last progress.
pub(super) struct FollowerWait {
    pub(super) since: Instant,
    none_alive_since: Option<Instant>,
}

impl FollowerWait {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), none_alive_since: None }
    }

    /// Returns an error when the waiting time is over. Of the `alive` followers, the `missing` ones have the given
    /// problem.
    pub(super) fn check(
        &mut self,
        settings: &Settings,
        alive: usize,
        missing: &[&str],
        problem: &str,
    ) -> Result<(), Error> {
        let give_up =
            |message: String| Err(Error::new(Reason::PeerUnavailable, message).retry_after(Duration::from_secs(1)));
        if alive == 0 {
            let none_alive_since = *self.none_alive_since.get_or_insert_with(Instant::now);
            if none_alive_since.elapsed() > settings.apply_timeout {
                return give_up("no `records` process is connected; start `groundplan serve records`".to_owned());
            }
            return Ok(());
        }
        self.none_alive_since = None;
        if self.since.elapsed() > settings.uptake_timeout {
            let (seconds, count, names) = (settings.uptake_timeout.as_secs(), missing.len(), list_names(missing));
            return give_up(format!(
                "after {seconds} s, {count} of {alive} `records` processes {problem}: {names}; see their logs"
            ));
        }
        Ok(())
    }
}

/// Lists the first names, and the number of the others.
fn list_names(names: &[&str]) -> String {
    let (named, more) = names.split_at_checked(MAX_NAMES).unwrap_or((names, &[]));
    match more.len() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn rejected(alive: usize, missing: &[&str], problem: &str) -> String {
        let (mut wait, mut settings) = (FollowerWait::new(), Settings::default());
        wait.check(&settings, alive, missing, problem).unwrap();
        (settings.apply_timeout, settings.uptake_timeout) = (Duration::ZERO, Duration::ZERO);
        tokio::time::sleep(Duration::from_millis(1)).await;
        let rejected = wait.check(&settings, alive, missing, problem).unwrap_err();
        assert_eq!(rejected.reason(), Reason::PeerUnavailable);
        rejected.message().into_owned()
    }

    #[tokio::test]
    async fn the_error_names_the_followers() {
        let message = "after 0 s, 1 of 2 `records` processes do not serve revision 7: records-2; see their logs";
        assert_eq!(rejected(2, &["records-2"], "do not serve revision 7").await, message);
        let many = ["a", "b", "c", "d", "e", "f", "g"];
        let message = "after 0 s, 7 of 7 `records` processes have not started revision 7: a, b, c, d, e and 2 more; see \
                     their logs";
        assert_eq!(rejected(7, &many, "have not started revision 7").await, message);
        assert_eq!(list_names(&many[..5]), "a, b, c, d, e");
        let message = "no `records` process is connected; start `groundplan serve records`";
        assert_eq!(rejected(0, &[], "do not serve revision 7").await, message);
    }
}
