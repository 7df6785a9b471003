//! One thing to count.

/// A named piece of work, which is repeated to average out what differs between calls.
pub(crate) struct Case<'a> {
    pub(crate) name: &'static str,
    pub(crate) repetitions: u32,
    pub(crate) work: Box<dyn FnMut() + 'a>,
}

impl<'a> Case<'a> {
    /// A pure function, whose count is nearly the same each time.
    pub(crate) fn pure(name: &'static str, work: impl FnMut() + 'a) -> Self {
        Self { name, repetitions: 10, work: Box::new(work) }
    }

    /// A call that waits for PostgreSQL.
    pub(crate) fn call(name: &'static str, work: impl FnMut() + 'a) -> Self {
        Self { name, repetitions: 40, work: Box::new(work) }
    }
}
