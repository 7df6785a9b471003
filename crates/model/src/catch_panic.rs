//! Converts panics of libraries to diagnostics, so that an upload cannot terminate a command.

use crate::code;
use crate::diagnostic::{Diagnostic, SourceLocation};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a function that passes uploaded bytes to a library.
///
/// # Errors
/// Returns a diagnostic without a location if the function panics.
pub fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, Diagnostic> {
    catch_panic_at(SourceLocation::default, work)
}

/// Runs a function that passes a file or a part of it to a library.
pub(crate) fn catch_panic_at<T>(
    location: impl FnOnce() -> SourceLocation,
    work: impl FnOnce() -> T,
) -> Result<T, Diagnostic> {
    // Callers drop all values that the function might have left half changed.
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
        let SourceLocation { file, line, column } = location();
        let message = "Groundplan's compiler failed on these models, which is a bug in Groundplan".to_owned();
        let help = "remove parts of the models to find the one that causes the failure, and report it".to_owned();
        Diagnostic { file, line, column, code: code::COMPILER_FAILED, message, help }
    })
}

#[cfg(test)]
mod tests {
    use super::catch_panic;

    #[test]
    fn a_panic_is_a_diagnostic() {
        assert_eq!(catch_panic(|| 7), Ok(7));
        let diagnostic = catch_panic(|| -> u8 { panic!("on purpose") }).unwrap_err();
        assert_eq!(diagnostic.code, "COMPILER_FAILED");
    }
}
