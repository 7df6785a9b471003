//! One run: expressions on batches of records, until the two sides disagree or there were enough.

use super::author::Author;
use super::breakage::Breakage;
use super::coverage::{Coverage, Verdicts};
use super::production::Production;
use super::tree::Tree;
use super::world::World;
use groundplan_codec::Record;
use groundplan_expr::{EvaluationFailure, ExprError, Filter};
use std::fmt;
use std::time::Instant;

/// How many records a batch has.
const RECORDS: usize = 48;

/// How many expressions run on a batch.
const EXPRESSIONS: usize = 400;

/// Where a condition stands: SQL may treat an error as false in some of these places and not in others.
const PLACES: [&str; 6] = ["{}", "!({})", "({}) ? true : false", "({}) == false", "({}) || false", "!(({}) && true)"];

/// A run, and what came of it.
pub(super) struct Run {
    seed: u64,
    wanted: usize,
    breakage: Option<Breakage>,
    pub(super) expressions: usize,
    pub(super) pairs: usize,
    /// The expressions that the checker rejects, although the author should avoid them.
    pub(super) refused: Vec<(String, String)>,
    pub(super) coverage: Coverage,
    pub(super) disagreement: Option<Disagreement>,
    began: Instant,
}

/// An expression and a record on which the two sides say different things.
pub(super) struct Disagreement {
    pub(super) expression: String,
    original: String,
    sql: String,
    record: String,
    /// What PostgreSQL says: whether it finds the record, or its error.
    postgres: Result<bool, String>,
    evaluator: Result<bool, EvaluationFailure>,
}

impl Run {
    pub(super) fn new(seed: u64, wanted: usize, breakage: Option<Breakage>) -> Self {
        Self {
            seed,
            wanted,
            breakage,
            expressions: 0,
            pairs: 0,
            refused: Vec::new(),
            coverage: Coverage::default(),
            disagreement: None,
            began: Instant::now(),
        }
    }

    /// Runs until there were enough pairs, or one is wrong.
    pub(super) async fn all(mut self, world: &mut World) -> Self {
        let mut author = Author::new(self.seed, &world.catalog, &world.model);
        let productions = Production::all();
        while self.pairs < self.wanted {
            if self.expressions.is_multiple_of(EXPRESSIONS) {
                world.fill(self.seed.wrapping_add(self.expressions as u64), RECORDS).await;
                self.tell();
            }
            let tree = author.filter(productions[self.expressions % productions.len()]);
            self.expressions += 1;
            match compile(world, &tree.to_string(), self.breakage) {
                Err(error) => self.refused.push((tree.to_string(), error.to_string())),
                Ok(_) => {
                    if let Some(wrong) = self.expression(world, &tree).await {
                        self.disagreement = Some(smallest(world, wrong, tree, self.breakage).await);
                        break;
                    }
                }
            }
        }
        self
    }

    /// Compares an expression, as it is and in another place, on all records.
    async fn expression(&mut self, world: &mut World, tree: &Tree) -> Option<Wrong> {
        let other = PLACES[1 + self.expressions % (PLACES.len() - 1)];
        for place in [PLACES[0], PLACES[1], other] {
            let filter = compile(world, &put(place, tree), self.breakage).ok()?;
            if let Some(record) = compare(world, &filter, None).await {
                return Some(Wrong { place, record });
            }
            if place == PLACES[0] {
                let mut verdicts = Verdicts::default();
                for (_, record) in &world.records {
                    verdicts.note(world.evaluated(&filter.intact, record));
                }
                self.coverage.note(filter.intact.expr(), verdicts);
            }
        }
        self.pairs += world.records.len();
        None
    }

    /// Says how far a long run is.
    fn tell(&self) {
        if self.expressions > 0 && self.expressions.is_multiple_of(10 * EXPRESSIONS) {
            let seconds = self.began.elapsed().as_secs();
            println!("{} of {} pairs in {seconds} s, {} refused", self.pairs, self.wanted, self.refused.len());
        }
    }
}

