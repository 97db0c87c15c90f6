use super::support::{World, eventually, refused, status};
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::endpoints::handshake::HandshakeState;
use kanca_domain::formats::Format;
use kanca_domain::pace::Waiting;
use kanca_engine::endpoints::{EndpointPatch, NewEndpoint};
use kanca_engine::ports::{IncomingResponse, Method, OutgoingRequest, SendFailure};
use kanca_storage::deliveries::DeliveryRecord;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A service that wants events from another sender only, and from everybody at this rate once `agrees` is set.
fn agreeing(
    agrees: Arc<AtomicBool>,
    rate: &'static str,
) -> impl FnMut(&OutgoingRequest) -> Result<IncomingResponse, SendFailure> {
    move |request| {
        let wants = if agrees.load(Ordering::SeqCst) { "*" } else { "other.example" };
        let headers = match request.method {
            Method::Options => {
                vec![("WebHook-Allowed-Origin".into(), wants.into()), ("WebHook-Allowed-Rate".into(), rate.into())]
            }
            Method::Post => Vec::new(),
        };
        status(200).map(|response| IncomingResponse { headers, ..response })
    }
}

async fn cloud_events(world: &World, rate_limit: Option<(u64, u64)>) -> kanca_domain::ids::EndpointId {
    let mut new = NewEndpoint {
        name: "shop".into(),
        url: "https://shop.example/hook".into(),
        format: Some(Format::CloudeventsStructured),
        ..NewEndpoint::default()
    };
    new.options.rate_limit = rate_limit
        .map(|(requests, per_seconds)| Some(kanca_engine::endpoints::RateLimitInput { requests, per_seconds }));
    world.engine.create_endpoint(world.project(), new).await.unwrap().0.record.id
}

async fn state_is(world: &World, id: kanca_domain::ids::EndpointId, state: HandshakeState) {
    eventually("the handshake has ended", async || {
        let endpoint = world.engine.endpoint(world.project(), id).unwrap();
        endpoint.record.options.handshake.as_ref().is_some_and(|handshake| handshake.state == state)
    })
    .await;
}

fn posts(world: &World) -> usize {
    world.service.seen.lock().iter().filter(|(_, request)| request.method == Method::Post).count()
}

async fn waiting(world: &World, event: kanca_domain::ids::EventId) -> DeliveryRecord {
    let delivery = world.delivery_of(event).await;
    assert_eq!((delivery.status, delivery.attempt_count), (DeliveryStatus::Pending, 0));
    delivery
}

#[tokio::test]
async fn nothing_is_sent_until_the_receiver_agrees() {
    let world = World::new().await;
    let agrees = Arc::new(AtomicBool::new(false));
    world.service_answers(agreeing(agrees.clone(), "120"));
    let id = cloud_events(&world, Some((10, 1))).await;
    let event = world.publish("order.paid", None).await;
    state_is(&world, id, HandshakeState::Refused).await;
    waiting(&world, event).await;
    assert_eq!(posts(&world), 0);
    let asked = world.service.seen.lock()[0].1.clone();
    let header = |name: &str| asked.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone());
    assert_eq!(header("webhook-request-origin").as_deref(), Some("kanca.test"));
    assert_eq!(header("webhook-request-rate").as_deref(), Some("600"));

    let world = world.restart().await;
    waiting(&world, event).await;
    assert_eq!(world.service.seen.lock().len(), 1, "who refused is not asked again without being told to");

    agrees.store(true, Ordering::SeqCst);
    let endpoint = world.engine.repeat_handshake(world.project(), id).await.unwrap();
    let handshake = endpoint.record.options.handshake.clone().unwrap();
    assert_eq!((handshake.state, handshake.per_minute), (HandshakeState::Granted, Some(120)));
    let in_force = endpoint.record.options.rate_in_force().unwrap();
    assert_eq!((in_force.requests, in_force.per_seconds), (120, 60), "the receiver's is stricter");
    eventually("it arrives", async || world.delivery_of(event).await.status == DeliveryStatus::Delivered).await;
    let sent = world.service.seen.lock().last().unwrap().1.clone();
    assert!(sent.headers.contains(&("webhook-request-origin".into(), "kanca.test".into())));
}

fn callback(world: &World) -> String {
    let seen = world.service.seen.lock();
    let asked = seen.iter().rev().find(|(_, request)| request.method == Method::Options).unwrap();
    asked.1.headers.iter().find(|(name, _)| name == "webhook-request-callback").unwrap().1.to_string()
}

