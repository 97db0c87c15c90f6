//! How fast one endpoint is sent to, as its receiver sees it: the rate that was set, one probe after an outage and then a
//! ramp, the pause that it asks for, and the end that it says or that nobody mends.

use crate::support::{Api, Received, Receiver, Reply, Server, eventually, text};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

fn endpoint(api: &Api, created: &Value) -> Value {
    api.get(&format!("/endpoints/{}", text(&created["id"]))).expect(200)
}

/// A receiver that is told what Kanca says of its endpoints.
fn told_of_disabled(api: &Api) -> Receiver {
    let about = Receiver::start();
    api.create_endpoint_with(&about.url(), json!({"event_types": ["endpoint.disabled"]}));
    about
}

#[test]
fn a_receiver_that_is_gone_for_good_is_disabled_and_whoever_subscribed_is_told() {
    let server = Server::start();
    let api = server.api();
    let about = told_of_disabled(&api);
    let receiver = Receiver::answering(|_| Reply::status(410));
    let created = api.create_endpoint_with(&receiver.url(), json!({"event_types": ["order.*"], "name": "Shop"}));
    let event = api.publish("order.paid", json!(1));

    let told = about.wait_for(1).remove(0).json();
    assert_eq!(told["type"], "endpoint.disabled");
    assert_eq!(told["data"]["endpoint_id"], created["id"]);
    assert_eq!(told["data"]["endpoint_name"], "Shop");
    let disabled = endpoint(&api, &created);
    assert_eq!((&disabled["status"], &disabled["disabled_reason"]), (&json!("disabled"), &told["data"]["reason"]));
    assert!(text(&disabled["disabled_reason"]).contains("410 Gone"), "{disabled}");
    assert_eq!((&disabled["disabled_reason_code"], &told["data"]["reason_code"]), (&json!("gone"), &json!("gone")));
    let refused = api.event(&api.publish("order.paid", json!(2)));
    assert!(text(&refused["explanation"][0]["reason"]).contains("disabled"), "{refused}");

    receiver.answer_with(|_| Reply::ok());
    api.patch(&format!("/endpoints/{}", text(&created["id"])), &json!({"status": "active"})).expect(200);
    let delivery = text(&api.deliveries(&format!("event_id={event}"))[0]["id"]);
    api.post(&format!("/deliveries/{delivery}/retry"), &json!({})).expect(202);
    api.wait_for_delivery(&event, "delivered");
    assert_eq!(receiver.requests().len(), 2, "what was published meanwhile made no delivery");
    assert_eq!(about.requests().len(), 1, "told once");
}

#[test]
fn a_receiver_that_only_fails_for_the_time_that_was_set_is_disabled_with_its_backlog_kept() {
    let server = Server::start();
    let api = server.api();
    let about = told_of_disabled(&api);
    let receiver = Receiver::answering(|_| Reply::status(500));
    let fields =
        json!({"event_types": ["order.*"], "disable_after_seconds": 2, "retry_schedule": [0, 1, 1, 1, 1, 1, 1, 600]});
    let created = api.create_endpoint_with(&receiver.url(), fields);
    let begun = Instant::now();
    let event = api.publish("order.paid", json!(1));

    let told = about.wait_for(1).remove(0);
    assert!(told.at - begun > Duration::from_millis(1_900), "not before its time: {:?}", told.at - begun);
    assert!(text(&told.json()["data"]["reason"]).starts_with("Every attempt failed for"), "{}", told.text());
    assert_eq!(endpoint(&api, &created)["status"], "disabled");
    api.wait_for_delivery(&event, "pending");
    let tried = receiver.requests().len();

    receiver.answer_with(|_| Reply::ok());
    api.patch(&format!("/endpoints/{}", text(&created["id"])), &json!({"status": "active"})).expect(200);
    api.wait_for_delivery(&event, "delivered");
    assert_eq!(receiver.requests().len(), tried + 1);
}

#[test]
fn a_success_in_between_is_no_failing_only() {
    let server = Server::start();
    let api = server.api();
    let answers = AtomicUsize::new(0);
    // Every other answer is a success, so it never fails for long.
    let receiver = Receiver::answering(move |_| {
        Reply::status(if answers.fetch_add(1, SeqCst).is_multiple_of(2) { 500 } else { 200 })
    });
    let fields = json!({"disable_after_seconds": 2, "retry_schedule": [0, 600]});
    let created = api.create_endpoint_with(&receiver.url(), fields);
    let begun = Instant::now();
    let mut n = 0;
    while begun.elapsed() < Duration::from_millis(3_500) {
        api.publish("order.paid", json!(n));
        n += 1;
        receiver.wait_for(n);
    }
    eventually("all outcomes are recorded", PATIENCE, || {
        let counts = endpoint(&api, &created)["counts"].clone();
        (counts["delivered"].as_u64().unwrap() == n as u64 / 2).then_some(())
    });
    assert_eq!(endpoint(&api, &created)["status"], "active");
}

