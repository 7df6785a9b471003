//! Reads the models of a request. The model crate checks the limits on files, and names what exceeds them.

use bytes::Bytes;
use groundplan_error::{Error, Violation};
use groundplan_model::{Input, SourceFile};
use groundplan_proto::schema::v1;

/// The maximum size of a request in bytes. It exceeds the limit on models, so that most oversized uploads get a
/// diagnostic.
pub(crate) const MAX_REQUEST: usize = 24 << 20;

/// Returns the models of a request, or an error if it has none.
pub(crate) fn checked_models(models: Option<v1::Models>) -> Result<Input, Error> {
    let v1::Models { files, descriptor_set } = models.unwrap_or_default();
    let invalid = |rule: &'static str, description: &str| {
        let description = description.to_owned();
        Err(Error::invalid(vec![Violation { field: "models".to_owned(), description, rule: rule.into() }]))
    };
    match (files.is_empty(), descriptor_set.is_empty()) {
        (true, true) => invalid("required", "is required; set .proto files or a descriptor set"),
        (false, false) => invalid("oneof", "must contain either files or a descriptor set, not both"),
        (true, false) => Ok(Input::DescriptorSet(Bytes::from(descriptor_set))),
        (false, true) => {
            let source = |file: v1::SourceFile| SourceFile { path: file.path, content: file.content };
            Ok(Input::Files(files.into_iter().map(source).collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_kind_of_models_is_accepted() {
        let files = vec![v1::SourceFile { path: "a.proto".into(), content: "text".into() }];
        let (both, none) = (v1::Models { files: files.clone(), descriptor_set: vec![1] }, v1::Models::default());
        let accepted = checked_models(Some(v1::Models { files, ..none.clone() }));
        assert!(
            matches!(accepted, Ok(Input::Files(files)) if files[0].path == "a.proto" && files[0].content == "text")
        );
        let accepted = checked_models(Some(v1::Models { descriptor_set: vec![1], ..none.clone() }));
        assert!(matches!(accepted, Ok(Input::DescriptorSet(bytes)) if bytes[..] == [1]));
        for rejected in [Some(both), Some(none), None] {
            assert_eq!(checked_models(rejected).expect_err("is rejected").violations()[0].field, "models");
        }
    }
}
