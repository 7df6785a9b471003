//! Expressions by each production.

use super::author::{Author, VARIABLES, Variable};
use super::literal::{key as constant_key, literal, quoted};
use super::names::{Element, What};
use super::pattern;
use super::production::Production;
use super::tree::{Tree, Ty};
use rand::RngExt as _;

impl Author {
    /// An expression by a production; none if there is nothing to make it of.
    #[expect(clippy::too_many_lines, reason = "a table: one arm a production")]
    pub(super) fn make(&mut self, production: Production, depth: usize) -> Option<Tree> {
        let ty = production.ty();
        let below = depth.saturating_sub(1);
        Some(match production {
            Production::Conditional(_) => {
                let parts = [self.any(Ty::Bool, below), self.any(ty, below), self.any(ty, below)];
                Tree::node(ty, "{} ? {} : {}", parts)
            }
            Production::Item(_) => {
                let (list, _) = self.read(|what| what == What::List(Element::Scalar(ty)))?;
                let index = if self.random.random_bool(0.8) {
                    Tree::constant(Ty::Int, self.choose(&["0", "0", "1", "2", "3"]))
                } else {
                    self.reading(Ty::Int, below)
                };
                Tree::node(ty, &format!("{list}[{{}}]"), [index]).reading()
            }
            Production::Entry(_) => {
                let (map, what) =
                    self.read(|what| matches!(what, What::Map(_, element) if element == Element::Scalar(ty)))?;
                let What::Map(key, _) = what else { return None };
                if key == Ty::String && self.random.random_bool(0.1) {
                    return Some(Tree::leaf(ty, format!("{map}.{}", self.choose(&["a", "b", "ab", "A"]))));
                }
                let key = if self.random.random_bool(0.8) {
                    constant_key(&mut self.random, key)
                } else {
                    self.any(key, below)
                };
                Tree::node(ty, &format!("{map}[{{}}]"), [key]).reading()
            }
            Production::Logic(operator) => {
                let count = self.random.random_range(2..=3);
                let parts: Vec<Tree> = (0..count).map(|_| self.any(Ty::Bool, below)).collect();
                Tree::node(ty, &vec!["{}"; count].join(operator), parts)
            }
            Production::Not => Tree::node(ty, "!{}", [self.any(Ty::Bool, below)]),
            Production::Compare(operator, operand) => {
                let left = self.any(operand, below);
                let right = self.other(operand, below);
                Tree::node(ty, &format!("{{}} {operator} {{}}"), [left, right])
            }
            Production::CompareNumbers(operator) => {
                let parts = self.numbers(below);
                Tree::node(ty, &format!("{{}} {operator} {{}}"), parts)
            }
            Production::Null(operator) => {
                let (wrapper, _) = self.read(|what| matches!(what, What::Wrapped(_)))?;
                let text = if self.random.random() {
                    format!("{wrapper} {operator} null")
                } else {
                    format!("null {operator} {wrapper}")
                };
                Tree::leaf(ty, format!("({text})"))
            }
            Production::Has => {
                let (path, _) = self.read(|_| true)?;
                // A variable itself has no presence.
                if VARIABLES.contains(&path.as_str()) {
                    return None;
                }
                Tree::leaf(ty, format!("has({path})"))
            }
            Production::HasKey => {
                let (map, what) = self.read(|what| matches!(what, What::Map(..)))?;
                let What::Map(key, _) = what else { return None };
                Tree::leaf(ty, format!("has({map}[{}])", constant_key(&mut self.random, key)))
            }
            Production::OneOf(operand) => {
                let value = self.any(operand, below);
                let count = self.random.random_range(1..6);
                let constants: Vec<String> =
                    (0..count).map(|_| literal(&mut self.random, operand).to_string()).collect();
                Tree::before(ty, value, &format!(" in [{}]", constants.join(", ")))
            }
            Production::ElementOf(operand) => {
                let (list, _) = self.read(|what| what == What::List(Element::Scalar(operand)))?;
                Tree::node(ty, &format!("{{}} in {list}"), [self.other(operand, below)]).reading()
            }
            Production::KeyOf(operand) => {
                let (map, _) = self.read(|what| matches!(what, What::Map(key, _) if key == operand))?;
                let key = if self.random.random() {
                    constant_key(&mut self.random, operand)
                } else {
                    self.any(operand, below)
                };
                Tree::node(ty, &format!("{{}} in {map}"), [key]).reading()
            }
            Production::TextTest(name) => {
                let parts = [self.any(Ty::String, below), self.any(Ty::String, below)];
                Tree::node(ty, &format!("{{}}.{name}({{}})"), parts)
            }
            Production::Matches => {
                let pattern = pattern::pattern(&mut self.random);
                let pattern = quoted(&mut self.random, &pattern);
                let text = self.any(Ty::String, below);
                Tree::before(ty, text, &format!(".matches({pattern})"))
            }
            Production::Quantified(name, over_messages) => self.quantified(name, over_messages, below)?,
            Production::Size(operand) => {
                let pattern = self.choose(&["size({})", "{}.size()"]);
                Tree::node(ty, pattern, [self.any(operand, below)])
            }
            Production::Count => {
                let (path, _) = self.read(|what| matches!(what, What::List(_) | What::Map(..)))?;
                Tree::leaf(ty, if self.random.random() { format!("size({path})") } else { format!("{path}.size()") })
            }
            Production::Calculate(operator, left, right, _) => {
                // Not of constants alone, and no division by a zero that anybody can see.
                let parts = if matches!(operator, "/" | "%") || self.random.random() {
                    [self.any(left, below), self.reading(right, below)]
                } else {
                    [self.reading(left, below), self.any(right, below)]
                };
                Tree::node(ty, &format!("{{}} {operator} {{}}"), parts)
            }
            Production::Scale(operator) => {
                let (number, constant) = (self.reading(ty, below), literal(&mut self.random, ty));
                let turned = operator == "*" && self.random.random();
                let parts = if turned { [constant, number] } else { [number, constant] };
                Tree::node(ty, &format!("{{}} {operator} {{}}"), parts)
            }
            Production::Negate(_) => Tree::node(ty, "-{}", [self.reading(ty, below)]),
            Production::Convert(from, _) => {
                let name = match ty {
                    Ty::Int => "int",
                    Ty::Uint => "uint",
                    Ty::Double => "double",
                    _ => "string",
                };
                Tree::node(ty, &format!("{name}({{}})"), [self.reading(from, below)])
            }
            Production::Part(name) => Tree::node(ty, &format!("{{}}.{name}()"), [self.any(Ty::Time, below)]),
        })
    }

