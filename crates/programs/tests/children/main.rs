//! Programs in child processes: those that no interpreter stops by itself, and many at once.

use kanca_programs::{Content, Event, FaultKind, Runner, Transformed};
use std::time::{Duration, Instant};

const GOOD: &str = "function transform(event) { return {body: {n: event.data.n}} }";

fn runner() -> Runner {
    Runner::with_children(env!("CARGO_BIN_EXE_run-programs").into())
}

fn event(data: &str) -> Event {
    Event::new("evt_1".into(), "order.paid", "2026-03-04T05:06:07Z", None, data).expect("JSON")
}

fn good() -> Transformed {
    Transformed::Send { content: Content::Json(r#"{"n":1}"#.into()), headers: Vec::new() }
}

#[tokio::test]
async fn what_an_interpreter_does_not_stop_ends_with_its_process() {
    let (runner, event) = (runner(), event(r#"{"n":1}"#));
    for body in [
        "'a'.repeat(700000).indexOf('a'.repeat(300000) + 'b')",
        "'\\u0301\\u0316'.repeat(200000).normalize('NFC')",
        "(2n ** 500000n).toString()",
        "while (true) {}",
    ] {
        let clock = Instant::now();
        let ran = runner.transform(&event, "https://a.b/", &format!("function transform(event) {{ {body} }}")).await;
        let fault = ran.result.expect_err(body);
        assert_eq!(fault.kind, FaultKind::Exhausted, "{body}: {fault}");
        assert!(clock.elapsed() < Duration::from_secs(5), "{body}: {:?}", clock.elapsed());
        assert_eq!(runner.transform(&event, "https://a.b/", GOOD).await.result, Ok(good()), "after {body}");
    }
}

#[tokio::test]
async fn filters_that_take_too_much_are_ended_and_the_others_still_judge() {
    let list: Vec<_> = (0..20_000).map(|n| n.to_string()).collect();
    let (runner, event) =
        (runner(), event(&format!(r#"{{"n":1,"xs":[{}],"s":"{}"}}"#, list.join(","), "a".repeat(200_000))));
    let endless = "event.data.xs.all(a, event.data.xs.all(b, a + b >= 0))";
    let huge =
        format!("[event.data.s].map(s, {}).map(t, {}) == []", vec!["s"; 100].join("+"), vec!["t"; 100].join("+"));
    let filters = ["event.data.n == 1", endless, "event.data.n == 2", &huge, "event.data.missing", "event.data.n < 5"];
    let clock = Instant::now();
    let ran = runner.filter(&event, &filters).await;
    assert!(clock.elapsed() < Duration::from_secs(10), "{:?}", clock.elapsed());
    let kinds: Vec<_> = ran.iter().map(|r| r.result.as_ref().map_err(|f| f.kind).copied()).collect();
    let (exhausted, failed) = (Err(FaultKind::Exhausted), Err(FaultKind::Failed));
    assert_eq!(kinds, [Ok(true), exhausted, Ok(false), exhausted, failed, Ok(true)]);
    // For a while it is not even tried.
    let clock = Instant::now();
    let ran = runner.filter(&event, &[endless, "event.data.n == 1"]).await;
    assert_eq!(ran[0].result.as_ref().unwrap_err().kind, FaultKind::NotRun);
    assert_eq!(ran[1].result, Ok(true));
    assert!(clock.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn checks_say_where() {
    let runner = runner();
    assert_eq!(runner.check_filter("event.type == 'a'").await, Ok(()));
    assert_eq!(runner.check_filter("event.type ==\n evnt.x").await.unwrap_err().line, Some(2));
    assert_eq!(runner.check_transformation(GOOD).await, Ok(()));
    assert_eq!(runner.check_transformation("\nfunction transform( {").await.unwrap_err().line, Some(2));
    for text in [
        "(".repeat(8_000),
        "!".repeat(8_000),
        "[".repeat(8_000),
        "1+".repeat(4_000),
        "a.".repeat(4_000),
        "-".repeat(8_000),
    ] {
        assert!(runner.check_filter(&text).await.is_err(), "{text:.10}");
    }
    for text in ["(".repeat(60_000), "[".repeat(60_000), "{".repeat(60_000), "`${".repeat(20_000), "!".repeat(60_000)] {
        assert!(runner.check_transformation(&text).await.is_err(), "{text:.10}");
    }
    assert_eq!(runner.check_filter("event.type == 'a'").await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_programs_do_not_hold_up_others() {
    let runner = runner();
    let hostile: Vec<_> = (0..40)
        .map(|n| {
            let runner = runner.clone();
            tokio::spawn(async move {
                let text = format!("function transform() {{ while (true) {{ {n} }} }}");
                for _ in 0..3 {
                    runner.transform(&event("{}"), "https://a.b/", &text).await.result.unwrap_err();
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let clock = Instant::now();
    let mut slowest = Duration::ZERO;
    for _ in 0..50 {
        let one = Instant::now();
        assert_eq!(runner.transform(&event(r#"{"n":1}"#), "https://a.b/", GOOD).await.result, Ok(good()));
        slowest = slowest.max(one.elapsed());
    }
    println!("50 good runs beside 40 endless ones: {:?}, the slowest {slowest:?}", clock.elapsed());
    assert!(clock.elapsed() < Duration::from_secs(20), "{:?}", clock.elapsed());
    for task in hostile {
        task.abort();
    }
}

/// A child that takes work and never answers, as one whose machine is stuck would.
fn stuck(dir: &std::path::Path) -> std::path::PathBuf {
    let script = dir.join("stuck");
    let text = format!("#!/bin/sh\necho $$ >> {}\nexec /bin/sleep 1000\n", dir.join("pids").display());
    std::fs::write(&script, text).expect("the script is written");
    let runs = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&script, runs).expect("the script may be run");
    script
}

#[tokio::test]
async fn a_stuck_child_is_killed_and_no_program_is_blamed_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let runner = Runner::with_children(stuck(dir.path()));
    let clock = Instant::now();
    let (event, filters) = (event(r#"{"n":1}"#), ["event.data.n == 1", "event.data.n == 2"]);
    let (judged, ran) = tokio::join!(runner.filter(&event, &filters), runner.transform(&event, "https://a.b/", GOOD));
    assert!(clock.elapsed() < Duration::from_secs(9), "{:?}", clock.elapsed());
    let faults = judged.into_iter().filter_map(|ran| ran.result.err()).chain(ran.result.err());
    let kinds: Vec<_> = faults.map(|fault| fault.kind).collect();
    assert_eq!(kinds, [FaultKind::NotRun; 3]);
    let pids = std::fs::read_to_string(dir.path().join("pids")).unwrap();
    assert_eq!(pids.lines().count(), 2, "a child for each, and none to find out what is known");
    let is_there = |pid: &str| {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        state.contains("sleep") && !state.contains(") Z ")
    };
    while pids.lines().any(is_there) {
        assert!(clock.elapsed() < Duration::from_secs(15), "a child lives on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_machine_fails_no_innocent_program() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    let (runner, stop) = (runner(), Arc::new(AtomicBool::new(false)));
    let busy: Vec<_> = (0..16)
        .map(|_| {
            let stop = stop.clone();
            std::thread::spawn(move || while !stop.load(Ordering::Relaxed) {})
        })
        .collect();
    for _ in 0..20 {
        let event = event(r#"{"n":1}"#);
        assert_eq!(runner.transform(&event, "https://a.b/", GOOD).await.result, Ok(good()));
        assert_eq!(runner.filter(&event, &["event.data.n == 1"]).await[0].result, Ok(true));
    }
    stop.store(true, Ordering::Relaxed);
    for thread in busy {
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn without_a_binary_nothing_runs_and_it_is_said() {
    let runner = Runner::with_children("/nowhere/kanca".into());
    let fault = runner.transform(&event("1"), "https://a.b/", GOOD).await.result.unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotRun);
    assert!(fault.message.contains("cannot be run on this machine"), "{fault}");
}