#[test]
fn a_rate_limit_is_kept() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::start();
    let created = api.create_endpoint_with(&receiver.url(), json!({"rate_limit": {"requests": 5, "per_seconds": 1}}));
    for n in 0..15 {
        api.publish("order.paid", json!(n));
    }
    let waiting = eventually("it waits for the rate", PATIENCE, || {
        Some(endpoint(&api, &created)["waiting"].clone()).filter(|waiting| waiting["reason"] == "rate_limit")
    });
    assert!(waiting["until"].is_string(), "{waiting}");
    let arrived: Vec<_> = receiver.wait_for(15).iter().map(|request| request.at).collect();
    for (first, sixth) in arrived.iter().zip(arrived.iter().skip(5)) {
        // What took long to arrive at first may have come that much closer.
        let within = *sixth - *first;
        assert!(within >= Duration::from_millis(850), "six came within {within:?}");
    }
    assert!(arrived[14] - arrived[0] < Duration::from_secs(6), "{:?}", arrived[14] - arrived[0]);
}

#[test]
fn a_change_that_does_not_concern_the_receiver_changes_nothing_of_the_pace() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::start();
    let limited = api.create_endpoint_with(&receiver.url(), json!({"rate_limit": {"requests": 3, "per_seconds": 60}}));
    let asks_for_a_pause = Receiver::answering(|_| Reply::status(429).header("retry-after", "300"));
    let held = api.create_endpoint(&asks_for_a_pause.url());
    for n in 0..6 {
        api.publish("order.paid", json!(n));
    }
    receiver.wait_for(3);
    eventually("both wait", PATIENCE, || {
        let waits = |created: &Value| endpoint(&api, created)["waiting"]["reason"] != Value::Null;
        (waits(&limited) && waits(&held)).then_some(())
    });
    let (asked, failing) = (asks_for_a_pause.requests().len(), endpoint(&api, &held)["failing_since"].clone());
    for created in [&limited, &held] {
        for change in [json!({}), json!({"name": "renamed"}), json!({"url": created["url"]})] {
            api.patch(&format!("/endpoints/{}", text(&created["id"])), &change).expect(200);
        }
    }
    api.publish("order.paid", json!("one more"));
    // That nothing comes can only be seen by waiting.
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!((receiver.requests().len(), asks_for_a_pause.requests().len()), (3, asked));
    assert_eq!(endpoint(&api, &held)["failing_since"], failing);
}

#[test]
fn an_endpoint_that_only_refuses_is_disabled_in_time() {
    let server = Server::start();
    let api = server.api();
    for status in [404, 301, 422] {
        let receiver = Receiver::answering(move |_| Reply::status(status));
        let options = json!({"disable_after_seconds": 1, "retry_schedule": [0, 1, 1, 1, 1, 1, 1, 1, 1]});
        let created = api.create_endpoint_with(&receiver.url(), options);
        api.publish("order.paid", json!(1));
        eventually("it is disabled", PATIENCE, || (endpoint(&api, &created)["status"] == "disabled").then_some(()));
        assert_eq!(endpoint(&api, &created)["disabled_reason_code"], "failing");
    }
}

/// Counts what is under way at a receiver.
#[derive(Default)]
struct Crowd {
    now: AtomicUsize,
    /// For each answer in its order: how many were under way when its request came.
    seen: Mutex<Vec<usize>>,
    mended: AtomicBool,
}

#[test]
fn an_outage_is_asked_by_one_probe_and_its_end_is_a_ramp() {
    let server = Server::start();
    let api = server.api();
    let crowd = Arc::new(Crowd::default());
    let at_the_door = crowd.clone();
    let receiver = Receiver::answering(move |_| {
        let Crowd { now, seen, mended } = &*at_the_door;
        let beside = now.fetch_add(1, SeqCst);
        if !mended.load(SeqCst) {
            now.fetch_sub(1, SeqCst);
            return Reply::status(500);
        }
        let first = {
            let mut seen = seen.lock().unwrap();
            seen.push(beside + 1);
            seen.len() == 1
        };
        // The probe takes its time: whoever else were sent meanwhile would show.
        std::thread::sleep(Duration::from_millis(if first { 1_500 } else { 60 }));
        now.fetch_sub(1, SeqCst);
        Reply::ok()
    });
    let created = api.create_endpoint_with(&receiver.url(), json!({"retry_schedule": [0, 1, 1, 1, 1, 1, 1, 1, 1, 1]}));
    for n in 0..60 {
        api.publish("order.paid", json!(n));
    }
    eventually("the breaker is open", PATIENCE, || {
        (endpoint(&api, &created)["waiting"]["reason"] == "breaker").then_some(())
    });
    crowd.mended.store(true, SeqCst);
    let before = receiver.requests().len();
    assert!(before <= 10 + 16, "ten failures and what was under way: {before}");

    eventually("everything is delivered", PATIENCE, || {
        (endpoint(&api, &created)["counts"]["delivered"] == 60).then_some(())
    });
    let seen = crowd.seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 60);
    assert_eq!(seen[..2], [1, 1], "the probe is alone, and the next one begins when it has ended");
    for (n, under_way) in seen.iter().enumerate().skip(1) {
        assert!(*under_way <= n + 1, "request {n} came beside {under_way}: {seen:?}");
    }
    assert!(seen.iter().max() > Some(&2), "it grows again: {seen:?}");
    assert_eq!(endpoint(&api, &created)["waiting"], Value::Null);
}

