//! The whole service with a PostgreSQL database and gRPC clients.

#[cfg(test)]
mod apply;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod revisions;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tail;
