use super::*;
use crate::ids::Id;
use proptest::prelude::*;
use proptest::string::string_regex;

fn data(json: &str) -> EventData {
    EventData::parse(json.as_bytes()).unwrap_or_else(|problem| panic!("{problem}: {json}"))
}

fn envelope<'a>(event_type: &'a EventType, timestamp: &'a str, data: &'a EventData) -> Envelope<'a> {
    let (project, id) = (ProjectId::new(1_700_000_000_000, &[1; 10]), EventId::new(1_700_000_000_000, &[2; 10]));
    Envelope { project, id, event_type, timestamp, data }
}

fn encode_as(format: Format, event_type: &str, timestamp: &str, json: &str) -> Result<Encoded, TooLarge> {
    encode(format, &envelope(&event_type.parse().unwrap(), timestamp, &data(json)))
}

fn body(format: Format, json: &str) -> String {
    let encoded = encode_as(format, "order.paid", "2026-01-31T09:00:00.000Z", json).unwrap();
    String::from_utf8(encoded.body).unwrap()
}

/// What stands between `<data` and `</event>`.
fn xml_of(json: &str) -> String {
    let body = body(Format::Xml, json);
    let start = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<event><type>order.paid</type>\
                 <timestamp>2026-01-31T09:00:00.000Z</timestamp><data";
    body.strip_prefix(start).unwrap().strip_suffix("</event>").unwrap().to_owned()
}

fn form_of(json: &str) -> String {
    let body = body(Format::Form, json);
    body.strip_prefix("type=order.paid&timestamp=2026-01-31T09%3A00%3A00.000Z").unwrap().to_owned()
}

/// The same JSON without white space and with each string in its shortest spelling.
fn canonical(json: &str) -> String {
    use json_text::{Text, Token, Tokens, push_unit};
    let mut out = Vec::new();
    let string = |out: &mut Vec<u8>, text: Text<'_>| {
        out.push(b'"');
        text.units().for_each(|unit| push_unit(out, unit));
        out.push(b'"');
    };
    for token in Tokens::of(json) {
        let follows_value = !matches!(out.last(), None | Some(b'{' | b'[' | b':'));
        if follows_value && !matches!(token, Token::ObjectEnd | Token::ArrayEnd) {
            out.push(b',');
        }
        match token {
            Token::ObjectStart => out.push(b'{'),
            Token::ObjectEnd => out.push(b'}'),
            Token::ArrayStart => out.push(b'['),
            Token::ArrayEnd => out.push(b']'),
            Token::Key(text) => {
                string(&mut out, text);
                out.push(b':');
            }
            Token::String(text) => string(&mut out, text),
            Token::Number(number) => out.extend_from_slice(number.as_bytes()),
            Token::Boolean(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Token::Null => out.extend_from_slice(b"null"),
        }
    }
    String::from_utf8(out).unwrap()
}

fn round_trip(json: &str) {
    let decoded = xml::decode(body(Format::Xml, json).as_bytes()).unwrap_or_else(|problem| panic!("{problem}: {json}"));
    assert_eq!(decoded.data.as_str(), canonical(json));
    assert_eq!(decoded.event_type.as_str(), "order.paid");
    assert_eq!(decoded.timestamp, "2026-01-31T09:00:00.000Z");
}

