use super::*;
use crate::RUN_MILLIS;
use std::time::{Duration, Instant};

const URL: &str = "https://example.com/hook";

fn event(data: &str) -> Event {
    Event {
        id: "evt_1".into(),
        event_type: "order.paid".into(),
        timestamp: "2026-03-04T05:06:07.890Z".into(),
        ordering_key: Some("k1".into()),
        data: serde_json::value::RawValue::from_string(data.to_owned()).unwrap(),
    }
}

fn transformed(text: &str) -> Result<Transformed, Fault> {
    run(text, &event(r#"{"total":129.9,"name":"Ayşe"}"#), URL, RUN_MILLIS)
}

#[track_caller]
fn content(body: &str) -> Content {
    match transformed(&format!("function transform(event) {{ {body} }}")) {
        Ok(Transformed::Send { content, .. }) => content,
        other => panic!("{body}: {other:?}"),
    }
}

#[track_caller]
fn fault(body: &str) -> Fault {
    let clock = Instant::now();
    let fault = transformed(&format!("function transform(event) {{ {body} }}")).expect_err(body);
    assert!(clock.elapsed() < Duration::from_secs(2), "{body}: {:?}", clock.elapsed());
    fault
}

fn json(text: &str) -> Content {
    Content::Json(text.into())
}

#[test]
fn the_returned_object_says_what_is_sent() {
    for (body, expected) in [
        ("return event", Content::Data(r#"{"total":129.9,"name":"Ayşe"}"#.into())),
        ("event.data.total = 1; return event", Content::Data(r#"{"total":1,"name":"Ayşe"}"#.into())),
        ("return {}", Content::Unchanged),
        ("return {data: [1, 'x', null]}", Content::Data("[1,\"x\",null]".into())),
        ("return {data: null}", Content::Data("null".into())),
        ("return {body: 'merhaba ' + event.data.name}", Content::Text("merhaba Ayşe".into())),
        ("return {body: {text: event.type}}", json(r#"{"text":"order.paid"}"#)),
        ("return {...event, body: ''}", Content::Text(String::new())),
        ("return {body: {at: new Date(0)}}", json(r#"{"at":"1970-01-01T00:00:00.000Z"}"#)),
        (
            "return {body: [event.id, event.timestamp, event.url]}",
            json(r#"["evt_1","2026-03-04T05:06:07.890Z","https://example.com/hook"]"#),
        ),
        ("return {body: Object.keys(event.headers)}", json("[]")),
    ] {
        assert_eq!(content(body), expected, "{body}");
    }
    for body in ["return null", "return {skip: true}", "event.skip = true; return event"] {
        let text = format!("function transform(event) {{ {body} }}");
        assert_eq!(transformed(&text), Ok(Transformed::Skip), "{body}");
    }
    assert_eq!(transformed("const transform = (e) => null"), Ok(Transformed::Skip));
    assert_eq!(transformed("let transform = function (e) { return null }"), Ok(Transformed::Skip));
}

#[test]
fn headers_are_set_and_left_out() {
    let text = "function transform(event) { event.headers['X-A'] = 'ş'; \
                return {headers: {...event.headers, 'x-b': 1, 'x-c': true, 'x-d': null}} }";
    let Ok(Transformed::Send { content: Content::Unchanged, headers }) = transformed(text) else { panic!() };
    let some = |s: &str| Some(s.to_owned());
    let expected = [("X-A", some("ş")), ("x-b", some("1")), ("x-c", some("true")), ("x-d", None)];
    assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value)));
}

#[test]
fn what_cannot_be_used_is_said() {
    for (body, words) in [
        ("", "returned nothing"),
        ("return 5", "returned a int"),
        ("return 'x'", "returned a string"),
        ("return [1]", "returned a array"),
        ("return () => 1", "not an object"),
        ("return Promise.resolve(event)", "must not be async"),
        ("return (async () => event)()", "must not be async"),
        ("return {skip: 'yes'}", "skip must be true or false"),
        ("return {headers: ['a']}", "headers must be an object"),
        ("return {headers: {a: {}}}", "must be a string"),
        ("return {body: () => 1}", "body cannot be written as JSON"),
        ("return {data: Symbol()}", "data cannot be written as JSON"),
        ("return {body: 1n}", "TypeError"),
        ("const a = {}; a.a = a; return {body: a}", "circular"),
        ("return {body: 'x'.repeat(3000000)}", "at most 2097152 can be sent"),
        ("const h = {}; for (let i = 0; i < 1000; i++) h['x' + i] = ''; return {headers: h}", "more than 100 headers"),
    ] {
        let fault = fault(body);
        assert!(fault.message.contains(words), "{body}: {fault}");
    }
}

#[test]
fn a_failure_has_its_message_and_place() {
    let text = "function transform(event) {\n  const x = event.data;\n  return x.missing.deep;\n}";
    let fault = transformed(text).unwrap_err();
    assert_eq!((fault.line, fault.kind), (Some(3), FaultKind::Failed), "{fault:?}");
    assert!(fault.message.contains("TypeError"), "{fault}");
    let fault = transformed("function transform(event) {\n  return {;\n}").unwrap_err();
    assert_eq!((fault.line, fault.kind), (Some(2), FaultKind::Syntax), "{fault:?}");
    assert!(check("function other() {}", RUN_MILLIS).unwrap_err().message.contains("no function “transform”"));
    assert!(check("function transform() {}", RUN_MILLIS).is_ok());
    assert!(check("\n\nnull.x; function transform() {}", RUN_MILLIS).unwrap_err().line == Some(3));
    assert!(
        check("", RUN_MILLIS).is_err()
            && check(&" ".repeat(MAX_TRANSFORMATION + 1), RUN_MILLIS).is_err()
            && check("var a = '\0'", RUN_MILLIS).is_err()
    );
    assert!(check("import fs from 'fs'; function transform() {}", RUN_MILLIS).is_err());
    for other in ["async function transform", "function* transform", "async function* transform"] {
        let fault = check(&format!("{other}(event) {{ return event }}"), RUN_MILLIS).unwrap_err();
        assert!(fault.message.contains("neither async nor function*"), "{other}: {fault}");
    }
    assert!(check("const transform = (event) => event", RUN_MILLIS).is_ok());
    assert!(check("const transform = async (event) => event", RUN_MILLIS).is_err());
}

#[test]
fn whatever_is_thrown_becomes_words() {
    for (body, words) in [
        ("throw 'text'", "threw text"),
        ("throw 5", "threw 5"),
        ("throw null", "threw null"),
        ("throw undefined", "threw a value of type undefined"),
        ("throw {a: 1}", r#"threw {"a":1}"#),
        ("throw {toJSON() { throw 1 }}", "threw a value of type object"),
        ("throw {get message() { throw 1 }}", "threw"),
        ("const e = new Error('a'); Object.defineProperty(e, 'message', {get() { throw 1 }}); throw e", "Error"),
        ("const e = new Error('a'); e.stack = {}; throw e", "TypeError"),
        ("const e = new Error('a'); Object.defineProperty(e, 'stack', {value: {}}); throw e", "Error: a"),
        ("throw new Error('a\\r\\nb' + 'x'.repeat(1000000))", "Error: a  b"),
        ("throw new Proxy({}, {get() { throw 2 }})", "threw"),
        ("throw Symbol('s')", "threw"),
    ] {
        let fault = fault(body);
        assert!(fault.message.contains(words) && fault.message.chars().count() < 600, "{body}: {fault}");
    }
}

#[test]
fn endless_programs_are_stopped() {
    for body in [
        "while (true) {}",
        "for (;;) { try { while (true) {} } catch {} finally { while (true) {} } }",
        "while (/(a+)+$/.test('a'.repeat(40) + 'b')) {}",
        "new Array(2 ** 32 - 1).indexOf(1)",
        "return {get body() { while (true) {} }}",
        "return {toJSON() {}, data: {toJSON() { while (true) {} }}}",
        "return {headers: new Proxy({}, {ownKeys() { while (true) {} }})}",
        "return new Proxy({}, {get() { while (true) {} }})",
        "throw {toJSON() { while (true) {} }}",
        "Error.prepareStackTrace = () => { while (true) {} }; throw new Error('x')",
    ] {
        let fault = fault(body);
        assert_eq!(fault.kind, FaultKind::Exhausted, "{body}: {fault}");
        assert!(fault.message.contains("longer than 50 ms"), "{body}: {fault}");
    }
    assert!(transformed("while (true) {}").unwrap_err().message.contains("longer than 50 ms"));
    assert!(fault("\n\n  while (true) {}").line.is_some());
}

#[test]
fn memory_is_bounded() {
    for body in [
        "new ArrayBuffer(1e9)",
        "const a = []; while (true) a.push(new Array(1000).fill('x'))",
        "const a = []; while (true) a.push(new Uint8Array(100000))",
        "return {body: {toJSON() { return 'x'.repeat(1e7) }}}",
        "return {data: {toJSON() { const a = []; while (true) a.push({}) ; }}}",
        "throw new Error('x'.repeat(5e6))",
    ] {
        let fault = fault(body);
        assert_eq!(fault.kind, FaultKind::Exhausted, "{body}: {fault}");
        assert_eq!(fault.message, "needed more memory than the 4 MiB it may use; keep less at a time", "{body}");
    }
    let perhaps = "threw null, or needed more memory than the 4 MiB it may use; keep less at a time";
    assert_eq!(fault("if (event.x) throw new Error(1); throw null").message, perhaps);
    for body in [
        "let s = 'ab'; while (true) s = s + s + Math.random()",
        "let s = 'ab'; while (true) s += s",
        "function f() { return f() + 1 } f()",
        "const f = () => [f()].map(f); f()",
        "let a = []; for (let i = 0; i < 100000; i++) a = [a]; return {body: a}",
    ] {
        let fault = fault(body);
        assert_ne!(fault.kind, FaultKind::Syntax, "{body}: {fault}");
    }
}

#[test]
fn there_is_nothing_to_reach_for() {
    let names = "require process Deno fetch XMLHttpRequest WebSocket setTimeout setInterval std os print load read \
                 importScripts WebAssembly navigator document window";
    let list: Vec<_> = names.split(' ').filter(|n| !n.is_empty()).map(|n| format!("typeof {n}")).collect();
    let Content::Json(kinds) = content(&format!("return {{body: [{}]}}", list.join(","))) else { panic!() };
    assert!(kinds.trim_matches(['[', ']']).split(',').all(|k| k == "\"undefined\""), "{kinds}");
    assert!(fault("return import('fs')").message.contains("must not be async"));
    assert!(fault("Atomics.wait(new Int32Array(new SharedArrayBuffer(8)), 0, 0)").message.contains("block"));
}

#[test]
fn one_run_leaves_nothing_to_the_next() {
    let text = "Object.prototype.polluted = 'yes'; Array.prototype.map = null; globalThis.counter = (globalThis.counter || 0) + 1; \
                JSON.stringify = () => 'mine'; String.prototype.toWellFormed = null; \
                function transform(event) { return {body: [counter, event.polluted]} }";
    for _ in 0..3 {
        let Ok(Transformed::Send { content, headers }) = transformed(text) else { panic!() };
        assert_eq!((content, headers), (json(r#"[1,"yes"]"#), Vec::new()));
    }
    assert_eq!(content("return {body: [event.polluted === undefined, typeof [].map]}"), json(r#"[true,"function"]"#));
    assert_eq!(
        content("Object.prototype.skip = undefined; Object.prototype.body = 'x'; return {}"),
        Content::Text("x".into())
    );
}

#[test]
fn the_clock_and_chance_are_those_of_the_event() {
    let now = "2026-03-04T05:06:07.890Z";
    for body in
        ["new Date()", "new Date(Date.now())", "new (new Date(5).constructor)()", "new (class extends Date {})()"]
    {
        assert_eq!(content(&format!("return {{body: {body}.toISOString()}}")), Content::Text(now.into()), "{body}");
    }
    assert_eq!(
        content("return {body: [new Date(2020, 1, 2) instanceof Date, Date.UTC(1970, 0, 1), typeof Date()]}"),
        json(r#"[true,0,"string"]"#)
    );
    let first = content("return {body: [Math.random(), Math.random()]}");
    assert_eq!(first, content("return {body: [Math.random(), Math.random()]}"));
    let other = Event { id: "evt_2".into(), ..event("1") };
    let text = "function transform() { return {body: [Math.random(), Math.random()]} }";
    assert_ne!(run(text, &other, URL, RUN_MILLIS), Ok(Transformed::Send { content: first, headers: vec![] }));
}

#[test]
fn halves_of_characters_are_replaced() {
    assert_eq!(content(r"return {body: 'a\ud800b'}"), Content::Text("a\u{fffd}b".into()));
    assert_eq!(content(r"return {body: {x: '\udfff'}}"), json(r#"{"x":"\udfff"}"#));
    assert!(fault(r"throw new Error('a\ud800')").message.ends_with("a\u{fffd}"));
    assert!(fault(r"throw '\udc00'").message.ends_with('\u{fffd}'));
    let text = r"function transform() { return {headers: {'\ud800': '\udfff'}} }";
    let Ok(Transformed::Send { headers, .. }) = transformed(text) else { panic!() };
    assert_eq!(headers, [("\u{fffd}".to_owned(), Some("\u{fffd}".to_owned()))]);
}

#[test]
fn large_events_have_room() {
    let items: Vec<_> = (0..40_000).map(|n| format!(r#"{{"id":{n}}}"#)).collect();
    let data = format!("[{}]", items.join(","));
    let event = event(&data);
    let sent = run("function transform(event) { return event }", &event, URL, RUN_MILLIS);
    match sent {
        Ok(Transformed::Send { content: Content::Data(text), .. }) => assert_eq!(text, data),
        // A debug build on a busy machine may need more than its time for half a megabyte.
        Err(fault) => assert!(fault.message.contains("longer than 50 ms"), "{fault}"),
        other => panic!("{other:?}"),
    }
}
