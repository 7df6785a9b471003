//! Writes random expressions that the checker accepts.

use super::literal::literal;
use super::names::{self, Element, Path, What};
use super::production::Production;
use super::tree::{Tree, Ty};
use groundplan_model::catalog::{Catalog, Model};
use groundplan_model::shape::Shapes;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::sync::Arc;

/// How deep operators are nested.
const MAX_DEPTH: usize = 4;

/// How many operators an expression has, about: well below the checker's bound.
const MAX_OPERATORS: usize = 40;

/// How many references the model has.
const REFERENCES: usize = 3;

pub(super) const VARIABLES: [&str; 3] = ["x", "y", "z"];

/// What a quantifier has bound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variable {
    pub(super) name: &'static str,
    pub(super) element: Element,
}

/// Writes expressions over a model.
#[derive(Debug)]
pub(super) struct Author {
    pub(super) random: StdRng,
    shapes: Arc<Shapes>,
    paths: Vec<Path>,
    pub(super) variables: Vec<Variable>,
    operators: usize,
    /// The reference that this expression follows rather often.
    reference: Option<usize>,
}

impl Author {
    pub(super) fn new(seed: u64, catalog: &Catalog, model: &Model) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            shapes: model.shapes.clone(),
            paths: names::of_model(catalog, model),
            variables: Vec::new(),
            operators: 0,
            reference: None,
        }
    }

    /// A condition that has a production in it, at its top or right below.
    pub(super) fn filter(&mut self, production: Production) -> Tree {
        self.operators = 0;
        self.reference = Some(self.random.random_range(0..8)).filter(|at| *at < REFERENCES);
        let depth = self.random.random_range(1..=MAX_DEPTH);
        let tree = loop {
            match self.make(production, depth) {
                Some(tree) if tree.reads() => break tree,
                _ => {}
            }
        };
        match tree.ty {
            Ty::Bool => tree,
            ty => {
                let comparison = self.choose(&["==", "!=", "<", "<=", ">", ">="]);
                let other = self.other(ty, depth - 1);
                Tree::node(Ty::Bool, &format!("{{}} {comparison} {{}}"), [tree, other])
            }
        }
    }

    /// An expression of a type.
    pub(super) fn any(&mut self, ty: Ty, depth: usize) -> Tree {
        self.operators += 1;
        if depth == 0 || self.operators > MAX_OPERATORS || self.random.random_bool(0.35) {
            return self.leaf(ty);
        }
        let productions = Production::of(ty);
        let production = productions[self.random.random_range(0..productions.len())];
        self.make(production, depth).unwrap_or_else(|| self.leaf(ty))
    }

    /// An expression that reads something.
    pub(super) fn reading(&mut self, ty: Ty, depth: usize) -> Tree {
        for _ in 0..3 {
            let tree = self.any(ty, depth);
            if tree.reads() {
                return tree;
            }
        }
        self.field(ty)
    }

    /// What stands on the other side of a value of a type. Constants of enums are only there.
    pub(super) fn other(&mut self, ty: Ty, depth: usize) -> Tree {
        if ty == Ty::Mood && self.random.random() { literal(&mut self.random, ty) } else { self.any(ty, depth) }
    }

    fn leaf(&mut self, ty: Ty) -> Tree {
        if ty != Ty::Mood && self.random.random_bool(0.4) {
            let now = ty == Ty::Time && self.random.random_bool(0.15);
            return if now { Tree::leaf(ty, "now") } else { literal(&mut self.random, ty) };
        }
        self.field(ty)
    }

    fn field(&mut self, ty: Ty) -> Tree {
        let read = self.read(|what| matches!(what, What::One(other) | What::Wrapped(other) if other == ty));
        Tree::leaf(ty, read.map(|(text, _)| text).expect("there are fields of all types"))
    }

    /// A path that leads to something.
    pub(super) fn read(&mut self, wanted: impl Fn(What) -> bool) -> Option<(String, What)> {
        let inside = self.random.random_bool(0.3);
        if !self.variables.is_empty() && self.random.random_bool(0.65) {
            let mut found = Vec::new();
            for variable in &self.variables {
                match variable.element {
                    Element::Scalar(ty) if wanted(What::One(ty)) => found.push((variable.name, None, What::One(ty))),
                    Element::Scalar(_) => {}
                    Element::Message(shape) => {
                        let paths = names::of_message(&self.shapes, shape).into_iter();
                        let paths = paths.filter(|path| wanted(path.what) && (inside || !path.is_inside()));
                        found.extend(paths.map(|path| (variable.name, Some(path.clone()), path.what)));
                    }
                }
            }
            if !found.is_empty() {
                let (variable, path, what) = found.swap_remove(self.random.random_range(0..found.len()));
                let text = path.map(|path| path.text(&mut self.random, Some(variable)));
                return Some((text.unwrap_or_else(|| variable.to_owned()), what));
            }
        }
        // Half of what is read is a column of the model itself, or a field of one related record.
        let near: bool = self.random.random();
        let is_near = |path: &&Path| match self.reference {
            Some(_) => path.reference == self.reference,
            None => path.is_column(),
        };
        let is_wanted = |path: &&Path| wanted(path.what) && (inside || !path.is_inside());
        let mut found: Vec<&Path> = self.paths.iter().filter(is_wanted).filter(|path| !near || is_near(path)).collect();
        if found.is_empty() {
            found = self.paths.iter().filter(is_wanted).collect();
        }
        let path = found.get(self.random.random_range(0..found.len().max(1)))?;
        Some((path.text(&mut self.random, None), path.what))
    }

    pub(super) fn choose<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.random.random_range(0..choices.len())]
    }
}