/// When an attempt was made, by its own word.
fn sent_at(request: &Received) -> i64 {
    request.header("webhook-timestamp").parse().unwrap()
}

#[test]
fn a_receiver_gets_the_pause_that_it_asks_for_in_seconds_or_by_date() {
    let server = Server::start();
    let api = server.api();
    // Dates come in the three forms that HTTP has had.
    let (now, rfc850, asctime) = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y");
    for (status, form) in [(429, None), (503, Some(now)), (503, Some(rfc850)), (429, Some(asctime))] {
        let answers = AtomicUsize::new(0);
        let receiver = Receiver::answering(move |request| {
            let until = jiff::Timestamp::from_second(sent_at(request) + 3).unwrap();
            let wait = form.map_or("2".to_owned(), |form| until.strftime(form).to_string());
            match answers.fetch_add(1, SeqCst) {
                0 => Reply::status(status).header("Retry-After", &wait),
                _ => Reply::ok(),
            }
        });
        // By its own schedule it would be tried again at once.
        let created = api.create_endpoint_with(&receiver.url(), json!({"retry_schedule": [0, 0, 0]}));
        let path = format!("/endpoints/{}", text(&created["id"]));
        let first = api.publish("order.paid", json!(1));
        let waiting = eventually("it waits", PATIENCE, || {
            Some(endpoint(&api, &created)["waiting"].clone()).filter(|waiting| waiting["reason"] == "retry_after")
        });
        assert!(waiting["until"].is_string(), "{waiting}");
        let second = api.publish("order.paid", json!(2));
        let requests = receiver.wait_for(3);
        let pause = requests[1].at - requests[0].at;
        let least = if form.is_some() { 1_900 } else { 1_950 };
        assert!((Duration::from_millis(least)..Duration::from_secs(8)).contains(&pause), "{status}: {pause:?}");
        assert!(form.is_none() || sent_at(&requests[1]) >= sent_at(&requests[0]) + 3, "{pause:?}");
        api.wait_for_delivery(&first, "delivered");
        api.wait_for_delivery(&second, "delivered");
        api.delete(&path);
    }
}

#[test]
fn the_last_hours_figures_are_true() {
    let server = Server::start();
    let api = server.api();
    let answers = AtomicUsize::new(0);
    let receiver = Receiver::answering(move |_| {
        let status = if answers.fetch_add(1, SeqCst) < 4 { 404 } else { 200 };
        Reply::status(status).after(Duration::from_millis(100))
    });
    let fields = json!({"event_types": ["order.*"], "retry_schedule": [0]});
    let created = api.create_endpoint_with(&receiver.url(), fields);
    let path = format!("/endpoints/{}/stats", text(&created["id"]));
    for n in 0..10 {
        let event = api.publish("order.paid", json!(n));
        api.wait_for_delivery(&event, if n < 4 { "failed" } else { "delivered" });
    }
    let stats = api.get(&path).expect(200);
    let minutes = stats["items"].as_array().unwrap();
    assert_eq!(minutes.len(), 60);
    let sum = |name: &str| minutes.iter().map(|minute| minute[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("attempts"), sum("delivered"), sum("failed")), (10, 6, 4));
    for minute in minutes.iter().filter(|minute| minute["attempts"] != 0) {
        let (p50, p95) = (minute["p50_ms"].as_f64().unwrap(), minute["p95_ms"].as_f64().unwrap());
        // At most a quarter too high, and what a busy machine adds.
        assert!((100.0..400.0).contains(&p50) && p95 >= p50, "{minute}");
    }
    assert!(minutes.iter().filter(|minute| minute["attempts"] == 0).all(|minute| minute["p50_ms"].is_null()));
    assert_eq!(api.get(&format!("{path}?minutes=2")).expect(200)["items"].as_array().unwrap().len(), 2);

    let other = api.create_endpoint("http://127.0.0.1:9/");
    let nothing = api.get(&format!("/endpoints/{}/stats", text(&other["id"]))).expect(200);
    assert!(nothing["items"].as_array().unwrap().iter().all(|minute| minute["attempts"] == 0));
}