#[test]
fn json_carries_the_data_byte_for_byte() {
    let text = r#"{"b" : 1.0, "a":"\u0041", "b":1E400}"#;
    let expected = format!(r#"{{"type":"order.paid","timestamp":"2026-01-31T09:00:00.000Z","data":{text}}}"#);
    assert_eq!(body(Format::Json, text), expected);
    let encoded = encode_as(Format::Json, "a", "t", "[]").unwrap();
    assert_eq!(encoded.body.len(), encoded.body.capacity(), "one allocation of the right size");
    assert_eq!(encoded.content_type, "application/json");
    let odd = encode_as(Format::Json, "a", "\"\n", "1").unwrap();
    assert_eq!(odd.body, br#"{"type":"a","timestamp":"\"\n","data":1}"#);
}

#[test]
fn xml_says_what_each_value_is() {
    for (json, xml) in [
        (r#""1""#, ">1</data>"),
        ("1", r#" type="number">1</data>"#),
        ("-0.10E+5", r#" type="number">-0.10E+5</data>"#),
        ("true", r#" type="boolean">true</data>"#),
        ("null", r#" type="null"/>"#),
        (r#""""#, "></data>"),
        ("{}", r#" type="object"></data>"#),
        ("[]", r#" type="array"></data>"#),
        (
            r#"{"b":[1,"x",[]],"a":{"item":null},"b":false}"#,
            concat!(
                r#" type="object"><b type="array"><item type="number">1</item><item>x</item>"#,
                r#"<item type="array"></item></b><a type="object"><item type="null"/></a><b type="boolean">false</b></data>"#
            ),
        ),
        (
            r#"[{"a":1},{"a":2}]"#,
            concat!(
                r#" type="array"><item type="object"><a type="number">1</a></item>"#,
                r#"<item type="object"><a type="number">2</a></item></data>"#
            ),
        ),
    ] {
        assert_eq!(xml_of(json), xml, "{json}");
        round_trip(json);
    }
}

#[test]
fn xml_names_an_element_by_its_key_or_makes_it_an_entry() {
    let long = "a".repeat(201);
    for (key, tag) in [
        ("şehir", "<şehir>"),
        ("_a-b.c9", "<_a-b.c9>"),
        (r"\u0061", "<a>"),
        ("entry", "<entry>"),
        ("key", "<key>"),
        ("", r#"<entry key="">"#),
        ("1a", r#"<entry key="1a">"#),
        ("a b", r#"<entry key="a b">"#),
        ("a:b", r#"<entry key="a:b">"#),
        ("XmlThing", r#"<entry key="XmlThing">"#),
        ("×", r#"<entry key="×">"#),
        ("名", r#"<entry key="名">"#),
        (r#"<\"&'>\t\n\r"#, r#"<entry key="&lt;&quot;&amp;'&gt;&#9;&#10;&#13;">"#),
        (r"a\\b", r#"<entry key="a\b">"#),
        (r"a\\\u0000", r#"<entry escaped-key="a\\\u0000">"#),
        (r"\ud800", r#"<entry escaped-key="\ud800">"#),
        (&long, &format!(r#"<entry key="{long}">"#)),
    ] {
        let json = format!(r#"{{"{key}":"v"}}"#);
        assert!(xml_of(&json).contains(&format!(r#"type="object">{tag}v</"#)), "{}", xml_of(&json));
        round_trip(&json);
    }
}

#[test]
fn xml_escapes_what_it_cannot_carry_and_only_then() {
    for (json, xml) in [
        (r#""a\\b""#, r">a\b</data>"),
        (r#""a\\\u0000\u001f\uffff""#, r#" escaped="true">a\\\u0000\u001f\uffff</data>"#),
        ("\"\u{fffe}\"", r#" escaped="true">\ufffe</data>"#),
        (r#""\udc00\ud800""#, r#" escaped="true">\udc00\ud800</data>"#),
        (r#""\ud83d\ude00""#, ">😀</data>"),
        (r#""]]> & <b>\"""#, ">]]&gt; &amp; &lt;b&gt;\"</data>"),
        (r#""a\r\nb\tc""#, ">a&#13;\nb\tc</data>"),
        ("\"\u{7f}\u{85}\u{a0}\"", ">&#127;&#133;\u{a0}</data>"),
        (r#"" ""#, r#" xml:space="preserve"> </data>"#),
        (r#""a\n""#, " xml:space=\"preserve\">a\n</data>"),
    ] {
        assert_eq!(xml_of(json), xml, "{json}");
        round_trip(json);
    }
}

#[test]
fn xml_from_another_library_is_read_too() {
    let body = "\u{feff}<?xml version='1.0'?><!-- hi -->\n<event>\r\n <type>a</type> <timestamp>t</timestamp>\n\
        <data type = 'object' >\n <a>x<![CDATA[<&>]]>&#x41;</a>\n <b type='null' ></b><c type='number'>1.0</c ></data>\n</event>\n";
    assert_eq!(xml::decode(body.as_bytes()).unwrap().data.as_str(), r#"{"a":"x<&>A","b":null,"c":1.0}"#);
}

#[test]
fn other_xml_is_refused() {
    let event = |data: &str| format!("<event><type>a</type><timestamp>t</timestamp>{data}</event>");
    assert!(xml::decode(event("<data/>").as_bytes()).is_ok());
    let deep = event(&format!("{}{}", r#"<data type="array">"#, r#"<item type="array">"#.repeat(200)));
    for body in [
        String::new(),
        "<a/>".into(),
        event(""),
        event("<data/><data/>"),
        event("<data>&x;</data>"),
        event("<data>&#0;</data>"),
        event("<data>\u{1}</data>"),
        event("<data type='number'>1,2</data>"),
        event("<data type='number'>1e</data>"),
        event("<data type='number'></data>"),
        event("<data type='boolean'>yes</data>"),
        event("<data type='date'/>"),
        event("<data type='array'><x/></data>"),
        event("<data type='array'><item type='number'>1,2</item></data>"),
        event("<data type='object'>x</data>"),
        event("<data><b/></data>"),
        event("<data escaped='true'>\\x</data>"),
        event("<data a='1' a='2'/>"),
        event("<data></dat>"),
        format!("<!DOCTYPE event [<!ENTITY x 'y'>]>{}", event("<data/>")),
        format!("{}{}", event("<data/>"), event("<data/>")),
        deep,
    ] {
        assert!(xml::decode(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn a_form_has_one_field_for_each_value() {
    for (json, form) in [
        ("1.50", "&data=1.50"),
        ("null", "&data="),
        ("[]", "&data="),
        (
            r#"{"a":[1,{"b":true}],"c d":"ş &=+\n","a":null,"e":{"f":[]},"g":[[],[2]]}"#,
            concat!(
                "&data%5Ba%5D%5B0%5D=1&data%5Ba%5D%5B1%5D%5Bb%5D=true&data%5Bc+d%5D=%C5%9F+%26%3D%2B%0A&data%5Ba%5D=",
                "&data%5Be%5D%5Bf%5D=&data%5Bg%5D%5B0%5D=&data%5Bg%5D%5B1%5D%5B0%5D=2"
            ),
        ),
        (r#""\ud800x""#, "&data=%EF%BF%BDx"),
        (r#"{"":"A-z*_.~"}"#, "&data%5B%5D=A-z*_.%7E"),
    ] {
        assert_eq!(form_of(json), form, "{json}");
    }
}

#[test]
fn a_hostile_form_is_refused_and_not_built() {
    let json = format!(r#"{{"{}":[{}0]}}"#, "k".repeat(200_000), "0,".repeat(200_000));
    let refused = encode_as(Format::Form, "a", "t", &json);
    assert_eq!(refused, Err(TooLarge(Format::Form)));
    assert!(encode_as(Format::Xml, "a", "t", &json).is_ok());
    assert!(TooLarge(Format::Form).to_string().starts_with("the event is larger than 32 MiB as form"));
}

#[test]
fn the_deepest_data_needs_no_stack() {
    let deepest = |open: &str, close: &str| format!("{}1{}", open.repeat(128), close.repeat(128));
    let run = move || {
        for json in [deepest("[", "]"), deepest(r#"{"a":"#, "}"), deepest(r#"{"1":"#, "}")] {
            round_trip(&json);
            assert!(form_of(&json).ends_with("=1"));
        }
    };
    std::thread::Builder::new().stack_size(64 * 1024).spawn(run).unwrap().join().unwrap();
}

fn json_text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        4 => string_regex("[a-zA-Zşİ_ .:-]").unwrap(),
        1 => string_regex(r"[<>&'\]/]").unwrap(),
        1 => string_regex(r#"\\["\\/bfnrt]"#).unwrap(),
        1 => string_regex(r"\\u00[0-9a-f][0-9a-fA-F]").unwrap(),
        1 => string_regex(r"\\u[dD][8-9a-fA-F][0-9a-f][0-9a-f]").unwrap(),
        1 => any::<char>().prop_filter("must be escaped", |c| *c >= ' ' && !"\"\\".contains(*c)).prop_map(String::from),
        1 => prop::sample::select(vec!["\u{fffe}", "\u{ffff}", "\u{7f}", "\u{85}", "\u{2028}", "xml", "\\ufffe"]).prop_map(String::from),
    ];
    let string = prop::collection::vec(character, 0..6).prop_map(|parts| format!("\"{}\"", parts.concat()));
    let scalar = prop_oneof![
        string.clone(),
        string_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,9})?([eE][+-]?[0-9]{1,4})?").unwrap(),
        prop::sample::select(vec!["true", "false", "null", "{}", "[]", "[ ]"]).prop_map(String::from),
    ];
    scalar.prop_recursive(6, 48, 6, move |inner| {
        let member = (string.clone(), inner.clone()).prop_map(|(key, value)| format!("{key} : {value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::vec(member, 0..6).prop_map(|members| format!("{{\n{}}}", members.join(",\n"))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn xml_gives_back_every_event(json in json_text()) {
        let decoded = xml::decode(body(Format::Xml, &json).as_bytes()).unwrap();
        prop_assert_eq!(decoded.data.as_str(), canonical(&json));
    }

    #[test]
    fn json_keeps_every_event(json in json_text()) {
        let end = format!(r#""data":{json}}}"#);
        prop_assert!(body(Format::Json, &json).ends_with(&end));
    }

    #[test]
    fn a_form_is_read_by_the_url_standard(json in json_text()) {
        let body = body(Format::Form, &json);
        let fields: Vec<_> = url::form_urlencoded::parse(body.as_bytes()).collect();
        let again = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        prop_assert_eq!(&again, &body);
        prop_assert!(fields[2..].iter().all(|(name, _)| name.starts_with("data")));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(text in r#"(<|>|/|&|;|'|"|=|event|data|type|item| |#x|1|\\u|é|\PC){0,40}"#) {
        let _ = xml::decode(text.as_bytes());
        let _ = xml::decode(format!("<event><type>a</type><data {text}").as_bytes());
    }
}

mod cloud_events {
    use super::*;

    #[test]
    fn structured_puts_everything_into_one_object() {
        let encoded = encode_as(Format::CloudeventsStructured, "order.paid", "2026-01-31T09:00:00Z", r#"{"n": 19.90}"#);
        let encoded = encoded.unwrap();
        assert_eq!(encoded.content_type, "application/cloudevents+json");
        let text = String::from_utf8(encoded.body).unwrap();
        assert!(text.ends_with(r#","data":{"n": 19.90}}"#), "byte for byte: {text}");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let names: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["specversion", "id", "source", "type", "time", "datacontenttype", "data"]);
        assert_eq!(value["id"], EventId::new(1_700_000_000_000, &[2; 10]).to_string());
        assert!(value["source"].as_str().unwrap().starts_with("urn:kanca:prj_"));
        let members = ["specversion", "type", "time", "datacontenttype"].map(|name| value[name].as_str().unwrap());
        assert_eq!(members, ["1.0", "order.paid", "2026-01-31T09:00:00Z", "application/json"]);
    }

    #[test]
    fn binary_puts_the_attributes_into_headers_and_leaves_the_data_alone() {
        let (event_type, event_data) = ("order.paid".parse().unwrap(), data(r#"{"n": 19.90}"#));
        let envelope = envelope(&event_type, "2026-01-31T09:00:00Z", &event_data);
        let encoded = encode(Format::CloudeventsBinary, &envelope).unwrap();
        assert_eq!(
            (encoded.content_type, encoded.body.as_slice()),
            ("application/json", br#"{"n": 19.90}"#.as_slice())
        );
        let headers = headers(Format::CloudeventsBinary, &envelope);
        let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["ce-specversion", "ce-id", "ce-source", "ce-type", "ce-time"]);
        assert_eq!((headers[1].1.as_str(), headers[3].1.as_str()), (envelope.id.to_string().as_str(), "order.paid"));
        for format in Format::ALL {
            assert_eq!(super::super::headers(format, &envelope).is_empty(), !format.has_headers(), "{format}");
        }
    }

    #[test]
    fn header_values_are_percent_encoded() {
        // The examples of the HTTP protocol binding, section 3.1.3.2.
        for (text, value) in [
            ("Euro \u{20ac} \u{1f600}", "Euro%20%E2%82%AC%20%F0%9F%98%80"),
            ("a\"b%c", "a%22b%25c"),
            ("urn:x:1/~!", "urn:x:1/~!"),
            ("\r\n", "%0D%0A"),
        ] {
            assert_eq!(cloudevents::header_value(text), value);
        }
    }
}

#[test]
fn text_is_a_text_as_it_is_and_anything_else_as_json() {
    for (json, text) in [
        (r#""Merhaba \"d\u00fcnya\"\n""#, "Merhaba \"dünya\"\n"),
        (r#""""#, ""),
        (r#" "a" "#, "a"),
        (r#""\ud83d\ude00\ud800""#, "\u{1f600}\u{fffd}"),
        ("19.90", "19.90"),
        ("null", "null"),
        (r#"{"a": [1]}"#, r#"{"a": [1]}"#),
        (r#"["a"]"#, r#"["a"]"#),
    ] {
        assert_eq!(body(Format::Text, json), text, "{json}");
    }
}

#[test]
fn every_format_is_known_by_its_name() {
    for format in Format::ALL {
        assert_eq!(format.as_str().parse(), Ok(format));
        assert_eq!(serde_json::to_string(&format).unwrap(), format!("\"{format}\""));
    }
}
