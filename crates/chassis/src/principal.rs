//! Who calls.

/// The caller, put into a request's extensions once its credentials are known to be good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The name, such as `root`.
    pub name: String,
    /// The tenant whose records it works on.
    pub tenant: String,
}

impl Principal {
    /// The holder of the `API_KEY`, and our own services within one process.
    pub fn root() -> Self {
        Self { name: "root".to_owned(), tenant: "default".to_owned() }
    }
}
