//! Every bound on calls and answers, in one list.

use crate::id;
use crate::index_keys::MAX_INDEX_KEY;
use crate::operations::{aggregate, delete, events, expand, streamed, write};
use crate::{changefeed, page_token, query, transfer, transfer_slots, watch};
use groundplan_budget::DEFAULT as BUDGET;
use groundplan_chassis::health;
use groundplan_error::{Limit, MAX_VIOLATION_BYTES, MAX_VIOLATIONS, Unit};
use groundplan_operations::limits;

/// What a process may hold unless a setting says otherwise.
const MEMORY: usize = 192 << 20;

/// The bounds on calls and answers.
pub const LIMITS: &[Limit] = &[
    Limit::bytes("a request", 4 << 20, "GROUNDPLAN_MAX_MESSAGE changes it"),
    Limit {
        what: "the memory for all that a request decodes",
        most: BUDGET.bytes,
        unit: Unit::Bytes,
        note: "BUDGET_EXCEEDED",
    },
    Limit {
        what: "evaluating the expressions of a request",
        most: BUDGET.steps,
        unit: Unit::Things("steps"),
        note: "BUDGET_EXCEEDED; GROUNDPLAN_MAX_STEPS changes it",
    },
    Limit { what: "what a request reads", most: BUDGET.rows, unit: Unit::Things("rows"), note: "BUDGET_EXCEEDED" },
    Limit::bytes(
        "all that requests, watches, imports and exports of a process hold",
        MEMORY,
        "MEMORY_EXHAUSTED; GROUNDPLAN_MEMORY changes it",
    ),
    Limit::bytes("a record", 4 << 20, "refused, whatever made it so large; GROUNDPLAN_MAX_MESSAGE changes it"),
    Limit::bytes("the body of a REST query", groundplan_rest::limits::MAX_QUERY_BODY, "refused"),
    Limit::bytes("the records of an answer", streamed::MAX_ANSWER_BYTES, "a page ends there; a batch is refused"),
    Limit::bytes("an id that the caller gives", id::MAX_ID, "refused"),
    Limit::bytes("the texts of one index together", MAX_INDEX_KEY, "refused; the id counts"),
    Limit::things(
        "the records of a page",
        limits::MAX_PAGE_SIZE.unsigned_abs() as usize,
        "records",
        "more is taken as this; 50 if not said",
    ),
    Limit::things("skip", limits::MAX_SKIP.unsigned_abs() as usize, "records", "refused; page tokens lead further"),
    Limit::bytes("a page token", page_token::MAX_TOKEN, "an order by longer values is refused"),
    Limit::things("the life of a page token", 72, "hours", "GROUNDPLAN_PAGE_TOKEN_LIFETIME changes it"),
    Limit::bytes(
        "a table that is read from end to end",
        16 << 20,
        "GROUNDPLAN_SCAN_LIMIT changes it; allow_scan lifts it",
    ),
    Limit::things("a batch", limits::MAX_BATCH, "records", "refused"),
    Limit::things("expand", limits::MAX_EXPAND_PATHS, "paths", "refused"),
    Limit::things("a path of expand", limits::MAX_EXPAND_DEPTH, "steps", "refused"),
    Limit::things(
        "a way back of expand, for each record",
        limits::MAX_EXPANDED,
        "records",
        "a page token leads to the others",
    ),
    Limit::things("all that expand leads to", expand::MAX_RECORDS, "records", "refused"),
    Limit::bytes("all that expand leads to", expand::MAX_BYTES, "refused"),
    Limit::things("an aggregate", limits::MAX_AGGREGATIONS, "aggregations", "refused"),
    Limit::things("group_by", limits::MAX_GROUP_BY, "fields", "refused"),
    Limit::things("the groups of an aggregate", limits::MAX_GROUPS, "groups", "refused"),
    Limit::bytes("the name of an aggregation", aggregate::MAX_NAME, "refused"),
    Limit::things("a delete that cascades", delete::MAX_DELETED, "records", "refused"),
    Limit::bytes("all that a write reads to change or delete it", events::MAX_BYTES, "refused"),
    Limit::things("what a delete clears", delete::MAX_CLEARED, "references", "refused"),
    Limit::things("the models of a WatchMany", watch::MAX_MODELS, "models", "refused"),
    Limit::bytes("what waits for a follower of a watch", 4 << 20, "GROUNDPLAN_WATCH_BUFFER changes it; it is cut off"),
    Limit::things("the watches of a process", 20_000, "watches", "GROUNDPLAN_MAX_WATCHES changes it"),
    Limit::things(
        "a watch's filter, for each change",
        changefeed::MAX_STEPS,
        "steps",
        "BUDGET_EXCEEDED ends the watch",
    ),
    Limit::things(
        "the watches of a process's health",
        health::MAX_WATCHES,
        "watches",
        "RATE_LIMITED; Check has no limit",
    ),
    Limit::things(
        "the violations that a refusal names",
        MAX_VIOLATIONS,
        "violations",
        "moreViolations in its metadata",
    ),
    Limit::bytes(
        "the violations of a gRPC refusal",
        MAX_VIOLATION_BYTES,
        "moreViolations in its metadata; REST has all",
    ),
    Limit::things(
        "the unknown names of a request that get a suggestion",
        groundplan_rest::limits::MAX_SUGGESTIONS,
        "names",
        "others list the known",
    ),
    Limit::things(
        "the keys of an object in a body, except a record's",
        groundplan_rest::limits::MAX_MEMBERS,
        "keys",
        "refused",
    ),
    Limit::bytes("a request id", limits::MAX_REQUEST_ID, "refused"),
    Limit::things("how long a call can be repeated", 24, "hours", "GROUNDPLAN_REQUEST_ID_RETENTION changes it"),
    Limit::bytes("a local_ref of a commit", write::local::MAX_NAME, "refused"),
    Limit::things("how long a watch can be resumed", 72, "hours", "GROUNDPLAN_LOG_RETENTION changes it"),
    Limit::bytes("a row of an import", 4 << 20, "a bad row; GROUNDPLAN_MAX_MESSAGE changes it"),
    Limit::things(
        "an import that is all or nothing",
        transfer::MAX_ATOMIC_ROWS,
        "rows",
        "refused; ON_ERROR_SKIP has no limit",
    ),
    Limit::bytes("an import that is all or nothing", transfer::MAX_ATOMIC_BYTES, "refused; ON_ERROR_SKIP has no limit"),
    Limit::things("a part of an import", transfer::MAX_PART_ROWS, "rows", "the next part begins"),
    Limit::bytes("a part of an import", transfer::MAX_PART_BYTES, "the next part begins behind the row"),
    Limit::things("the errors that an import names", transfer::MAX_ERRORS, "errors", "the others are counted"),
    Limit::bytes("the id of an import", limits::MAX_REQUEST_ID, "refused"),
    Limit::things("how long an import can be sent again", transfer::PROGRESS_HOURS, "hours", "it begins anew"),
    Limit::things("the imports and exports of a process", transfer_slots::MAX_AT_ONCE, "calls", "RATE_LIMITED"),
    Limit::things("how long an export may take", 60, "minutes", "DEADLINE_EXCEEDED"),
    Limit::things(
        "how long an import waits for bytes, and an export for its reader",
        30,
        "seconds",
        "DEADLINE_EXCEEDED",
    ),
    Limit::things(
        "statements that are kept prepared",
        query::MAX_KEPT,
        "statements",
        "others are prepared for each run",
    ),
];

