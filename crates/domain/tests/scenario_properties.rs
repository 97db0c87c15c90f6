//! What holds for every scenario and every input: the runtime never panics, never runs away, and its state is all that
//! it needs.

#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use kanca_domain::ids::{EndpointId, Id};
use kanca_domain::scenario::{
    BLOCKS_PER_INPUT, ChoiceRef, Code, Document, Effect, Input, State, Wait, WebhookOutcome, advance, answer, compile,
    validate,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// The fields of a block by a number; every type in several shapes, some of them wrong.
fn fields(shape: u8) -> Value {
    let endpoint = EndpointId::new(1, &[0; 10]);
    match shape {
        0 => json!({"type": "start"}),
        1 => json!({"type": "text", "messages": [{"text": "Hi {{name|you}} {{a}}"}]}),
        2 => json!({"type": "text", "messages": [{"text": "One"}, {"text": "Two", "delay_ms": 10}]}),
        3 => json!({"type": "text", "messages": []}),
        4 => {
            json!({"type": "question", "text": "E-mail?", "validate": {"kind": "email"}, "attribute": "email", "attempts": 2})
        }
        5 => {
            json!({"type": "question", "text": "Which?", "variants": ["What?"], "validate": {"kind": "choice", "choices": ["yes", "no"]}, "attribute": "a"})
        }
        6 => json!({"type": "question", "text": "Say something", "attribute": "message"}),
        7 => {
            json!({"type": "buttons", "text": "Choose", "choices": [{"id": "c1", "label": "yes"}, {"id": "c2", "label": "Web", "url": "https://example.com"}]})
        }
        8 => {
            json!({"type": "quick_replies", "text": "Choose", "choices": [{"id": "c1", "label": "yes"}, {"id": "c1", "label": "no"}], "attribute": "a"})
        }
        9 => {
            json!({"type": "condition", "match": "all", "groups": [{"match": "any", "rules": [{"subject": {"kind": "message"}, "operator": "contains", "value": "{{a}}"}]}]})
        }
        10 => json!({"type": "condition", "match": "any", "groups": []}),
        11 => {
            json!({"type": "set_attribute", "assignments": [{"attribute": "a", "value": "{{a}}{{a}}x"}, {"attribute": "b", "value": "{{a}}"}]})
        }
        12 => {
            json!({"type": "user_input", "branches": [{"id": "b1", "keywords": ["sipariş", "yes"], "phrases": ["no way"]}], "anywhere": true})
        }
        13 => json!({"type": "user_input", "branches": [{"id": "b1", "keywords": [""]}]}),
        14 => json!({"type": "webhook", "mode": "notify", "endpoint_id": endpoint}),
        15 => {
            json!({"type": "webhook", "mode": "wait", "endpoint_id": endpoint, "mappings": [{"path": "$.a", "attribute": "a"}]})
        }
        16 => json!({"type": "webhook", "mode": "wait", "endpoint_id": null}),
        17 => json!({"type": "go_to", "target": "b1"}),
        18 => json!({"type": "go_to"}),
        19 => json!({"type": "default_otherwise"}),
        20 => json!({"type": "default_timeout", "after_ms": 1000}),
        _ => json!({"type": "end", "text": "{{a}}"}),
    }
}

const PORTS: [&str; 15] = [
    "next",
    "next",
    "next",
    "answered",
    "failed",
    "choice:c1",
    "other",
    "true",
    "false",
    "branch:b1",
    "success",
    "client_error",
    "server_error",
    "timeout",
    "unknown",
];

prop_compose! {
    /// Up to twelve blocks, any edges between them; the first is usually a start.
    fn document()(
        start in 0..8u8,
        shapes in prop::collection::vec(0..22u8, 1..12),
        edges in prop::collection::vec((0..13usize, 0..PORTS.len(), 0..13usize), 0..40),
    ) -> Document {
        let shapes = std::iter::once(u8::from(start == 0)).chain(shapes);
        let blocks: Vec<Value> = shapes.enumerate().map(|(number, shape)| {
            let mut block = fields(shape);
            block["id"] = format!("b{number}").into();
            block
        }).collect();
        let edges: Vec<Value> = edges.into_iter()
            .map(|(from, port, to)| json!({"from": format!("b{from}"), "port": PORTS[port], "to": format!("b{to}")}))
            .collect();
        let document = json!({"schema": "kanca.scenario/1", "attributes": [{"name": "a", "default": "x"}], "blocks": blocks, "edges": edges});
        Document::parse_value(document).unwrap()
    }
}

fn input() -> impl Strategy<Value = Input> {
    let text = prop_oneof![
        Just("yes".to_owned()),
        Just("no way".to_owned()),
        Just("Siparişim'in".to_owned()),
        Just("a@example.com".to_owned()),
        any::<String>(),
    ];
    let choice = prop::option::of((0..13usize, prop_oneof![Just("c1"), Just("c2"), Just("2")]));
    let message = (text, choice).prop_map(|(text, choice)| Input::Message {
        text,
        choice: choice.map(|(block, choice)| ChoiceRef { block: format!("b{block}"), choice: choice.to_owned() }),
    });
    let outcome = prop_oneof![
        Just(WebhookOutcome::timeout("no answer in time")),
        (prop_oneof![Just(200u16), Just(404), Just(500)], any::<String>()).prop_map(|(status, body)| answer::parse(
            status,
            Some("text/plain"),
            body.as_bytes(),
            &[]
        )),
        Just(answer::parse(200, None, br#"{"messages":[{"type":"text","text":"{{a}}"}],"attributes":{"a":[1]}}"#, &[])),
        Just(answer::parse(200, None, br#"{"end":true}"#, &[])),
    ];
    prop_oneof![
        5 => message,
        3 => (0..30u64, outcome).prop_map(|(call, outcome)| Input::Answer { call, outcome }),
        3 => (0..30u64).prop_map(|token| Input::Timer { token }),
        1 => Just(Input::Start { attributes: Map::new() }),
        1 => Just(Input::SetAttributes { attributes: Map::from_iter([("a".to_owned(), json!("{{b}}"))]) }),
    ]
}

/// Answers and timers that the state waits for, so that paths go on.
fn aimed(input: Input, state: &State) -> Input {
    match (input, &state.wait) {
        (Input::Answer { outcome, .. }, Wait::Webhook { call, .. }) => Input::Answer { call: *call, outcome },
        (Input::Timer { .. }, Wait::Timer { token, .. }) => Input::Timer { token: *token },
        (Input::Timer { token }, _) => Input::Timer { token: state.silence.unwrap_or(token) },
        (input, _) => input,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn advance_never_runs_away(document in document(), inputs in prop::collection::vec((input(), any::<bool>()), 1..30)) {
        let problems = validate(&document, &|_| true);
        let loops = problems.iter().any(|problem| problem.code == Code::CycleWithoutWait);
        let scenario = compile(document);
        let mut state = advance(&scenario, State::default(), Input::Start { attributes: Map::new() }).0;
        for (input, aim) in inputs {
            let input = if aim { aimed(input, &state) } else { input };
            let before = state.clone();
            let (next, effects) = advance(&scenario, state, input.clone());

            // Pure: what is stored gives the same again.
            let stored: State = serde_json::from_str(&serde_json::to_string(&before).unwrap()).unwrap();
            let again = advance(&scenario, stored, input);
            prop_assert_eq!((&next, &effects), (&again.0, &again.1));

            let entered = |effects: &[Effect]| effects.iter().filter(|effect| matches!(effect, Effect::Enter { .. })).count();
            let ran_away = effects.iter().position(|effect| matches!(effect, Effect::Error { code, .. } if code == "too_many_blocks"));
            let first = ran_away.unwrap_or(effects.len());
            prop_assert!(entered(&effects[..first]) <= BLOCKS_PER_INPUT && entered(&effects[first..]) <= BLOCKS_PER_INPUT);
            prop_assert!(loops || ran_away.is_none(), "validate should have seen the loop");

            if before.ended {
                prop_assert!(effects.is_empty() && next == before);
            }
            prop_assert_eq!(next.ended && !before.ended, effects.contains(&Effect::End));
            if let Wait::Visitor { block } = &next.wait {
                prop_assert!(scenario.block(block).is_some_and(|block| block.kind.waits_for_visitor()));
            }
            prop_assert!(serde_json::to_string(&next).unwrap().len() < 256 * 1024, "the state stays small");
            for effect in &effects {
                if let Effect::Say { text, .. } = effect {
                    prop_assert!(!text.trim().is_empty() && text.chars().count() <= 4000);
                }
            }
            state = next;
        }
    }

    #[test]
    fn any_bytes_are_read_as_a_document_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Document::parse(&bytes);
    }

    #[test]
    fn any_answer_is_read(
        status in 100..600u16,
        content_type in prop::option::of(prop_oneof![Just("application/json"), Just("text/xml"), Just("text/plain; charset=latin5"), Just("text/html")]),
        body in prop_oneof![prop::collection::vec(any::<u8>(), 0..300), "[<>/a&;\"= #x]{0,60}".prop_map(String::into_bytes)],
    ) {
        let outcome = answer::parse(status, content_type, &body, &[]);
        prop_assert!(outcome.messages.len() <= 10 && outcome.body.len() <= 8192);
        prop_assert!(outcome.messages.iter().all(|message| !message.chars().any(|c| c.is_control() && c != '\n' && c != '\t')));
    }
}
