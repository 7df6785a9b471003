//! All limits of requests and responses.

use crate::operations::{aggregate, delete, expand, write, write_session};
use crate::{changefeed, streamed, transfer, transfer_slots, watch};
use groundplan_budget::DEFAULT as BUDGET;
use groundplan_chassis::health;
use groundplan_error::{Limit, MAX_VIOLATION_BYTES, MAX_VIOLATIONS, Unit};
use groundplan_operations::limits;
use groundplan_query::id;
use groundplan_query::index_keys::MAX_INDEX_KEY;
use groundplan_query::page_token;

/// The default memory limit of a process in bytes.
const MEMORY: usize = 192 << 20;

/// The limits of requests and responses.
pub const LIMITS: &[Limit] = &[
    Limit::bytes("a request", 4 << 20, "set by GROUNDPLAN_MAX_MESSAGE"),
    Limit { what: "the decoded data of a request", most: BUDGET.bytes, unit: Unit::Bytes, note: "BUDGET_EXCEEDED" },
    Limit {
        what: "evaluating the expressions of a request",
        most: BUDGET.steps,
        unit: Unit::Things("steps"),
        note: "BUDGET_EXCEEDED; set by GROUNDPLAN_MAX_STEPS",
    },
    Limit {
        what: "the rows that a request reads",
        most: BUDGET.rows,
        unit: Unit::Things("rows"),
        note: "BUDGET_EXCEEDED",
    },
    Limit::bytes(
        "the memory of all requests, watches, imports and exports of a process",
        MEMORY,
        "MEMORY_EXHAUSTED; set by GROUNDPLAN_MEMORY",
    ),
    Limit::bytes(
        "a record",
        4 << 20,
        "rejected, even if caused by server-set or unchanged fields; set by GROUNDPLAN_MAX_MESSAGE",
    ),
    Limit::bytes("the body of a REST query", groundplan_rest::limits::MAX_QUERY_BODY, "rejected"),
    Limit::bytes("the records of a response", streamed::MAX_ANSWER_BYTES, "a page ends early; a batch is rejected"),
    Limit::bytes("an id assigned by the caller", id::MAX_ID, "rejected"),
    Limit::bytes("the strings of one index entry together", MAX_INDEX_KEY, "rejected; the id counts"),
    Limit::things(
        "the records of a page",
        limits::MAX_PAGE_SIZE.unsigned_abs() as usize,
        "records",
        "larger values mean the maximum; 0 means 50",
    ),
    Limit::things("skip", limits::MAX_SKIP.unsigned_abs() as usize, "records", "rejected; use page tokens instead"),
    Limit::bytes("a page token", page_token::MAX_TOKEN, "rejected, for an order by longer values"),
    Limit::things("the lifetime of a page token", 72, "hours", "set by GROUNDPLAN_PAGE_TOKEN_LIFETIME"),
    Limit::bytes("a table that a query reads in full", 16 << 20, "set by GROUNDPLAN_SCAN_LIMIT; allow_scan lifts it"),
    Limit::things("a batch", limits::MAX_BATCH, "records", "rejected"),
    Limit::things("expand", limits::MAX_EXPAND_PATHS, "paths", "rejected"),
    Limit::things("a path of expand", limits::MAX_EXPAND_DEPTH, "steps", "rejected"),
    Limit::things(
        "an expanded inverse relation, for each record",
        limits::MAX_EXPANDED,
        "records",
        "a page token returns the others",
    ),
    Limit::things("all expanded records of a response", expand::MAX_RECORDS, "records", "rejected"),
    Limit::bytes("all expanded records of a response", expand::MAX_BYTES, "rejected"),
    Limit::things("an aggregate", limits::MAX_AGGREGATIONS, "aggregations", "rejected"),
    Limit::things("group_by", limits::MAX_GROUP_BY, "fields", "rejected"),
    Limit::things("the groups of an aggregate", limits::MAX_GROUPS, "groups", "rejected"),
    Limit::bytes("the name of an aggregation", aggregate::MAX_NAME, "rejected"),
    Limit::things("a delete that cascades", delete::MAX_DELETED, "records", "rejected"),
    Limit::bytes("the records that a write changes or deletes", write_session::MAX_BYTES, "rejected"),
    Limit::things("the references that a delete clears", delete::MAX_CLEARED, "references", "rejected"),
    Limit::things("the models of a WatchMany", watch::MAX_MODELS, "models", "rejected"),
    Limit::bytes(
        "the changes waiting for a watcher",
        4 << 20,
        "set by GROUNDPLAN_WATCH_BUFFER; the watcher is disconnected",
    ),
    Limit::things("the watches of a process", 20_000, "watches", "set by GROUNDPLAN_MAX_WATCHES"),
    Limit::things(
        "a watch's filter, for each change",
        changefeed::MAX_STEPS,
        "steps",
        "BUDGET_EXCEEDED; the watch ends",
    ),
    Limit::things("health watches of a process", health::MAX_WATCHES, "watches", "RATE_LIMITED; Check has no limit"),
    Limit::things(
        "the violations in an error",
        MAX_VIOLATIONS,
        "violations",
        "further ones are counted in the metadata moreViolations",
    ),
    Limit::bytes(
        "the violations in a gRPC error",
        MAX_VIOLATION_BYTES,
        "further ones are counted in the metadata moreViolations; REST returns all",
    ),
    Limit::things(
        "suggestions for unknown names in a request",
        groundplan_rest::limits::MAX_SUGGESTIONS,
        "names",
        "further unknown names list the known ones",
    ),
    Limit::things(
        "the keys of a JSON object in a body, except a record",
        groundplan_rest::limits::MAX_MEMBERS,
        "keys",
        "rejected",
    ),
    Limit::bytes("a request id", limits::MAX_REQUEST_ID, "rejected"),
    Limit::things("the time in which a call can be repeated", 24, "hours", "set by GROUNDPLAN_REQUEST_ID_RETENTION"),
    Limit::bytes("a local_ref of a commit", write::local::MAX_NAME, "rejected"),
    Limit::things("the time in which a watch can be resumed", 72, "hours", "set by GROUNDPLAN_LOG_RETENTION"),
    Limit::bytes("a row of an import", 4 << 20, "an invalid row; set by GROUNDPLAN_MAX_MESSAGE"),
    Limit::things(
        "an all-or-nothing import",
        transfer::MAX_ATOMIC_ROWS,
        "rows",
        "rejected; ON_ERROR_SKIP has no limit",
    ),
    Limit::bytes("an all-or-nothing import", transfer::MAX_ATOMIC_BYTES, "rejected; ON_ERROR_SKIP has no limit"),
    Limit::things("a part of an import", transfer::MAX_PART_ROWS, "rows", "the next part starts"),
    Limit::bytes("a part of an import", transfer::MAX_PART_BYTES, "the next part starts after the row"),
    Limit::things(
        "the errors in the report of an import",
        transfer::MAX_ERRORS,
        "errors",
        "further errors are counted",
    ),
    Limit::bytes("the id of an import", limits::MAX_REQUEST_ID, "rejected"),
    Limit::things(
        "the time in which an import can be resumed",
        transfer::PROGRESS_HOURS,
        "hours",
        "afterwards, it starts again",
    ),
    Limit::things("the imports and exports of a process", transfer_slots::MAX_AT_ONCE, "calls", "RATE_LIMITED"),
    Limit::things("the duration of an export", 60, "minutes", "DEADLINE_EXCEEDED"),
    Limit::things("the time that an import or export waits for its client", 30, "seconds", "DEADLINE_EXCEEDED"),
    Limit::things(
        "statements kept prepared",
        groundplan_query::MAX_KEPT,
        "statements",
        "further ones are prepared for each execution",
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
        let patience = most("the time that an import or export waits for its client");
        assert_eq!(patience, crate::transfer::PATIENCE.as_secs());
        assert_eq!(most("the duration of an export") * 60, crate::transfer::LONGEST_EXPORT.as_secs());
        let server: groundplan_chassis::settings::ServerSettings = groundplan_chassis::settings::defaults();
        assert_eq!(
            most("the memory of all requests, watches, imports and exports of a process"),
            server.budgets.memory as u64
        );
        assert_eq!(most("evaluating the expressions of a request"), server.budgets.max_steps);
        assert_eq!(groundplan_codec::MAX_VALUES as u64, server.budgets.max_values);
        assert_eq!(most("a request"), settings.max_message_bytes as u64);
        assert_eq!(most("a table that a query reads in full"), settings.scan_limit_bytes as u64);
        assert_eq!(most("the changes waiting for a watcher"), settings.watch_buffer_bytes as u64);
        assert_eq!(most("the watches of a process"), settings.max_watches as u64);
        assert_eq!(most("the time in which a watch can be resumed") * 3_600, settings.log_retention.as_secs());
        assert_eq!(most("the lifetime of a page token") * 3_600, settings.page_token_lifetime.as_secs());
    }
}
