//! What writes demand of a record: its etag and their condition, held against it as it is before.

use super::planned::Planned;
use crate::operations::{Call, etag};
use groundplan_codec::Record;
use groundplan_error::{Error, Precondition, Reason};
use groundplan_expr::Scope;

/// Refuses a write whose etag is another one, or whose condition does not hold. An error in its evaluation is no match, as in
/// a filter.
pub(super) fn check(
    call: &Call<'_>,
    write: &Planned<'_>,
    (record, version): (&Record, i64),
    now: i64,
) -> Result<(), Error> {
    if write.wanted.is_some_and(|wanted| wanted != version) {
        return Err(etag::mismatch(&call.table.model, &write.id, version).within(&write.place.item()));
    }
    let Some(filter) = write.condition.as_ref().and_then(|condition| condition.filter.as_ref()) else { return Ok(()) };
    let model = &call.table.model;
    let scope = Scope { catalog: &call.served.catalog, model };
    if filter.evaluate(scope, record, now, &|_| None).unwrap_or_default() {
        return Ok(());
    }
    let id = write.id.to_string();
    let message = format!("the condition does not hold for {} {id:?}; nothing was written", model.full_name);
    let precondition = Precondition {
        kind: "CONDITION",
        subject: format!("{}/{id}", model.full_name),
        description: format!("{} does not hold", write.place.item() + ".condition"),
    };
    let refused = Error::new(Reason::ConditionNotMet, message).about(&model.full_name, id).unless(vec![precondition]);
    Err(refused.within(&write.place.item()))
}
