//! Plays a dialogue against the runtime and prints what comes of it.

use kanca_domain::scenario::{
    ChoiceRef, ChoiceStyle, Effect, Input, Scenario, State, TimerKind, Wait, WebhookMode, WebhookOutcome, advance,
    answer,
};
use serde_json::Value;
use std::fmt::Write;

struct Player<'a> {
    scenario: &'a Scenario,
    state: State,
    show_blocks: bool,
    printed: String,
    call: u64,
    delay: u64,
    silence: u64,
}

/// The dialogue with the lines that answer its inputs as they really are.
pub fn play(scenario: &Scenario, dialogue: &str, show_blocks: bool) -> String {
    let state = State::default();
    let mut player = Player { scenario, state, show_blocks, printed: String::new(), call: 0, delay: 0, silence: 0 };
    for line in dialogue.lines() {
        player.line(line);
    }
    player.printed
}

impl Player<'_> {
    fn line(&mut self, line: &str) {
        let input = match line.split_once(' ').unwrap_or((line, "")) {
            ("*", start) => {
                let attributes = start.strip_prefix("start").unwrap().trim();
                let attributes = if attributes.is_empty() { "{}" } else { attributes };
                Input::Start { attributes: serde_json::from_str(attributes).unwrap() }
            }
            (">", text) => Input::Message { text: text.to_owned(), choice: None },
            (">>", click) => {
                let (choice, text) = click.split_once(' ').unwrap();
                Input::Message { text: text.to_owned(), choice: Some(ChoiceRef::parse(choice).unwrap()) }
            }
            ("~", "delay") => Input::Timer { token: self.delay },
            ("~", "silence") => Input::Timer { token: self.silence },
            ("~", token) => Input::Timer { token: token.strip_prefix('#').unwrap().parse().unwrap() },
            ("+", attributes) => Input::SetAttributes { attributes: serde_json::from_str(attributes).unwrap() },
            ("@", answer) => Input::Answer { call: self.call, outcome: self.outcome(answer) },
            (call, answer) if call.starts_with("@#") => {
                Input::Answer { call: call[2..].parse().unwrap(), outcome: self.outcome(answer) }
            }
            (".", _) => return self.waits(),
            ("=", assertion) => return self.attribute(assertion),
            ("<" | "!" | "·", _) => return,
            _ if line.is_empty() || line.starts_with('#') => {
                let _ = writeln!(self.printed, "{line}");
                return;
            }
            _ => panic!("not a line of a dialogue: {line}"),
        };
        let _ = writeln!(self.printed, "{line}");
        let (state, effects) = advance(self.scenario, self.state.clone(), input);
        // What is stored is all that the runtime needs.
        self.state = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
        assert_eq!(self.state, state);
        for effect in &effects {
            self.effect(effect);
        }
    }

    fn outcome(&self, answer: &str) -> WebhookOutcome {
        match answer {
            "timeout" => return WebhookOutcome::timeout("no answer came in time"),
            "refused" => return WebhookOutcome::server_error("the connection was refused"),
            _ => {}
        }
        let (status, rest) = answer.split_once(' ').unwrap_or((answer, ""));
        let (content_type, body) = match rest.split_once(' ').unwrap_or((rest, "")) {
            (first, body) if first.contains('/') && !first.starts_with(['{', '<', '[']) => (first, body),
            _ => ("application/json", rest),
        };
        let block = self.state.wait.block().and_then(|block| self.scenario.block(block));
        let mappings = match block.map(|block| &block.kind) {
            Some(kanca_domain::scenario::BlockKind::Webhook(webhook)) => webhook.mappings.clone(),
            _ => Vec::new(),
        };
        answer::parse(status.parse().unwrap(), Some(content_type), body.as_bytes(), &mappings)
    }

    fn effect(&mut self, effect: &Effect) {
        let line = match effect {
            Effect::Enter { block } if self.show_blocks => format!("· {block}"),
            Effect::Enter { .. } => return,
            Effect::Say { text, .. } => format!("< {}", one_line(text)),
            Effect::Ask { text, choices, style, .. } => {
                let mut line = format!("< {}", one_line(text));
                for choice in choices {
                    let address = choice.url.as_ref().map(|url| format!(" ↗ {url}")).unwrap_or_default();
                    let _ = match style {
                        ChoiceStyle::Buttons => write!(line, " [{}{address}]", choice.label),
                        ChoiceStyle::QuickReplies => write!(line, " ({})", choice.label),
                    };
                }
                line
            }
            Effect::Call { block, call, mode, timeout_ms, data, .. } => {
                self.call = *call;
                let how =
                    if *mode == WebhookMode::Wait { format!("wait {timeout_ms} ms") } else { "notify".to_owned() };
                format!("! call {block} #{call} ({how}) with {}", Value::Object(data.clone()))
            }
            Effect::StartTimer { token, after_ms, kind: TimerKind::Delay } => {
                self.delay = *token;
                format!("! delay of {after_ms} ms #{token}")
            }
            Effect::StartTimer { token, after_ms, kind: TimerKind::Silence } => {
                self.silence = *token;
                format!("! silence of {after_ms} ms #{token}")
            }
            Effect::Keyword { block, branch, keyword } => format!("! keyword {block}/{branch} “{keyword}”"),
            Effect::Idle { block } => format!("! idle {block}"),
            Effect::Assigned { names } => format!("! assigned {}", names.join(", ")),
            Effect::Unanswered { text } => format!("! unanswered “{}”", one_line(text)),
            Effect::Error { code, message, block } => {
                format!("! error {code} at {}: {message}", block.as_deref().unwrap_or("–"))
            }
            Effect::End => "! end".to_owned(),
        };
        let _ = writeln!(self.printed, "{line}");
    }

    fn waits(&mut self) {
        let line = match &self.state.wait {
            _ if self.state.ended => ". has ended".to_owned(),
            Wait::Nothing => ". is idle".to_owned(),
            wait => format!(". waits for the {} at {}", wait.name(), wait.block().unwrap()),
        };
        let _ = writeln!(self.printed, "{line}");
    }

    fn attribute(&mut self, assertion: &str) {
        let name = assertion.split(' ').next().unwrap();
        let value = self.state.attributes.get(name).map_or("–".to_owned(), Value::to_string);
        let _ = writeln!(self.printed, "= {name} {value}");
    }
}

fn one_line(text: &str) -> String {
    text.replace('\n', "⏎")
}
