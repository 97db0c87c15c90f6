//! Reading JSON that a client sent: what is no JSON is 400; what has a wrong, missing or unknown field is 422 and names it,
//! in words for whoever wrote the request.

use crate::problems::{Answer, FieldProblem, Problem};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// Whether a content type says that a body is JSON.
pub fn is_json_type(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}

/// Parses JSON; what is no JSON is 400, what has wrong fields is 422 with the field.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Answer<T> {
    // A list would be read as the fields in their order.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(Problem::invalid("", "The body must be a JSON object, not a list."));
    }
    // Only what is wrong is read once more, slowly, for the place of the fault.
    if let Ok(value) = serde_json::from_slice(bytes) {
        return Ok(value);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut deserializer);
    let value = parsed.map_err(|error| {
        let field = error.path().to_string();
        let inner = error.into_inner();
        match inner.classify() {
            serde_json::error::Category::Data => wrong_field(&field, &inner.to_string()),
            // The parser also says “expected value” where one of several words is due and no text stands.
            _ if serde_json::from_slice::<&RawValue>(bytes).is_ok() => {
                let is_no_text = inner.to_string().starts_with("expected value");
                wrong_field(&field, if is_no_text { "must be a string" } else { "has a wrong type" })
            }
            _ => Problem::malformed(format!("The body is not valid JSON: {inner}.")),
        }
    })?;
    deserializer.end().map_err(|e| Problem::malformed(format!("The body is not valid JSON: {e}.")))?;
    Ok(value)
}

fn wrong_field(at: &str, text: &str) -> Problem {
    let text = text.rsplit_once(" at line").map_or(text, |(text, _)| text);
    let at = if at == "." { "" } else { at };
    let (field, message) = match missing(text) {
        Some(name) if at.is_empty() => (name.to_owned(), "must be given".to_owned()),
        Some(name) => (format!("{at}.{name}"), "must be given".to_owned()),
        None => (at.to_owned(), in_words(text)),
    };
    let detail = if field.is_empty() { format!("{message}.") } else { format!("`{field}`: {message}.") };
    Problem {
        errors: [FieldProblem { field, message }].into(),
        ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The input is not valid", detail)
    }
}

/// The field that the parser misses; it says so of the object around it.
fn missing(text: &str) -> Option<&str> {
    text.strip_prefix("missing field `")?.strip_suffix('`')
}

/// The parser's words without the names of Rust's types.
fn in_words(text: &str) -> String {
    if let Some(message) = variants(text) {
        return message;
    }
    let both = text.strip_prefix("invalid type: ").or_else(|| text.strip_prefix("invalid value: "));
    let Some((given, expected)) = both.and_then(|both| both.rsplit_once(", expected ")) else { return text.to_owned() };
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a map" => "an object",
        "a sequence" => "a list",
        "string or map" => "a string",
        "a boolean" => "true or false",
        named if named.starts_with("struct ") => "an object",
        other => other,
    };
    let given = match given {
        "map" => "an object",
        "sequence" => "a list",
        other => {
            ["floating point ", "integer ", "boolean "].iter().find_map(|p| other.strip_prefix(p)).unwrap_or(other)
        }
    };
    format!("must be {expected}, not {given}")
}

/// What may stand where one of several words is due and another was given.
fn variants(text: &str) -> Option<String> {
    let (given, expected) = text.strip_prefix("unknown variant `")?.rsplit_once("`, expected ")?;
    let known: Vec<_> = expected.split('`').skip(1).step_by(2).collect();
    let known = match known.split_last()? {
        (only, []) => (*only).to_owned(),
        (last, others) => format!("{} or {last}", others.join(", ")),
    };
    Some(format!("must be {known}, not “{given}”"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::Value;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read from JSON")]
    struct Input {
        since: String,
        days: Option<u32>,
        ratio: Option<f64>,
        dry_run: Option<bool>,
        list: Option<Vec<String>>,
        inner: Option<Inner>,
        format: Option<Format>,
        order: Option<Order>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Format {
        Json,
        Xml,
        Form,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Order {
        Key,
        None,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read from JSON")]
    struct Inner {
        x: i64,
    }

    #[test]
    fn a_wrong_field_is_named_and_said_in_words() {
        for (json, field, message) in [
            (r"{}", "since", "must be given"),
            (r#"{"since":"a","inner":{}}"#, "inner.x", "must be given"),
            (r#"{"since":"a","inner":{"x":1,"y":2}}"#, "inner.y", "unknown field `y`, expected `x`"),
            (r#"{"since":"a","inner":"z"}"#, "inner", "must be an object, not string \"z\""),
            (r#"{"since":7}"#, "since", "must be a string, not `7`"),
            (r#"{"since":null}"#, "since", "must be a string, not null"),
            (r#"{"since":"a","days":-1}"#, "days", "must be a whole number, 0 or more, not `-1`"),
            (r#"{"since":"a","days":1.5}"#, "days", "must be a whole number, 0 or more, not `1.5`"),
            (r#"{"since":"a","ratio":", expected u64"}"#, "ratio", "must be a number, not string \", expected u64\""),
            (r#"{"since":"a","dry_run":{}}"#, "dry_run", "must be true or false, not an object"),
            (r#"{"since":"a","list":["b",true]}"#, "list[1]", "must be a string, not `true`"),
            (r#"{"since":"a","format":"yaml"}"#, "format", "must be json, xml or form, not “yaml”"),
            (r#"{"since":"a","order":"`, expected `x`"}"#, "order", "must be key or none, not “`, expected `x`”"),
            (r#"{"since":"a","order":7}"#, "order", "must be a string"),
            (r#"{"since":"a","list":"b"}"#, "list", "must be a list, not string \"b\""),
        ] {
            let problem = parse_json::<Input>(json.as_bytes()).unwrap_err();
            let [wrong] = &problem.errors[..] else { panic!("{json}: {problem:?}") };
            assert_eq!((wrong.field.as_str(), wrong.message.as_str()), (field, message), "{json}");
            assert_eq!(problem.detail, format!("`{field}`: {message}."));
        }
        assert_eq!(parse_json::<Value>(b"{").unwrap_err().status, 400);
    }
}
