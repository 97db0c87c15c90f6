//! Reading what `transform` returned. Its properties may be getters and proxies: each is read once, inside the limits.

use super::machine::Inside;
use super::{Content, Transformed};
use crate::MAX_OUTPUT;
use crate::fault::Fault;
use rquickjs::{Object, Value};

/// Headers that are read; more are refused before they are all in memory.
const MOST_HEADERS: usize = 100;

/// The rule of docs/webhooks.md: `null` or `skip: true` skips; a `body` is the whole body; else `data` is put in the
/// endpoint's format; else the event is sent as it is.
pub(super) fn read<'js>(inside: &Inside<'js>, result: &Value<'js>) -> Result<Transformed, Fault> {
    if result.is_null() {
        return Ok(Transformed::Skip);
    }
    if result.is_undefined() {
        return Err(Fault::failed(
            "transform returned nothing; return the event (or an object with body, data or headers) to send it, or null \
             to skip it",
        ));
    }
    if result.is_promise() {
        return Err(Fault::failed(
            "transform must not be async: it returned a promise, and there is nothing to wait for",
        ));
    }
    let Some(object) = result.as_object().filter(|_| !result.is_array() && !result.is_function()) else {
        return Err(Fault::failed(format!(
            "transform returned a {}, not an object with body, data or headers, or null",
            result.type_name()
        )));
    };
    let skip: Value = inside.told(object.get("skip"))?;
    match skip.as_bool() {
        Some(true) => return Ok(Transformed::Skip),
        None if !skip.is_undefined() => return Err(Fault::failed("skip must be true or false")),
        _ => {}
    }
    let headers = headers(inside, object)?;
    Ok(Transformed::Send { content: content(inside, object)?, headers })
}

fn content<'js>(inside: &Inside<'js>, object: &Object<'js>) -> Result<Content, Fault> {
    let body: Value = inside.told(object.get("body"))?;
    if body.is_string() {
        return Ok(Content::Text(bounded(inside.text(body)?)?));
    }
    if !body.is_undefined() {
        return Ok(Content::Json(written(inside, body, "body")?));
    }
    let data: Value = inside.told(object.get("data"))?;
    if data.is_undefined() {
        return Ok(Content::Unchanged);
    }
    Ok(Content::Data(written(inside, data, "data")?))
}

fn written<'js>(inside: &Inside<'js>, value: Value<'js>, name: &str) -> Result<String, Fault> {
    let text = inside.json(value)?.ok_or_else(|| Fault::failed(format!("{name} cannot be written as JSON")))?;
    bounded(text)
}

fn bounded(text: String) -> Result<String, Fault> {
    if text.len() > MAX_OUTPUT {
        return Err(Fault::failed(format!("gave {} bytes; at most {MAX_OUTPUT} can be sent", text.len())));
    }
    Ok(text)
}

fn headers<'js>(inside: &Inside<'js>, object: &Object<'js>) -> Result<Vec<(String, Option<String>)>, Fault> {
    let headers: Value = inside.told(object.get("headers"))?;
    if headers.is_undefined() || headers.is_null() {
        return Ok(Vec::new());
    }
    let Some(headers) = headers.as_object().filter(|h| !h.is_array() && !h.is_function()) else {
        return Err(Fault::failed("headers must be an object with names and values"));
    };
    let mut read = Vec::new();
    for key in headers.keys::<rquickjs::String>() {
        let key = inside.told(key)?;
        if read.len() == MOST_HEADERS {
            return Err(Fault::failed(format!("gave more than {MOST_HEADERS} headers")));
        }
        let value: Value = inside.told(headers.get(key.clone()))?;
        let name = inside.text(key.into_value())?;
        let value = value_of(inside, &name, value)?;
        read.push((name, value));
    }
    Ok(read)
}

fn value_of<'js>(inside: &Inside<'js>, name: &str, value: Value<'js>) -> Result<Option<String>, Fault> {
    if value.is_null() || value.is_undefined() {
        return Ok(None);
    }
    if value.is_string() {
        return Ok(Some(inside.text(value)?));
    }
    if value.is_number() || value.is_bool() {
        return inside.json(value);
    }
    Err(Fault::failed(format!("the header “{name}” must be a string")))
}
