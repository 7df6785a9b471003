//! Writes in one transaction: all of them, with the events and the stored response to a request id, or nothing.

use super::request::Request;
use super::{park, response};
use crate::call::Call;
use crate::clock::now;
use crate::operations::conflict::{ATTEMPTS, busy, is_deadlock, pause};
use crate::operations::refusal;
use crate::operations::write_session::{self, Action, Events, Made, Planned, Session, response_capacity};
use crate::operations::{create, delete, undelete, update, verify};
use crate::store::request_ids::{Answered, is_period_missing, is_request_id_taken, request_id_find, request_id_record};
use crate::tx_error::TxError;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Sql, execute};
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_operations::{Form, Writes, Written};
use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

/// The end of an attempt that leaves no changes.
enum End {
    Failed(TxError),
    /// The dry run succeeded.
    Validated(Written),
}

impl<T: Into<TxError>> From<T> for End {
    fn from(stop: T) -> Self {
        Self::Failed(stop.into())
    }
}

/// Runs writes, and starts again if concurrent writes win.
pub(crate) async fn run(
    call: &Call<'_>,
    planned: &[Planned<'_>],
    writes: &Writes,
    request: Option<&Request<'_>>,
) -> Result<Written, Error> {
    // Repeats wait here, where they hold no connection. A dry run does not wait: it runs as often as it is sent.
    let _turn = match request.filter(|_| !writes.validate_only) {
        Some(request) => Some(call.records.requests().lock(request.key.to_owned()).await),
        None => None,
    };
    // Evaluations hold a connection meanwhile, so they leave half of the pool to others.
    let _evaluating = match planned.iter().any(Planned::evaluates) {
        true => Some(call.records.evaluating().acquire().await.map_err(Error::internal)?),
        false => None,
    };
    let (mut attempt, mut is_careful) = (1, false);
    loop {
        let before = call.budget.held();
        let mut lease = call.records.database().lease().await?;
        let outcome = lease.run(async |conn| {
            let attempted = Attempt { call, planned, writes, request, is_careful, number: attempt };
            let builder = conn.build_transaction();
            let mut builder = if writes.is_serializable { builder.serializable() } else { builder.read_committed() };
            // The span lasts until the transaction has finished.
            let mut commit = tracing::Span::none();
            let transaction = async |conn: &mut AsyncPgConnection| {
                let written = attempted.run(conn).await;
                if written.is_ok() {
                    commit = tracing::debug_span!("commit");
                }
                written
            };
            builder.run(transaction).await
        });
        let error = match outcome.await {
            Ok(written) => {
                call.records.log().appended();
                return Ok(written);
            }
            Err(End::Validated(written)) => return Ok(written),
            Err(End::Failed(TxError::Rejected(error))) => return Err(error),
            Err(End::Failed(TxError::Database(error))) => error,
        };
        drop(lease);
        // The failed attempt's records are dropped.
        call.budget.release(call.budget.held().saturating_sub(before));
        call.records.failed(&error);
        if is_period_missing(&error) {
            call.records.period_missing();
        }
        if is_deadlock(&error) || is_request_id_taken(&error) {
            if attempt == ATTEMPTS {
                return Err(busy(ATTEMPTS).caused_by(error));
            }
            pause(attempt).await;
            attempt += 1;
        } else if refusal::is_constraint(&error) && !is_careful {
            // A record violates a constraint: the careful attempt writes one by one to identify it.
            is_careful = true;
        } else {
            return Err(unnamed(call, error));
        }
    }
}

/// Returns the error for a violation that no single write of a careful attempt caused. The cause is a record that is
/// deleted or undeleted with another, or a foreign key that the served models do not have.
fn unnamed(call: &Call<'_>, error: DieselError) -> Error {
    let DieselError::DatabaseError(kind, facts) = &error else { return refusal::of_write(&call.table.model, error) };
    let constraint = facts.constraint_name().unwrap_or_default().to_owned();
    match kind {
        // PostgreSQL reports both sides of a foreign key with the same code; only the message differs.
        DatabaseErrorKind::ForeignKeyViolation if facts.message().starts_with("insert or update") => {
            refusal::unknown_reference(&call.table.model, &constraint).caused_by(error)
        }
        DatabaseErrorKind::ForeignKeyViolation => refusal::of_delete(&call.table.model, error),
        _ => {
            let has_index = |model: &&Arc<Model>| model.indexes.iter().any(|index| index.name == constraint);
            let model = call.served.catalog.models.iter().find(has_index);
            refusal::of_write(model.unwrap_or(&call.table.model), error)
        }
    }
}

/// Defers the checks of foreign keys until all writes are finished, where they can be deferred.
static DEFER: LazyLock<Sql> = LazyLock::new(|| Sql::new("SET CONSTRAINTS ALL DEFERRED"));

/// Checks foreign keys now, and after each further statement.
static CHECK: LazyLock<Sql> = LazyLock::new(|| Sql::new("SET CONSTRAINTS ALL IMMEDIATE"));

/// One attempt to run the writes in a transaction.
struct Attempt<'a> {
    call: &'a Call<'a>,
    planned: &'a [Planned<'a>],
    writes: &'a Writes,
    request: Option<&'a Request<'a>>,
    is_careful: bool,
    number: u32,
}

