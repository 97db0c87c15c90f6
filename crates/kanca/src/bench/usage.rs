//! Processor time and memory of a process, as Linux tells them in `/proc`.

use super::figures::number;
use std::time::Duration;

/// Whether this system can tell.
///
/// # Errors
/// A sentence.
pub fn possible() -> Result<(), String> {
    let pid = std::process::id();
    if cpu(pid).is_some() && memory(pid).is_some() {
        return Ok(());
    }
    Err("kanca bench reads the processor time and the memory of the server from /proc, as Linux has it; \
         run it on Linux, with /proc mounted"
        .into())
}

/// Processor time that all threads of the process have used so far.
pub fn cpu(pid: u32) -> Option<Duration> {
    let ticks = ticks(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
    Some(Duration::from_secs_f64(number(ticks) / number(rustix::param::clock_ticks_per_second())))
}

/// User and system time in clock ticks: fields 14 and 15 of `stat` (proc(5)). The name in field 2 may hold anything, so
/// that fields are counted from its end.
fn ticks(stat: &str) -> Option<u64> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

/// Resident memory in MiB: now, and the most so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Memory {
    pub now: f64,
    pub peak: f64,
}

pub fn memory(pid: u32) -> Option<Memory> {
    resident(&std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

fn resident(status: &str) -> Option<Memory> {
    let mib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| number(kib) / 1024.0)
    };
    Some(Memory { now: mib("VmRSS:")?, peak: mib("VmHWM:")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_moves_no_field() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 100 1000 200";
        assert_eq!(ticks(stat), Some(300));
        assert_eq!(ticks("42"), None);
    }

    #[test]
    fn memory_is_told_in_mebibytes() {
        let status = "Name:\tkanca\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\n";
        assert_eq!(resident(status), Some(Memory { now: 100.0, peak: 200.0 }));
        assert_eq!(resident("Name:\tkthreadd\n"), None);
    }
}
