//! Checks what a document means: whether the scenario may be published, and what its owner should look at.
//!
//! `graph` looks at blocks and edges together, `fields` at each block's fields, `usage` at the attributes. Problems come
//! in that order, inside each in document order.

mod fields;
mod graph;
mod usage;

use super::document::Document;
use super::problem::Problem;
use crate::ids::EndpointId;

/// All problems of a scenario; it may be published if none [is an error](Problem::is_error). `known` says whether an
/// endpoint exists in the scenario's project.
pub fn validate(document: &Document, known: &dyn Fn(EndpointId) -> bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    graph::check(document, &mut problems);
    for block in &document.blocks {
        fields::check(block, known, &mut problems);
    }
    usage::check(document, &mut problems);
    problems
}

#[cfg(test)]
mod tests;
