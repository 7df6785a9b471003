//! Write a `.proto`. Get a backend.
fn main() {}
