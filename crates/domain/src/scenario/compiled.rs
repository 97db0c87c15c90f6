//! The indexed form of a document, which `advance` runs.

use super::blocks::{Block, BlockKind};
use super::document::Document;
use super::keywords::{Pattern, Words};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A scenario ready to run. Serialises as its [`Document`]; cheap to share behind an `Arc`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Document", into = "Document")]
pub struct Scenario {
    document: Document,
    by_id: HashMap<String, usize>,
    /// For each block the block behind each connected port.
    edges: Vec<HashMap<String, usize>>,
    /// For each user input block its branches.
    branches: HashMap<usize, Vec<BranchPatterns>>,
    pub(super) start: Option<usize>,
    pub(super) otherwise: Option<usize>,
    pub(super) timeout: Option<usize>,
    /// User input blocks that are tried anywhere, in document order.
    pub(super) anywhere: Vec<usize>,
}

#[derive(Debug, Clone)]
struct BranchPatterns {
    id: String,
    keywords: Vec<Pattern>,
    phrases: Vec<Pattern>,
}

/// Indexes a document. Never fails: what `validate` complains of (an edge to nowhere, a second start) is left out.
pub fn compile(document: Document) -> Scenario {
    let mut by_id = HashMap::new();
    for (index, block) in document.blocks.iter().enumerate() {
        by_id.entry(block.id.clone()).or_insert(index);
    }
    let mut edges = vec![HashMap::new(); document.blocks.len()];
    for edge in &document.edges {
        if let (Some(&from), Some(&to)) = (by_id.get(&edge.from), by_id.get(&edge.to)) {
            edges[from].entry(edge.port.clone()).or_insert(to);
        }
    }
    let find = |wanted: fn(&BlockKind) -> bool| document.blocks.iter().position(|block| wanted(&block.kind));
    let inputs = || {
        document.blocks.iter().enumerate().filter_map(|(index, block)| match &block.kind {
            BlockKind::UserInput(input) => Some((index, input)),
            _ => None,
        })
    };
    let patterns = |texts: &[String]| texts.iter().map(|text| Pattern::new(text)).collect();
    Scenario {
        start: find(|kind| matches!(kind, BlockKind::Start {})),
        otherwise: find(|kind| matches!(kind, BlockKind::DefaultOtherwise {})),
        timeout: find(|kind| matches!(kind, BlockKind::DefaultTimeout(_))),
        anywhere: inputs().filter(|(_, input)| input.anywhere).map(|(index, _)| index).collect(),
        branches: inputs()
            .map(|(index, input)| {
                let branches = input.branches.iter().map(|branch| BranchPatterns {
                    id: branch.id.clone(),
                    keywords: patterns(&branch.keywords),
                    phrases: patterns(&branch.phrases),
                });
                (index, branches.collect())
            })
            .collect(),
        by_id,
        edges,
        document,
    }
}

impl Scenario {
    /// The document it was made from.
    pub const fn document(&self) -> &Document {
        &self.document
    }

    /// The block of this id.
    pub fn block(&self, id: &str) -> Option<&Block> {
        self.index(id).map(|index| self.at(index))
    }

    pub(super) fn index(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    pub(super) fn at(&self, index: usize) -> &Block {
        &self.document.blocks[index]
    }

    /// The block behind a port.
    pub(super) fn behind(&self, index: usize, port: &str) -> Option<usize> {
        self.edges[index].get(port).copied()
    }

    /// The first branch of a user input block that recognises the message, and the keyword or phrase.
    pub(super) fn recognise(&self, index: usize, message: &Words) -> Option<(&str, &str)> {
        self.branches.get(&index)?.iter().find_map(|branch| {
            let keyword = branch.keywords.iter().find(|keyword| keyword.is_keyword_of(message));
            let phrase = || branch.phrases.iter().find(|phrase| phrase.is_phrase_of(message));
            keyword.or_else(phrase).map(|pattern| (branch.id.as_str(), pattern.written.as_str()))
        })
    }
}

impl From<Document> for Scenario {
    fn from(document: Document) -> Self {
        compile(document)
    }
}

impl From<Scenario> for Document {
    fn from(scenario: Scenario) -> Self {
        scenario.document
    }
}
