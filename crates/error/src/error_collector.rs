//! Combines the errors of the parts of a request.

use crate::{Code, Error, MAX_VIOLATIONS};

/// Collects the errors of the parts of a request into one error with all violations.
///
/// The first error determines the reason and the message. If it is about fields, the violations of later errors are
/// appended, until there are more than [`MAX_VIOLATIONS`]. Later errors that are not about fields are dropped.
#[derive(Debug, Default)]
pub struct ErrorCollector(Option<Error>);

impl ErrorCollector {
    /// Returns a part, or stores its error.
    pub fn keep<T>(&mut self, part: Result<T, Error>) -> Option<T> {
        let later = match part {
            Ok(part) => return Some(part),
            Err(error) => error,
        };
        match &mut self.0 {
            None => self.0 = Some(later),
            Some(first) if later.reason().code() == Code::InvalidArgument => {
                first.0.violations.extend(later.0.violations);
            }
            Some(_) => {}
        }
        None
    }

    /// Checks whether later errors would be dropped.
    pub fn is_full(&self) -> bool {
        self.0.as_ref().is_some_and(|first| {
            let is_about_fields = first.reason().code() == Code::InvalidArgument && !first.violations().is_empty();
            !is_about_fields || first.violations().len() > MAX_VIOLATIONS
        })
    }

    /// Returns the combined error, if any.
    pub fn finish(self) -> Result<(), Error> {
        self.0.map_or(Ok(()), Err)
    }

    /// Returns all parts, or the combined error.
    pub fn collect<T>(parts: impl IntoIterator<Item = Result<T, Error>>) -> Result<Vec<T>, Error> {
        let (mut errors, mut kept) = (Self::default(), Vec::new());
        for part in parts {
            kept.extend(errors.keep(part));
            if errors.is_full() {
                break;
            }
        }
        errors.finish().map(|()| kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;

    fn of(field: &str) -> Error {
        Error::field(field, "required", "is required")
    }

    fn fields(parts: Vec<Result<(), Error>>) -> Vec<String> {
        let error = ErrorCollector::collect(parts).unwrap_err();
        error.violations().iter().map(|violation| violation.field.clone()).collect()
    }

    #[test]
    fn violations_of_all_parts_are_in_order() {
        assert_eq!(ErrorCollector::collect([Ok(1), Ok(2)]).unwrap(), [1, 2]);
        let two = Error::invalid(["b", "c"].map(|field| of(field).violations()[0].clone()).to_vec());
        assert_eq!(fields(vec![Ok(()), Err(of("a")), Ok(()), Err(two)]), ["a", "b", "c"]);
        let error = ErrorCollector::collect::<()>([Err(of("a")), Err(of("b"))]).unwrap_err();
        assert_eq!((error.reason(), error.message().as_ref()), (Reason::InvalidFields, "A is required"));
    }

    #[test]
    fn the_first_error_determines_the_result() {
        let missing = || Err(Error::record_not_found("m", "1"));
        assert_eq!(fields(vec![Err(of("a")), missing(), Err(of("b"))]), ["a", "b"]);
        let error = ErrorCollector::collect(vec![missing(), Err::<(), _>(of("a"))]).unwrap_err();
        assert_eq!((error.reason(), error.violations().len()), (Reason::RecordNotFound, 0));
    }

    #[test]
    fn collecting_stops_at_the_limit() {
        let mut asked = 0;
        let parts = std::iter::repeat_with(|| {
            asked += 1;
            Err::<(), _>(of("a"))
        });
        let error = ErrorCollector::collect(parts).unwrap_err();
        assert_eq!((error.violations().len(), asked), (MAX_VIOLATIONS + 1, MAX_VIOLATIONS + 1));
    }
}
