//! The plan of a request: ids, etags, conditions, and the records that `$name` stands for, as far as they are known without
//! reading records.

use super::local::Locals;
use crate::call::Call;
use crate::clock::now;
use crate::etag;
use crate::operations::create::ReadyRecord;
use crate::operations::transform;
use crate::operations::write_session::{Action, Change, Planned, WritePath};
use crate::table::Table;
use groundplan_codec::Record;
use groundplan_error::{Error, ErrorCollector, Reason, Violation};
use groundplan_expr::ExternalDependency;
use groundplan_operations::limits::MAX_BATCH;
use groundplan_operations::{Form, Operation, Write, Writes};
use groundplan_query::Compiled;
use groundplan_query::id::Id;
use std::collections::HashMap;
use std::sync::Arc;

/// Plans the writes of a request.
pub(crate) async fn plan<'a>(call: &Call<'_>, writes: &'a Writes) -> Result<Vec<Planned<'a>>, Error> {
    check_number(writes)?;
    let locals = Locals::new(writes)?;
    let planned = writes.list.iter().enumerate().map(|(at, write)| {
        let place = WritePath::new(writes.form, at, &write.operation, &write.model);
        plan_one(call, write, place, at, &locals)
    });
    if writes.form != Form::Batch {
        // Writes of a commit can depend on earlier ones, so errors after the first one might only be its consequences.
        return planned.collect();
    }
    let planned: Vec<Result<Planned<'a>, Error>> = planned.collect();
    if planned.iter().any(Result::is_err) {
        return Err(all_that_is_wrong(call, planned).await);
    }
    let planned: Vec<Planned<'a>> = planned.into_iter().collect::<Result<_, _>>()?;
    check_distinct(&planned)?;
    Ok(planned)
}

/// Returns the error for a batch with requests that cannot be planned. It also validates the records to create, so that the
/// error includes their violations.
async fn all_that_is_wrong(call: &Call<'_>, planned: Vec<Result<Planned<'_>, Error>>) -> Error {
    let mut errors = ErrorCollector::default();
    for (at, one) in planned.into_iter().enumerate() {
        errors.keep(checked(call, one, at).await);
        if errors.is_full() {
            break;
        }
    }
    let wrong = errors.finish().err();
    wrong.unwrap_or_else(|| Error::internal("a batch was rejected without a violation"))
}

/// Validates the record that a request would create.
async fn checked(call: &Call<'_>, planned: Result<Planned<'_>, Error>, at: usize) -> Result<(), Error> {
    let planned = planned?;
    let Action::Create(record) = &planned.action else { return Ok(()) };
    let call = Call { table: planned.table.clone(), ..call.clone() };
    ReadyRecord::new(&call, &planned, at, record, now()?).await.map(drop)
}

fn check_number(writes: &Writes) -> Result<(), Error> {
    let number = writes.list.len();
    if (1..=MAX_BATCH).contains(&number) {
        return Ok(());
    }
    let list = if writes.form == Form::Commit { "writes" } else { "requests" };
    let rule = if number == 0 { "repeated.min_items" } else { "repeated.max_items" };
    Err(Error::field(list, rule, format!("must be 1 to {MAX_BATCH}, not {number}; split a longer list up")))
}

