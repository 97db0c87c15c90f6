//! What is measured: each scenario's endpoints, messages and pace, and the sentence that explains it.

use super::ledger::Reach;
use super::receiver::Behaviour;
use clap::ValueEnum;
use std::time::Duration;

/// How long the slow endpoint of `s3` takes.
const SLOW: Duration = Duration::from_secs(5);
/// Bytes of a payload.
pub const PAYLOAD: usize = 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// One endpoint, as fast as it goes
    S1,
    /// Each message to ten endpoints, as fast as it goes
    S2,
    /// A healthy endpoint beside one that takes 5 s to answer
    S3,
    /// One endpoint, 200 messages a second
    S4,
    /// kill -9 in the middle of s1, and a restart
    S5,
    /// 1,000 endpoints of which 10 are black holes
    Many,
    /// A restart with 1,000,000 pending deliveries (takes minutes and 1 GB of disk)
    Backlog,
}

/// All scenarios but the one that takes minutes.
pub const USUAL: [Scenario; 6] = [Scenario::S1, Scenario::S2, Scenario::S3, Scenario::S4, Scenario::S5, Scenario::Many];

/// One scenario in numbers.
#[derive(Debug, Clone)]
pub struct Plan {
    pub messages: usize,
    pub endpoints: Vec<Behaviour>,
    pub reach: Reach,
    /// Messages a second; `None`: as fast as the answers come.
    pub per_second: Option<u32>,
}

impl Scenario {
    pub fn name(self) -> &'static str {
        match self {
            Self::S1 => "s1",
            Self::S2 => "s2",
            Self::S3 => "s3",
            Self::S4 => "s4",
            Self::S5 => "s5",
            Self::Many => "many",
            Self::Backlog => "backlog",
        }
    }

    /// The usual plan, or a tenth of it. For the backlog it is that of the dead endpoint.
    pub fn plan(self, quick: bool) -> Plan {
        let share = if quick { 10 } else { 1 };
        let (messages, per_second) = match self {
            Self::S1 => (20_000, None),
            Self::S2 => (5_000, None),
            Self::S3 | Self::S4 => (4_000, Some(200)),
            Self::S5 => (10_000, None),
            Self::Many => (10_000, Some(500)),
            Self::Backlog => (1_000_000, None),
        };
        let reach = if self == Self::Many { Reach::One } else { Reach::All };
        let endpoints = match self {
            Self::S1 | Self::S4 | Self::S5 => vec![Behaviour::PROMPT],
            Self::S2 => vec![Behaviour::PROMPT; 10],
            Self::S3 => vec![Behaviour::PROMPT, Behaviour::Answer { after: SLOW }],
            Self::Many => (0..1_000 / share).map(one_of_many).collect(),
            Self::Backlog => vec![Behaviour::Dead],
        };
        Plan { messages: messages / share, endpoints, reach, per_second }
    }

    /// How long it may take altogether.
    pub fn deadline(self) -> Duration {
        Duration::from_secs(if self == Self::Backlog { 30 * 60 } else { 10 * 60 })
    }

    /// What is done, in a sentence.
    pub fn about(self, plan: &Plan, connections: usize) -> String {
        let (messages, endpoints) = (grouped(plan.messages), grouped(plan.endpoints.len()));
        let fast = format!("as fast as {connections} connections can post them");
        let pace = plan.per_second.map_or(fast, |rate| {
            let seconds = plan.messages / usize::try_from(rate.max(1)).unwrap_or(1);
            format!("{rate} a second for {seconds} s")
        });
        match self {
            Self::S1 => format!("{messages} messages of 1 KiB to one endpoint, {pace}."),
            Self::S2 => format!("{messages} messages of 1 KiB, each to {endpoints} endpoints, {pace}."),
            Self::S3 => format!("Two endpoints, of which one takes 5 s to answer, {pace}. Arrivals are the other's."),
            Self::S4 => format!("One endpoint, {pace}."),
            Self::S5 => format!("{messages} messages to one endpoint; kill -9 when half are accepted, and a restart."),
            Self::Many => {
                let holes = plan.endpoints.iter().filter(|b| **b != Behaviour::PROMPT).count();
                format!(
                    "{endpoints} endpoints, {pace}, each message to one of them. The black holes among them ({holes}) \
                     cannot be reached or never answer; arrivals are the others'."
                )
            }
            Self::Backlog => format!(
                "{messages} deliveries pending to an endpoint that refuses connections; kill -9, a restart, then 200 a \
                 second to a healthy endpoint, whose arrivals these are."
            ),
        }
    }
}

impl Plan {
    /// Which endpoints are waited for: those that answer at once.
    pub fn awaited(&self) -> Vec<bool> {
        self.endpoints.iter().map(|behaviour| *behaviour == Behaviour::PROMPT).collect()
    }
}

/// One endpoint in a hundred is a black hole, by turns of both kinds.
fn one_of_many(endpoint: usize) -> Behaviour {
    match endpoint % 200 {
        50 => Behaviour::Silent,
        150 => Behaviour::Unreachable,
        _ => Behaviour::PROMPT,
    }
}

/// A count with commas.
pub fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_of_a_thousand_are_black_holes() {
        let plan = Scenario::Many.plan(false);
        let count = |wanted| plan.endpoints.iter().filter(|behaviour| **behaviour == wanted).count();
        assert_eq!((plan.endpoints.len(), count(Behaviour::Silent), count(Behaviour::Unreachable)), (1_000, 5, 5));
        assert_eq!(plan.awaited().iter().filter(|awaited| **awaited).count(), 990);
        assert!(Scenario::Many.plan(true).awaited().contains(&false), "the quick run has one, too");
    }

    #[test]
    fn a_sentence_says_what_is_really_done() {
        let about = |scenario: Scenario, quick| scenario.about(&scenario.plan(quick), 64);
        assert_eq!(
            about(Scenario::S1, false),
            "20,000 messages of 1 KiB to one endpoint, as fast as 64 connections can post them."
        );
        assert!(about(Scenario::S4, true).contains("200 a second for 2 s"));
        assert!(about(Scenario::Backlog, true).starts_with("100,000 deliveries"));
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        for (count, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(count), text);
        }
    }
}
