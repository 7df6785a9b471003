//! The reasons, each with its code. A reason is for ever: programs match on it.

use crate::Code;
use crate::envelope::{HttpStatus, rest_code};

macro_rules! reasons {
    ($( $(#[doc = $doc:literal])+ $variant:ident = $name:literal, $code:ident; )+) => {
        /// Why a call was refused: `google.rpc.ErrorInfo.reason`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $( $(#[doc = $doc])+ $variant, )+
        }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &[Self] = &[ $( Self::$variant, )+ ];

            /// The name on the wire, in UPPER_SNAKE_CASE.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => $name, )+ }
            }

            /// The gRPC code.
            pub const fn code(self) -> Code {
                match self { $( Self::$variant => Code::$code, )+ }
            }
        }
    };
}

reasons! {
    /// Fields of the request break rules; the details name each.
    InvalidFields = "INVALID_FIELDS", InvalidArgument;
    /// The request's bytes are not the message that the method takes, or a field is unknown.
    MalformedRequest = "MALFORMED_REQUEST", InvalidArgument;
    /// Rows of an import are bad, and nothing was loaded; the details name them by line.
    RowsInvalid = "ROWS_INVALID", InvalidArgument;
    /// The page token is not from this list.
    PageTokenInvalid = "PAGE_TOKEN_INVALID", InvalidArgument;
    /// The page token is too old.
    PageTokenExpired = "PAGE_TOKEN_EXPIRED", InvalidArgument;
    /// The token of a watch is not one, or is of another watch.
    TokenInvalid = "TOKEN_INVALID", InvalidArgument;
    /// The filter is no condition over the model; the message says where and why.
    FilterInvalid = "FILTER_INVALID", InvalidArgument;
    /// The order, or a field to group by or to compute over, is not one that the model has.
    OrderInvalid = "ORDER_INVALID", InvalidArgument;
    /// What is to be expanded is no relation of the model, or too deep.
    ExpandInvalid = "EXPAND_INVALID", InvalidArgument;
    /// The models cannot be applied; the details name each file, line and column.
    ModelsInvalid = "MODELS_INVALID", InvalidArgument;
    /// The etag is not one.
    EtagInvalid = "ETAG_INVALID", InvalidArgument;
    /// Another call with the same request id asked for something else.
    RequestIdReused = "REQUEST_ID_REUSED", InvalidArgument;
    /// A change to a field that is fixed at creation.
    FieldImmutable = "FIELD_IMMUTABLE", InvalidArgument;
    /// No credentials, or wrong ones.
    CredentialsInvalid = "CREDENTIALS_INVALID", Unauthenticated;
    /// The principal, or the service that calls, may not do this.
    PermissionDenied = "PERMISSION_DENIED", PermissionDenied;
    /// No record has this id.
    RecordNotFound = "RECORD_NOT_FOUND", NotFound;
    /// No revision has this number.
    RevisionNotFound = "REVISION_NOT_FOUND", NotFound;
    /// No REST path like this.
    PathNotFound = "PATH_NOT_FOUND", NotFound;
    /// A record has this id already, which may be deleted softly.
    RecordExists = "RECORD_EXISTS", AlreadyExists;
    /// Another record has the same values in a unique index.
    NotUnique = "NOT_UNIQUE", AlreadyExists;
    /// A record that is to be undeleted is not deleted.
    RecordNotDeleted = "RECORD_NOT_DELETED", AlreadyExists;
    /// The record has changed since the etag was given.
    EtagMismatch = "ETAG_MISMATCH", Aborted;
    /// Others changed the record at every attempt; nothing was written.
    RecordBusy = "RECORD_BUSY", Aborted;
    /// Another apply came first.
    RevisionConflict = "REVISION_CONFLICT", Aborted;
    /// A step of the plan cannot be done.
    PlanNotSupported = "PLAN_NOT_SUPPORTED", FailedPrecondition;
    /// A step of the plan failed; what it found in the data is in the message.
    StepFailed = "STEP_FAILED", FailedPrecondition;
    /// No index serves the query, and the table is large; the message has the index to declare.
    IndexRequired = "INDEX_REQUIRED", FailedPrecondition;
    /// The record is deleted, and can be undeleted.
    RecordDeleted = "RECORD_DELETED", NotFound;
    /// The condition of a write does not hold for the record.
    ConditionNotMet = "CONDITION_NOT_MET", FailedPrecondition;
    /// Other records refer to the record; the message names some.
    RecordReferenced = "RECORD_REFERENCED", FailedPrecondition;
    /// The answer has more groups, or deletes more records, than a limit.
    AnswerTooLarge = "ANSWER_TOO_LARGE", FailedPrecondition;
    /// A sum does not fit its type.
    SumOverflow = "SUM_OVERFLOW", FailedPrecondition;
    /// The event log does not have what is asked for any more: it is too old, or the log is another one.
    PositionGone = "POSITION_GONE", OutOfRange;
    /// The history does not reach back as far.
    HistoryGone = "HISTORY_GONE", OutOfRange;
    /// The request is larger than a limit, or its answer would be.
    TooLarge = "TOO_LARGE", ResourceExhausted;
    /// The request needs more values, steps, rows or bytes than one request may use; the message has the limit.
    BudgetExceeded = "BUDGET_EXCEEDED", ResourceExhausted;
    /// The process holds all the memory that it may hold for calls; the call may be tried again.
    MemoryExhausted = "MEMORY_EXHAUSTED", ResourceExhausted;
    /// The follower of a watch reads too slowly; it may go on behind the last event that it has.
    FollowerTooSlow = "FOLLOWER_TOO_SLOW", ResourceExhausted;
    /// More calls than are allowed.
    RateLimited = "RATE_LIMITED", ResourceExhausted;
    /// The deadline passed.
    DeadlineExceeded = "DEADLINE_EXCEEDED", DeadlineExceeded;
    /// The caller went away.
    Cancelled = "CANCELLED", Cancelled;
    /// The database does not answer, or no connection is free.
    DatabaseUnavailable = "DATABASE_UNAVAILABLE", Unavailable;
    /// More calls wait for their answers than the server takes.
    ServerBusy = "SERVER_BUSY", Unavailable;
    /// A peer service does not answer.
    PeerUnavailable = "PEER_UNAVAILABLE", Unavailable;
    /// The server is starting or stopping.
    NotReady = "NOT_READY", Unavailable;
    /// There is no such method; the message names the nearest.
    MethodUnknown = "METHOD_UNKNOWN", Unimplemented;
    /// A method that takes one message got none, or several; nothing was done.
    MessageCount = "MESSAGE_COUNT", Unimplemented;
    /// The messages of the call are in a format or a compression that the server does not read.
    EncodingNotSupported = "ENCODING_NOT_SUPPORTED", Unimplemented;
    /// What is asked for does not exist yet.
    NotSupported = "NOT_SUPPORTED", Unimplemented;
    /// The frame of a gRPC message contradicts the protocol: its compressed flag, or what it says of its data.
    FrameInvalid = "FRAME_INVALID", Internal;
    /// A failure that is ours.
    Internal = "INTERNAL", Internal;
}

impl Reason {
    /// The HTTP status and the `error.code`: those of the gRPC code, except where HTTP has a status of its own.
    pub const fn rest(self) -> (HttpStatus, &'static str) {
        match self {
            // 429 would tell clients to try again, which never helps here.
            Self::TooLarge | Self::BudgetExceeded => (413, "INVALID_INPUT"),
            _ => rest_code(self.code()),
        }
    }
}
