//! The one place where a panic of a library becomes a diagnostic: what is uploaded must not be able to end a command.

use crate::code;
use crate::diagnostic::{Diagnostic, Place};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs what hands uploaded bytes to a library.
///
/// # Errors
/// A diagnostic without a place if it panics.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Diagnostic> {
    guarded_at(Place::default, work)
}

/// Runs what hands a file, or a part of one, to a library.
pub(crate) fn guarded_at<T>(place: impl FnOnce() -> Place, work: impl FnOnce() -> T) -> Result<T, Diagnostic> {
    // What was half changed when it panicked is not used again: callers drop it.
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
        let Place { file, line, column } = place();
        let message = "Groundplan's compiler fails on these models, which is a fault of Groundplan".to_owned();
        let help = "leave parts of the models out to find the one that it fails on, and report that one".to_owned();
        Diagnostic { file, line, column, code: code::COMPILER_FAILED, message, help }
    })
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    fn a_panic_is_a_diagnostic() {
        assert_eq!(guarded(|| 7), Ok(7));
        let found = guarded(|| -> u8 { panic!("on purpose") }).unwrap_err();
        assert_eq!(found.code, "COMPILER_FAILED");
    }
}
