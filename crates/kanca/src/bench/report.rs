//! What is shown: a table for people, or one JSON document for programs.

use super::Setting;
use super::disk::Disk;
use super::figures::Figures;
use super::scenario::{Scenario, grouped};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// A scenario that was played.
pub struct Played {
    pub scenario: Scenario,
    pub runs: Vec<Figures>,
}

impl Played {
    pub fn medians(&self) -> Figures {
        Figures::medians(&self.runs)
    }

    /// What must not be, over all runs, each in a sentence.
    pub fn faults(&self) -> Vec<String> {
        let total = |name| self.runs.iter().map(|run| run.count(name)).sum::<f64>();
        let faults = [
            ("lost", "accepted deliveries were lost"),
            ("gone", "pending deliveries were gone after the restart"),
            ("signatures_wrong", "deliveries had a wrong signature"),
            ("strays", "requests belonged to no message"),
        ];
        let found = faults.iter().map(|(name, what)| (total(name), what)).filter(|(count, _)| *count > 0.0);
        found.map(|(count, what)| format!("{}: {count} {what}", self.scenario.name())).collect()
    }
}

/// The surroundings, in a line or two.
pub fn heading(setting: &Setting, disk: &Disk) -> String {
    let delay = setting.sync_delay_us.map_or(String::new(), |micros| {
        let millis = decimals(super::figures::number(micros) / 1e3, 1);
        format!(" and, for the server, {millis} ms more (injected)")
    });
    let mut text = format!(
        "kanca {} on {} cores; data on {} ({}) in {}, where a sync takes {} ms{delay}.\n",
        env!("CARGO_PKG_VERSION"),
        cores(),
        disk.kind,
        disk.device,
        setting.parent.display(),
        decimals(disk.sync_ms, 3),
    );
    if disk.is_memory() {
        text.push_str(
            "This is no disk: what is acknowledged here would not survive a power cut. Choose one with --data-dir.\n",
        );
    }
    if cfg!(debug_assertions) {
        text.push_str("This is a debug build: its figures say nothing about a release build.\n");
    }
    text
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The table, and a sentence or two for each scenario.
pub fn table(played: &[Played], setting: &Setting) -> String {
    let runs = match setting.runs {
        1 => String::new(),
        runs => format!("Medians of {runs} runs.\n"),
    };
    let mut text = format!(
        "{runs}\n\
         {:8} {:>9} {:>10} {:>16} {:>19} {:>11} {:>9} {:>5} {:>7}\n\
         {:8} {:>9} {:>10} {:>8}{:>8} {:>9}{:>10} {:>11} {:>9} {:>5} {:>7}\n",
        "",
        "accepted",
        "delivered",
        "accept, ms",
        "post → arrival, ms",
        "CPU ms per",
        "peak RSS",
        "",
        "dupli-",
        "",
        "per s",
        "per s",
        "p50",
        "p99",
        "p50",
        "p99",
        "delivery",
        "MiB",
        "lost",
        "cates",
    );
    for one in played {
        let figures = one.medians();
        let cell = |name: &str, places| figures.get(name).map_or_else(|| "–".into(), |value| decimals(value, places));
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "{:8} {:>9} {:>10} {:>8}{:>8} {:>9}{:>10} {:>11} {:>9} {:>5} {:>7}",
            one.scenario.name(),
            cell("accepted_per_s", 0),
            cell("delivered_per_s", 0),
            cell("accept_p50_ms", 2),
            cell("accept_p99_ms", 2),
            cell("arrival_p50_ms", 2),
            cell("arrival_p99_ms", 2),
            cell("cpu_ms_per_delivery", 3),
            cell("peak_rss_mib", 0),
            cell("lost", 0),
            cell("duplicates", 0),
        );
    }
    text.push('\n');
    for one in played {
        let about = one.scenario.about(&one.scenario.plan(setting.quick), setting.connections);
        let _ = writeln!(text, "{:8} {about}{}", one.scenario.name(), besides(one.scenario, &one.medians()));
    }
    text
}

/// What the table has no column for.
fn besides(scenario: Scenario, figures: &Figures) -> String {
    let value = |name: &str, places| decimals(figures.count(name), places);
    let mut text = match scenario {
        Scenario::S5 => format!(
            "\n         Ready {} s after the restart. {} accepted messages were undelivered at the kill and had all arrived \
             after {} s, everything after {} s.",
            value("ready_s", 2),
            value("undelivered_at_kill", 0),
            value("recovered_s", 2),
            value("all_delivered_s", 2),
        ),
        Scenario::Backlog => format!(
            "\n         Filled with {} a second (peak RSS {} MiB). {} were pending after the restart, which was ready after {} s \
             with {} MiB. The healthy endpoint's p99 was {} ms before there was a backlog.",
            value("filled_per_s", 0),
            value("filling_peak_rss_mib", 0),
            value("pending", 0),
            value("ready_s", 2),
            value("ready_rss_mib", 0),
            value("before_arrival_p99_ms", 2),
        ),
        _ => String::new(),
    };
    if figures.get("syncs").is_some() {
        let _ = write!(text, " {} syncs.", value("syncs", 0));
    }
    text
}

