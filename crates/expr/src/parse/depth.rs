//! How deep the parser's tree will be.

use super::lex::Lexeme;
use crate::tokens::Token;

/// What is deep in one pair of brackets.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Operators since the last `&&` and the like, each with the one before it as an operand.
    chain: usize,
    /// Each `?` with the one before it around it.
    conditions: usize,
}

/// The depth, no less than what it will be, and the byte at which it is reached.
pub(super) fn deepest(source: &str, tokens: &[Lexeme]) -> (usize, usize) {
    let mut levels = vec![Level::default()];
    let mut deepest = (0, 0);
    for token in tokens {
        match (token.token, token.text(source)) {
            (Token::Open, text) => {
                // An index is taken of what is before it.
                let index = usize::from(text == "[");
                add(&mut levels, |level| level.chain += index);
                levels.push(Level::default());
            }
            (Token::Close, _) => _ = levels.pop(),
            // The parser balances these.
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
