//! The registry of event types.

use super::world::{World, at};
use crate::StorageError;
use crate::event_types::EventTypeRecord;

fn event_type(world: &World, name: &str) -> EventTypeRecord {
    EventTypeRecord {
        project_id: world.project,
        name: name.parse().unwrap(),
        description: "An order was paid – “zügig”.".into(),
        schema: Some("{ \"type\":\"object\" }".into()),
        example: Some("{\"total\": 19.90}".into()),
        created_at: at(1),
        updated_at: at(1),
    }
}

pub async fn an_event_type_is_kept_as_it_is(world: &World) {
    let (paid, bare) = (
        event_type(world, "order.paid"),
        EventTypeRecord { schema: None, example: None, ..event_type(world, "order.bare") },
    );
    for record in [&paid, &bare] {
        world.storage.create_event_type(record.clone()).await.unwrap();
    }
    assert_eq!(world.storage.all_event_types().await.unwrap(), [bare, paid]);
}

pub async fn a_name_is_taken_in_its_project_only(world: &World) {
    let record = event_type(world, "order.paid");
    world.storage.create_event_type(record.clone()).await.unwrap();
    let again = world.storage.create_event_type(EventTypeRecord { schema: None, ..record.clone() }).await;
    assert!(matches!(again, Err(StorageError::Conflict(_))), "{again:?}");
    let foreign = EventTypeRecord { project_id: world.other_project().await, ..record.clone() };
    world.storage.create_event_type(foreign.clone()).await.unwrap();
    assert_eq!(world.storage.all_event_types().await.unwrap(), [record, foreign]);
}

pub async fn an_event_type_is_replaced_and_deleted_only_by_its_project(world: &World) {
    let record = event_type(world, "order.paid");
    world.storage.create_event_type(record.clone()).await.unwrap();
    let changed = EventTypeRecord {
        description: "Paid.".into(),
        schema: None,
        created_at: at(9),
        updated_at: at(9),
        ..record.clone()
    };
    world.storage.update_event_type(changed.clone()).await.unwrap();
    let expected = EventTypeRecord { created_at: at(1), ..changed.clone() };
    assert_eq!(world.storage.all_event_types().await.unwrap(), std::slice::from_ref(&expected));

    let other = world.other_project().await;
    let refused = world.storage.update_event_type(EventTypeRecord { project_id: other, ..changed }).await;
    assert!(matches!(refused, Err(StorageError::NotFound(_))), "{refused:?}");
    let refused = world.storage.delete_event_type(other, &record.name).await;
    assert!(matches!(refused, Err(StorageError::NotFound(_))), "{refused:?}");
    assert_eq!(world.storage.all_event_types().await.unwrap(), [expected]);
    world.storage.delete_event_type(world.project, &record.name).await.unwrap();
    assert!(world.storage.all_event_types().await.unwrap().is_empty());
}
