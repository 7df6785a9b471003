//! Checks the rules of models once.
//!
//! Compiling the rules takes a large part of a plan's time, so the digests of models with valid rules are cached.

use groundplan_model::{Catalog, Diagnostic};
use sha2::{Digest as _, Sha256};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// The maximum number of cached digests.
const REMEMBERED: usize = 256;

/// The digests of uploads with valid rules.
#[derive(Debug, Default)]
pub(crate) struct ValidatedRulesCache(Mutex<VecDeque<[u8; 32]>>);

impl ValidatedRulesCache {
    /// Checks the rules of models, unless the same models have been checked before.
    pub(crate) fn check(&self, catalog: &Catalog) -> Result<(), Vec<Diagnostic>> {
        let digest: [u8; 32] = Sha256::digest(&catalog.descriptor_set).into();
        if self.known().contains(&digest) {
            return Ok(());
        }
        groundplan_validation::compile(catalog)?;
        let mut known = self.known();
        if known.len() == REMEMBERED {
            known.pop_front();
        }
        known.push_back(digest);
        Ok(())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, VecDeque<[u8; 32]>> {
        // A panic cannot leave the list of digests in an invalid state.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundplan_model::{Input, SourceFile, StorageNames, compile};

    fn catalog(rule: &str) -> Catalog {
        let content = format!(
            "syntax = \"proto3\"; package a.v1; import \"buf/validate/validate.proto\"; import \"groundplan/model/v1/model.proto\";\n\
             message A {{ option (groundplan.model.v1.model) = {{}}; string id = 1;\n\
             string b = 2 [(buf.validate.field).cel = {{ id: \"b\" message: \"m\" expression: \"{rule}\" }}]; }}"
        );
        let file = SourceFile { path: "a.proto".into(), content };
        compile(Input::Files(vec![file]), &StorageNames::default()).unwrap().catalog
    }

    #[test]
    fn valid_rules_are_cached_and_invalid_ones_are_reported_again() {
        let rules = ValidatedRulesCache::default();
        for _ in 0..3 {
            rules.check(&catalog("this != 'x'")).unwrap();
            rules.check(&catalog("this <")).unwrap_err();
        }
        assert_eq!(rules.known().len(), 1);
    }
}
