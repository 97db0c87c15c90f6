//! Scenarios and dialogues as text: each `.txt` file beside this one is a scenario, the problems that `validate` finds
//! in it, and a dialogue. The runner plays the dialogue and compares what it prints with what the file says.
//!
//! A scenario is written one block a line, `id: type fields port -> target, port -> target`; `scenario_text` says which
//! short forms there are. After the line `---` comes the dialogue. The visitor and the world:
//!
//! | line | meaning |
//! | --- | --- |
//! | `* start {…}` | the conversation begins, with these attributes |
//! | `> text` | the visitor writes |
//! | `>> block/choice text` | the visitor clicks |
//! | `@ 200 type/subtype body` | the webhook called last answers (without a type: JSON); `@ timeout`, `@ refused` |
//! | `@#1 200 body` | the call of this number is answered |
//! | `~ delay`, `~ silence`, `~ #3` | a timer runs out |
//! | `+ {…}` | attributes become known |
//!
//! What comes of it: `< text` is said, `[A]` a button and `(A)` a quick reply, `! …` any other effect, `· block` a block
//! entered (if the file says `show blocks`). `. …` says what the conversation waits for, `= name value` an attribute.
//!
//! `UPDATE_TRANSCRIPTS=1 cargo test -p kanca-domain --test transcripts` writes what is printed back to the files.

#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

mod dialogue;
mod scenario_text;

use kanca_domain::scenario::{Document, compile, validate};
use std::fmt::Write;
use std::path::{Path, PathBuf};

#[test]
fn every_transcript_plays_as_written() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    assert!(files.len() >= 25, "the transcripts are there");
    let failed: Vec<String> = files.iter().filter_map(|file| check(file)).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Plays one file; `Some` is the difference.
fn check(file: &Path) -> Option<String> {
    let expected = std::fs::read_to_string(file).unwrap();
    let actual = play(&expected);
    if actual == expected {
        return None;
    }
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        std::fs::write(file, actual).unwrap();
        return None;
    }
    Some(format!("{}:\n{}", file.file_name().unwrap().to_string_lossy(), difference(&expected, &actual)))
}

/// The file as it should be.
fn play(text: &str) -> String {
    let mut printed = String::new();
    let (scenario, dialogue) = match text.split_once("\n---\n") {
        Some((scenario, dialogue)) => (scenario, Some(dialogue)),
        None => (text, None),
    };
    let mut lines: Vec<&str> = scenario.lines().filter(|line| !line.starts_with("? ")).collect();
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    let value = scenario_text::read(&lines);
    let document = Document::parse_value(value).unwrap_or_else(|errors| panic!("{errors:?}"));
    let _ = writeln!(printed, "{}", lines.join("\n"));
    for problem in validate(&document, &|id| id == scenario_text::endpoint()) {
        let place = [problem.block_id.as_ref(), problem.port.as_ref(), problem.field.as_ref()];
        let place: Vec<&str> = place.into_iter().flatten().map(String::as_str).collect();
        let severity = if problem.is_error() { "error" } else { "warning" };
        let _ = writeln!(printed, "? {severity} {} at {}: {}", problem.code.name(), place.join(" "), problem.message);
    }
    if let Some(dialogue) = dialogue {
        let _ = writeln!(printed, "\n---");
        let show_blocks = lines.contains(&"show blocks");
        printed.push_str(&dialogue::play(&compile(document), dialogue, show_blocks));
    }
    printed
}

/// Lines that differ, with the common beginning and end left out.
fn difference(expected: &str, actual: &str) -> String {
    let (expected, actual): (Vec<_>, Vec<_>) = (expected.lines().collect(), actual.lines().collect());
    let same = expected.iter().zip(&actual).take_while(|(left, right)| left == right).count();
    let rest = (expected.len() - same).min(actual.len() - same);
    let tail = (0..rest).take_while(|n| expected[expected.len() - 1 - n] == actual[actual.len() - 1 - n]).count();
    let mut printed = String::new();
    for line in &expected[same.saturating_sub(3)..same] {
        let _ = writeln!(printed, "    {line}");
    }
    for line in &expected[same..expected.len() - tail] {
        let _ = writeln!(printed, "  - {line}");
    }
    for line in &actual[same..actual.len() - tail] {
        let _ = writeln!(printed, "  + {line}");
    }
    printed
}
