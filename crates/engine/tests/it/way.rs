use super::support::{World, eventually};
use kanca_engine::EngineError;
use kanca_engine::endpoints::{CertificateFields, EndpointPatch, OptionsInput, ProxyFields};

fn certificate(until: &str) -> OptionsInput {
    let given = CertificateFields { certificate_pem: format!("until {until}"), private_key_pem: "key".into() };
    OptionsInput { client_certificate: Some(Some(given)), ..OptionsInput::default() }
}

fn proxy(password: &str) -> OptionsInput {
    let given = ProxyFields {
        url: "socks5://proxy.example:1081".into(),
        username: Some("ada".into()),
        password: Some(password.into()),
    };
    OptionsInput { proxy: Some(Some(given)), ..OptionsInput::default() }
}

#[tokio::test]
async fn requests_take_the_way_that_the_endpoint_says() {
    let world = World::new().await;
    let id = world.endpoint("shop", &["*"]).await.record.id;
    let patch = async |world: &World, options: OptionsInput| {
        let patch = EndpointPatch { options, ..EndpointPatch::default() };
        world.engine.patch_endpoint(world.project(), id, patch).await
    };
    patch(&world, certificate("2099")).await.unwrap();
    patch(&world, proxy("s3cr3t")).await.unwrap();
    let shown = patch(&world, proxy("••••")).await.unwrap();
    assert_eq!(shown.client_certificate().unwrap().0, "CN=kanca");
    assert_eq!(shown.proxy().unwrap().password.as_deref(), Some("••••"));

    let world = world.restart().await;
    let seen = async |world: &World| {
        let event = world.publish("order.paid", None).await;
        eventually("it arrives", async || world.asked_for(event) == 1).await;
        world.service.seen.lock().last().unwrap().1.clone()
    };
    let request = seen(&world).await;
    assert_eq!(request.identity.unwrap().private_key_pem, "key");
    let through = request.proxy.unwrap();
    assert_eq!((through.host.to_string().as_str(), through.port), ("proxy.example", 1081));
    assert_eq!(through.credentials.as_ref().unwrap().1, "s3cr3t");

    let nothing = OptionsInput { client_certificate: Some(None), proxy: Some(None), ..OptionsInput::default() };
    patch(&world, nothing).await.unwrap();
    let request = seen(&world).await;
    assert!(request.identity.is_none() && request.proxy.is_none());
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_refused_with_its_place() {
    let world = World::new().await;
    let id = world.endpoint("shop", &["*"]).await.record.id;
    let patch = EndpointPatch { options: certificate("2020"), ..EndpointPatch::default() };
    match world.engine.patch_endpoint(world.project(), id, patch).await.map(|_| ()) {
        Err(EngineError::Invalid(faults)) => {
            assert_eq!(faults[0].field, "client_certificate.certificate_pem");
            assert!(faults[0].message.contains("expired"), "{}", faults[0].message);
        }
        other => panic!("{other:?}"),
    }
}
