//! Tests of the event log with PostgreSQL.

#[cfg(test)]
mod gaps;
#[cfg(test)]
mod log;
#[cfg(test)]
mod ordinary_role;
#[cfg(test)]
mod partitions;
#[cfg(test)]
mod sequence;
#[cfg(test)]
mod support;
#[cfg(test)]
mod torture;
