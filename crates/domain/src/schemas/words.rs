//! What is wrong with data, or with a schema, in words that say what would be right. Nothing of the data is repeated but the names of fields:
//! what is refused is shown to many, and logged by some.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, ReferencingError, ValidationError};
use serde_json::Value;

/// Names and values that one sentence lists at most.
const MOST_LISTED: usize = 10;

/// The end of a sentence that begins with the place.
pub(super) fn words(error: &ValidationError<'_>) -> String {
    match error.kind() {
        Kind::Required { property } => {
            let name = property.as_str().map_or_else(|| property.to_string(), str::to_owned);
            format!("the field “{name}” is missing")
        }
        Kind::Type { kind } => format!("must be {}", types(kind)),
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => match &unexpected[..]
        {
            [one] => format!("the field “{one}” is not allowed here"),
            several => {
                format!("the fields {} are not allowed here", listed(several.iter().map(|n| format!("“{n}”")), "and"))
            }
        },
        Kind::Enum { options } => {
            let options = options.as_array().map_or(&[][..], Vec::as_slice);
            format!("must be {}", listed(options.iter().map(Value::to_string), "or"))
        }
        Kind::Constant { expected_value } => format!("must be {expected_value}"),
        Kind::Minimum { limit } => format!("must be {limit} or more"),
        Kind::Maximum { limit } => format!("must be {limit} or less"),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}"),
        Kind::MinLength { limit } => format!("must have {} or more", counted(*limit, "character")),
        Kind::MaxLength { limit } => format!("must have {} or fewer", counted(*limit, "character")),
        Kind::MinItems { limit } => format!("must have {} or more", counted(*limit, "item")),
        Kind::MaxItems { limit } => format!("must have {} or fewer", counted(*limit, "item")),
        Kind::AdditionalItems { limit } => {
            format!("must have {} or fewer", counted(u64::try_from(*limit).unwrap_or(u64::MAX), "item"))
        }
        Kind::MinProperties { limit } => format!("must have {} or more", counted(*limit, "field")),
        Kind::MaxProperties { limit } => format!("must have {} or fewer", counted(*limit, "field")),
        Kind::UnevaluatedItems { .. } => "has items that the schema does not know".into(),
        Kind::UniqueItems => "must not have the same item twice".into(),
        Kind::Contains => "must have an item as the schema's “contains” says".into(),
        Kind::Pattern { pattern } => format!("must match the pattern {pattern}"),
        Kind::Format { format } => format!("must be a valid {format}"),
        Kind::PropertyNames { error } => format!("has a field whose name is not allowed: it {}", words(error)),
        Kind::FalseSchema => "must not be there".into(),
        Kind::Not { .. } => "must not be what the schema's “not” describes".into(),
        Kind::AnyOf { .. } => "must be as one of the alternatives in the schema's “anyOf” says, and is as none".into(),
        Kind::OneOfNotValid { .. } => {
            "must be as one of the alternatives in the schema's “oneOf” says, and is as none".into()
        }
        Kind::OneOfMultipleValid { .. } => {
            "must be as exactly one of the alternatives in the schema's “oneOf” says, and is as several".into()
        }
        Kind::ContentEncoding { content_encoding } => format!("must be text encoded as {content_encoding}"),
        Kind::ContentMediaType { content_media_type } => format!("must be text of the type {content_media_type}"),
        _ => error.masked().to_string(),
    }
}

/// What is wrong with a schema itself: the place in it as a JSON pointer, and the end of a sentence that begins with it.
pub(super) fn of_schema(error: &ValidationError<'_>) -> (String, String) {
    let pointer = error.instance_path().to_string();
    let keyword = pointer.rsplit('/').next().unwrap_or_default();
    let is_schema_type = |kind: &TypeKind| match kind {
        TypeKind::Multiple(types) => types.iter().all(|one| matches!(one, JsonType::Boolean | JsonType::Object)),
        TypeKind::Single(_) => false,
    };
    let message = match error.kind() {
        Kind::Referencing(ReferencingError::UnknownSpecification { .. }) => {
            let message = "names no draft that Kanca knows; leave it out for 2020-12, or write \
                           https://json-schema.org/draft/2020-12/schema, https://json-schema.org/draft/2019-09/schema or \
                           http://json-schema.org/draft-07/schema# (-06, -04)";
            return ("/$schema".to_owned(), message.to_owned());
        }
        Kind::Referencing(ReferencingError::InvalidUri(_)) => {
            "has an “$id” that is no URI; write one such as https://example.com/order, or leave it out".to_owned()
        }
        Kind::AnyOf { .. } | Kind::Enum { .. } if keyword == "type" => {
            "must be one of the types string, number, integer, boolean, object, array and null, or a list of such names"
                .to_owned()
        }
        Kind::AnyOf { .. } if keyword == "items" => "must be a schema (an object) or a list of schemas".to_owned(),
        Kind::AnyOf { .. } => "must be a schema (an object), or true or false".to_owned(),
        Kind::Type { kind } if is_schema_type(kind) => "must be a schema (an object), or true or false".to_owned(),
        Kind::Format { format } if format == "regex" => {
            "must be a regular expression as Kanca runs it: complete, and without look-around and back-references"
                .to_owned()
        }
        _ => words(error),
    };
    (pointer, message)
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => a_type(*one).to_owned(),
        TypeKind::Multiple(several) => listed(several.iter().map(|one| a_type(one).to_owned()), "or"),
    }
}

fn a_type(one: JsonType) -> &'static str {
    match one {
        JsonType::Array => "an array",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Null => "null",
        JsonType::Number => "a number",
        JsonType::Object => "an object",
        JsonType::String => "a string",
    }
}

fn counted(n: u64, thing: &str) -> String {
    if n == 1 { format!("1 {thing}") } else { format!("{n} {thing}s") }
}

/// “a, b or c”; what is too much is left out.
fn listed(all: impl Iterator<Item = String>, word: &str) -> String {
    let mut all: Vec<_> = all.collect();
    if all.len() > MOST_LISTED {
        all.truncate(MOST_LISTED);
        return format!("{}, …", all.join(", "));
    }
    match all.pop() {
        Some(last) if all.is_empty() => last,
        Some(last) => format!("{} {word} {last}", all.join(", ")),
        None => String::new(),
    }
}
