//! Methods that do not exist.

use groundplan_error::{Error, Reason};
use groundplan_model::catalog::Catalog;

/// The maximum length of an unknown path in an error, in characters.
const MAX_SHOWN: usize = 200;

/// Returns the error of a method that no model has, with the most similar existing one.
pub(super) fn method(catalog: &Catalog, path: &str) -> Error {
    let shown: String = path.chars().take(MAX_SHOWN).collect();
    let nearest = catalog
        .method_paths()
        .map(|known| (strsim::jaro_winkler(known, &shown), known))
        .max_by(|(left, left_path), (right, right_path)| left.total_cmp(right).then(right_path.cmp(left_path)));
    match nearest {
        Some((_, nearest)) => {
            let message = format!("there is no method {shown}; the nearest is {nearest}");
            Error::new(Reason::MethodUnknown, message).with("nearest", nearest)
        }
        None => {
            let message = format!("there is no method {shown}: no models are applied yet; run `groundplan apply`");
            Error::new(Reason::MethodUnknown, message)
        }
    }
}
