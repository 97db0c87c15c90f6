//! The data directory: who owns it, and its files' permissions.

use kanca_storage::{Result, StorageError};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Creates the directory if need be and locks it for this process. The lock lasts as long as the file is open.
pub(crate) fn own(dir: &Path) -> Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| refused(dir, &error))?;
    let mut lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(dir.join("lock"))
        .map_err(|error| refused(dir, &error))?;
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => {
            let mut owner = String::new();
            drop(lock.read_to_string(&mut owner));
            return Err(StorageError::Unavailable(format!(
                "another Kanca (process {}) is using the data directory {}; stop it, or choose another with --data-dir",
                owner.trim(),
                dir.display()
            )));
        }
        Err(error) => return Err(refused(dir, &error)),
    }
    let sign = |lock: &mut File| {
        lock.set_len(0)?;
        lock.seek(SeekFrom::Start(0))?;
        writeln!(lock, "{}", std::process::id())
    };
    // On a full disk the sign stays empty; the lock itself needs no room.
    drop(sign(&mut lock));
    Ok(lock)
}

/// Creates the database file for its owner only; SQLite gives the files beside it the same permissions.
pub(crate) fn database(dir: &Path) -> Result<PathBuf> {
    let path = dir.join("kanca.db");
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|error| refused(dir, &error))?;
    Ok(path)
}

fn refused(dir: &Path, error: &dyn std::fmt::Display) -> StorageError {
    StorageError::Unavailable(format!(
        "the data directory {} cannot be used: {error}; check that it exists and belongs to the user that runs Kanca",
        dir.display()
    ))
}
