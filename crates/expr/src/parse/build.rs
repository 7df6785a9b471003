//! Converts the parser's tree to syntax with the original names and literals.

use super::lex::Lexeme;
use super::sequence::Pairs;
use super::syntax::{Node, NodeKind, Operator, Span, Unary};
use crate::ExprError;
use crate::ir::{Arithmetic, Comparison};
use cel::common::ast::{CallExpr, Expr, IdedExpr, operators};

/// Converts the parser's tree.
pub(super) struct Builder<'a> {
    pub(super) source: &'a str,
    pub(super) tokens: &'a [Lexeme],
    pub(super) pairs: &'a Pairs,
}

/// The first and the last token of a node.
type Range = (usize, usize);

impl Builder<'_> {
    /// Returns the text for the parser: a placeholder for each name, literal and empty list, and one token per line.
    pub(super) fn placeholders(&self) -> String {
        let mut text = String::with_capacity(self.source.len() + 8 * self.tokens.len());
        for (at, token) in self.tokens.iter().enumerate() {
            if token.is_operand() || self.is_empty_list(at) {
                text.push_str(&format!("t{at}"));
            } else if !at.checked_sub(1).is_some_and(|before| self.is_empty_list(before)) {
                text.push_str(token.text(self.source));
            }
            text.push('\n');
        }
        text
    }

    /// Whether a token is the `[` of `[]`.
    fn is_empty_list(&self, at: usize) -> bool {
        let is_open = self.tokens.get(at).is_some_and(|token| token.text(self.source) == "[");
        is_open && self.pairs.get(at).copied().flatten() == Some(at + 1)
    }

    pub(super) fn node(&self, parsed: IdedExpr) -> Result<Node, ExprError> {
        Ok(self.build(parsed)?.0)
    }

    fn build(&self, parsed: IdedExpr) -> Result<(Node, Range), ExprError> {
        match parsed.expr {
            Expr::Ident(name) => self.leaf(&name),
            Expr::Select(select) => {
                let (operand, (first, _)) = self.build(*select.operand)?;
                let (at, name, name_span) = self.name(&select.field)?;
                Ok(self.finish(NodeKind::Select { operand: Box::new(operand), name, name_span }, (first, at)))
            }
            Expr::List(list) => self.list(list.elements),
            Expr::Call(call) => self.call(call),
            _ => Err(self.unsupported()),
        }
    }

    /// Converts a placeholder to a name or a literal.
    fn leaf(&self, placeholder: &str) -> Result<(Node, Range), ExprError> {
        let (at, token) = self.token(placeholder)?;
        let kind = match &token.literal {
            Some(literal) => NodeKind::Literal(literal.clone()),
            None if self.is_empty_list(at) => NodeKind::List(Vec::new()),
            None => NodeKind::Name(without_backquotes(token.text(self.source))),
        };
        Ok(self.finish(kind, (at, at)))
    }

    fn list(&self, elements: Vec<IdedExpr>) -> Result<(Node, Range), ExprError> {
        let mut nodes = Vec::with_capacity(elements.len());
        let mut range = (usize::MAX, 0);
        for element in elements {
            let (node, (first, last)) = self.build(element)?;
            range = (range.0.min(first), last);
            nodes.push(node);
        }
        range.0 = self.find_before("[", range.0);
        Ok(self.finish(NodeKind::List(nodes), range))
    }

    fn call(&self, call: CallExpr) -> Result<(Node, Range), ExprError> {
        let CallExpr { func_name, target, args } = call;
        if func_name.starts_with('t') {
            return self.function(&func_name, target, args);
        }
        let mut parts = Vec::with_capacity(args.len());
        for argument in args {
            parts.push(self.build(argument)?);
        }
        let mut range = (usize::MAX, 0);
        for (_, (first, last)) in &parts {
            range = (range.0.min(*first), range.1.max(*last));
        }
        let mut nodes = parts.into_iter().map(|(node, _)| Box::new(node));
        let mut next = || nodes.next().ok_or_else(|| self.unsupported());
        let kind = match func_name.as_str() {
            operators::LOGICAL_AND => NodeKind::And(flatten(*next()?, *next()?, |kind| match kind {
                NodeKind::And(nodes) => Ok(nodes),
                other => Err(other),
            })),
            operators::LOGICAL_OR => NodeKind::Or(flatten(*next()?, *next()?, |kind| match kind {
                NodeKind::Or(nodes) => Ok(nodes),
                other => Err(other),
            })),
            operators::LOGICAL_NOT | operators::NEGATE => {
                let (operator, text) =
                    if func_name == operators::NEGATE { (Unary::Negate, "-") } else { (Unary::Not, "!") };
                range.0 = self.find_before(text, range.0);
                NodeKind::Unary { operator, operand: next()? }
            }
            operators::CONDITIONAL => NodeKind::Conditional { condition: next()?, then: next()?, otherwise: next()? },
            operators::INDEX => NodeKind::Index { operand: next()?, index: next()? },
            name => {
                let operator = binary_operator(name).ok_or_else(|| self.unsupported())?;
                NodeKind::Binary { operator, left: next()?, right: next()? }
            }
        };
        Ok(self.finish(kind, range))
    }

    fn function(
        &self,
        placeholder: &str,
        target: Option<Box<IdedExpr>>,
        args: Vec<IdedExpr>,
    ) -> Result<(Node, Range), ExprError> {
        let (at, name, name_span) = self.name(placeholder)?;
        let mut range = (at, at + 1);
        let target = match target {
            Some(target) => {
                let (node, (first, _)) = self.build(*target)?;
                range.0 = range.0.min(first);
                Some(Box::new(node))
            }
            None => None,
        };
        let mut arguments = Vec::with_capacity(args.len());
        for argument in args {
            arguments.push(self.build(argument)?.0);
        }
        Ok(self.finish(NodeKind::Call { name, name_span, target, arguments }, range))
    }

    /// Converts a placeholder to a name.
    fn name(&self, placeholder: &str) -> Result<(usize, String, Span), ExprError> {
        let (at, token) = self.token(placeholder)?;
        if !token.is_name() {
            return Err(ExprError::at(self.source, token.start, "a name is required here"));
        }
        Ok((at, without_backquotes(token.text(self.source)), token.span()))
    }

    fn token(&self, placeholder: &str) -> Result<(usize, &Lexeme), ExprError> {
        let at = placeholder.strip_prefix('t').and_then(|number| number.parse().ok());
        at.and_then(|at: usize| Some((at, self.tokens.get(at)?))).ok_or_else(|| self.unsupported())
    }

    /// Returns the last token with this text before `from`.
    fn find_before(&self, text: &str, from: usize) -> usize {
        (0..from.min(self.tokens.len()))
            .rev()
            .find(|at| self.tokens.get(*at).is_some_and(|token| token.text(self.source) == text))
            .unwrap_or(from)
    }

    /// Returns a node that spans its tokens and the matching brackets.
    fn finish(&self, kind: NodeKind, range: Range) -> (Node, Range) {
        let (mut first, mut last) = range;
        let mut at = first;
        while at <= last && at < self.tokens.len() {
            if let Some(pair) = self.pairs.get(at).copied().flatten() {
                first = first.min(pair);
                last = last.max(pair);
            }
            at += 1;
        }
        let start = self.tokens.get(first).map_or(self.source.len(), |token| token.start);
        let end = self.tokens.get(last).map_or(self.source.len(), |token| token.end);
        (Node { span: Span { start, end }, kind }, (first, last))
    }

    /// Returns the error for syntax that `sequence` accepts but expressions do not support.
    fn unsupported(&self) -> ExprError {
        ExprError::new("the expression has a part that is not supported: write it with operators, functions and lists")
    }
}

