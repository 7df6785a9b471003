//! Writes random well-typed rules.
//!
//! They leave out where the oracle deviates from CEL: the size of a text in bytes, `==` between numbers of different types, the
//! order of NaN, the zones of IPv6 addresses, absent wrappers and times, and `has` of lists and maps. The tables in
//! `expressions` cover these.

use super::super::generate::Random;

/// The type of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ty {
    Bool,
    Int,
    Uint,
    Double,
    Text,
    Bytes,
    Ints,
    Texts,
}

/// Writes rules.
pub(super) struct Author {
    random: Random,
    /// The variables of the enclosing macros.
    variables: Vec<(String, Ty)>,
}

impl Author {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: Random(seed), variables: Vec::new() }
    }

    /// Writes a condition, or a text that is empty if the value is valid.
    pub(super) fn rule(&mut self) -> String {
        if self.random.chance(10) {
            return format!("{} ? '' : {}", self.of(Ty::Bool, 3), self.of(Ty::Text, 1));
        }
        self.of(Ty::Bool, 4)
    }

    fn of(&mut self, ty: Ty, depth: usize) -> String {
        if depth == 0 || self.random.chance(15) {
            return self.leaf(ty);
        }
        if self.random.chance(8) {
            let (condition, then, other) =
                (self.of(Ty::Bool, depth - 1), self.of(ty, depth - 1), self.of(ty, depth - 1));
            return format!("({condition} ? {then} : {other})");
        }
        match ty {
            Ty::Bool => self.condition(depth - 1),
            Ty::Int => self.int(depth - 1),
            Ty::Uint => self.calculation(ty, &["+", "*", "/", "%"], depth - 1),
            Ty::Double => self.calculation(ty, &["+", "-", "*", "/"], depth - 1),
            Ty::Text => self.text(depth - 1),
            Ty::Bytes => self.leaf(ty),
            Ty::Ints => self.list(Ty::Int, "this.is", depth - 1),
            Ty::Texts => self.list(Ty::Text, "this.ss", depth - 1),
        }
    }

    fn leaf(&mut self, ty: Ty) -> String {
        let variables: Vec<String> =
            self.variables.iter().filter(|(_, variable)| *variable == ty).map(|(name, _)| name.clone()).collect();
        if !variables.is_empty() && self.random.chance(60) {
            return self.random.pick(&variables);
        }
        let leaves: &[&str] = match ty {
            Ty::Bool => &["this.y", "true", "false", "this.s.isEmail()", "this.t.isIp()", "this.is.unique()"],
            Ty::Int => &["this.i", "this.l", "this.c", "this.m.n", "0", "1", "2", "5", "(-3)", "this.oi", "this.ki"],
            Ty::Uint => &["this.u", "this.w", "0u", "1u", "5u"],
            Ty::Double => &["this.d", "this.f", "0.0", "1.5", "(-2.5)"],
            Ty::Text => &["this.s", "this.t", "this.m.s", "'a'", "'foo'", "''", "\"äöü\"", "this.ks"],
            Ty::Bytes => &["this.b", "b'foo'", "b''", "b'a'"],
            Ty::Ints => &["this.is", "this.m.ns", "[1, 2, 5]", "[this.i, 3]", "[0]"],
            Ty::Texts => &["this.ss", "['a', 'foo']", "[this.s, this.t]", "['']"],
        };
        self.random.pick(leaves).to_owned()
    }

    fn condition(&mut self, depth: usize) -> String {
        match self.random.below(18) {
            0..3 => format!("({} && {})", self.of(Ty::Bool, depth), self.of(Ty::Bool, depth)),
            3..6 => format!("({} || {})", self.of(Ty::Bool, depth), self.of(Ty::Bool, depth)),
            6 => format!("!({})", self.of(Ty::Bool, depth)),
            7..11 => self.comparison(depth),
            11..13 => self.quantified(depth),
            13 => {
                let function = self.random.pick(&["startsWith", "endsWith", "contains"]);
                format!("{}.{function}({})", self.of(Ty::Text, depth), self.of(Ty::Text, depth))
            }
            14 => {
                let pattern = self.random.pick(&["^[a-z]+$", "o+", "^.{1,3}$", "\\\\d", "^$", "(?i)FOO|b"]);
                format!("{}.matches('{pattern}')", self.of(Ty::Text, depth))
            }
            15 => match self.random.below(3) {
                0 => format!("({} in {})", self.of(Ty::Int, depth), self.of(Ty::Ints, depth)),
                1 => format!("({} in {})", self.of(Ty::Text, depth), self.of(Ty::Texts, depth)),
                _ => format!("({} in this.si)", self.of(Ty::Text, depth)),
            },
            16 => self.random.pick(&GUARDED).to_owned(),
            _ => {
                let function = self.random.pick(&[
                    "isEmail()",
                    "isHostname()",
                    "isIp(4)",
                    "isIpPrefix()",
                    "isIpPrefix(4, true)",
                    "isUri()",
                    "isUriRef()",
                    "isHostAndPort(true)",
                ]);
                format!("{}.{function}", self.of(Ty::Text, 0))
            }
        }
    }

    fn comparison(&mut self, depth: usize) -> String {
        let ty = self.random.pick(&[Ty::Int, Ty::Int, Ty::Uint, Ty::Double, Ty::Text, Ty::Bytes, Ty::Ints, Ty::Texts]);
        let operators: &[&str] = match ty {
            Ty::Double | Ty::Bytes | Ty::Ints | Ty::Texts => &["==", "!="],
            _ => &["==", "!=", "<", "<=", ">", ">="],
        };
        let operator = self.random.pick(operators);
        format!("({} {operator} {})", self.of(ty, depth), self.of(ty, depth))
    }

    fn quantified(&mut self, depth: usize) -> String {
        let (range, ty) = match self.random.below(6) {
            0 => (self.of(Ty::Ints, depth.min(1)), Ty::Int),
            1 => (self.of(Ty::Texts, depth.min(1)), Ty::Text),
            2 => ("this.si".to_owned(), Ty::Text),
            3 => ("this.us".to_owned(), Ty::Uint),
            4 => ("this.ds".to_owned(), Ty::Double),
            _ => return self.of_messages(depth),
        };
        let quantifier = self.random.pick(&["all", "exists", "exists_one"]);
        let variable = format!("v{}", self.variables.len());
        let condition = self.with(&variable, ty, |author| author.of(Ty::Bool, depth));
        format!("{range}.{quantifier}({variable}, {condition})")
    }

    fn of_messages(&mut self, depth: usize) -> String {
        let quantifier = self.random.pick(&["all", "exists", "exists_one"]);
        let condition = match self.random.below(3) {
            0 => format!("e.n > {}", self.of(Ty::Int, depth.min(1))),
            1 => format!("e.s == {}", self.of(Ty::Text, depth.min(1))),
            _ => "e.ns.exists(n, n > 1)".to_owned(),
        };
        format!("this.ms.{quantifier}(e, {condition})")
    }

    fn int(&mut self, depth: usize) -> String {
        match self.random.below(8) {
            0 => format!("size({})", self.of(Ty::Ints, depth)),
            1 => format!("{}.size()", self.of(Ty::Texts, depth)),
            2 => "size(this.ms)".to_owned(),
            3 => format!("int({})", self.of(Ty::Uint, 0)),
            4 => "this.is[0]".to_owned(),
            5 => "('a' in this.si ? this.si['a'] : 7)".to_owned(),
            _ => self.calculation(Ty::Int, &["+", "-", "*", "/", "%"], depth),
        }
    }

    fn calculation(&mut self, ty: Ty, operators: &[&str], depth: usize) -> String {
        let operator = self.random.pick(operators);
        format!("({} {operator} {})", self.of(ty, depth), self.of(ty, depth))
    }

    fn text(&mut self, depth: usize) -> String {
        match self.random.below(4) {
            0 => format!("string({})", self.of(Ty::Int, depth)),
            1 => format!("'%s-%d'.format([{}, {}])", self.of(Ty::Text, depth), self.of(Ty::Int, depth)),
            _ => format!("({} + {})", self.of(Ty::Text, depth), self.of(Ty::Text, depth)),
        }
    }

    fn list(&mut self, element: Ty, field: &str, depth: usize) -> String {
        let variable = format!("v{}", self.variables.len());
        let lists = if element == Ty::Int { Ty::Ints } else { Ty::Texts };
        match self.random.below(4) {
            0 => {
                let condition = self.with(&variable, element, |author| author.of(Ty::Bool, depth));
                format!("{field}.filter({variable}, {condition})")
            }
            1 => {
                let body = self.with(&variable, element, |author| author.of(element, depth));
                format!("{field}.map({variable}, {body})")
            }
            2 if element == Ty::Int => "this.ms.map(e, e.n)".to_owned(),
            2 => "this.ms.map(e, e.s)".to_owned(),
            _ => format!("({} + {})", self.of(lists, depth), self.of(lists, depth)),
        }
    }

    fn with(&mut self, variable: &str, ty: Ty, write: impl FnOnce(&mut Self) -> String) -> String {
        self.variables.push((variable.to_owned(), ty));
        let written = write(self);
        self.variables.pop();
        written
    }
}

/// Returns conditions on fields that can be absent.
const GUARDED: [&str; 10] = [
    "(has(this.at) && this.at > timestamp('1970-01-02T00:00:00Z'))",
    "(!has(this.at) || this.at + duration('1h') < timestamp('2000-01-01T00:00:00Z'))",
    "(has(this.at) && this.at < now)",
    "(has(this.wait) && this.wait == duration('1s'))",
    "(has(this.ws) && this.ws != 'a')",
    "(has(this.wi) && this.wi > 2)",
    "(!has(this.wi) || this.wi == 1)",
    "has(this.at)",
    "has(this.wait)",
    "(has(this.ws) || has(this.wi))",
];
