//! What kind of value an expression gives, where that is certain whatever the event.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue};

/// A kind of value, as far as filters need to tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Number,
    Text,
    /// An ordering key, which an event need not have.
    TextOrNull,
    Bytes,
    Timestamp,
    Duration,
    List,
    Map,
    Null,
    Type,
    Optional,
    /// A sum or the like of operands of which nothing is known.
    Calculated,
}

impl Kind {
    /// The kind in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::TextOrNull => "a text or null",
            Self::Bytes => "bytes",
            Self::Timestamp => "a timestamp",
            Self::Duration => "a duration",
            Self::List => "a list",
            Self::Map => "an object",
            Self::Null => "null",
            Self::Type => "a type",
            Self::Optional => "an optional value",
            Self::Calculated => "the result of a calculation",
        }
    }

    /// What to write to get true or false of it.
    pub fn next_step(self) -> &'static str {
        match self {
            Self::Optional => "end it with .orValue(false), or with .orValue(…) and a comparison",
            Self::List => "ask size(…) > 0 or …exists(x, …)",
            _ => "compare it with something",
        }
    }

    /// Whether values of the two kinds never have an order between them; of kinds that are not for comparing nothing is said.
    pub fn never_compares_with(self, other: Self) -> bool {
        let plain = |kind| match kind {
            Self::TextOrNull => Some(Self::Text),
            Self::Bool | Self::Number | Self::Text | Self::Bytes | Self::Timestamp | Self::Duration => Some(kind),
            _ => None,
        };
        plain(self).zip(plain(other)).is_some_and(|(one, other)| one != other)
    }
}

/// Functions of the standard library (CEL specification, “List of Standard Definitions”) and those of optional values
/// whose results are of one kind.
pub(super) const RESULTS: &[(&str, Kind)] = &[
    ("bool", Kind::Bool),
    ("bytes", Kind::Bytes),
    ("contains", Kind::Bool),
    ("double", Kind::Number),
    ("duration", Kind::Duration),
    ("endsWith", Kind::Bool),
    ("getDate", Kind::Number),
    ("getDayOfMonth", Kind::Number),
    ("getDayOfWeek", Kind::Number),
    ("getDayOfYear", Kind::Number),
    ("getFullYear", Kind::Number),
    ("getHours", Kind::Number),
    ("getMilliseconds", Kind::Number),
    ("getMinutes", Kind::Number),
    ("getMonth", Kind::Number),
    ("getSeconds", Kind::Number),
    ("hasValue", Kind::Bool),
    ("int", Kind::Number),
    ("matches", Kind::Bool),
    ("none", Kind::Optional),
    ("of", Kind::Optional),
    ("ofNonZeroValue", Kind::Optional),
    ("optional.none", Kind::Optional),
    ("optional.of", Kind::Optional),
    ("optional.ofNonZeroValue", Kind::Optional),
    ("or", Kind::Optional),
    ("size", Kind::Number),
    ("startsWith", Kind::Bool),
    ("string", Kind::Text),
    ("timestamp", Kind::Timestamp),
    ("type", Kind::Type),
    ("uint", Kind::Number),
];

/// The other functions: what they give depends on what they are given.
pub(super) const OTHERS: &[&str] = &["dyn", "orValue", "value"];

/// The names of types, for `type(x) == string`.
pub(super) const TYPES: &[&str] = &[
    "bool",
    "bytes",
    "double",
    "duration",
    "dyn",
    "google",
    "int",
    "list",
    "map",
    "null_type",
    "optional_type",
    "string",
    "timestamp",
    "type",
    "uint",
];

/// What an event has (`values.rs`); `data` may be anything.
pub(super) const FIELDS: &[(&str, Option<Kind>)] = &[
    ("id", Some(Kind::Text)),
    ("type", Some(Kind::Text)),
    ("timestamp", Some(Kind::Timestamp)),
    ("ordering_key", Some(Kind::TextOrNull)),
    ("data", None),
];

