//! The disk that the data lies on: what it is, and what one sync costs. Without it the figures say little.

use super::figures::{millis, quantile};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

/// How many syncs are measured.
const SYNCS: usize = 100;
/// What is written before each, in bytes: about one commit.
const PIECE: [u8; 4096] = [7; 4096];

/// A file system and its pace.
#[derive(Debug, Clone)]
pub struct Disk {
    /// Its kind, such as `ext4`.
    pub kind: String,
    /// What is mounted, such as `/dev/vda`.
    pub device: String,
    /// Median milliseconds of writing 4 KiB and syncing them.
    pub sync_ms: f64,
}

impl Disk {
    /// Looks at the disk under an existing directory.
    ///
    /// # Errors
    /// A sentence, when it cannot be written.
    pub fn under(dir: &Path) -> Result<Self, String> {
        let sync_ms = measure(dir).map_err(|e| format!("the directory {} cannot be written: {e}", dir.display()))?;
        let path = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let (kind, device) = mount(&mounts, &path).unwrap_or_else(|| ("unknown".into(), "unknown".into()));
        Ok(Self { kind, device, sync_ms })
    }

    /// Whether it is in memory, where a sync does nothing.
    pub fn is_memory(&self) -> bool {
        matches!(self.kind.as_str(), "tmpfs" | "ramfs")
    }
}

/// Mebibytes that are free under a directory.
pub fn free_mib(dir: &Path) -> Option<u64> {
    rustix::fs::statvfs(dir).ok().map(|stat| (stat.f_bavail * stat.f_frsize) >> 20)
}

fn measure(dir: &Path) -> std::io::Result<f64> {
    let path = dir.join("sync-probe");
    let mut file = File::create(&path)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let begun = Instant::now();
        file.write_all(&PIECE)?;
        file.sync_data()?;
        times.push(millis(begun.elapsed()));
    }
    std::fs::remove_file(&path)?;
    times.sort_by(f64::total_cmp);
    Ok(quantile(&times, 500))
}

/// Kind and device of the mount that holds `path`: of all that contain it the longest, and of equal ones the last, which
/// lies on top. A line has the mount point as its fifth field, kind and device after a lone hyphen (proc(5)).
fn mount(mountinfo: &str, path: &Path) -> Option<(String, String)> {
    let mounts = mountinfo.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let point = before.split(' ').nth(4)?.replace("\\040", " ");
        let mut after = after.split(' ');
        path.starts_with(&point).then_some((point.len(), after.next()?.to_owned(), after.next()?.to_owned()))
    });
    mounts.max_by_key(|(length, ..)| *length).map(|(_, kind, device)| (kind, device))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_counts() {
        let mounts = "21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
                      30 21 0:25 / /dev/shm rw shared:5 - tmpfs tmpfs rw\n\
                      31 21 254:1 / /my\\040data rw - xfs /dev/vdb rw\n\
                      32 21 254:1 / /my\\040data rw - btrfs /dev/vdc rw\n";
        let kind = |path: &str| mount(mounts, Path::new(path)).unwrap().0;
        assert_eq!(kind("/home/me"), "ext4");
        assert_eq!(kind("/dev/shm/x"), "tmpfs");
        assert_eq!(kind("/dev/shmoo"), "ext4");
        assert_eq!(kind("/my data/x"), "btrfs");
        assert!(mount("", Path::new("/")).is_none());
    }

    #[test]
    fn a_sync_takes_time_and_leaves_nothing() {
        let dir = tempfile::TempDir::new().unwrap();
        let disk = Disk::under(dir.path()).unwrap();
        assert!(disk.sync_ms > 0.0);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(Disk::under(&dir.path().join("missing")).unwrap_err().contains("cannot be written"));
    }
}
