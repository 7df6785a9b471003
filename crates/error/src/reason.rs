//! The reasons of errors, with their codes. Reasons are permanent, because programs match on them.

use crate::Code;
use crate::envelope::{HttpStatus, rest_code};

macro_rules! reasons {
    ($( $(#[doc = $doc:literal])+ $variant:ident = $name:literal, $code:ident; )+) => {
        /// The reason of an error: `google.rpc.ErrorInfo.reason`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $( $(#[doc = $doc])+ $variant, )+
        }

        impl Reason {
            /// All reasons.
            pub const ALL: &[Self] = &[ $( Self::$variant, )+ ];

            /// Returns the name on the wire, in UPPER_SNAKE_CASE.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => $name, )+ }
            }

            /// Returns the gRPC code.
            pub const fn code(self) -> Code {
                match self { $( Self::$variant => Code::$code, )+ }
            }
        }
    };
}

reasons! {
    /// Fields of the request break rules; the details name each.
    InvalidFields = "INVALID_FIELDS", InvalidArgument;
    /// The request is not a valid message of the method, or a field is unknown.
    MalformedRequest = "MALFORMED_REQUEST", InvalidArgument;
    /// Rows of an import are invalid, and nothing was loaded; the details name their lines.
    RowsInvalid = "ROWS_INVALID", InvalidArgument;
    /// The page token is not from this list.
    PageTokenInvalid = "PAGE_TOKEN_INVALID", InvalidArgument;
    /// The page token is too old.
    PageTokenExpired = "PAGE_TOKEN_EXPIRED", InvalidArgument;
    /// The token of a watch is invalid, or belongs to another watch.
    TokenInvalid = "TOKEN_INVALID", InvalidArgument;
    /// The filter is not a valid condition on the model; the message has the position and the cause.
    FilterInvalid = "FILTER_INVALID", InvalidArgument;
    /// The order, or a field to group by or to aggregate, does not exist in the model.
    OrderInvalid = "ORDER_INVALID", InvalidArgument;
    /// A path to expand is not a relation of the model, or is too deep.
    ExpandInvalid = "EXPAND_INVALID", InvalidArgument;
    /// The models cannot be applied; the details name each file, line and column.
    ModelsInvalid = "MODELS_INVALID", InvalidArgument;
    /// The etag is malformed.
    EtagInvalid = "ETAG_INVALID", InvalidArgument;
    /// An earlier call with the same request id had a different request.
    RequestIdReused = "REQUEST_ID_REUSED", InvalidArgument;
    /// The request changes an immutable field.
    FieldImmutable = "FIELD_IMMUTABLE", InvalidArgument;
    /// The credentials are missing or wrong.
    CredentialsInvalid = "CREDENTIALS_INVALID", Unauthenticated;
    /// The principal or the calling service does not have the permission.
    PermissionDenied = "PERMISSION_DENIED", PermissionDenied;
    /// No record has this id.
    RecordNotFound = "RECORD_NOT_FOUND", NotFound;
    /// No revision has this number.
    RevisionNotFound = "REVISION_NOT_FOUND", NotFound;
    /// The REST path does not exist.
    PathNotFound = "PATH_NOT_FOUND", NotFound;
    /// A record with this id exists, possibly soft-deleted.
    RecordExists = "RECORD_EXISTS", AlreadyExists;
    /// Another record has the same values in a unique index.
    NotUnique = "NOT_UNIQUE", AlreadyExists;
    /// The record to undelete is not deleted.
    RecordNotDeleted = "RECORD_NOT_DELETED", AlreadyExists;
    /// The record has another etag: it has changed.
    EtagMismatch = "ETAG_MISMATCH", Aborted;
    /// Every attempt conflicted with concurrent changes of the record; nothing was written.
    RecordBusy = "RECORD_BUSY", Aborted;
    /// Another apply finished first.
    RevisionConflict = "REVISION_CONFLICT", Aborted;
    /// A step of the plan is not possible.
    PlanNotSupported = "PLAN_NOT_SUPPORTED", FailedPrecondition;
    /// A step of the plan failed; the message has the offending data.
    StepFailed = "STEP_FAILED", FailedPrecondition;
    /// No index supports the query, and the table is large; the message has the index to declare.
    IndexRequired = "INDEX_REQUIRED", FailedPrecondition;
    /// The record is deleted, and can be undeleted.
    RecordDeleted = "RECORD_DELETED", NotFound;
    /// The record does not meet the condition of a write.
    ConditionNotMet = "CONDITION_NOT_MET", FailedPrecondition;
    /// Other records refer to the record; the message names some.
    RecordReferenced = "RECORD_REFERENCED", FailedPrecondition;
    /// The response has more groups, or the call deletes more records, than a limit.
    AnswerTooLarge = "ANSWER_TOO_LARGE", FailedPrecondition;
    /// A sum does not fit its type.
    SumOverflow = "SUM_OVERFLOW", FailedPrecondition;
    /// The event log no longer has the requested position, or the position belongs to another log.
    PositionGone = "POSITION_GONE", OutOfRange;
    /// The requested time is older than the history.
    HistoryGone = "HISTORY_GONE", OutOfRange;
    /// The request, or its response, exceeds a limit.
    TooLarge = "TOO_LARGE", ResourceExhausted;
    /// The request needs more values, steps, rows or bytes than the limit for one request; the message has the limit.
    BudgetExceeded = "BUDGET_EXCEEDED", ResourceExhausted;
    /// The process has reached its memory limit for calls; the call can be retried.
    MemoryExhausted = "MEMORY_EXHAUSTED", ResourceExhausted;
    /// The watcher reads too slowly; it can resume after its last event.
    FollowerTooSlow = "FOLLOWER_TOO_SLOW", ResourceExhausted;
    /// The rate limit is exceeded.
    RateLimited = "RATE_LIMITED", ResourceExhausted;
    /// The deadline passed.
    DeadlineExceeded = "DEADLINE_EXCEEDED", DeadlineExceeded;
    /// The client canceled the call.
    Cancelled = "CANCELLED", Cancelled;
    /// The database does not respond, or no connection is free.
    DatabaseUnavailable = "DATABASE_UNAVAILABLE", Unavailable;
    /// The limit for concurrent calls is reached.
    ServerBusy = "SERVER_BUSY", Unavailable;
    /// A peer service does not respond.
    PeerUnavailable = "PEER_UNAVAILABLE", Unavailable;
    /// The server is starting or stopping.
    NotReady = "NOT_READY", Unavailable;
    /// The method does not exist; the message names the nearest.
    MethodUnknown = "METHOD_UNKNOWN", Unimplemented;
    /// A unary method got no message or several; nothing was done.
    MessageCount = "MESSAGE_COUNT", Unimplemented;
    /// The server does not support the format or the compression of the messages.
    EncodingNotSupported = "ENCODING_NOT_SUPPORTED", Unimplemented;
    /// The requested feature does not exist yet.
    NotSupported = "NOT_SUPPORTED", Unimplemented;
    /// The frame of a gRPC message violates the protocol: its compressed flag or its length.
    FrameInvalid = "FRAME_INVALID", Internal;
    /// An internal error of the server.
    Internal = "INTERNAL", Internal;
}

impl Reason {
    /// Returns the HTTP status and the `error.code`: those of the gRPC code, except where HTTP has a more specific status.
    pub const fn rest(self) -> (HttpStatus, &'static str) {
        match self {
            // After 429, clients would retry, which never helps here.
            Self::TooLarge | Self::BudgetExceeded => (413, "INVALID_INPUT"),
            _ => rest_code(self.code()),
        }
    }
}