/// The kind of an expression's value. `bound` are the names that macros around it bind.
pub(super) fn kind(of: &IdedExpr, bound: &[&str]) -> Option<Kind> {
    match &of.expr {
        Expr::Literal(literal) => Some(match literal {
            LiteralValue::Boolean(_) => Kind::Bool,
            LiteralValue::Bytes(_) => Kind::Bytes,
            LiteralValue::Double(_) | LiteralValue::Int(_) | LiteralValue::UInt(_) => Kind::Number,
            LiteralValue::Null => Kind::Null,
            LiteralValue::String(_) => Kind::Text,
        }),
        Expr::List(_) => Some(Kind::List),
        Expr::Map(_) => Some(Kind::Map),
        Expr::Ident(name) if bound.contains(&name.as_str()) => None,
        Expr::Ident(name) if name == "event" => Some(Kind::Map),
        Expr::Ident(name) => TYPES.contains(&name.as_str()).then_some(Kind::Type),
        Expr::Select(select) if select.test => Some(Kind::Bool),
        Expr::Call(call) if matches!(call.func_name.as_str(), "_?._" | "_[?_]") => Some(Kind::Optional),
        Expr::Select(_) | Expr::Call(CallExpr { target: None, .. }) if field(of, bound).is_some() => {
            let name = field(of, bound)?;
            FIELDS.iter().find(|(field, _)| *field == name)?.1
        }
        Expr::Call(call) => result(call, bound),
        // The macros `map` and `filter` collect a list.
        Expr::Comprehension(inner) => {
            let collects = matches!(&inner.result.expr, Expr::Ident(name) if *name == inner.accu_var)
                && matches!(inner.accu_init.expr, Expr::List(_));
            collects.then_some(Kind::List)
        }
        _ => None,
    }
}

/// The field of `event` that an expression names: `event.x`, `event["x"]`, `event.?x`, `event[?"x"]`.
pub(super) fn field<'e>(of: &'e IdedExpr, bound: &[&str]) -> Option<&'e str> {
    let (object, field) = selected(of)?;
    let is_event = matches!(&object.expr, Expr::Ident(name) if name == "event") && !bound.contains(&"event");
    is_event.then_some(field)
}

/// Of an expression that takes a field by its name, the object and the name.
pub(super) fn selected(of: &IdedExpr) -> Option<(&IdedExpr, &str)> {
    match &of.expr {
        Expr::Select(select) => Some((&select.operand, &select.field)),
        Expr::Call(call) if matches!(call.func_name.as_str(), "_[_]" | "_?._" | "_[?_]") => {
            match call.args.as_slice() {
                [object, IdedExpr { expr: Expr::Literal(LiteralValue::String(field)), .. }] => {
                    Some((object, field.inner()))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn result(call: &CallExpr, bound: &[&str]) -> Option<Kind> {
    let of = |place: usize| call.args.get(place).and_then(|arg| kind(arg, bound));
    match call.func_name.as_str() {
        "_&&_" | "_||_" | "!_" | "_==_" | "_!=_" | "_<_" | "_<=_" | "_>_" | "_>=_" | "@in" => Some(Kind::Bool),
        "_?_:_" => match (of(1)?, of(2)?) {
            (one, other) if one == other => Some(one),
            (Kind::Bool, _) | (_, Kind::Bool) => None,
            _ => Some(Kind::Calculated),
        },
        "_+_" | "_-_" | "_*_" | "_/_" | "_%_" => Some(match (of(0), of(1)) {
            (Some(Kind::Text), _) | (_, Some(Kind::Text)) => Kind::Text,
            (Some(Kind::List), _) | (_, Some(Kind::List)) => Kind::List,
            (Some(Kind::Number), _) | (_, Some(Kind::Number)) => Kind::Number,
            _ => Kind::Calculated,
        }),
        "-_" => Some(of(0).unwrap_or(Kind::Calculated)),
        "dyn" => of(0),
        name => RESULTS.iter().find(|(function, _)| *function == name).map(|(_, kind)| *kind),
    }
}
