//! Expressions as text with a tree, so that a failing one can be shortened.

use std::fmt;

/// What an expression gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Ty {
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Time,
    Duration,
    Mood,
}

/// An expression: words of CEL, and expressions between them.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) ty: Ty,
    pieces: Vec<Piece>,
    /// Whether its own words name a field.
    reads: bool,
}

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Tree(Tree),
}

impl Tree {
    /// A constant.
    pub(super) fn constant(ty: Ty, text: impl Into<String>) -> Self {
        Self { ty, pieces: vec![Piece::Text(text.into())], reads: false }
    }

    /// An expression without others in it, which reads something.
    pub(super) fn leaf(ty: Ty, text: impl Into<String>) -> Self {
        Self { ty, pieces: vec![Piece::Text(text.into())], reads: true }
    }

    /// An expression with one of `parts` at each `{}` of `pattern`.
    pub(super) fn node(ty: Ty, pattern: &str, parts: impl IntoIterator<Item = Self>) -> Self {
        let mut pieces = Vec::new();
        let mut parts = parts.into_iter();
        for text in pattern.split("{}") {
            pieces.push(Piece::Text(text.to_owned()));
            pieces.extend(parts.next().map(Piece::Tree));
        }
        Self { ty, pieces, reads: false }
    }

    /// The same, whose own words read something.
    pub(super) fn reading(self) -> Self {
        Self { reads: true, ..self }
    }

    /// Returns an expression followed by text that is not an expression.
    pub(super) fn before(ty: Ty, left: Self, words: &str) -> Self {
        Self { ty, pieces: vec![Piece::Tree(left), Piece::Text(words.to_owned())], reads: false }
    }

    /// Reports whether it reads anything. The checker calculates constant expressions, and rejects those without a value.
    pub(super) fn reads(&self) -> bool {
        self.reads || self.children().any(Self::reads)
    }

    /// The expressions that this one is made of.
    fn children(&self) -> impl Iterator<Item = &Self> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Tree(tree) => Some(tree),
        })
    }

    fn is_leaf(&self) -> bool {
        self.children().next().is_none()
    }

    /// Every expression below this one.
    fn descendants(&self) -> Vec<&Self> {
        self.children().flat_map(|child| std::iter::once(child).chain(child.descendants())).collect()
    }

    /// All that is one step smaller: an expression in it is replaced by one of its own parts, or by a constant. Not all of
    /// them mean something: a variable may have lost what binds it.
    pub(super) fn smaller(&self) -> Vec<Self> {
        let mut found: Vec<Self> = self.descendants().into_iter().filter(|tree| tree.ty == self.ty).cloned().collect();
        if !self.is_leaf() {
            found.extend(self.ty.constants().iter().map(|text| Self::constant(self.ty, *text)));
        }
        for (at, piece) in self.pieces.iter().enumerate() {
            let Piece::Tree(child) = piece else { continue };
            found.extend(child.smaller().into_iter().map(|smaller| {
                let mut tree = self.clone();
                tree.pieces[at] = Piece::Tree(smaller);
                tree
            }));
        }
        found
    }
}

impl Ty {
    /// The simplest constants.
    fn constants(self) -> &'static [&'static str] {
        match self {
            Self::Bool => &["true", "false"],
            Self::Int => &["0", "1"],
            Self::Uint => &["0u", "1u"],
            Self::Double => &["0.0", "1.0"],
            Self::String => &["\"\"", "\"a\""],
            Self::Bytes => &["b\"\""],
            Self::Time => &["now"],
            Self::Duration => &["duration(\"0s\")"],
            Self::Mood => &[],
        }
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => formatter.write_str(text)?,
                Piece::Tree(tree) if tree.is_leaf() => write!(formatter, "{tree}")?,
                Piece::Tree(tree) => write!(formatter, "({tree})")?,
            }
        }
        Ok(())
    }
}
