//! Computes the depth of the parser's tree.

use super::lex::Lexeme;
use crate::tokens::Token;

/// The depth inside one pair of brackets.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Operators since the last `&&`, `||` or similar, each with the previous one as an operand.
    chain: usize,
    /// The number of nested `?`.
    conditions: usize,
}

/// Returns an upper bound of the depth, and the byte where it is reached.
pub(super) fn deepest(source: &str, tokens: &[Lexeme]) -> (usize, usize) {
    let mut levels = vec![Level::default()];
    let mut deepest = (0, 0);
    for token in tokens {
        match (token.token, token.text(source)) {
            (Token::Open, text) => {
                // The operand of an index is before it.
                let index = usize::from(text == "[");
                add(&mut levels, |level| level.chain += index);
                levels.push(Level::default());
            }
            (Token::Close, _) => _ = levels.pop(),
            // The parser balances these operators.
            (Token::Operator, "&&" | "||") | (Token::Colon, _) => add(&mut levels, |level| level.chain = 0),
            (Token::Comma, _) => add(&mut levels, |level| *level = Level::default()),
            (Token::Operator, _) => add(&mut levels, |level| level.chain += 1),
            (Token::Condition, _) => add(&mut levels, |level| {
                level.chain = 0;
                level.conditions += 1;
            }),
            _ => {}
        }
        let depth = levels.iter().map(|level| level.chain + level.conditions + 1).sum::<usize>().saturating_sub(1);
        if depth > deepest.0 {
            deepest = (depth, token.start);
        }
    }
    deepest
}

fn add(levels: &mut [Level], change: impl FnOnce(&mut Level)) {
    if let Some(level) = levels.last_mut() {
        change(level);
    }
}
