//! What the followers' reports say of a revision, together.

use crate::store::followers::Follower;

/// How far the storage of a revision is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Storage {
    /// No follower works on it.
    NotBegun,
    Working {
        steps_done: i32,
        message: String,
    },
    /// Some follower has made it, and so it is there for all.
    Done,
    Failed(String),
}

/// Says how far the storage of revision `number` is. What is done stays done, whatever another follower met.
pub(super) fn storage(alive: &[Follower], number: i64) -> Storage {
    let working = || alive.iter().filter(|follower| follower.preparing == number);
    if working().any(|follower| follower.done) {
        return Storage::Done;
    }
    if let Some(follower) = working().find(|follower| !follower.failure.is_empty()) {
        return Storage::Failed(follower.failure.clone());
    }
    match working().max_by_key(|follower| follower.steps_done) {
        Some(follower) => Storage::Working { steps_done: follower.steps_done, message: follower.message.clone() },
        None => Storage::NotBegun,
    }
}

/// Counts the followers that serve revision `number` or a newer one.
pub(super) fn serving(alive: &[Follower], number: i64) -> usize {
    alive.iter().filter(|follower| follower.serving >= number).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preparing(steps_done: i32) -> Follower {
        Follower { preparing: 7, steps_done, message: format!("step {steps_done}"), ..Follower::default() }
    }

    #[test]
    fn the_furthest_counts() {
        let working = Storage::Working { steps_done: 3, message: "step 3".into() };
        assert_eq!(storage(&[preparing(1), preparing(3), preparing(2)], 7), working);
    }

    #[test]
    fn one_is_enough_and_beats_a_failure() {
        let failed = Follower { failure: "not unique".into(), ..preparing(1) };
        assert_eq!(storage(&[preparing(1), failed.clone()], 7), Storage::Failed("not unique".into()));
        assert_eq!(storage(&[failed, Follower { done: true, ..preparing(3) }], 7), Storage::Done);
    }

    #[test]
    fn other_revisions_say_nothing() {
        let other = Follower { preparing: 6, done: true, serving: 6, ..preparing(1) };
        let followers = [other, Follower { serving: 8, ..Follower::default() }];
        assert_eq!(storage(&followers, 7), Storage::NotBegun);
        assert_eq!(storage(&[], 7), Storage::NotBegun);
        assert_eq!(serving(&followers, 7), 1);
    }
}
