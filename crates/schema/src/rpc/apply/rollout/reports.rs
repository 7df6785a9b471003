//! Evaluates the followers' reports about a revision.

use crate::store::followers::Follower;

/// The progress of creating the storage of a revision.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum StorageProgress {
    /// No follower has started.
    NotStarted,
    Working {
        steps_done: i32,
        message: String,
    },
    /// A follower has completed it; all followers share the storage.
    Done,
    Failed(String),
}

/// Returns the progress of revision `number`. A completed storage stays complete, regardless of the reports of other followers, and
/// while a follower is working, the storage can still be completed.
pub(super) fn storage_progress(alive: &[Follower], number: i64) -> StorageProgress {
    let preparing_revision = || alive.iter().filter(|follower| follower.preparing == number);
    if preparing_revision().any(|follower| follower.done) {
        return StorageProgress::Done;
    }
    let working = preparing_revision().filter(|follower| follower.failure.is_empty());
    if let Some(furthest) = working.max_by_key(|follower| follower.steps_done) {
        return StorageProgress::Working { steps_done: furthest.steps_done, message: furthest.message.clone() };
    }
    preparing_revision()
        .next()
        .map_or(StorageProgress::NotStarted, |follower| StorageProgress::Failed(follower.failure.clone()))
}

/// Lists the followers that do not serve revision `number` or a newer one.
pub(super) fn lagging_followers(alive: &[Follower], number: i64) -> Vec<&str> {
    alive.iter().filter(|follower| follower.serving < number).map(|follower| follower.id.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preparing(steps_done: i32) -> Follower {
        Follower { preparing: 7, steps_done, message: format!("step {steps_done}"), ..Follower::default() }
    }

    #[test]
    fn the_most_advanced_follower_counts() {
        let working = StorageProgress::Working { steps_done: 3, message: "step 3".into() };
        assert_eq!(storage_progress(&[preparing(1), preparing(3), preparing(2)], 7), working);
    }

    #[test]
    fn one_working_follower_outweighs_a_failure() {
        let failed = || Follower { failure: "not unique".into(), ..preparing(2) };
        assert_eq!(storage_progress(&[failed(), Follower { done: true, ..preparing(3) }], 7), StorageProgress::Done);
        let working = StorageProgress::Working { steps_done: 1, message: "step 1".into() };
        assert_eq!(storage_progress(&[failed(), preparing(1)], 7), working);
        assert_eq!(storage_progress(&[failed(), Follower::default()], 7), StorageProgress::Failed("not unique".into()));
    }

    #[test]
    fn reports_about_other_revisions_are_ignored() {
        let other = Follower { id: "records-6".into(), preparing: 6, done: true, serving: 6, ..preparing(1) };
        let followers = [other, Follower { serving: 8, ..Follower::default() }];
        assert_eq!(storage_progress(&followers, 7), StorageProgress::NotStarted);
        assert_eq!(storage_progress(&[], 7), StorageProgress::NotStarted);
        assert_eq!(lagging_followers(&followers, 7), ["records-6"]);
    }
}
