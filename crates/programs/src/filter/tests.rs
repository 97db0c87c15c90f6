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

#[test]
fn what_could_never_work_is_refused_with_its_place() {
    for (filter, place, words) in [
        ("event.data.x ==", Some((1, 16)), ""),
        ("event.data.x > 1 &&\n  evnt.data.y", Some((2, 3)), "“evnt” is not known"),
        ("true &&\n lower(event.type) == 'x'", Some((2, 7)), "no function “lower”"),
        ("event.data.xs.exists(x, y > 1)", Some((1, 25)), "“y” is not known"),
        ("'abc", Some((1, 1)), ""),
        ("  ", None, "is empty"),
        ("event.data.x >", Some((1, 15)), "ends too early"),
        ("event.data.x = 1", Some((1, 14)), ""),
        ("event.data.x > 1)", Some((1, 17)), "“)” does not belong here"),
        ("true &&\n event.total > 1", Some((2, 2)), "did you mean event.data.total"),
        ("has(event.total)", Some((1, 1)), "an event has no “total”"),
        ("event.data.x + 1", Some((1, 1)), "neither true nor false"),
        ("1", Some((1, 1)), "neither true nor false"),
        ("true &&\n event.type.matches('a(')", Some((2, 2)), "the pattern of matches is wrong: unclosed group"),
        ("size(event.data.items)", Some((1, 1)), "neither true nor false"),
        ("event.data.items.map(i, i.n > 1)", Some((1, 1)), "neither true nor false"),
        ("true ? 'a' : 'b'", Some((1, 1)), "neither true nor false"),
    ] {
        let fault = parse(filter).expect_err(filter);
        assert_eq!(fault.kind, FaultKind::Syntax);
        if place.is_some() {
            assert_eq!(fault.line.zip(fault.column).map(|p| p.0), place.map(|p: (u32, u32)| p.0), "{filter}: {fault}");
        }
        assert!(fault.message.contains(words), "{filter}: {fault}");
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