    /// Two numbers of different types. Doubles are only compared with constants, and with integers that they all have.
    fn numbers(&mut self, below: usize) -> [Tree; 2] {
        let parts = match self.random.random_range(0..3) {
            0 => [self.any(Ty::Int, below), self.any(Ty::Uint, below)],
            1 => {
                let whole = self.choose(&[Ty::Int, Ty::Uint]);
                [self.reading(Ty::Double, below), literal(&mut self.random, whole)]
            }
            _ => {
                let small =
                    self.choose(&[Production::Count, Production::Size(Ty::String), Production::Part("getHours")]);
                let small = self.make(small, below).unwrap_or_else(|| literal(&mut self.random, Ty::Int));
                [self.any(Ty::Double, below), small]
            }
        };
        let [left, right] = parts;
        if self.random.random() { [left, right] } else { [right, left] }
    }

    fn quantified(&mut self, name: &str, over_messages: bool, below: usize) -> Option<Tree> {
        let variable = *VARIABLES.get(self.variables.len())?;
        let (path, what) = self.read(|what| match what {
            What::List(Element::Message(_)) => over_messages,
            What::List(Element::Scalar(_)) | What::Map(..) => !over_messages,
            What::One(_) | What::Wrapped(_) | What::Message => false,
        })?;
        let element = match what {
            What::List(element) => element,
            What::Map(key, _) => Element::Scalar(key),
            What::One(_) | What::Wrapped(_) | What::Message => return None,
        };
        self.variables.push(Variable { name: variable, element });
        let condition = self.condition(below.max(1));
        self.variables.pop();
        Some(Tree::node(Ty::Bool, &format!("{path}.{name}({variable}, {{}})"), [condition]).reading())
    }

    /// A condition that is not a constant.
    fn condition(&mut self, depth: usize) -> Tree {
        let productions = Production::of(Ty::Bool);
        loop {
            let production = productions[self.random.random_range(0..productions.len())];
            if let Some(tree) = self.make(production, depth) {
                return tree;
            }
        }
    }
}