fn plan_one<'a>(
    call: &Call<'_>,
    write: &'a Write,
    place: WritePath<'a>,
    at: usize,
    locals: &Locals<'_>,
) -> Result<Planned<'a>, Error> {
    let table = call.served.table(&write.model).cloned();
    let table = table.ok_or_else(|| Error::internal("a write is of a model of another revision"))?;
    let model = &table.model;
    let id = |text: &str| {
        let resolved = locals.id(model, text, at).map_err(|error| error.within(&place.message()))?;
        resolved.map_or_else(|| Id::parse(model, text).map_err(|error| error.within(&place.message())), Ok)
    };
    let wanted = |argument: &str, sent: Option<&Record>| {
        etag::wanted(argument, model, sent).map_err(|error| error.within(&place.item()))
    };
    let (id, wanted, action) = match &write.operation {
        Operation::Create { record, .. } => {
            let mut record = record.clone();
            let id = match locals.created(at) {
                Some(id) => id.clone(),
                None => {
                    Id::for_create(model, record.get(model.roles.id)).map_err(|error| error.within(&place.record()))?
                }
            };
            record.set(model.roles.id, Some(id.to_value()));
            locals.resolve(model, &mut record).map_err(|error| error.within(&place.record()))?;
            (id, None, Action::Create(record))
        }
        Operation::Update { id: text, update, mask, transforms, etag, allow_missing } => {
            let id = match locals.id(model, text, at).map_err(|error| error.within(&place.record()))? {
                Some(id) => id,
                None => Id::parse(model, text).map_err(|error| error.within(&place.record()))?,
            };
            let wanted = wanted(etag, Some(update))?;
            let mut update = update.clone();
            update.set(model.roles.id, Some(id.to_value()));
            locals.resolve(model, &mut update).map_err(|error| error.within(&place.record()))?;
            let missing = allow_missing.then(|| update.clone());
            let transforms = transform::parse(model, transforms, mask, &mut update);
            let transforms = transforms.map_err(|error| error.within(&place.message()))?;
            (id, wanted, Action::Update(Change { update, mask: mask.clone(), transforms, missing }))
        }
        Operation::Delete { id: text, etag, allow_missing } => {
            (id(text)?, wanted(etag, None)?, Action::Delete { allow_missing: *allow_missing })
        }
        Operation::Undelete { id: text, etag } => (id(text)?, wanted(etag, None)?, Action::Undelete),
        Operation::Verify { id: text, etag, is_missing } => {
            if *is_missing && !(etag.is_empty() && write.condition.is_empty()) {
                let words = "must be left out with an etag or a condition: a missing record has neither";
                return Err(Error::field("missing", "verify.missing", words).within(&place.message()));
            }
            (id(text)?, wanted(etag, None)?, Action::Verify { is_missing: *is_missing })
        }
    };
    let condition = condition(call, write, &table, &action).map_err(|error| error.within(&place.item()))?;
    Ok(Planned { place, table, id, wanted, condition, action })
}

/// Compiles the condition of a write.
fn condition(call: &Call<'_>, write: &Write, table: &Table, action: &Action) -> Result<Option<Arc<Compiled>>, Error> {
    if write.condition.trim().is_empty() {
        return Ok(None);
    }
    if matches!(action, Action::Create(_)) {
        return Err(refused("has no record to look at: a creation cannot have one"));
    }
    let compiled = call.served.query(&table.model, &write.condition, "").map_err(renamed)?;
    match compiled.filter.as_ref().and_then(groundplan_expr::Filter::external_dependency) {
        None | Some(ExternalDependency::Time) => Ok(Some(compiled)),
        Some(ExternalDependency::Relation) => {
            Err(refused("cannot follow a relation; verify the other record by a write of its own"))
        }
        Some(ExternalDependency::Search) => Err(refused("cannot use `search`; use contains, startsWith or matches")),
    }
}

fn refused(words: &str) -> Error {
    let violation = Violation { field: "condition".into(), description: words.into(), rule: "cel".into() };
    Error::new(Reason::FilterInvalid, format!("condition: {words}")).with_violation(violation)
}

/// Converts the error of a filter to that of a condition.
fn renamed(error: Error) -> Error {
    let words = error.message().replacen("filter: ", "condition: ", 1);
    let violations: Vec<Violation> = error
        .violations()
        .iter()
        .map(|violation| Violation { field: violation.field.replacen("filter", "condition", 1), ..violation.clone() })
        .collect();
    violations.into_iter().fold(Error::new(error.reason(), words), Error::with_violation)
}

/// Returns an error if a batch names a record twice. It names each repeated path, except the first path of a record.
fn check_distinct(planned: &[Planned<'_>]) -> Result<(), Error> {
    let mut seen: HashMap<&Id, WritePath<'_>> = HashMap::new();
    let distinct = planned.iter().map(|one| {
        let first = *seen.entry(&one.id).or_insert(one.place);
        if first == one.place {
            return Ok(());
        }
        let place = match one.action {
            Action::Create(_) | Action::Update(_) => one.place.record(),
            _ => one.place.message(),
        };
        let name = &one.table.model.shape().field(one.table.model.roles.id).name;
        let description = format!("is that of {} too; a batch names each record once", first.item());
        Err(Error::field(name.as_str(), "repeated.unique", description).within(&place))
    });
    ErrorCollector::collect(distinct).map(drop)
}
