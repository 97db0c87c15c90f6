//! Calls that have nothing of the event in them: they fail always or never, so it can be known when a filter is saved.

use super::{ENVIRONMENT, values};
use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue};
use cel::{Context, Value};

/// Why a call can never succeed, with the next step; `None` when it can, or when that depends on the event.
pub(super) fn always_fails(at: &IdedExpr, call: &CallExpr) -> Option<String> {
    if !is_constant(at) {
        return None;
    }
    let error = Value::resolve_val(at, &Context::with_env(ENVIRONMENT.clone())).err()?.to_string();
    let given = call.args.first().and_then(literal_text);
    Some(match (call.func_name.as_str(), given) {
        ("timestamp", Some(text)) => {
            format!("“{text}” is no timestamp; write it with date, time and zone: timestamp(\"2026-11-24T09:05:00Z\")")
        }
        ("duration", Some(text)) => {
            format!("“{text}” is no duration; write it as a number with h, m, s or ms: duration(\"1h30m\")")
        }
        _ => format!("fails for every event; mend it or leave it out: {}", one_line(&error)),
    })
}

/// What is wrong with the pattern of `matches`, if anything; it is asked of the function itself.
pub(super) fn wrong_pattern(pattern: &str) -> Option<String> {
    let asked = ENVIRONMENT.parser().parse("''.matches(pattern)").ok()?;
    let mut context = Context::with_env(ENVIRONMENT.clone());
    context.add_variable_as_val("pattern", values::text(pattern.to_owned()));
    let error = Value::resolve_val(&asked, &context).err()?.to_string();
    // The library draws the pattern on lines of its own; the last one says what is wrong.
    let last = error.lines().last().unwrap_or_default();
    Some(last.trim_start_matches("error: ").to_owned())
}

fn literal_text(of: &IdedExpr) -> Option<&str> {
    match &of.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

fn one_line(error: &str) -> String {
    error.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether there are only literals and calls of functions in it, none of which is left out of the evaluation.
fn is_constant(of: &IdedExpr) -> bool {
    match &of.expr {
        Expr::Literal(_) => true,
        Expr::List(list) => list.elements.iter().all(is_constant),
        Expr::Map(map) => map.entries.iter().all(|entry| match &entry.expr {
            EntryExpr::MapEntry(entry) => is_constant(&entry.key) && is_constant(&entry.value),
            EntryExpr::StructField(_) => false,
        }),
        Expr::Call(call) => {
            let is_choice = matches!(call.func_name.as_str(), "_&&_" | "_||_" | "_?_:_");
            !is_choice && call.target.iter().all(|target| is_constant(target)) && call.args.iter().all(is_constant)
        }
        _ => false,
    }
}