#[tokio::test]
async fn a_receiver_agrees_later_by_calling_back() {
    let world = World::new().await;
    world.service_answers(agreeing(Arc::default(), "*"));
    let id = cloud_events(&world, None).await;
    state_is(&world, id, HandshakeState::Refused).await;
    let event = world.publish("order.paid", None).await;
    let address = callback(&world);
    let key = address.strip_prefix(&format!("http://kanca.test/webhook-handshakes/{id}?key=")).unwrap().to_owned();
    let other = cloud_events(&world, None).await;
    state_is(&world, other, HandshakeState::Refused).await;
    for (of, key) in [(id, ""), (id, "AAAA"), (id, &key[1..]), (other, key.as_str())] {
        assert!(!world.engine.grant_handshake(of, key, None).await.unwrap(), "{of} {key}");
    }
    waiting(&world, event).await;
    let world = world.restart().await;
    assert!(world.engine.grant_handshake(id, &key, Some("30")).await.unwrap());
    eventually("it arrives", async || world.delivery_of(event).await.status == DeliveryStatus::Delivered).await;
    let handshake = world.engine.endpoint(world.project(), id).unwrap().record.options.handshake.clone().unwrap();
    assert_eq!((handshake.state, handshake.per_minute), (HandshakeState::Granted, Some(30)));

    let moved = EndpointPatch { url: Some("https://other.example/".into()), ..EndpointPatch::default() };
    world.engine.patch_endpoint(world.project(), id, moved).await.unwrap();
    assert!(!world.engine.grant_handshake(id, &key, None).await.unwrap(), "it agreed for another address");
}

#[tokio::test]
async fn a_receiver_that_does_not_know_the_handshake_gets_a_few_events_in_a_minute() {
    let world = World::new().await;
    let id = cloud_events(&world, None).await;
    state_is(&world, id, HandshakeState::Unsupported).await;
    for _ in 0..12 {
        world.publish("order.paid", None).await;
    }
    eventually("the first ones arrive", async || posts(&world) == 10).await;
    let endpoint = world.engine.endpoint(world.project(), id).unwrap();
    let health = || world.engine.endpoint_health(&endpoint).waiting;
    eventually("the others wait", async || matches!(health(), Some(Waiting::Rate(_)))).await;
    world.pass(std::time::Duration::from_secs(61));
    eventually("a minute later they arrive", async || posts(&world) == 12).await;
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_is_asked_again_after_a_restart() {
    let world = World::new().await;
    world.service_answers(|_| refused());
    let id = cloud_events(&world, None).await;
    state_is(&world, id, HandshakeState::Unreachable).await;
    let event = world.publish("order.paid", None).await;
    waiting(&world, event).await;
    world.service_answers(agreeing(Arc::new(AtomicBool::new(true)), "*"));
    let world = world.restart().await;
    eventually("it arrives", async || world.delivery_of(event).await.status == DeliveryStatus::Delivered).await;
    state_is(&world, id, HandshakeState::Granted).await;
}

#[tokio::test]
async fn another_address_is_asked_anew_and_another_format_needs_no_consent() {
    let world = World::new().await;
    let agrees = Arc::new(AtomicBool::new(true));
    world.service_answers(agreeing(agrees.clone(), "*"));
    let id = cloud_events(&world, None).await;
    state_is(&world, id, HandshakeState::Granted).await;
    let patch = async |patch: EndpointPatch| world.engine.patch_endpoint(world.project(), id, patch).await.unwrap();
    patch(EndpointPatch { name: Some("renamed".into()), ..EndpointPatch::default() }).await;
    state_is(&world, id, HandshakeState::Granted).await;
    assert_eq!(world.service.seen.lock().len(), 1, "a name is none of the receiver's business");

    agrees.store(false, Ordering::SeqCst);
    patch(EndpointPatch { url: Some("https://other.example/".into()), ..EndpointPatch::default() }).await;
    state_is(&world, id, HandshakeState::Refused).await;
    let event = world.publish("order.paid", None).await;
    waiting(&world, event).await;
    let changed = patch(EndpointPatch { format: Some(Format::Json), ..EndpointPatch::default() }).await;
    assert_eq!(changed.record.options.handshake, None);
    eventually("it arrives", async || world.delivery_of(event).await.status == DeliveryStatus::Delivered).await;
    assert!(world.engine.repeat_handshake(world.project(), id).await.is_err());
}