/// A number with so many decimals, and commas when it has none.
fn decimals(value: f64, places: usize) -> String {
    let text = format!("{value:.places$}");
    match text.parse() {
        Ok(whole) if places == 0 => grouped(whole),
        _ => text,
    }
}

/// The same for programs: figures are named with their unit, medians beside every run.
pub fn document(played: &[Played], setting: &Setting, disk: &Disk) -> Value {
    let scenarios = played.iter().map(|one| {
        let plan = one.scenario.plan(setting.quick);
        json!({
            "name": one.scenario.name(),
            "about": one.scenario.about(&plan, setting.connections),
            "messages": plan.messages,
            "endpoints": plan.endpoints.len(),
            "figures": object(&one.medians()),
            "runs": one.runs.iter().map(object).collect::<Vec<_>>(),
        })
    });
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "debug_build": cfg!(debug_assertions),
        "cores": cores(),
        "data": {"directory": setting.parent, "filesystem": disk.kind, "device": disk.device, "sync_ms": rounded(disk.sync_ms)},
        "sync_delay_ms": setting.sync_delay_us.map(|micros| super::figures::number(micros) / 1e3),
        "connections": setting.connections,
        "quick": setting.quick,
        "scenarios": scenarios.collect::<Vec<_>>(),
    })
}

fn object(figures: &Figures) -> Value {
    Value::Object(figures.iter().map(|(name, value)| (name.to_owned(), rounded(value))).collect::<Map<_, _>>())
}

/// To a thousandth, which is finer than anything is measured.
fn rounded(value: f64) -> Value {
    let thousandths = (value * 1e3).round() / 1e3;
    json!(thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn setting() -> Setting {
        Setting {
            connections: 64,
            quick: false,
            runs: 2,
            sync_delay_us: Some(2_000),
            parent: PathBuf::from("/data"),
            program: PathBuf::from("kanca"),
        }
    }

    fn played(lost: f64) -> Played {
        let run = |rate| {
            let mut figures = Figures::default();
            figures.put("accepted_per_s", rate);
            figures.put("cpu_ms_per_delivery", 0.054_321);
            figures.put("lost", lost);
            figures.put("syncs", 1_234.0);
            figures
        };
        Played { scenario: Scenario::S1, runs: vec![run(20_500.4), run(21_000.0)] }
    }

    #[test]
    fn the_table_has_the_medians_and_says_what_was_done() {
        let text = table(&[played(0.0)], &setting());
        let row = text.lines().find(|line| line.starts_with("s1 ")).unwrap();
        let cells: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(cells, ["s1", "20,500", "–", "–", "–", "–", "–", "0.054", "–", "0", "–"]);
        assert!(text.contains("Medians of 2 runs.") && text.contains("20,000 messages of 1 KiB"), "{text}");
        assert!(text.contains("1,234 syncs."), "{text}");
    }

    #[test]
    fn the_heading_names_the_disk_and_what_was_injected() {
        let disk = Disk { kind: "tmpfs".into(), device: "none".into(), sync_ms: 0.0304 };
        let text = heading(&setting(), &disk);
        assert!(text.contains("tmpfs (none) in /data, where a sync takes 0.030 ms"), "{text}");
        assert!(text.contains("2.0 ms more (injected)") && text.contains("This is no disk"), "{text}");
    }

    #[test]
    fn every_loss_in_any_run_is_a_fault() {
        assert!(played(0.0).faults().is_empty());
        assert_eq!(played(3.0).faults(), ["s1: 6 accepted deliveries were lost"]);
    }

    #[test]
    fn programs_get_every_run() {
        let disk = Disk { kind: "ext4".into(), device: "/dev/vda".into(), sync_ms: 0.0304 };
        let document = document(&[played(0.0)], &setting(), &disk);
        assert_eq!(document["data"]["sync_ms"], 0.03);
        assert_eq!(document["sync_delay_ms"], 2.0);
        let one = &document["scenarios"][0];
        assert_eq!(
            (&one["name"], &one["messages"], &one["figures"]["lost"]),
            (&json!("s1"), &json!(20_000), &json!(0.0))
        );
        assert_eq!(one["runs"].as_array().unwrap().len(), 2);
    }
}
