//! What a filter and a transformation cost, in this process and, given the path of `run-programs`, in a child.
//!
//! `cargo run --release -p kanca-programs --example cost -- target/release/run-programs`

use kanca_programs::{Event, Fault, Runner};
use std::time::Instant;

const TRANSFORMATION: &str =
    "function transform(event) { return {body: {text: `${event.data.name} paid ${event.data.total}`}} }";
const FILTER: &str = "event.data.total > 100 && event.data.items.exists(i, i.sku == 'b')";
const DATA: &str = r#"{"total":129.9,"name":"Ayşe","items":[{"sku":"a","n":1},{"sku":"b","n":2}]}"#;
const RUNS: u32 = 2_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Fault> {
    measure("in this process", &Runner::in_process()).await?;
    if let Some(binary) = std::env::args().nth(1) {
        measure("in a child", &Runner::with_children(binary.into())).await?;
    }
    Ok(())
}

async fn measure(place: &str, runner: &Runner) -> Result<(), Fault> {
    let event = Event::new("evt_1".into(), "order.paid", "2026-03-04T05:06:07Z", None, DATA)?;
    let clock = Instant::now();
    for _ in 0..RUNS {
        runner.transform(&event, "https://a.b/", TRANSFORMATION).await.result?;
    }
    println!("transformation {place}: {:.1} µs", clock.elapsed().as_secs_f64() * 1e6 / f64::from(RUNS));
    let clock = Instant::now();
    for _ in 0..RUNS {
        for ran in runner.filter(&event, &[FILTER]).await {
            ran.result?;
        }
    }
    println!("filter {place}: {:.1} µs", clock.elapsed().as_secs_f64() * 1e6 / f64::from(RUNS));
    Ok(())
}
