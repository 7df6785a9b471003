//! What is wrong with the parts of one request, told together.

use crate::{Code, Error, MAX_VIOLATIONS};

/// The refusals of a request's parts, which become one that names the fields of all.
///
/// The first one decides: its reason and its message are those of all. Where it names fields, those that later ones name are
/// added, in their order, until they are more than [`MAX_VIOLATIONS`]. Later refusals that name none are left out.
#[derive(Debug, Default)]
pub struct Refusals(Option<Error>);

impl Refusals {
    /// Takes a part, or keeps why there is none.
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

    /// Whether nothing is to be added any more.
    pub fn is_over(&self) -> bool {
        self.0.as_ref().is_some_and(|first| {
            let is_about_fields = first.reason().code() == Code::InvalidArgument && !first.violations().is_empty();
            !is_about_fields || first.violations().len() > MAX_VIOLATIONS
        })
    }

    /// The refusal, if there is one.
    pub fn finish(self) -> Result<(), Error> {
        self.0.map_or(Ok(()), Err)
    }

    /// All parts, or the refusal of all that are none.
    pub fn collect<T>(parts: impl IntoIterator<Item = Result<T, Error>>) -> Result<Vec<T>, Error> {
        let (mut refusals, mut kept) = (Self::default(), Vec::new());
        for part in parts {
            kept.extend(refusals.keep(part));
            if refusals.is_over() {
                break;
            }
        }
        refusals.finish().map(|()| kept)
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
        let error = Refusals::collect(parts).unwrap_err();
        error.violations().iter().map(|violation| violation.field.clone()).collect()
    }

    #[test]
    fn the_fields_of_all_parts_are_named_in_order() {
        assert_eq!(Refusals::collect([Ok(1), Ok(2)]).unwrap(), [1, 2]);
        let two = Error::invalid(["b", "c"].map(|field| of(field).violations()[0].clone()).to_vec());
        assert_eq!(fields(vec![Ok(()), Err(of("a")), Ok(()), Err(two)]), ["a", "b", "c"]);
        let error = Refusals::collect::<()>([Err(of("a")), Err(of("b"))]).unwrap_err();
        assert_eq!((error.reason(), error.message().as_ref()), (Reason::InvalidFields, "A is required"));
    }

    #[test]
    fn the_first_refusal_decides() {
        let missing = || Err(Error::record_not_found("m", "1"));
        assert_eq!(fields(vec![Err(of("a")), missing(), Err(of("b"))]), ["a", "b"]);
        let error = Refusals::collect(vec![missing(), Err::<(), _>(of("a"))]).unwrap_err();
        assert_eq!((error.reason(), error.violations().len()), (Reason::RecordNotFound, 0));
    }

    #[test]
    fn no_more_are_looked_for_than_are_told() {
        let mut asked = 0;
        let parts = std::iter::repeat_with(|| {
            asked += 1;
            Err::<(), _>(of("a"))
        });
        let error = Refusals::collect(parts).unwrap_err();
        assert_eq!((error.violations().len(), asked), (MAX_VIOLATIONS + 1, MAX_VIOLATIONS + 1));
    }
}
