//! Writes in one transaction: all of them, with the events and the answer to a request id, or nothing.

use super::answer;
use super::planned::{Action, Planned};
use super::session::Session;
use super::{creates, deletes, updates};
use crate::operations::conflict::{ATTEMPTS, PAUSE, is_deadlock, pause};
use crate::operations::events::Events;
use crate::operations::{Call, now, refusal};
use crate::stop::Stop;
use crate::store::request_ids::{
    Answered, Key, is_period_missing, is_request_id_taken, request_id_find, request_id_record,
};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::AsyncPgConnection;
use groundplan_error::{Error, Reason};
use groundplan_rest::{Writes, Written};
use std::collections::HashSet;

/// What a request id is bound to.
pub(super) struct Request<'a> {
    pub(super) key: Key<'a>,
    pub(super) digest: [u8; 32],
}

/// How an attempt ends that leaves nothing behind.
enum End {
    Stop(Stop),
    /// Everything was right, and nothing was to be written.
    Validated(Written),
}

impl<T: Into<Stop>> From<T> for End {
    fn from(stop: T) -> Self {
        Self::Stop(stop.into())
    }
}

/// Writes, and begins again where others come first.
pub(super) async fn run(
    call: &Call<'_>,
    planned: &[Planned<'_>],
    writes: &Writes,
    request: Option<&Request<'_>>,
) -> Result<Written, Error> {
    // Repeats wait here, where they hold no connection. A check happens as often as it is sent.
    let _turn = match request.filter(|_| !writes.validate_only) {
        Some(request) => Some(call.records.requests().wait(request.key.to_owned()).await),
        None => None,
    };
    let (mut attempt, mut is_careful) = (1, false);
    loop {
        let mut lease = call.records.database().lease().await?;
        let outcome = lease.run(async |conn| {
            let attempted = Attempt { call, planned, writes, request, is_careful, number: attempt };
            let builder = conn.build_transaction();
            let mut builder = if writes.is_serializable { builder.serializable() } else { builder.read_committed() };
            // It ends when the transaction has.
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
            Err(End::Stop(Stop::Refused(error))) => return Err(error),
            Err(End::Stop(Stop::Database(error))) => error,
        };
        drop(lease);
        call.records.failed(&error);
        if is_period_missing(&error) {
            call.records.period_missing();
        }
        if is_deadlock(&error) || is_request_id_taken(&error) {
            if attempt == ATTEMPTS {
                return Err(busy().caused_by(error));
            }
            pause(attempt).await;
            attempt += 1;
        } else if is_constraint(&error) && !is_careful {
            // Somebody's record broke it: found out one by one.
            is_careful = true;
        } else {
            // Broken references of records that are written were named by themselves: this is one to what is deleted.
            let is_reference = matches!(error, DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _));
            let refusal = if is_reference { refusal::of_delete } else { refusal::of_write };
            return Err(refusal(&call.table.model, error));
        }
    }
}

/// Whether a record has broken what the table demands.
fn is_constraint(error: &DieselError) -> bool {
    use DatabaseErrorKind as Kind;
    matches!(
        error,
        DieselError::DatabaseError(Kind::UniqueViolation | Kind::ForeignKeyViolation | Kind::CheckViolation, _)
    ) || refusal::is_limit(error)
}

fn busy() -> Error {
    let message = format!("others came first at each of {ATTEMPTS} attempts to write; nothing was written: try again");
    Error::new(Reason::RecordBusy, message).retry_after(PAUSE * ATTEMPTS)
}

/// One attempt.
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
            return Ok(answer::repeat(self.planned, request, &answered)?);
        }
        let now = now()?;
        let mut session = Session {
            events: Events::new(self.call.author(now)),
            call: self.call.clone(),
            answers: vec![None; self.planned.len()],
            is_careful: self.is_careful,
            now,
        };
        for (first, run) in runs(self.planned, self.is_careful) {
            write(&mut session, conn, first, run).await?;
        }
        let written = Written { records: session.shown(), attempts: self.number, is_repeat: false };
        answer::check_size(self.writes, self.planned, &written)?;
        if self.writes.validate_only {
            return Err(End::Validated(written));
        }
        if let Some(request) = request {
            let answer = answer::encode(&session, &written);
            let answered = Answered { digest: request.digest.to_vec(), answer };
            request_id_record(conn, request.key, answered, self.call.records.settings().request_id_retention).await?;
        }
        session.events.append(conn).await?;
        Ok(written)
    }
}

/// Does what the writes of a run ask for; they are of one kind and one model.
async fn write(
    session: &mut Session<'_>,
    conn: &mut AsyncPgConnection,
    first: usize,
    run: &[Planned<'_>],
) -> Result<(), Stop> {
    let Some(write) = run.first() else { return Ok(()) };
    let (table, run) = (&write.table, (first, run));
    match write.action {
        Action::Create(_) => creates::run(session, conn, table, run).await,
        Action::Update(_) => updates::run(session, conn, table, run).await,
        Action::Delete { .. } => deletes::delete(session, conn, table, run).await,
        Action::Undelete => deletes::undelete(session, conn, table, run).await,
        Action::Verify { .. } => deletes::verify(session, conn, table, run.1).await,
    }
}

/// Cuts writes into runs of one kind, one model and different records, each with the place of its first write. In a careful
/// attempt each is by itself.
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
