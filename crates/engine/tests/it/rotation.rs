use super::support::{World, eventually};
use jiff::SignedDuration;
use kanca_engine::endpoints::Rotation;
use std::time::Duration;

#[tokio::test]
async fn a_secret_that_was_rotated_out_stops_signing_when_its_time_is_over() {
    let world = World::new().await;
    let endpoint = world.endpoint("shop", &["*"]).await;
    let (project, id) = (world.project(), endpoint.record.id);
    let rotation = Rotation { secret: None, overlap_seconds: Some(60) };
    let (secret, until) = world.engine.rotate_secret(project, id, rotation).await.unwrap();
    assert_eq!(until.unwrap().duration_since(world.engine.now()), SignedDuration::from_secs(60));
    assert_eq!(world.engine.endpoint_secret(project, id).unwrap(), secret);

    let signatures = async |count: usize| {
        let event = world.publish("order.paid", None).await;
        eventually("it arrives", async || world.asked_for(event) == 1).await;
        let seen = world.service.seen.lock();
        let (_, request) = seen.last().unwrap();
        let (_, value) = request.headers.iter().find(|(name, _)| name == "webhook-signature").unwrap();
        assert_eq!(value.split(' ').count(), count, "{value}");
    };
    signatures(2).await;
    world.pass(Duration::from_secs(59));
    signatures(2).await;
    world.pass(Duration::from_secs(1));
    signatures(1).await;
    assert_eq!(world.engine.endpoint(project, id).unwrap().previous_valid_until(world.engine.now()), None);

    let world = world.restart().await;
    let stored = world.engine.endpoint(project, id).unwrap();
    assert_eq!(stored.previous_valid_until(world.engine.now()), None);
}

#[tokio::test]
async fn only_so_many_secrets_are_valid_at_a_time_and_a_plain_change_ends_them() {
    let world = World::new().await;
    let endpoint = world.endpoint("shop", &["*"]).await;
    let (project, id) = (world.project(), endpoint.record.id);
    let rotate = async |overlap: u64| {
        let rotation = Rotation { secret: None, overlap_seconds: Some(overlap) };
        world.engine.rotate_secret(project, id, rotation).await
    };
    for _ in 0..4 {
        rotate(60).await.unwrap();
    }
    let refused = rotate(60).await.unwrap_err().to_string();
    assert!(refused.contains("overlap_seconds"), "{refused}");
    world.pass(Duration::from_secs(61));
    rotate(60).await.unwrap();
    let patch = kanca_engine::endpoints::EndpointPatch {
        secret: Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()),
        ..Default::default()
    };
    let changed = world.engine.patch_endpoint(project, id, patch).await.unwrap();
    assert_eq!(changed.previous_valid_until(world.engine.now()), None);
}