#[cfg(test)]
mod tests {
    use super::LIMITS;
    use crate::Settings;

    #[test]
    fn settings_begin_with_what_the_list_says() {
        let most = |what: &str| LIMITS.iter().find(|limit| limit.what == what).unwrap().most;
        let settings = Settings::default();
        assert_eq!(most("a row of an import"), settings.max_message_bytes as u64);
        let patience = most("how long an import waits for bytes, and an export for its reader");
        assert_eq!(patience, crate::transfer::PATIENCE.as_secs());
        assert_eq!(most("how long an export may take") * 60, crate::transfer::LONGEST_EXPORT.as_secs());
        let server: groundplan_chassis::settings::ServerSettings = groundplan_chassis::settings::defaults();
        assert_eq!(
            most("all that requests, watches, imports and exports of a process hold"),
            server.budgets.memory as u64
        );
        assert_eq!(most("evaluating the expressions of a request"), server.budgets.max_steps);
        assert_eq!(groundplan_codec::MAX_VALUES as u64, server.budgets.max_values);
        assert_eq!(most("a request"), settings.max_message_bytes as u64);
        assert_eq!(most("a table that is read from end to end"), settings.scan_limit_bytes as u64);
        assert_eq!(most("what waits for a follower of a watch"), settings.watch_buffer_bytes as u64);
        assert_eq!(most("the watches of a process"), settings.max_watches as u64);
        assert_eq!(most("how long a watch can be resumed") * 3_600, settings.log_retention.as_secs());
        assert_eq!(most("the life of a page token") * 3_600, settings.page_token_lifetime.as_secs());
    }
}
