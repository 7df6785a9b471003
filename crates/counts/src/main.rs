//! Calls the codec, the expressions and a whole server in this process, so that callgrind can count their instructions.
//!
//! `check.py` runs this program under callgrind and compares the counts with `baseline.json`. The program prints the name
//! and the number of repetitions of each case in the order in which it runs them.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a measurement that fails stops")]

mod calls;
mod case;
mod codec;
mod expr;
mod models;
mod server;

use case::Case;
use std::io::{Write as _, stdout};

fn main() {
    let library = models::library();
    let runtime = server::runtime();
    let suite = runtime.block_on(server::Suite::start());
    let mut cases = codec::cases(&library);
    cases.extend(expr::cases(&library));
    cases.extend(calls::cases(&runtime, &suite));
    let mut out = stdout().lock();
    for mut case in cases {
        // The first calls fill caches: of statements, of patterns, of threads.
        for _ in 0..case.repetitions {
            (case.work)();
        }
        counted(&mut *case.work, case.repetitions);
        let Case { name, repetitions, .. } = case;
        writeln!(out, "{name} {repetitions}").unwrap();
    }
}

/// Repeats `work`. Callgrind counts what this function and its callees execute, and dumps the counters when it returns.
#[inline(never)]
fn counted(work: &mut dyn FnMut(), repetitions: u32) {
    for _ in 0..repetitions {
        work();
    }
}
