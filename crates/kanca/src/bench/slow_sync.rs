//! A slower disk, made below the storage layer: the server is started with a small library in front of the C library's
//! `fsync` and `fdatasync` that waits after each. It also counts them, which shows that it was in the way at all.

use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = include_str!("../../../../scripts/slow-sync.c");

/// The library, compiled, and how long it waits.
#[derive(Debug, Clone)]
pub struct SlowSync {
    object: PathBuf,
    count: PathBuf,
    micros: u64,
}

impl SlowSync {
    /// Compiles it into a directory.
    ///
    /// # Errors
    /// A sentence, when there is no C compiler.
    pub fn build(dir: &Path, micros: u64) -> Result<Self, String> {
        let (source, library, count) = (dir.join("slow-sync.c"), dir.join("slow-sync.so"), dir.join("slow-sync.count"));
        std::fs::write(&source, SOURCE)
            .and_then(|()| std::fs::write(&count, [0; 8]))
            .map_err(|e| format!("the directory {} cannot be written: {e}", dir.display()))?;
        let mut compiler = Command::new("cc");
        compiler.args(["-O2", "-shared", "-fPIC", "-o"]).arg(&library).arg(&source).arg("-ldl");
        let done = compiler.output().map_err(|e| {
            format!("--sync-delay-ms needs a C compiler, and cc cannot be run: {e}. On Debian: apt-get install gcc libc6-dev")
        })?;
        if !done.status.success() {
            return Err(format!("cc could not compile slow-sync.c: {}", String::from_utf8_lossy(&done.stderr)));
        }
        Ok(Self { object: library, count, micros })
    }

    /// Puts it in front of what the command will start.
    pub fn apply(&self, command: &mut Command) {
        let mut preload = self.object.clone().into_os_string();
        if let Some(others) = std::env::var_os("LD_PRELOAD") {
            preload.push(":");
            preload.push(others);
        }
        command.env("LD_PRELOAD", preload);
        command.env("SLOW_SYNC_US", self.micros.to_string()).env("SLOW_SYNC_COUNT", &self.count);
    }

    /// How many syncs there were since it was built.
    pub fn syncs(&self) -> u64 {
        let bytes = std::fs::read(&self.count).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u64::from_ne_bytes)
    }
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn syncs_of_another_process_are_counted_and_slowed() {
        let dir = tempfile::TempDir::new().unwrap();
        let slow_sync = SlowSync::build(dir.path(), 50_000).unwrap();
        assert_eq!(slow_sync.syncs(), 0);
        // One sync: coreutils' `sync FILE` asks for fsync.
        let mut command = Command::new("sync");
        command.arg(&slow_sync.object);
        slow_sync.apply(&mut command);
        let begun = Instant::now();
        assert!(command.status().unwrap().success());
        assert!(begun.elapsed() >= Duration::from_millis(50));
        assert_eq!(slow_sync.syncs(), 1);
    }
}
