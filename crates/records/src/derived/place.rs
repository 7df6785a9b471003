//! The fields of the derived request messages by number. The numbers are the same for every model and never change.

use groundplan_model::catalog::{MethodKind, Model};

/// A field of a request message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Record,
    Id,
    Etag,
    UpdateMask,
    PageSize,
    PageToken,
    Filter,
    OrderBy,
    Skip,
    ReadMask,
    Count,
    AllowScan,
    Expand,
    /// The requests of a batch.
    Requests,
    /// The List request to explain.
    List,
    GroupBy,
    Aggregations,
    Start,
    Token,
    WithPrevious,
    ReadTime,
    RequestId,
    ValidateOnly,
    AllowMissing,
    ShowDeleted,
}

impl Place {
    /// Returns the field with a number.
    pub(super) fn of_number(kind: MethodKind, number: u32) -> Option<Self> {
        use MethodKind as Kind;
        Some(match (kind, number) {
            (Kind::Create | Kind::Update, 1) => Self::Record,
            (Kind::BatchCreate | Kind::BatchUpdate | Kind::BatchDelete, 1) => Self::Requests,
            (Kind::Create | Kind::BatchCreate | Kind::BatchUpdate | Kind::BatchDelete, 2)
            | (Kind::Delete | Kind::Undelete, 3)
            | (Kind::Update, 4) => Self::RequestId,
            (Kind::Create | Kind::BatchCreate | Kind::BatchUpdate | Kind::BatchDelete, 3)
            | (Kind::Delete | Kind::Undelete, 4)
            | (Kind::Update, 5) => Self::ValidateOnly,
            (Kind::Update, 6) | (Kind::Delete, 5) => Self::AllowMissing,
            (Kind::List | Kind::ListRelated(_), 11) => Self::ShowDeleted,
            (Kind::Update, 2) => Self::UpdateMask,
            (Kind::Update, 3) | (Kind::Delete | Kind::Undelete, 2) => Self::Etag,
            (Kind::Get | Kind::Delete | Kind::Undelete | Kind::ListRevisions, 1) | (Kind::ListRelated(_), 10) => {
                Self::Id
            }
            (Kind::Get | Kind::BatchGet | Kind::Watch, 2) | (Kind::ListRevisions, 4) => Self::ReadMask,
            (Kind::Get, 3) => Self::ReadTime,
            (Kind::ListRevisions, 2) => Self::PageSize,
            (Kind::ListRevisions, 3) => Self::PageToken,
            (Kind::Watch, 1) => Self::Filter,
            (Kind::Watch, 3) => Self::Start,
            (Kind::Watch, 4) => Self::Token,
            (Kind::Watch, 5) => Self::WithPrevious,
            (Kind::Watch, 6) => Self::AllowScan,
            (Kind::BatchGet, 1) => Self::Requests,
            (Kind::BatchGet, 3) => Self::Expand,
            (Kind::List | Kind::ListRelated(_), number) => return Self::of_list(number),
            (Kind::ExplainList, 1) => Self::List,
            (Kind::Aggregate, 1) => Self::Filter,
            (Kind::Aggregate, 2) => Self::GroupBy,
            (Kind::Aggregate, 3) => Self::Aggregations,
            (Kind::Aggregate, 4) => Self::AllowScan,
            _ => return None,
        })
    }

    fn of_list(number: u32) -> Option<Self> {
        Some(match number {
            1 => Self::PageSize,
            2 => Self::PageToken,
            3 => Self::Filter,
            4 => Self::OrderBy,
            5 => Self::Skip,
            6 => Self::ReadMask,
            7 => Self::Count,
            8 => Self::AllowScan,
            9 => Self::Expand,
            _ => return None,
        })
    }

    pub(super) fn name(self, model: &Model) -> &str {
        match self {
            Self::Record => &model.singular_field,
            Self::Id => "id",
            Self::Etag => "etag",
            Self::UpdateMask => "update_mask",
            Self::PageSize => "page_size",
            Self::PageToken => "page_token",
            Self::Filter => "filter",
            Self::OrderBy => "order_by",
            Self::Skip => "skip",
            Self::ReadMask => "read_mask",
            Self::Count => "count",
            Self::AllowScan => "allow_scan",
            Self::Expand => "expand",
            Self::Requests => "requests",
            Self::List => "list",
            Self::GroupBy => "group_by",
            Self::Aggregations => "aggregations",
            Self::Start => "start",
            Self::Token => "token",
            Self::WithPrevious => "with_previous",
            Self::ReadTime => "read_time",
            Self::RequestId => "request_id",
            Self::ValidateOnly => "validate_only",
            Self::AllowMissing => "allow_missing",
            Self::ShowDeleted => "show_deleted",
        }
    }
}
