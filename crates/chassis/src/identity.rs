//! What the call that runs is known by, to its caller and in the log: its trace, or its request id where there is no trace.

tokio::task_local! {
    static IDENTITY: String;
}

/// Lets a call know what it is known by.
pub(crate) fn within<F: Future>(identity: String, call: F) -> impl Future<Output = F::Output> {
    IDENTITY.scope(identity, call)
}

/// What the call is known by; none outside of calls.
pub(crate) fn current() -> Option<String> {
    IDENTITY.try_with(Clone::clone).ok()
}
