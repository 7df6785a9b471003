//! The evaluator and PostgreSQL compute the same result of an expression for every record: random expressions on random records,
//! in both directions.
//!
//! `GROUNDPLAN_DIFFERENTIAL_PAIRS` sets the number of pairs of an expression and a record, and `GROUNDPLAN_SEED` the seed.
//! `make torture` tests many more than `make test`, with a random seed.

mod author;
mod breakage;
mod coverage;
mod literal;
mod make;
mod names;
mod pattern;
mod pool;
mod production;
mod rows;
mod run;
mod tree;
mod world;

use super::fixture::{Fixture, catalog};
use author::Author;
use breakage::BREAKAGES;
use groundplan_expr::{Filter, Scope};
use production::Production;
use run::Run;
use world::World;

const MODELS: &str = include_str!("differential/models.proto");

/// How many pairs a run has unless told otherwise.
const PAIRS: usize = 40_000;

/// The same run each time, unless a seed is given.
fn seed() -> u64 {
    setting("GROUNDPLAN_SEED").unwrap_or(14)
}

#[expect(clippy::disallowed_methods, reason = "it steers tests, and is no setting of the program")]
fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}, which is no number")))
}

async fn world() -> World {
    let fixture = Fixture::empty().await;
    fixture.apply(1, MODELS).await.unwrap();
    World::new(fixture).await
}

#[tokio::test]
async fn sql_says_what_the_evaluator_says() {
    let (seed, pairs) = (seed(), setting("GROUNDPLAN_DIFFERENTIAL_PAIRS").unwrap_or(PAIRS));
    println!("GROUNDPLAN_SEED={seed}");
    let mut world = world().await;
    let run = Run::new(seed, pairs, None).all(&mut world).await;
    println!("{run}");
    if let Some(disagreement) = &run.disagreement {
        panic!("seed {seed}: {disagreement}");
    }
    assert!(run.pairs >= pairs, "{} pairs", run.pairs);
    let refused = run.refused.len() * 100 / run.expressions;
    assert!(refused < 3, "{refused} % of the expressions were refused: {:#?}", run.refused);
    let coverage = &run.coverage;
    assert!(coverage.missing().is_empty(), "seed {seed}: these never occurred: {:?}", coverage.missing());
    for poor in [coverage.one_sided(), coverage.without_error()] {
        assert!(
            poor.len() * 5 < coverage::EXPECTED.len(),
            "seed {seed}: too many never were true, false and an error: {poor:?}"
        );
    }
}

/// Nearly everything that the author writes is a valid expression. This tests changes of the checker without storage.
#[test]
fn the_checker_accepts_what_is_tried() {
    let (seed, catalog) = (seed(), catalog(1, MODELS));
    let model = catalog.model("test.v1.Specimen").unwrap();
    let scope = Scope { catalog: &catalog, model };
    let mut author = Author::new(seed, &catalog, model);
    for production in Production::all() {
        let tried: Vec<String> = (0..20).map(|_| author.filter(*production).to_string()).collect();
        let refused = tried.iter().filter_map(|text| Some((text, Filter::compile(scope, text).err()?.to_string())));
        let refused: Vec<(&String, String)> = refused.collect();
        assert!(refused.len() < 5, "seed {seed}: {production:?} is refused: {refused:#?}");
    }
}

/// The test of the test: it detects each broken rule.
#[tokio::test]
async fn a_broken_rule_is_found() {
    let seed = seed();
    let mut world = world().await;
    for breakage in BREAKAGES {
        let run = Run::new(seed, PAIRS, Some(*breakage)).all(&mut world).await;
        let found = run.disagreement.map(|disagreement| disagreement.expression);
        let found = found.unwrap_or_else(|| panic!("seed {seed}: nobody noticed that {}", breakage.name));
        println!("{}: found after {} pairs, by {found}", breakage.name, run.pairs);
    }
}