/// Flattens a chain of one operator, which the parser balances.
fn flatten(left: Node, right: Node, split: fn(NodeKind) -> Result<Vec<Node>, NodeKind>) -> Vec<Node> {
    let mut nodes = Vec::new();
    for node in [left, right] {
        match split(node.kind) {
            Ok(inner) => nodes.extend(inner),
            Err(kind) => nodes.push(Node { span: node.span, kind }),
        }
    }
    nodes
}

fn binary_operator(name: &str) -> Option<Operator> {
    Some(match name {
        operators::EQUALS => Operator::Compare(Comparison::Equal),
        operators::NOT_EQUALS => Operator::Compare(Comparison::NotEqual),
        operators::LESS => Operator::Compare(Comparison::Less),
        operators::LESS_EQUALS => Operator::Compare(Comparison::LessOrEqual),
        operators::GREATER => Operator::Compare(Comparison::Greater),
        operators::GREATER_EQUALS => Operator::Compare(Comparison::GreaterOrEqual),
        operators::IN => Operator::In,
        operators::ADD => Operator::Calculate(Arithmetic::Add),
        operators::SUBSTRACT => Operator::Calculate(Arithmetic::Subtract),
        operators::MULTIPLY => Operator::Calculate(Arithmetic::Multiply),
        operators::DIVIDE => Operator::Calculate(Arithmetic::Divide),
        operators::MODULO => Operator::Calculate(Arithmetic::Remainder),
        _ => return None,
    })
}

/// Removes the backquotes of a name.
fn without_backquotes(name: &str) -> String {
    name.trim_matches('`').to_owned()
}