/// Where the sides disagree.
struct Wrong {
    place: &'static str,
    /// The place of the record.
    record: usize,
}

/// An expression for the evaluator, and for PostgreSQL.
struct Compiled {
    intact: Filter,
    broken: Option<Filter>,
}

impl Compiled {
    fn of_sql(&self) -> &Filter {
        self.broken.as_ref().unwrap_or(&self.intact)
    }
}

fn put(place: &str, tree: &Tree) -> String {
    place.replacen("{}", &tree.to_string(), 1)
}

fn compile(world: &World, source: &str, breakage: Option<Breakage>) -> Result<Compiled, ExprError> {
    let intact = Filter::compile(world.scope(), source)?;
    let broken =
        breakage.map(|breakage| Filter::from_expr(world.scope(), breakage.apply(intact.expr()))).transpose()?;
    Ok(Compiled { intact, broken })
}

/// The first record on which the sides disagree; all of them, or only one.
async fn compare(world: &mut World, filter: &Compiled, only: Option<usize>) -> Option<usize> {
    let found = world.found(filter.of_sql()).await;
    let disagrees = |(at, (id, record)): (usize, &(String, Record))| {
        let expected = world.evaluated(&filter.intact, record) == Ok(true);
        let wrong = found.as_ref().map_or(true, |found| found.contains(id) != expected);
        (wrong && only.is_none_or(|only| only == at)).then_some(at)
    };
    world.records.iter().enumerate().find_map(disagrees)
}

/// Shortens the expression while the sides disagree on the record.
async fn smallest(world: &mut World, wrong: Wrong, tree: Tree, breakage: Option<Breakage>) -> Disagreement {
    let original = put(wrong.place, &tree);
    let (mut place, mut tree) = (wrong.place, tree);
    'smaller: loop {
        let length = put(place, &tree).len();
        let mut candidates = vec![(PLACES[0], tree.clone())];
        candidates.extend(tree.smaller().into_iter().map(|tree| (place, tree)));
        candidates.sort_by_cached_key(|(place, candidate)| put(place, candidate).len());
        candidates.retain(|(place, candidate)| put(place, candidate).len() < length);
        for (candidate_place, candidate) in candidates {
            let Ok(filter) = compile(world, &put(candidate_place, &candidate), breakage) else { continue };
            if compare(world, &filter, Some(wrong.record)).await.is_some() {
                (place, tree) = (candidate_place, candidate);
                continue 'smaller;
            }
        }
        break;
    }
    describe(world, &put(place, &tree), original, wrong.record, breakage).await
}

async fn describe(
    world: &mut World,
    expression: &str,
    original: String,
    record: usize,
    breakage: Option<Breakage>,
) -> Disagreement {
    let filter = compile(world, expression, breakage).expect("it was compiled before");
    let found = world.found(filter.of_sql()).await;
    let (id, record) = &world.records[record];
    Disagreement {
        expression: expression.to_owned(),
        original,
        sql: format!("{}\nwith {:?}", filter.of_sql().sql().text, filter.of_sql().sql().slots),
        record: world.show(record),
        postgres: found.map(|found| found.contains(id)),
        evaluator: world.evaluated(&filter.intact, record),
    }
}

impl fmt::Display for Disagreement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expression, original, sql, record, postgres, evaluator } = self;
        writeln!(formatter, "PostgreSQL and the evaluator disagree on\n  {expression}")?;
        writeln!(formatter, "PostgreSQL: {postgres:?}\nthe evaluator: {evaluator:?}")?;
        writeln!(formatter, "SQL: {sql}\nrecord:\n{record}\nit was found in\n  {original}")
    }
}

impl fmt::Display for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (expressions, seconds) = (self.expressions, self.began.elapsed().as_secs_f64());
        writeln!(formatter, "{} pairs of {expressions} expressions in {seconds:.1} s", self.pairs)?;
        writeln!(formatter, "{} were refused", self.refused.len())?;
        for (expression, error) in self.refused.iter().take(10) {
            writeln!(formatter, "  {expression}\n    {error}")?;
        }
        write!(formatter, "{}", self.coverage)
    }
}
