//! The `.proto` files that models can import without uploading them.

use protox::file::{File, FileResolver, GoogleFileResolver};
use std::collections::HashMap;
use std::sync::LazyLock;

macro_rules! bundle {
    ($($path:literal)*) => {
        &[$(($path, include_str!(concat!("../../../proto/", $path)))),*]
    };
}

static BUNDLED: &[(&str, &str)] = bundle! {
    "buf/validate/validate.proto"
    "google/api/annotations.proto"
    "google/api/field_behavior.proto"
    "google/api/http.proto"
    "google/api/resource.proto"
    "groundplan/model/v1/model.proto"
    "groundplan/query/v1/query.proto"
    "groundplan/watch/v1/watch.proto"
};

/// Parsed once per process: `buf/validate/validate.proto` alone has 5,000 lines.
static PARSED: LazyLock<HashMap<&str, File>> = LazyLock::new(|| {
    BUNDLED.iter().filter_map(|&(path, text)| Some((path, File::from_source(path, text).ok()?))).collect()
});

/// Returns the path and the text of each bundled file. Google's well-known types are available in addition.
pub fn bundled() -> &'static [(&'static str, &'static str)] {
    BUNDLED
}

/// Finds a file that every model can import: a bundled file or a well-known type.
pub(crate) fn standard_file(path: &str) -> Option<File> {
    match PARSED.get(path) {
        Some(file) => Some(file.clone()),
        None if path.starts_with("google/protobuf/") => GoogleFileResolver::new().open_file(path).ok(),
        None => None,
    }
}

/// Returns whether [`standard_file`] finds a file.
pub(crate) fn is_standard(path: &str) -> bool {
    PARSED.contains_key(path) || path.starts_with("google/protobuf/") && standard_file(path).is_some()
}

/// Lists the standard files that are useful for models, with their paths.
pub(crate) fn standard_files() -> impl Iterator<Item = (&'static str, File)> {
    standard_paths().filter_map(|path| Some((path, standard_file(path)?)))
}

/// Lists the paths of the standard files that are useful for models.
pub(crate) fn standard_paths() -> impl Iterator<Item = &'static str> {
    const WELL_KNOWN: &[&str] = &[
        "google/protobuf/any.proto",
        "google/protobuf/descriptor.proto",
        "google/protobuf/duration.proto",
        "google/protobuf/empty.proto",
        "google/protobuf/field_mask.proto",
        "google/protobuf/struct.proto",
        "google/protobuf/timestamp.proto",
        "google/protobuf/wrappers.proto",
    ];
    BUNDLED.iter().map(|&(path, _)| path).chain(WELL_KNOWN.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bundled_file_parses() {
        assert_eq!(PARSED.len(), BUNDLED.len());
    }

    #[test]
    fn every_standard_path_is_found() {
        for path in standard_paths() {
            assert!(standard_file(path).is_some(), "{path}");
        }
    }
}
