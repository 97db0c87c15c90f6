use super::*;
use serde_json::json;
use std::time::{Duration, Instant};

#[expect(clippy::needless_pass_by_value, reason = "called with literals")]
fn compiled(schema: Value) -> Schema {
    Schema::compile(&schema.to_string()).unwrap_or_else(|error| panic!("{:.300}: {error}", schema.to_string()))
}

fn refused(schema: &str) -> InvalidSchema {
    Schema::compile(schema).err().unwrap_or_else(|| panic!("accepted: {schema:.300}"))
}

fn check(schema: &Schema, data: &str) -> Result<(), Vec<Mismatch>> {
    schema.check(data, &mut Effort::for_bytes(data.len()))
}

#[test]
fn data_is_checked_and_faults_are_named_by_place() {
    let schema = compiled(json!({
        "type": "object",
        "required": ["id", "items"],
        "properties": {
            "id": {"type": "integer"},
            "items": {"type": "array", "items": {"$ref": "#/$defs/item"}},
            "at": {"type": "string", "format": "date-time"},
            "code": {"pattern": "^[A-Z]{3}$"}
        },
        "$defs": {"item": {"type": "object", "properties": {"price": {"type": "number", "minimum": 0}}}}
    }));
    assert_eq!(check(&schema, r#"{"id":1,"items":[{"price":2.5}],"at":"2026-01-01T00:00:00Z","code":"ABC"}"#), Ok(()));
    let places = |data: &str| {
        let mut places: Vec<_> = check(&schema, data).unwrap_err().into_iter().map(|m| m.pointer).collect();
        places.sort();
        places
    };
    assert_eq!(places(r#"{"id":"1","items":[{"price":1},{"price":-1}]}"#), ["/id", "/items/1/price"]);
    assert_eq!(places(r#"{"id":1}"#), [""]);
    assert_eq!(places(r#"{"id":1,"items":[],"at":"yesterday","code":"abc"}"#), ["/at", "/code"]);
    let secret = check(&schema, r#"{"id":"a secret","items":[]}"#).unwrap_err();
    assert!(!secret[0].message.contains("secret"), "values are not repeated: {secret:?}");
}

#[test]
fn a_mismatch_is_said_in_words_that_say_what_would_be_right() {
    for (schema, data, says) in [
        (json!({"required": ["id"]}), "{}", "the field “id” is missing"),
        (json!({"type": "integer"}), "1.5", "must be a whole number"),
        (json!({"type": ["null", "string"]}), "1", "must be null or a string"),
        (
            json!({"properties": {"x": true}, "additionalProperties": false}),
            r#"{"a":1}"#,
            "the field “a” is not allowed here",
        ),
        (
            json!({"properties": {"x": true}, "additionalProperties": false}),
            r#"{"a":1,"b":2}"#,
            "the fields “a” and “b” are not allowed here",
        ),
        (json!({"enum": ["a", 1, null]}), "5", "must be \"a\", 1 or null"),
        (json!({"const": "a"}), "5", "must be \"a\""),
        (json!({"minimum": 2}), "1", "must be 2 or more"),
        (json!({"exclusiveMaximum": 2}), "2", "must be less than 2"),
        (json!({"minLength": 1}), "\"\"", "must have 1 character or more"),
        (json!({"maxItems": 2}), "[1,2,3]", "must have 2 items or fewer"),
        (json!({"uniqueItems": true}), "[1,1]", "must not have the same item twice"),
        (json!({"pattern": "^[A-Z]$"}), "\"a\"", "must match the pattern ^[A-Z]$"),
        (json!({"format": "date-time"}), "\"a\"", "must be a valid date-time"),
        (json!({"multipleOf": 5}), "3", "must be a multiple of 5"),
        (
            json!({"propertyNames": {"maxLength": 1}}),
            r#"{"ab":1}"#,
            "has a field whose name is not allowed: it must have 1 character or fewer",
        ),
        (
            json!({"anyOf": [{"type": "null"}, {"type": "string"}]}),
            "1",
            "must be as one of the alternatives in the schema's “anyOf” says, and is as none",
        ),
        (
            json!({"oneOf": [true, true]}),
            "1",
            "must be as exactly one of the alternatives in the schema's “oneOf” says, and is as several",
        ),
        (json!({"not": {"type": "string"}}), "\"a secret\"", "must not be what the schema's “not” describes"),
        (json!(false), "1", "must not be there"),
    ] {
        let mismatches = check(&compiled(schema.clone()), data).unwrap_err();
        assert_eq!((mismatches.len(), mismatches[0].message.as_str()), (1, says), "{schema}");
    }
    let many = compiled(json!({"enum": (0..200).collect::<Vec<_>>()}));
    assert_eq!(check(&many, "-1").unwrap_err()[0].message, "must be 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …");
}

#[test]
fn what_is_no_schema_is_refused_with_its_place() {
    for (schema, pointer, says) in [
        ("", "", "no JSON"),
        ("[]", "", "object"),
        ("5", "", "object"),
        (r#"{"type":"thing"}"#, "/type", "must be one of the types string, number,"),
        (r#"{"properties":{"a":{"type":7}}}"#, "/properties/a/type", "must be one of the types string, number,"),
        (r#"{"type":["string",7]}"#, "/type", "or a list of such names"),
        (r#"{"$schema":"http://json-schema.org/draft-04/schema#","type":7}"#, "/type", "must be one of the types"),
        (
            r#"{"$schema":"https://example.com/my-own-draft"}"#,
            "/$schema",
            "leave it out for 2020-12, or write https://",
        ),
        (r#"{"$schema":7}"#, "/$schema", "must be a string"),
        (r#"{"$id":"::a"}"#, "", "an “$id” that is no URI"),
        (r#"{"items":7}"#, "/items", "must be a schema (an object), or true or false"),
        (r#"{"$schema":"http://json-schema.org/draft-07/schema#","items":7}"#, "/items", "or a list of schemas"),
        (r#"{"required":"a"}"#, "/required", "must be an array"),
        (r#"{"minLength":-1}"#, "/minLength", "must be 0 or more"),
        (r#"{"properties":{"a":{"minimum":"5"}}}"#, "/properties/a/minimum", "must be a number"),
        (r#"{"properties":{"a":{"pattern":"("}}}"#, "/properties/a/pattern", "must be a regular expression"),
        (r#"{"properties":{"a":{"pattern":"(?=x)y"}}}"#, "/properties/a/pattern", "without look-around"),
        (r#"{"$ref":"https://example.com/a.json"}"#, "/$ref", "fetched"),
        (r#"{"items":{"$ref":"file:///etc/passwd"}}"#, "/items/$ref", "fetched"),
        (r#"{"items":{"$ref":"other.json#/a"}}"#, "/items/$ref", "fetched"),
        (r#"{"items":{"$id":"http://x/","type":"object"}}"#, "/items/$id", "top"),
        (r#"{"properties":{"const":{"$id":"http://x/","type":"object"}}}"#, "/properties/const/$id", "top"),
        (r##"{"$ref":"#/$defs/missing"}"##, "/$ref", "nothing"),
        (r##"{"$ref":"#no-where"}"##, "/$ref", "nothing"),
        (r##"{"items":{"$ref":"#/const/a"},"const":{"a":{"$ref":"#/const/a"}}}"##, "/items/$ref", "nothing"),
        (r#"{"$defs":{"a":{"$anchor":"x"},"b":{"$anchor":"x"}}}"#, "/$defs/b/$anchor", "two"),
    ] {
        let error = refused(schema);
        assert_eq!(error.pointer, pointer, "{schema}: {error}");
        assert!(error.message.contains(says), "{schema}: {error}");
    }
    refused(&format!("{{\"description\":\"{}\"}}", "x".repeat(MAX_SCHEMA_BYTES)));
}

#[test]
fn drafts_and_ordinary_recursion_are_understood() {
    for draft in ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"] {
        let schema = compiled(json!({"$schema": draft, "$id": "https://example.com/a", "type": "string"}));
        assert!(check(&schema, "\"x\"").is_ok() && check(&schema, "1").is_err());
    }
    let tree = compiled(json!({
        "type": "object",
        "properties": {"id": {"type": "string"}, "left": {"$ref": "#"}, "right": {"$ref": "#"}}
    }));
    let mut data = json!({"id": "leaf"});
    for _ in 0..100 {
        data = json!({"id": "node", "left": data, "right": {"id": "x"}});
    }
    assert_eq!(check(&tree, &data.to_string()), Ok(()));
    assert_eq!(check(&tree, r#"{"left":{"right":5}}"#).unwrap_err()[0].pointer, "/left/right");
    assert!(check(&compiled(json!(true)), "1").is_ok() && check(&compiled(json!(false)), "1").is_err());
    compiled(json!({"const": {"$ref": "https://example.com/only-data"}}));
}

#[test]
fn schemas_that_lead_back_to_themselves_are_refused() {
    for schema in [
        json!({"$ref": "#"}),
        json!({"allOf": [{"$ref": "#"}]}),
        json!({"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"anyOf": [true, {"$ref": "#/$defs/a"}]}}}),
        json!({"$anchor": "me", "if": {"$ref": "#me"}}),
    ] {
        let error = refused(&schema.to_string());
        assert!(error.message.contains("leads back"), "{schema}: {error}");
    }
}

#[test]
fn schemas_that_multiply_are_refused_or_given_up_quickly() {
    let begun = Instant::now();
    // Each part asks the next one twice: 2^40.
    let mut defs = serde_json::Map::new();
    for n in 0..40 {
        let next = format!("#/$defs/a{}", n + 1);
        defs.insert(format!("a{n}"), json!({"allOf": [{"$ref": next}, {"$ref": next}]}));
    }
    defs.insert("a40".into(), json!({"type": "string"}));
    let error = refused(&json!({"$ref": "#/$defs/a0", "$defs": defs}).to_string());
    assert!(error.message.contains("parts"), "{error}");

    // Twice for each level of the data: 2^100.
    let half = json!({"properties": {"a": {"$ref": "#"}}});
    let schema = compiled(json!({"allOf": [half, half]}));
    let mut data = "1".to_owned();
    for _ in 0..100 {
        data = format!("{{\"a\":{data}}}");
    }
    assert_eq!(check(&schema, &data), Ok(()), "answers are remembered");
    assert_eq!(check(&schema, r#"{"a":{"a":1}}"#), Ok(()), "small data is checked all the same");

    // The same, failing at every step, where only what fails is asked.
    let again = json!({"$ref": "#/$defs/a"});
    let schema = compiled(json!({
        "not": again,
        "$defs": {"a": {"contains": {"anyOf": [{"type": "object"}, again, again, {"minItems": 2, "not": again}]}}}
    }));
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let _ = check(&schema, &deep);

    // A pattern that a backtracking engine would never finish.
    let schema = compiled(json!({"pattern": "^(a+)+$"}));
    assert!(check(&schema, &format!("\"{}!\"", "a".repeat(100_000))).is_err());
    refused(r#"{"pattern":"((((a{1,100}){1,100}){1,100}){1,100}){1,100}"}"#);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn hostile_schemas_end_soon_on_large_data() {
    let types: Vec<_> = (0..1_500).map(|n| json!({"type": "string", "minLength": n})).collect();
    let names: Vec<_> = (0..3_000).map(|n| format!("n{n}")).collect();
    let numbers = format!("[{}]", vec!["1"; 400_000].join(","));
    let objects = format!("[{}]", vec!["{}"; 300_000].join(","));
    let keys = format!("{{{}}}", (0..90_000).map(|n| format!("\"k{n}\":1")).collect::<Vec<_>>().join(","));
    let bits: String = (0..1_000_000_u64).map(|n| if (n * n / 7) % 2 == 0 { '0' } else { '1' }).collect();
    let text = format!("\"{bits}\"");
    let patterns: serde_json::Map<_, _> = (0..50).map(|n| (format!("1[01]{{{}}}[2-9]", 500 + n), json!({}))).collect();
    let cases = [
        (json!({"items": {"not": {"anyOf": types}}}), &numbers),
        (json!({"contains": {"anyOf": types}}), &numbers),
        (json!({"items": {"required": names}}), &objects),
        (json!({"items": {"type": "string"}}), &numbers),
        (
            json!({"items": {"anyOf": [{"enum": names}, {"enum": names}]}}),
            &text.replace("01", "\",\"").replacen('"', "[\"", 1),
        ),
        (json!({"patternProperties": patterns}), &keys),
        (json!({"propertyNames": {"pattern": "1[01]{900}[2-9]"}}), &keys),
        (json!({"pattern": "1[01]{900}[2-9]"}), &text),
        (json!({"allOf": [{"uniqueItems": true}, {"unevaluatedItems": {"uniqueItems": true}}]}), &numbers),
    ];
    for (schema, data) in cases {
        let schema = compiled(schema);
        let begun = Instant::now();
        let told = check(&schema, data).unwrap_err();
        assert!(told.len() <= MOST_NAMED && told.iter().all(|m| m.message.chars().count() <= MOST_WORDS + 1));
        // Far less when optimised.
        assert!(begun.elapsed() < Duration::from_secs(15), "{schema:?}: {:?}", begun.elapsed());
    }
    refused(
        &json!({"patternProperties": (0..60).map(|n| (n.to_string(), json!({}))).collect::<serde_json::Map<_, _>>()})
            .to_string(),
    );
}

#[test]
fn one_effort_is_enough_for_many_small_checks_and_ends() {
    let schema = compiled(json!({"properties": {"name": {"pattern": "^\\p{L}[a-zA-Z0-9 ,.-]{0,1000}$"}}}));
    assert!(!schema.is_light(100) && compiled(json!({"pattern": "^[A-Z]{3}$"})).is_light(100));
    let data = json!({"name": format!("É{}", "x".repeat(900))}).to_string();
    assert_eq!(check(&schema, &data), Ok(()));
    let mut effort = Effort::for_bytes(1_000);
    let taken = (0..1_000).take_while(|_| schema.check(&data, &mut effort).is_ok()).count();
    assert!((2..500).contains(&taken), "{taken}");
}

#[test]
fn as_deep_as_data_can_be_fits_on_the_stack() {
    let mut schema = json!({"properties": {"a": {"$ref": "#"}}, "items": {"$ref": "#"}});
    for _ in 0..55 {
        schema = json!({"allOf": [schema]});
    }
    let schema = compiled(schema);
    let data = format!("{}1{}", "{\"a\":[".repeat(60), "]}".repeat(60));
    assert_eq!(check(&schema, &data), Ok(()));
}

#[test]
fn a_long_list_is_not_too_much() {
    let schema = compiled(json!({"items": {"type": "integer", "minimum": 0}}));
    let list = format!("[{}]", vec!["1"; 500_000].join(","));
    assert_eq!(check(&schema, &list), Ok(()));
}

#[test]
fn deep_schemas_are_refused_before_they_cost_a_stack() {
    let mut schema = "{}".to_owned();
    for _ in 0..2_000 {
        schema = format!("{{\"not\":{schema}}}");
    }
    refused(&schema);
    let mut schema = json!({});
    for _ in 0..60 {
        schema = json!({"items": schema});
    }
    compiled(schema.clone());
    let mut defs = serde_json::Map::new();
    for n in 0..200 {
        defs.insert(format!("a{n}"), json!({"items": {"$ref": format!("#/$defs/a{}", n + 1)}}));
    }
    defs.insert("a200".into(), json!({}));
    refused(&json!({"$ref": "#/$defs/a0", "$defs": defs}).to_string());
}
