//! Problems of the graph: entries, edges, reachability, loops, failures that lead nowhere.

use crate::scenario::blocks::{Block, BlockKind, WebhookMode};
use crate::scenario::document::Document;
use crate::scenario::problem::{Code, Problem};
use std::collections::{HashMap, HashSet};

pub(super) fn check(document: &Document, problems: &mut Vec<Problem>) {
    let graph = Graph::new(document);
    graph.check_entries(problems);
    graph.check_ids_and_edges(problems);
    graph.check_reachability(problems);
    graph.check_failures(problems);
    graph.check_cycles(problems);
}

struct Graph<'a> {
    document: &'a Document,
    index: HashMap<&'a str, usize>,
    /// Blocks behind each block, by edges of real ports and by go-to.
    next: Vec<Vec<usize>>,
    /// Connected ports.
    connected: HashSet<(&'a str, &'a str)>,
}

impl<'a> Graph<'a> {
    fn new(document: &'a Document) -> Self {
        let mut index = HashMap::new();
        for (position, block) in document.blocks.iter().enumerate() {
            index.entry(block.id.as_str()).or_insert(position);
        }
        let mut next = vec![Vec::new(); document.blocks.len()];
        let mut connected = HashSet::new();
        for edge in &document.edges {
            let (Some(&from), Some(&to)) = (index.get(edge.from.as_str()), index.get(edge.to.as_str())) else {
                continue;
            };
            if document.blocks[from].kind.ports().contains(&edge.port) {
                next[from].push(to);
                connected.insert((edge.from.as_str(), edge.port.as_str()));
            }
        }
        for (position, block) in document.blocks.iter().enumerate() {
            if let BlockKind::GoTo(go_to) = &block.kind {
                next[position].extend(go_to.target.as_deref().and_then(|target| index.get(target)));
            }
        }
        Self { document, index, next, connected }
    }

