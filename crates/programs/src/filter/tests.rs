use super::*;
use crate::event::Event;

fn event(data: &str) -> Event {
    Event {
        id: "evt_1".into(),
        event_type: "order.paid".into(),
        timestamp: "2026-03-04T05:06:07.890Z".into(),
        ordering_key: None,
        data: serde_json::value::RawValue::from_string(data.to_owned()).unwrap(),
    }
}

#[track_caller]
fn check(filter: &str, data: &str) -> Result<bool, String> {
    let parsed = parse(filter).unwrap_or_else(|fault| panic!("{filter}: {fault}"));
    passes(&parsed, &context(&event(data)).unwrap()).map_err(|fault| fault.message)
}

#[test]
fn filters_look_at_the_whole_event() {
    let data = r#"{"total":129.9,"count":3,"big":18446744073709551615,"items":[{"sku":"a","n":1},{"sku":"b","n":2}],
        "customer":{"country":"TR","vip":true,"e-mail":"a@b.c"},"note":null}"#;
    for (filter, passed) in [
        ("event.data.total > 100", true),
        ("event.data.count == 3 && event.data.count < 3.5", true),
        ("event.data.count + 1 == 4", true),
        ("event.data.big > 1", true),
        ("event.type == 'order.paid'", true),
        ("event.type.startsWith('user.')", false),
        ("event.id.startsWith('evt_')", true),
        ("event.ordering_key == 'x'", false),
        ("event.timestamp > timestamp('2026-01-01T00:00:00Z')", true),
        ("event.timestamp.getFullYear() == 2026", true),
        ("event.data.items.exists(i, i.sku == 'b' && i.n >= 2)", true),
        ("event.data.items.all(i, i.n > 1)", false),
        ("event.data.items.filter(i, i.n > 1).size() == 1", true),
        ("event.data.customer.country in ['TR', 'DE']", true),
        ("event.data.customer['e-mail'].matches('^[^@]+@b[.]c$')", true),
        ("has(event.data.customer.vip) && event.data.customer.vip", true),
        ("has(event.data.customer.age)", false),
        ("event.data.note == null", true),
        ("type(event.data.total) == double", true),
        ("event.data.?missing.orValue(5) == 5", true),
        ("!has(event.data.missing) || event.data.missing.x == 1", true),
        ("event.data.customer.vip", true),
        ("event.data.items.exists_one(i, i.n > 1)", true),
        ("event.data.count > 2 ? event.data.customer.vip : false", true),
        ("event.data.items.exists(event, event.sku == 'a')", true),
    ] {
        assert_eq!(check(filter, data), Ok(passed), "{filter}");
    }
}

