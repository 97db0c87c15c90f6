//! Filters: one CEL expression over `event` that gives true or false.
//!
//! What can be known without an event is refused when the filter is saved: syntax, names and functions that do not exist,
//! what fails for every event or is never true or false, and expressions that are nested too deeply to evaluate.

mod constants;
mod kinds;
mod names;
mod values;

use crate::MAX_FILTER;
use crate::event::Event;
use crate::fault::{Fault, FaultKind};
use cel::common::types::CelBool;
use cel::parser::{Expression, ParseErrors};
use cel::{Context, Env, Value};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// Filters kept ready for the next event; parsing takes far longer than evaluating.
const KEPT: usize = 512;

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// Filters by their text, ready to be evaluated.
#[derive(Default)]
pub(crate) struct Filters(HashMap<String, Arc<Expression>>);

impl Filters {
    /// The filter with this text.
    pub fn get(&mut self, text: &str) -> Result<Arc<Expression>, Fault> {
        if let Some(found) = self.0.get(text) {
            return Ok(found.clone());
        }
        let parsed = Arc::new(parse(text)?);
        if self.0.len() >= KEPT {
            self.0.clear();
        }
        self.0.insert(text.to_owned(), parsed.clone());
        Ok(parsed)
    }
}

/// Reads a filter and refuses what could never work.
pub(crate) fn parse(text: &str) -> Result<Expression, Fault> {
    if text.len() > MAX_FILTER {
        let message = format!("has {} bytes; a filter may have at most {MAX_FILTER}", text.len());
        return Err(Fault::new(FaultKind::Syntax, message));
    }
    if text.trim().is_empty() {
        return Err(Fault::new(FaultKind::Syntax, "is empty; leave it out to let every event pass"));
    }
    let (expression, source) = ENVIRONMENT.parser().parse_with_source_info(text).map_err(|errors| first(&errors))?;
    names::check(&expression, text, &source)?;
    Ok(expression)
}

/// An event's values, to be looked at by any number of filters.
pub(crate) fn context(event: &Event) -> Result<Context<'static, 'static>, Fault> {
    let mut context = Context::with_env(ENVIRONMENT.clone());
    context.add_variable_as_val("event", values::of_event(event)?);
    Ok(context)
}

/// Whether an event passes.
pub(crate) fn passes(filter: &Expression, context: &Context) -> Result<bool, Fault> {
    let value = Value::resolve_val(filter, context).map_err(|error| Fault::failed(error.to_string()))?;
    match value.downcast_ref::<CelBool>() {
        Some(passed) => Ok(*passed.inner()),
        None => Err(Fault::failed(format!("gave a value of type {}, not true or false", value.get_type().name()))),
    }
}

fn first(errors: &ParseErrors) -> Fault {
    let Some(error) = errors.errors.first() else { return Fault::new(FaultKind::Syntax, "is not a CEL expression") };
    let place = u32::try_from(error.pos.0).ok().zip(u32::try_from(error.pos.1).ok()).filter(|(line, _)| *line > 0);
    Fault::new(FaultKind::Syntax, plain(error.msg.trim_start_matches("Syntax error: "))).at(place)
}

/// The parser's message without the list of all that it would have taken.
fn plain(message: &str) -> String {
    let of = |kind: &str| message.strip_prefix(kind).map(|rest| rest.split(" expecting ").next().unwrap_or(rest));
    let Some(token) =
        ["mismatched input ", "extraneous input ", "no viable alternative at input "].iter().find_map(|k| of(k))
    else {
        return match message.strip_prefix("token recognition error at: ") {
            Some(token) => format!("{} is not understood; is a quotation mark missing?", quoted(token)),
            None => message.to_owned(),
        };
    };
    if token.contains("<EOF>") {
        return "ends too early; something is missing here".to_owned();
    }
    format!("{} does not belong here", quoted(token))
}

fn quoted(token: &str) -> String {
    let bare = token.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')).unwrap_or(token);
    format!("“{}”", bare.chars().take(40).collect::<String>())
}

#[cfg(test)]
mod tests;