impl Attempt<'_> {
    async fn run(&self, conn: &mut AsyncPgConnection) -> Result<Written, End> {
        let request = self.request.filter(|_| !self.writes.validate_only);
        if let Some(request) = request
            && let Some(answered) = request_id_find(conn, request.key).await?
        {
            return Ok(response::repeat(self.planned, request, &answered)?);
        }
        let now = now()?;
        let mut session = Session {
            events: Events::new(self.call.author(now), self.call.budget.clone()),
            call: self.call.clone(),
            answers: vec![None; self.planned.len()],
            room: response_capacity(self.writes),
            created: vec![false; self.planned.len()],
            references: Made::default(),
            is_careful: self.is_careful,
            now,
        };
        self.write(&mut session, conn).await?;
        let created = session.created.clone();
        let written = Written { records: session.shown(), created, attempts: self.number, is_repeat: false };
        write_session::check_size(self.writes, self.planned, &written)?;
        if self.writes.validate_only {
            return Err(End::Validated(written));
        }
        if let Some(request) = request {
            let answer = response::encode(&session, &written);
            let answered = Answered { digest: request.digest.to_vec(), answer };
            request_id_record(conn, request.key, answered, self.call.records.settings().request_id_retention).await?;
        }
        session.events.append(conn).await?;
        Ok(written)
    }
}

impl<'a> Attempt<'a> {
    /// Runs all writes, and checks that together they leave every reference and every unique value valid. A single write
    /// cannot refer to a later one: its keys are deferred only if a careful attempt must identify them.
    async fn write(&self, session: &mut Session<'a>, conn: &mut AsyncPgConnection) -> Result<(), TxError> {
        let may_refer_ahead = self.is_careful || self.writes.form != Form::Single;
        let is_deferred = may_refer_ahead && self.planned.iter().any(|write| !write.table.model.references.is_empty());
        if is_deferred {
            execute(conn, &DEFER, &[]).await?;
        }
        let may_exchange = self.is_careful && self.planned.len() > 1;
        if may_exchange {
            park::park(session, conn, self.planned).await?;
        }
        for (first, run) in runs(self.planned, self.is_careful) {
            write(session, conn, first, run).await?;
        }
        if may_exchange {
            park::unpark(session, conn, self.planned).await?;
        }
        session.references.check(&session.call, conn, self.is_careful).await?;
        if is_deferred {
            execute(conn, &CHECK, &[]).await?;
        }
        Ok(())
    }
}

/// Runs the writes of a run, which are of one kind and one model.
async fn write<'a>(
    session: &mut Session<'a>,
    conn: &mut AsyncPgConnection,
    first: usize,
    run: &[Planned<'a>],
) -> Result<(), TxError> {
    let Some(write) = run.first() else { return Ok(()) };
    let (table, run) = (&write.table, (first, run));
    match write.action {
        Action::Create(_) => create::run(session, conn, table, run).await,
        Action::Update(_) => update::run(session, conn, table, run).await,
        Action::Delete { .. } => delete::run(session, conn, table, run).await,
        Action::Undelete => undelete::run(session, conn, table, run).await,
        Action::Verify { .. } => verify::run(session, conn, table, run.1).await,
    }
}

/// Splits writes into runs of one kind, one model and distinct records, each with the index of its first write. In a
/// careful attempt, each run is one write.
fn runs<'a, 'p>(planned: &'a [Planned<'p>], is_careful: bool) -> Vec<(usize, &'a [Planned<'p>])> {
    let mut runs = Vec::new();
    let (mut begin, mut seen) = (0, HashSet::new());
    for (at, write) in planned.iter().enumerate() {
        let is_like = planned.get(begin).is_some_and(|first| {
            std::mem::discriminant(&first.action) == std::mem::discriminant(&write.action)
                && first.table.model.full_name == write.table.model.full_name
        });
        if (is_careful && at > begin) || !is_like || !seen.insert(&write.id) {
            runs.push((begin, planned.get(begin..at).unwrap_or_default()));
            begin = at;
            seen = HashSet::from([&write.id]);
        }
    }
    runs.push((begin, planned.get(begin..).unwrap_or_default()));
    runs
}
