//! Which names and functions a filter may use, how deep it may be nested, and what it must not give.

use super::constants::{always_fails, wrong_pattern};
use super::kinds::{FIELDS, Kind, OTHERS, RESULTS, TYPES, field, kind, selected};
use crate::fault::{Fault, FaultKind};
use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SourceInfo};

/// The deepest nesting of an expression; evaluating is recursive.
const DEEPEST: usize = 200;

/// Refuses names that are not `event`, fields that no event has, unknown functions, too deep a nesting, what fails for every
/// event, and what can give neither true nor false.
pub(super) fn check(expression: &IdedExpr, text: &str, source: &SourceInfo) -> Result<(), Fault> {
    let mut walk = Walk { text, source, scope: Vec::new() };
    walk.expression(expression, 0)?;
    match kind(expression, &[]) {
        None | Some(Kind::Bool) => Ok(()),
        Some(other) => {
            let (words, step) = (other.words(), other.next_step());
            Err(walk.fault(expression, &format!("gives {words}, which is neither true nor false; {step}")))
        }
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
            return Err(self.fault_at(self.offset(at), &format!("is nested deeper than {DEEPEST} levels")));
        }
        let deeper = depth + 1;
        match &at.expr {
            Expr::Ident(name) => self.name(at, name),
            Expr::Call(call) => {
                let name = call.func_name.as_str();
                // Operators have names like `_+_`, parts of macros like `@not_strictly_false`.
                let is_operator = name.contains(['_', '@', '!', '-', '?']) || name.is_empty();
                if !is_operator && !OTHERS.contains(&name) && !RESULTS.iter().any(|(known, _)| *known == name) {
                    return Err(self.fault_at(self.name_of(at, name), &format!("there is no function “{name}”")));
                }
                if let ("matches", Some(pattern)) = (name, call.args.last())
                    && let Expr::Literal(LiteralValue::String(text)) = &pattern.expr
                    && let Some(wrong) = wrong_pattern(text.inner())
                {
                    return Err(self.fault(pattern, &format!("the pattern of matches is wrong: {wrong}")));
                }
                let qualified = call
                    .target
                    .as_ref()
                    .is_some_and(|target| matches!(&target.expr, Expr::Ident(name) if name == "optional"));
                if let Some(target) = call.target.as_ref().filter(|_| !qualified) {
                    self.expression(target, deeper)?;
                }
                call.args.iter().try_for_each(|arg| self.expression(arg, deeper))?;
                self.field(at)?;
                self.operands(at, call)?;
                match always_fails(at, call) {
                    Some(why) if is_operator => Err(self.fault(at, &why)),
                    Some(why) => Err(self.fault_at(self.name_of(at, name), &why)),
                    None => Ok(()),
                }
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
                self.expression(&select.operand, deeper)?;
                self.field(at)
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

    /// Refuses a field that no event has, and a field of what has none.
    fn field(&self, at: &IdedExpr) -> Result<(), Fault> {
        let Some((object, name)) = selected(at) else { return Ok(()) };
        if let Some(field) = field(at, &self.scope)
            && !FIELDS.iter().any(|(known, _)| *known == field)
        {
            let known: Vec<_> = FIELDS.iter().map(|(known, _)| *known).collect();
            let known = known.join(", ");
            let message = format!("an event has no “{field}”, only {known}; did you mean event.data.{field}?");
            return Err(self.fault(at, &message));
        }
        match kind(object, &self.scope) {
            Some(kind @ (Kind::Bool | Kind::Number | Kind::Text | Kind::TextOrNull | Kind::Timestamp)) => {
                Err(self.fault(object, &format!("is {}, which has no field “{name}”; leave that out", kind.words())))
            }
            _ => Ok(()),
        }
    }

    /// Refuses operands with which an operator fails whatever the event.
    fn operands(&self, at: &IdedExpr, call: &CallExpr) -> Result<(), Fault> {
        let conditions = match call.func_name.as_str() {
            "_&&_" | "_||_" => call.args.as_slice(),
            "!_" | "_?_:_" => call.args.get(..1).unwrap_or_default(),
            "_<_" | "_<=_" | "_>_" | "_>=_" => return self.comparison(at, call),
            _ => return Ok(()),
        };
        conditions.iter().try_for_each(|condition| match kind(condition, &self.scope) {
            None | Some(Kind::Bool) => Ok(()),
            Some(other) => {
                let (words, step) = (other.words(), other.next_step());
                Err(self.fault(condition, &format!("is {words} where true or false is needed; {step}")))
            }
        })
    }

    fn comparison(&self, at: &IdedExpr, call: &CallExpr) -> Result<(), Fault> {
        let [one, other] = call.args.as_slice() else { return Ok(()) };
        let (Some(left), Some(right)) = (kind(one, &self.scope), kind(other, &self.scope)) else { return Ok(()) };
        if !left.never_compares_with(right) {
            return Ok(());
        }
        let step = match (left, right) {
            (Kind::Timestamp, Kind::Text) | (Kind::Text, Kind::Timestamp) => {
                "write the text as timestamp(\"2026-11-24T09:05:00Z\")"
            }
            _ => "compare values of one kind",
        };
        let message = format!("compares {} with {}, which always fails; {step}", left.words(), right.words());
        Err(self.fault(at, &message))
    }

    fn fault(&self, at: &IdedExpr, message: &str) -> Fault {
        self.fault_at(self.start(at), message)
    }

    fn fault_at(&self, offset: Option<usize>, message: &str) -> Fault {
        Fault::new(FaultKind::Syntax, message).at(offset.map(|offset| place(self.text, offset)))
    }

    fn offset(&self, at: &IdedExpr) -> Option<usize> {
        self.source.offset_for(at.id).map(|(start, _)| start as usize)
    }

    /// Where an expression starts: that of an operator is told as the operator's own place, that of a call as its bracket's.
    fn start(&self, at: &IdedExpr) -> Option<usize> {
        let first = match &at.expr {
            Expr::Select(select) => self.start(&select.operand),
            Expr::Comprehension(inner) => self.start(&inner.iter_range),
            Expr::Call(call) => match (&call.target, call.args.first()) {
                (Some(target), _) => self.start(target),
                (None, Some(arg)) if call.func_name.starts_with('_') || call.func_name == "@in" => self.start(arg),
                _ => self.name_of(at, &call.func_name),
            },
            _ => None,
        };
        first.or_else(|| self.offset(at))
    }

    /// Where the name of a called function is: what is known is the place of the bracket after it.
    fn name_of(&self, at: &IdedExpr, name: &str) -> Option<usize> {
        let bracket = self.offset(at)?;
        let before: Vec<char> = self.text.chars().take(bracket).collect();
        let end = before.iter().rposition(|c| !c.is_whitespace()).map_or(0, |last| last + 1);
        let begin = end.checked_sub(name.chars().count());
        let is_there = begin.is_some_and(|begin| before[begin..end].iter().copied().eq(name.chars()));
        if is_there { begin } else { Some(bracket) }
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