#[test]
fn a_missing_field_or_another_result_is_a_failure_in_words() {
    assert_eq!(check("event.data.missing == 1", "{}"), Err("No such key: missing".into()));
    assert_eq!(check("event.data.n", r#"{"n":1}"#), Err("gave a value of type int, not true or false".into()));
    let message = check("event.data.n > 'x'", r#"{"n":1}"#).unwrap_err();
    assert!(message.contains("_>_"), "{message}");
}

#[track_caller]
fn refused(filter: &str, place: impl Into<Option<(u32, u32)>>, words: &str) {
    let fault = parse(filter).expect_err(filter);
    assert_eq!(fault.kind, FaultKind::Syntax);
    assert_eq!(fault.line.zip(fault.column), place.into(), "{filter}: {fault}");
    assert!(fault.message.contains(words), "{filter}: {fault}");
}

#[test]
fn what_could_never_work_is_refused_with_its_place() {
    refused("  ", None, "is empty");
    for (filter, place, words) in [
        ("event.data.x ==", (1, 16), "ends too early"),
        ("event.data.x > 1 &&\n  evnt.data.y", (2, 3), "“evnt” is not known"),
        ("true &&\n lower(event.type) == 'x'", (2, 2), "no function “lower”"),
        ("nosuch(event.type)", (1, 1), "no function “nosuch”"),
        ("event.type.nosuch ( 1 )", (1, 12), "no function “nosuch”"),
        ("event.data.xs.exists(x, y > 1)", (1, 25), "“y” is not known"),
        ("'abc", (1, 1), "is a quotation mark missing"),
        ("event.data.x >", (1, 15), "ends too early"),
        ("event.data.x = 1", (1, 14), ""),
        ("event.data.x > 1)", (1, 17), "“)” does not belong here"),
        ("true &&\n event.total > 1", (2, 2), "did you mean event.data.total"),
        ("has(event.total)", (1, 5), "an event has no “total”"),
        ("event['foo'] == 'a'", (1, 1), "an event has no “foo”, only id, type"),
        ("event.?foo.orValue(1) == 1", (1, 1), "an event has no “foo”"),
        ("true &&\n event.type.matches('a(')", (2, 21), "the pattern of matches is wrong: unclosed group"),
    ] {
        refused(filter, place, words);
    }
}

#[test]
fn what_is_never_true_or_false_is_refused_with_what_it_is() {
    for (filter, place, words) in [
        ("event.data.x + 1", (1, 1), "gives a number, which is neither true nor false; compare it"),
        ("1", (1, 1), "gives a number"),
        ("null", (1, 1), "gives null"),
        ("size(event.data.items)", (1, 1), "gives a number"),
        ("event.data.items.map(i, i.n > 1)", (1, 1), "gives a list, which is neither true nor false; ask size("),
        ("true ? 'a' : 'b'", (1, 1), "gives a text"),
        ("true ? 1 : 'b'", (1, 1), "neither true nor false"),
        ("event", (1, 1), "gives an object"),
        ("event.type", (1, 1), "gives a text, which is neither true nor false; compare it with something"),
        ("event['type']", (1, 1), "gives a text"),
        ("event.ordering_key", (1, 1), "gives a text or null"),
        ("event.timestamp", (1, 1), "gives a timestamp"),
        ("event.type + event.data.kind", (1, 1), "gives a text"),
        ("event.data.?vip", (1, 1), "gives an optional value, which is neither true nor false; end it with .orValue"),
        ("string", (1, 1), "gives a type"),
        ("event.data.vip && event.type", (1, 19), "is a text where true or false is needed"),
        ("!event.id", (1, 2), "is a text where"),
        ("event.type ? true : false", (1, 1), "is a text where"),
        ("event.data.items.exists(i, i.n + 1)", (1, 28), "is a number where"),
        ("event.type.name == 'a'", (1, 1), "is a text, which has no field “name”"),
        ("event.timestamp > '2026-01-01'", (1, 1), "write the text as timestamp("),
        ("event.type >= 5", (1, 1), "compares a text with a number, which always fails"),
    ] {
        refused(filter, place, words);
    }
}

#[test]
fn calls_that_fail_for_every_event_are_refused() {
    for (filter, place, words) in [
        ("event.timestamp > timestamp('notatime')", (1, 19), "“notatime” is no timestamp; write it with"),
        ("event.timestamp > timestamp('2026-01-01')", (1, 19), "is no timestamp"),
        ("event.timestamp + duration('x') > event.timestamp", (1, 19), "“x” is no duration; write it as"),
        ("event.data.n > int('abc')", (1, 16), "fails for every event; mend it or leave it out: "),
        ("event.data.n > 1 / 0", (1, 16), "fails for every event"),
        ("event.data.n in [1, 2 / 0]", (1, 21), "fails for every event"),
        ("event.type == [1, 2][7]", (1, 15), "fails for every event"),
        ("event.data.ok || 'a'.matches('a(')", (1, 30), "the pattern of matches is wrong"),
    ] {
        refused(filter, place, words);
    }
    for fine in [
        "event.timestamp > timestamp('2026-01-01T00:00:00Z') + duration('1h30m')",
        "event.data.n > int('7') * 2 || size('abc') > event.data.n",
        "true",
        "event.data.x",
        "event.data.?vip.orValue(false)",
        "event.data.items.exists(event, event.foo == 'a' && event.type > 5)",
        "event['data']['x'] > 1 && event['ordering_key'] == null",
        "dyn(event.data.a) && (event.data.b ? event.data.c : true)",
        "event.data.a + 1 > 2.5 && event.timestamp - timestamp('2026-01-01T00:00:00Z') > duration('1h')",
    ] {
        assert!(parse(fine).is_ok(), "{fine}: {:?}", parse(fine));
    }
}

#[test]
fn length_and_nesting_are_bounded() {
    let nested = format!("{}true{}", "(".repeat(150), ")".repeat(150));
    let negated = format!("{}true", "!".repeat(1_001));
    let sum = format!("{}1 == 1", "1+".repeat(2_000));
    let inside = std::thread::Builder::new().stack_size(64 << 20).spawn(move || {
        assert!(parse(&nested).is_err());
        assert!(parse(&sum).unwrap_err().message.contains("nested deeper"));
        let _ = parse(&negated);
        assert!(parse(&format!("'{}' == ''", "a".repeat(MAX_FILTER))).unwrap_err().message.contains("at most"));
    });
    inside.unwrap().join().unwrap();
}

#[test]
fn a_filter_is_parsed_once() {
    let mut filters = Filters::default();
    let first = filters.get("event.type == 'a'").unwrap();
    assert!(Arc::ptr_eq(&first, &filters.get("event.type == 'a'").unwrap()));
}
