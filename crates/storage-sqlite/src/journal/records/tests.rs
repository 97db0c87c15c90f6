use super::*;

/// What a version that was released wrote, byte for byte: a later one must still read it.
const EVENT: &str = "0001010101010101010101010101010101020202020202020202020202020202020a6f726465722e706169641432\
                     3032342d30312d30315430303a30303a30305ae0c4b0f8bff1b304077b2261223a317d0000000000010303030303\
                     030303030303030303030304040404040404040404040404040404e0c4b0f8bff1b304000001";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn event() -> Event<'static> {
    let at = 1_240_000_000_037_168;
    let delivery = Delivery { id: [3; 16], endpoint: [4; 16], due: at, queue_key: None, waiter: None, claim: true };
    Event {
        id: [1; 16],
        project: [2; 16],
        kind: "order.paid",
        timestamp: "2024-01-01T00:00:00Z",
        accepted_at: at,
        data: "{\"a\":1}",
        ordering_key: None,
        idempotency_key: None,
        hops: 0,
        test: false,
        explanation: None,
        deliveries: vec![delivery],
    }
}

#[test]
fn the_bytes_of_an_event_stay_what_they_are() {
    assert_eq!(hex(&event().into_bytes().unwrap()), EVENT);
}

#[test]
fn an_event_comes_back_as_it_was() {
    let bytes = event().into_bytes().unwrap();
    let Record::Event(event) = Record::of(&bytes).unwrap() else { panic!("no event") };
    assert_eq!((event.id, event.project, event.kind, event.data), ([1; 16], [2; 16], "order.paid", "{\"a\":1}"));
    assert_eq!((event.deliveries[0].id, event.deliveries[0].claim), ([3; 16], true));
}

#[test]
fn what_is_cut_off_is_refused_with_the_next_step() {
    let bytes = event().into_bytes().unwrap();
    for length in 0..bytes.len() {
        let Err(StorageError::Internal(words)) = Record::of(&bytes[..length]) else {
            panic!("{length} bytes are read")
        };
        assert!(words.contains("start the version that wrote it"), "{words}");
    }
}

#[test]
fn a_request_is_the_json_that_it_is_read_back_from() {
    let pair = |(name, value): (&'static str, &'static str)| (name.into(), value.into());
    let awkward = [("x-a", "plain"), ("x-b", "\"quoted\" \\ back"), ("x-\u{1}", "tab\tnul\0 ü\u{2028}😀"), ("", "")];
    for count in 0..=awkward.len() {
        for url in ["https://example.com/a?b=c", "https://example.com/\"\\\n"] {
            let headers = awkward.iter().take(count).copied().map(pair).collect();
            let request = SentRequest { method: "POST".into(), url: url.into(), headers };
            assert_eq!(json_of_request(&request).unwrap(), serde_json::to_string(&request).unwrap());
        }
    }
}