    fn of_type(&self, name: &str) -> Vec<&'a Block> {
        self.document.blocks.iter().filter(|block| block.kind.name() == name).collect()
    }

    fn has_way_on(&self, block: &Block) -> bool {
        self.connected.contains(&(block.id.as_str(), "next"))
    }

    fn check_entries(&self, problems: &mut Vec<Problem>) {
        let starts = self.of_type("start");
        if starts.is_empty() {
            problems.push(Problem::new(Code::NoStart, "Add a start block: conversations begin there."));
        }
        for extra in starts.iter().skip(1) {
            let message = "A scenario has one start; remove this one.";
            problems.push(Problem::new(Code::SeveralStarts, message).block(&extra.id));
        }
        for kind in ["default_otherwise", "default_timeout"] {
            for extra in self.of_type(kind).iter().skip(1) {
                let message = format!("A scenario has at most one {}; remove this one.", kind.replace('_', " "));
                problems.push(Problem::new(Code::SeveralDefaults, message).block(&extra.id).param("type", kind));
            }
        }
        let Some(start) = starts.first().filter(|start| !self.has_way_on(start)) else { return };
        let listens = self.document.blocks.iter().any(|block| match &block.kind {
            BlockKind::UserInput(input) => input.anywhere,
            BlockKind::DefaultOtherwise {} => self.has_way_on(block),
            _ => false,
        });
        let problem = Problem::new(Code::NoWayOn, "Connect the start to the block where conversations begin.");
        let problem = problem.block(&start.id).port("next");
        // A bot that waits for the visitor's first word is unusual but works.
        problems.push(if listens { problem.warning() } else { problem });
    }

    fn check_ids_and_edges(&self, problems: &mut Vec<Problem>) {
        for (position, block) in self.document.blocks.iter().enumerate() {
            if self.index.get(block.id.as_str()) != Some(&position) {
                let message = format!("Two blocks have the id “{}”; give one of them another id.", block.id);
                problems
                    .push(Problem::new(Code::DuplicateBlock, message).block(&block.id).param("id", block.id.as_str()));
            }
            if let BlockKind::GoTo(go_to) = &block.kind {
                let target = go_to.target.as_deref().unwrap_or_default();
                if !self.index.contains_key(target) {
                    let message = if target.is_empty() {
                        "Choose the block where the conversation continues.".to_owned()
                    } else {
                        format!("The block “{target}” no longer exists; choose another one.")
                    };
                    let problem = Problem::new(Code::MissingTarget, message).block(&block.id).field("target");
                    problems.push(problem.param("target", target));
                }
            }
        }
        let mut seen = HashSet::new();
        for edge in &self.document.edges {
            let about = |code, message: String| Problem::new(code, message).block(&edge.from).port(&edge.port);
            for end in [&edge.from, &edge.to] {
                if !self.index.contains_key(end.as_str()) {
                    let message =
                        format!("A connection names the block “{end}”, which does not exist; remove the connection.");
                    problems.push(about(Code::UnknownEdgeBlock, message).param("id", end.as_str()));
                }
            }
            if let Some(from) = self.index.get(edge.from.as_str())
                && !self.document.blocks[*from].kind.ports().contains(&edge.port)
            {
                let message = format!("This block has no exit “{}”; remove the connection.", edge.port);
                problems.push(about(Code::UnknownPort, message).param("port", edge.port.as_str()));
            }
            if !seen.insert((&edge.from, &edge.port)) {
                let message = format!("The exit “{}” has two connections; remove one.", edge.port);
                problems.push(about(Code::DuplicateEdge, message).param("port", edge.port.as_str()));
            }
        }
    }

    fn check_reachability(&self, problems: &mut Vec<Problem>) {
        let entries = self.document.blocks.iter().enumerate().filter(|(_, block)| is_entry(&block.kind));
        let reached = self.reach(entries.map(|(position, _)| position).collect(), |_| true);
        for (position, block) in self.document.blocks.iter().enumerate() {
            // The second of two equal ids has its own problem.
            if !reached[position] && self.index.get(block.id.as_str()) == Some(&position) {
                let message = "No path leads to this block; connect it or remove it.";
                problems.push(Problem::new(Code::UnreachableBlock, message).block(&block.id));
            }
        }
    }

    fn check_failures(&self, problems: &mut Vec<Problem>) {
        if self.of_type("default_otherwise").first().is_some_and(|block| self.has_way_on(block)) {
            return;
        }
        for block in &self.document.blocks {
            let ports: &[&str] = match &block.kind {
                BlockKind::Webhook(webhook) if webhook.mode == WebhookMode::Wait => {
                    &["client_error", "server_error", "timeout"]
                }
                BlockKind::Question(question) if question.attempts.is_some() => &["failed"],
                _ => &[],
            };
            for port in ports.iter().filter(|port| !self.connected.contains(&(block.id.as_str(), **port))) {
                let message = format!("Connect the exit “{port}”, or add a default otherwise that catches it.");
                let problem = Problem::new(Code::NoFailurePath, message).block(&block.id).port(port);
                problems.push(problem.param("port", *port));
            }
        }
    }

    /// One problem for each group of blocks that lead to one another without waiting for the visitor.
    fn check_cycles(&self, problems: &mut Vec<Problem>) {
        let runs_on = |position: usize| !self.document.blocks[position].kind.waits_for_visitor();
        let count = self.document.blocks.len();
        let reach: Vec<Vec<bool>> = (0..count)
            .map(|position| {
                let from = if runs_on(position) { self.next[position].clone() } else { Vec::new() };
                self.reach(from.into_iter().filter(|next| runs_on(*next)).collect(), runs_on)
            })
            .collect();
        let mut reported = vec![false; count];
        for first in 0..count {
            if !reach[first][first] || reported[first] {
                continue;
            }
            let circle: Vec<usize> =
                (first..count).filter(|other| reach[first][*other] && reach[*other][first]).collect();
            let ids: Vec<&str> = circle.iter().map(|position| self.document.blocks[*position].id.as_str()).collect();
            for position in &circle {
                reported[*position] = true;
            }
            let message = "These blocks lead to one another without ever waiting for the visitor; put a question, \
                           buttons or a user input in between.";
            let problem = Problem::new(Code::CycleWithoutWait, message).block(ids[0]);
            problems.push(problem.param("blocks", ids));
        }
    }

    /// Which blocks can be reached from these, through blocks that pass the test.
    fn reach(&self, mut waiting: Vec<usize>, passes: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut reached = vec![false; self.document.blocks.len()];
        while let Some(position) = waiting.pop() {
            if !std::mem::replace(&mut reached[position], true) {
                waiting.extend(self.next[position].iter().filter(|next| passes(**next)));
            }
        }
        reached
    }
}

/// Where a path may begin.
fn is_entry(kind: &BlockKind) -> bool {
    match kind {
        BlockKind::Start {} | BlockKind::DefaultOtherwise {} | BlockKind::DefaultTimeout(_) => true,
        BlockKind::UserInput(input) => input.anywhere,
        _ => false,
    }
}
