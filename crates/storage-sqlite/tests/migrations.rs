//! Data of an earlier version is still there after an update.

use kanca_domain::endpoints::EndpointOptions;
use kanca_domain::formats::Format;
use kanca_domain::ids::Id;
use kanca_domain::projects::ProjectOptions;
use kanca_storage::PageRequest;
use kanca_storage::accounts::Accounts;
use kanca_storage::conformance::World;
use kanca_storage::endpoints::{EndpointRecord, Endpoints};
use kanca_storage::events::Events;
use kanca_storage_sqlite::SqliteStorage;
use rusqlite::Connection;
use std::sync::Arc;

/// The first schema with a project, an endpoint and a deleted endpoint.
const FIRST: &str = "
    CREATE TABLE schema_migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
    INSERT INTO schema_migrations VALUES (1, 'start');
    INSERT INTO projects VALUES (unhex('018b0000000070008000000000000001'), 'shop', 1700000000000000);
    INSERT INTO endpoints VALUES (unhex('018b0000000070008000000000000002'), unhex('018b0000000070008000000000000001'),
        'orders', 'https://example.com/', '[\"order.*\"]', 2, 1, 1, 'why', NULL, x'0102', x'03',
        1700000000000000, 1700000001000000, NULL);
    INSERT INTO endpoints VALUES (unhex('018b0000000070008000000000000003'), unhex('018b0000000070008000000000000001'),
        'gone', '', '[]', 0, 0, 0, NULL, NULL, x'', x'', 1700000000000000, 1700000001000000, 1700000001000000);
    INSERT INTO events VALUES (unhex('018b0000000070008000000000000004'), unhex('018b0000000070008000000000000001'),
        'order.paid', '2023-11-14T22:13:20Z', 1700000000000000, 0, NULL, NULL,
        '[{\"endpoint_id\":null,\"endpoint_name\":\"orders\",\"reason\":\"It was disabled.\"}]', '1');
";

#[tokio::test]
async fn endpoints_and_projects_of_the_first_schema_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let sql = Connection::open(dir.path().join("kanca.db")).unwrap();
    sql.execute_batch(include_str!("../src/schema/0001_start.sql")).unwrap();
    sql.execute_batch(FIRST).unwrap();
    drop(sql);

    let storage = Arc::new(SqliteStorage::open(dir.path()).unwrap());
    let projects = storage.projects().await.unwrap();
    assert_eq!(projects.len(), 1);
    assert_eq!((projects[0].name.as_str(), &projects[0].options), ("shop", &ProjectOptions::default()));
    let endpoints = storage.all_endpoints().await.unwrap();
    assert_eq!(endpoints.len(), 1, "a deleted one stays deleted");
    let kept = EndpointRecord {
        options: EndpointOptions { timeout_seconds: Some(9), ..EndpointOptions::default() },
        sealed_options: vec![1],
        format: Format::Xml,
        ..endpoints[0].clone()
    };
    assert_eq!((kept.sealed_secret.as_slice(), kept.url.as_str()), ([1, 2].as_slice(), "https://example.com/"));
    assert_eq!(endpoints[0].format, Format::Form);
    let disabled = (endpoints[0].disabled_reason.as_deref(), endpoints[0].disabled_code);
    assert_eq!(disabled, (Some("why"), None), "a sentence without a code");
    let page = PageRequest { after: None, limit: 10 };
    let told = storage.events(kept.project_id, None, page).await.unwrap().items[0].explanation.clone();
    assert_eq!((told.len(), told[0].reason.as_str(), &told[0].because), (1, "It was disabled.", &None));
    assert_eq!(endpoints[0].options, EndpointOptions::default());
    assert_eq!(kept.event_types, Some(vec!["order.*".to_owned()]));
    storage.update_endpoint(kept.clone()).await.unwrap();
    assert_eq!(storage.all_endpoints().await.unwrap(), std::slice::from_ref(&kept));
    storage.delete_endpoint(kept.project_id, kept.id, kept.updated_at).await.unwrap();
    assert!(storage.all_endpoints().await.unwrap().is_empty());
    let world = World::new(storage.clone()).await;
    assert_ne!(world.endpoint.uuid(), kept.id.uuid());
}
