//! The snapshot of the OpenAPI document is what the handlers say now.

use std::path::Path;

#[test]
fn the_snapshot_is_not_stale() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let now = kanca_http::openapi::json();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let snapshot = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        snapshot == now,
        "docs/openapi.json is stale. Run `UPDATE_OPENAPI=1 cargo test -p kanca-http --test openapi`, then `npm run api` in web/."
    );
}
