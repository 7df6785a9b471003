//! Regular expressions that mean the same in RE2 and in PostgreSQL.
//!
//! A pattern is parsed, rejected if the two engines interpret it differently, and rewritten for PostgreSQL. The result also means
//! the same to the `regex` crate: it has only characters, explicit classes, groups, `|`, repetitions, `^` and `$`.

mod ascii;
mod write;

use crate::ir::Pattern;
use crate::limits::{MAX_PATTERN, MAX_PATTERN_SIZE};
use regex::RegexBuilder;
use regex_syntax::ast::parse::ParserBuilder;
use regex_syntax::hir::translate::TranslatorBuilder;
use std::sync::Arc;

/// The maximum nesting of groups.
const MAX_NESTING: u32 = 50;

/// The maximum size of a compiled pattern, and of the cache of a search, in bytes.
const MAX_COMPILED: usize = 1 << 20;

/// Compiles a pattern, or returns why it is invalid.
pub(crate) fn compile(source: &str) -> Result<Pattern, String> {
    if source.len() > MAX_PATTERN {
        return Err(format!("the pattern has {} bytes; at most {MAX_PATTERN} are allowed: shorten it", source.len()));
    }
    let parsed = ParserBuilder::new().nest_limit(MAX_NESTING).build().parse(source);
    let mut ast = parsed.map_err(|error| format!("the pattern is not valid: {}", error.kind()))?;
    ascii::narrow(&mut ast)?;
    let translated = TranslatorBuilder::new().build().translate(source, &ast);
    let hir = translated.map_err(|error| format!("the pattern is not valid: {}", error.kind()))?;
    let size = write::size(&hir);
    if size > MAX_PATTERN_SIZE {
        return Err(format!(
            "the pattern grows to {size} parts when its repetitions are expanded; at most {MAX_PATTERN_SIZE} are allowed: \
             repeat less"
        ));
    }
    let mut postgres = String::new();
    write::write_hir(&hir, &mut postgres)?;
    // The evaluator runs it on records, so it is compiled once.
    let regex = RegexBuilder::new(&postgres).size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).build();
    let regex = regex.map_err(|_| "the pattern becomes too large: repeat less".to_owned())?;
    Ok(Pattern { source: source.to_owned(), postgres, regex: Arc::new(regex) })
}

#[cfg(test)]
mod tests;
