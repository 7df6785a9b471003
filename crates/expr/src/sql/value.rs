//! Compiled values, and the meaning of their NULL.

use super::piece::Piece;
use groundplan_codec::{FIRST_TIME, LAST_TIME, LONGEST_DURATION};
use groundplan_model::shape::Kind;

/// PostgreSQL's type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SqlType {
    Boolean,
    Bigint,
    Integer,
    Numeric,
    Double,
    Text,
    Bytea,
    Uuid,
    Timestamptz,
    Interval,
}

/// The meaning of NULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhenNull {
    /// The value is never NULL.
    Never,
    Error,
    /// `null` itself.
    Null,
    /// Zero, or empty.
    Zero,
}

/// The possible values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Bounds {
    Unknown,
    /// Of integers, and of times and durations in microseconds.
    Whole(i128, i128),
    /// Of doubles: the largest finite magnitude and the smallest one that is not zero. Infinities and NaN are always
    /// possible, unless it is `finite`.
    Real {
        largest: f64,
        smallest: f64,
        finite: bool,
    },
}

/// A compiled value.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) piece: Piece,
    pub(super) ty: SqlType,
    pub(super) null: WhenNull,
    /// Whether it is a plain column, which can have an index.
    pub(super) is_column: bool,
    /// Whether it is a reference to another record, whose column has NULL only for the empty text.
    pub(super) is_reference: bool,
    pub(super) bounds: Bounds,
    /// Guards that must hold or else the value is an error although it is not NULL.
    pub(super) guards: Vec<Piece>,
    /// The guard that the containing element exists, if the value is NULL without it.
    pub(super) presence: Option<Piece>,
}

impl Value {
    pub(super) fn new(piece: Piece, ty: SqlType) -> Self {
        Self {
            piece,
            ty,
            null: WhenNull::Never,
            is_column: false,
            is_reference: false,
            bounds: Bounds::Unknown,
            guards: Vec::new(),
            presence: None,
        }
    }

    pub(super) fn with_null(self, null: WhenNull) -> Self {
        Self { null, ..self }
    }

    pub(super) fn with_bounds(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    /// Adds the guards of the containing element of a list or a map.
    pub(super) fn in_element(mut self, guards: Vec<Piece>, presence: Option<Piece>) -> Self {
        // A value that is an error if absent is also an error if its element is missing.
        let presence = presence.filter(|_| self.null != WhenNull::Error);
        self.guards.extend(guards.into_iter().chain(presence.clone()));
        Self { presence, ..self }
    }

    /// Returns the guards of a test. NULL does not pass a `strict` test, which needs no guard for presence.
    pub(super) fn guards(&self, strict: bool) -> Vec<Piece> {
        let is_needed = |guard: &&Piece| !strict || self.presence.as_ref() != Some(guard);
        self.guards.iter().filter(is_needed).cloned().collect()
    }

    /// Whether evaluating it can be an error.
    pub(super) fn may_fail(&self) -> bool {
        matches!(self.null, WhenNull::Error | WhenNull::Null)
    }

    /// Converts a UUID to text, and a NULL that means zero to zero.
    pub(super) fn normalized(mut self) -> Self {
        if self.ty == SqlType::Uuid {
            self.piece = self.piece.cast("text");
            self.ty = SqlType::Text;
            self.is_column = false;
        }
        if self.null == WhenNull::Zero {
            self.piece = Piece::call("coalesce", &[&self.piece, &Piece::atom(self.ty.zero())]);
            self.null = WhenNull::Never;
            self.presence = None;
            self.is_column = false;
        }
        self
    }

    /// Marks a value that is derived from another one: derived from `null`, it is an error.
    pub(super) fn derived(self) -> Self {
        let null = if self.null == WhenNull::Null { WhenNull::Error } else { self.null };
        Self { null, ..self }
    }

    /// Returns the value with its guards included in the SQL.
    pub(super) fn with_guards_inside(self) -> Self {
        let mut value = self.normalized();
        if !value.guards.is_empty() {
            let guards = std::mem::take(&mut value.guards);
            value.piece = value.piece.when(&Piece::chain(&guards, true));
            value.null = WhenNull::Error;
        }
        value
    }

    /// Returns the smallest and the largest possible integer.
    pub(super) fn range(&self) -> (i128, i128) {
        match self.bounds {
            Bounds::Whole(least, most) => (least, most),
            _ => (i128::from(i64::MIN), i128::from(u64::MAX)),
        }
    }
}

impl SqlType {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Bigint => "bigint",
            Self::Integer => "integer",
            Self::Numeric => "numeric",
            Self::Double => "float8",
            Self::Text => "text",
            Self::Bytea => "bytea",
            Self::Uuid => "uuid",
            Self::Timestamptz => "timestamptz",
            Self::Interval => "interval",
        }
    }

    /// Returns the literal that an absent value reads as.
    pub(super) fn zero(self) -> &'static str {
        match self {
            Self::Boolean => "false",
            Self::Text | Self::Bytea => "''",
            _ => "0",
        }
    }

    pub(super) fn is_whole(self) -> bool {
        matches!(self, Self::Bigint | Self::Integer | Self::Numeric)
    }

    /// Returns the type of a column or of its elements; `None` for values that are stored as JSON.
    pub(super) fn from_kind(kind: Kind) -> Option<Self> {
        Some(match unwrapped_kind(kind) {
            Kind::Bool => Self::Boolean,
            Kind::Integer(integer) if integer.exceeds_bigint() => Self::Numeric,
            Kind::Integer(_) => Self::Bigint,
            Kind::Float | Kind::Double => Self::Double,
            Kind::String => Self::Text,
            Kind::Bytes => Self::Bytea,
            Kind::Enum(_) => Self::Integer,
            Kind::Timestamp => Self::Timestamptz,
            Kind::Duration => Self::Interval,
            _ => return None,
        })
    }
}

/// Returns the kind inside a wrapper.
pub(super) fn unwrapped_kind(kind: Kind) -> Kind {
    if let Kind::Wrapper(wrapped) = kind { wrapped.kind() } else { kind }
}

impl Bounds {
    pub(super) fn from_kind(kind: Kind) -> Self {
        match unwrapped_kind(kind) {
            Kind::Integer(integer) => Self::Whole(*integer.range().start(), *integer.range().end()),
            Kind::Enum(_) => Self::Whole(i32::MIN.into(), i32::MAX.into()),
            Kind::Timestamp => Self::Whole(FIRST_TIME.into(), LAST_TIME.into()),
            Kind::Duration => Self::Whole((-LONGEST_DURATION).into(), LONGEST_DURATION.into()),
            // The smallest float and double are subnormal.
            Kind::Float => Self::Real { largest: f32::MAX.into(), smallest: f32::from_bits(1).into(), finite: false },
            Kind::Double => Self::ANY_DOUBLE,
            _ => Self::Unknown,
        }
    }

    pub(super) const ANY_DOUBLE: Self = Self::Real { largest: f64::MAX, smallest: f64::from_bits(1), finite: false };
}

/// Combines two values to one with the guards of both.
pub(super) fn combine(piece: Piece, ty: SqlType, left: &Value, right: &Value) -> Value {
    let null = if left.may_fail() || right.may_fail() { WhenNull::Error } else { WhenNull::Never };
    let guards = left.guards.iter().chain(&right.guards).cloned().collect();
    Value { guards, ..Value::new(piece, ty).with_null(null) }
}
