//! Which names and functions a filter may use, how deep it may be nested, and what it must not give.

use crate::fault::{Fault, FaultKind};
use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, SourceInfo};

/// The deepest nesting of an expression; evaluating is recursive.
const DEEPEST: usize = 200;

/// The names of types, for `type(x) == string`.
const TYPES: &[&str] = &[
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

/// What an event has (`values.rs`).
const FIELDS: &[&str] = &["id", "type", "timestamp", "ordering_key", "data"];

/// Operators that never give true or false.
const CALCULATIONS: &[&str] = &["_+_", "_-_", "_*_", "_/_", "_%_", "-_"];

/// Functions of the standard library (CEL specification, “List of Standard Definitions”) that never give true or false.
const VALUES: &[&str] = &[
    "bytes",
    "double",
    "duration",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "int",
    "size",
    "string",
    "timestamp",
    "type",
    "uint",
];

/// The other functions of the standard library, and those of optional values.
const FUNCTIONS: &[&str] = &[
    "bool",
    "contains",
    "dyn",
    "endsWith",
    "hasValue",
    "matches",
    "none",
    "of",
    "ofNonZeroValue",
    "optional.none",
    "optional.of",
    "optional.ofNonZeroValue",
    "or",
    "orValue",
    "startsWith",
    "value",
];

/// Refuses names that are not `event`, fields that no event has, unknown functions, too deep a nesting, and what can give
/// neither true nor false.
pub(super) fn check(expression: &IdedExpr, text: &str, source: &SourceInfo) -> Result<(), Fault> {
    let mut walk = Walk { text, source, scope: Vec::new() };
    walk.expression(expression, 0)?;
    if is_no_condition(expression) {
        return Err(walk.fault(expression, "gives neither true nor false; compare it with something"));
    }
    Ok(())
}

/// Whether the result is never true or false, whatever the event.
fn is_no_condition(expression: &IdedExpr) -> bool {
    match &expression.expr {
        Expr::Literal(literal) => !matches!(literal, LiteralValue::Boolean(_)),
        Expr::List(_) | Expr::Map(_) => true,
        Expr::Call(call) if call.func_name == "_?_:_" => call.args.iter().skip(1).all(is_no_condition),
        Expr::Call(call) => {
            let name = call.func_name.as_str();
            CALCULATIONS.contains(&name) || VALUES.contains(&name)
        }
        // The macros `map` and `filter` collect a list.
        Expr::Comprehension(inner) => {
            let collects = matches!(&inner.result.expr, Expr::Ident(name) if *name == inner.accu_var);
            collects && matches!(inner.accu_init.expr, Expr::List(_))
        }
        _ => false,
    }
}

struct Walk<'a> {
    text: &'a str,
    source: &'a SourceInfo,
    /// Names that macros such as `exists(x, …)` bind.
    scope: Vec<&'a str>,
}

impl<'a> Walk<'a> {
    fn expression(&mut self, at: &'a IdedExpr, depth: usize) -> Result<(), Fault> {
        if depth > DEEPEST {
            return Err(self.fault(at, &format!("is nested deeper than {DEEPEST} levels")));
        }
        let deeper = depth + 1;
        match &at.expr {
            Expr::Ident(name) => self.name(at, name),
            Expr::Call(call) => {
                let name = call.func_name.as_str();
                // Operators have names like `_+_`, parts of macros like `@not_strictly_false`.
                let is_operator = name.contains(['_', '@', '!', '-', '?']) || name.is_empty();
                if !is_operator && !VALUES.contains(&name) && !FUNCTIONS.contains(&name) {
                    return Err(self.fault(at, &format!("there is no function “{name}”")));
                }
                if let ("matches", Some(Expr::Literal(LiteralValue::String(pattern)))) =
                    (name, call.args.last().map(|arg| &arg.expr))
                    && let Some(wrong) = super::wrong_pattern(pattern.inner())
                {
                    return Err(self.fault(at, &format!("the pattern of matches is wrong: {wrong}")));
                }
                let qualified = call
                    .target
                    .as_ref()
                    .is_some_and(|target| matches!(&target.expr, Expr::Ident(name) if name == "optional"));
                if let Some(target) = call.target.as_ref().filter(|_| !qualified) {
                    self.expression(target, deeper)?;
                }
                call.args.iter().try_for_each(|arg| self.expression(arg, deeper))
            }
            Expr::Comprehension(inner) => {
                self.expression(&inner.iter_range, deeper)?;
                self.expression(&inner.accu_init, deeper)?;
                let before = self.scope.len();
                self.scope.push(&inner.accu_var);
                self.scope.push(&inner.iter_var);
                self.scope.extend(inner.iter_var2.as_deref());
                self.expression(&inner.loop_cond, deeper)?;
                self.expression(&inner.loop_step, deeper)?;
                self.expression(&inner.result, deeper)?;
                self.scope.truncate(before);
                Ok(())
            }
            Expr::List(list) => list.elements.iter().try_for_each(|e| self.expression(e, deeper)),
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => {
                    self.expression(&entry.key, deeper)?;
                    self.expression(&entry.value, deeper)
                }
                EntryExpr::StructField(field) => self.expression(&field.value, deeper),
            }),
            Expr::Select(select) => {
                let of_event = matches!(&select.operand.expr, Expr::Ident(name) if name == "event");
                let shadowed = self.scope.contains(&"event");
                if of_event && !shadowed && !FIELDS.contains(&select.field.as_str()) {
                    let field = &select.field;
                    let message = format!(
                        "an event has no “{field}”, only {}; did you mean event.data.{field}?",
                        FIELDS.join(", ")
                    );
                    return Err(self.fault(at, &message));
                }
                self.expression(&select.operand, deeper)
            }
            Expr::Struct(_) => Err(self.fault(at, "messages cannot be made in a filter")),
            Expr::Literal(_) => Ok(()),
            Expr::Unspecified => Err(self.fault(at, "is not a CEL expression")),
        }
    }

    fn name(&self, at: &IdedExpr, name: &str) -> Result<(), Fault> {
        let plain = name.trim_start_matches('.');
        if plain == "event" || TYPES.contains(&plain) || self.scope.contains(&plain) {
            return Ok(());
        }
        Err(self.fault(at, &format!("“{plain}” is not known; a filter knows only “event”")))
    }

    fn fault(&self, at: &IdedExpr, message: &str) -> Fault {
        let place = self.source.offset_for(at.id).map(|(start, _)| place(self.text, start as usize));
        Fault::new(FaultKind::Syntax, message).at(place)
    }
}

/// Line and column, counted from 1, of a place counted in characters.
fn place(text: &str, offset: usize) -> (u32, u32) {
    let (mut line, mut column) = (1, 1);
    for c in text.chars().take(offset) {
        (line, column) = if c == '\n' { (line + 1, 1) } else { (line, column + 1) };
    }
    (line, column)
}
