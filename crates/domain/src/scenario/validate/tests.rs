//! The problems themselves are in `tests/transcripts/problems_*.txt`; here is what those do not show.

use super::*;
use crate::scenario::{Code, Language, blank};
use serde_json::json;

#[test]
fn a_problem_as_json() {
    let document = json!({"schema": "kanca.scenario/1", "blocks": [
        {"id": "start", "type": "start"}, {"id": "t", "type": "text", "messages": [{"text": ""}]}
    ], "edges": [{"from": "start", "port": "next", "to": "t"}, {"from": "t", "port": "x", "to": "t"}]});
    let problems = validate(&Document::parse_value(document).unwrap(), &|_| true);
    assert_eq!(
        serde_json::to_value(problems).unwrap(),
        json!([
            {"code": "unknown_port", "severity": "error", "block_id": "t", "port": "x", "field": null,
             "message": "This block has no exit “x”; remove the connection.", "params": {"port": "x"}},
            {"code": "empty_text", "severity": "error", "block_id": "t", "port": null, "field": "messages/0/text",
             "message": "Write a text here.", "params": {}},
        ])
    );
}

#[test]
fn a_scenario_of_the_largest_size_is_checked_quickly() {
    let mut document = blank(Language::En);
    let template = document.blocks[1].clone();
    for number in 0..496 {
        let mut block = template.clone();
        block.id = format!("b{number}");
        document.blocks.push(block);
    }
    document.edges[0].to = "b0".into();
    for number in 0..496 {
        let mut edge = document.edges[1].clone();
        edge.from = format!("b{number}");
        edge.to = format!("b{}", (number + 1) % 496);
        document.edges.push(edge);
    }
    let problems = validate(&document, &|_| true);
    assert_eq!(
        problems.iter().map(|problem| problem.code).collect::<Vec<_>>(),
        [Code::UnreachableBlock, Code::CycleWithoutWait]
    );
    assert_eq!(problems[1].params["blocks"].as_array().unwrap().len(), 496);
}

#[test]
fn every_code_stands_in_a_transcript() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts");
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let texts: String = files
        .filter(|file| file.extension().is_some_and(|e| e == "txt"))
        .map(|file| std::fs::read_to_string(file).unwrap())
        .collect();
    for code in Code::ALL {
        let name = code.name();
        assert!(texts.contains(&format!("? error {name} ")) || texts.contains(&format!("? warning {name} ")), "{name}");
    }
}
