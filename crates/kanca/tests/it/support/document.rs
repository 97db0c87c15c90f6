//! The OpenAPI document, against which every answer that a story gets is held.

use serde_json::{Map, Value};
use std::sync::OnceLock;

/// The snapshot in the repository; that it is what the server serves is a story of its own.
pub const SNAPSHOT: &str = include_str!("../../../../../docs/openapi.json");

/// Fails when the document knows this call and does not list this status among its answers.
#[track_caller]
pub fn lists(method: &str, target: &str, status: u16) {
    static PATHS: OnceLock<Map<String, Value>> = OnceLock::new();
    let paths = PATHS.get_or_init(|| {
        let document: Value = serde_json::from_str(SNAPSHOT).unwrap();
        document["paths"].as_object().unwrap().clone()
    });
    let path = target.split('?').next().unwrap_or_default();
    // Of two that fit, such as `/deliveries/retry` and `/deliveries/{id}`, the one with fewer places is meant.
    let fitting = paths.keys().filter(|template| fits(template, path));
    let Some(template) = fitting.min_by_key(|template| template.matches('{').count()) else { return };
    if let Some(call) = paths[template].get(method.to_lowercase()) {
        let listed = call["responses"].get(status.to_string()).is_some();
        assert!(
            listed,
            "{method} {target} was answered with {status}, which the document does not list for {template}"
        );
    }
}

/// Whether a path is one of a template such as `/events/{id}`.
fn fits(template: &str, path: &str) -> bool {
    let (mut places, mut parts) = (template.split('/'), path.split('/'));
    loop {
        match (places.next(), parts.next()) {
            (None, None) => return true,
            (Some(place), Some(part)) if place == part || (place.starts_with('{') && !part.is_empty()) => {}
            _ => return false,
        }
    }
}
