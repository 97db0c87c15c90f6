//! The journal's files: a few of a fixed length, written in turn, so that a sync never has to change a file's length.
//! Only a busy server ever needs more than the first.
//!
//! A record is `magic, epoch, sequence, length, checksum` (little-endian) and the rows that were synced together. It is
//! read back only if the checksum over everything fits, the epoch is the one in the table, and no number is missing
//! before it: a record that was cut off by a crash was never answered, and what lies behind it is old.

use kanca_storage::{Result, StorageError};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// How many files there are.
pub(crate) const COUNT: usize = 4;
/// Bytes of each file.
pub(crate) const LENGTH: usize = 4 << 20;
/// Bytes before the rows.
pub(crate) const HEADER: usize = 32;
const MAGIC: u32 = 0x4b4a_4e4c;

/// The files, open.
pub(crate) struct Files {
    dir: PathBuf,
    open: [Option<File>; COUNT],
    epoch: u64,
    current: usize,
    /// Where the next record goes in the current file.
    offset: usize,
}

/// A record that was read back: its number and its rows.
pub(crate) struct Found {
    pub sequence: u64,
    pub rows: Vec<u8>,
}

impl Files {
    /// Opens the files and reads the records of an epoch that come after `applied`, without a gap. The files are made if
    /// need be; `None` when the disk has no room for them.
    pub(crate) fn open(dir: &Path, epoch: u64, applied: u64, may_create: bool) -> Result<Option<(Self, Vec<Found>)>> {
        let mut found = Vec::new();
        let mut places = [const { None }; COUNT];
        for (n, place) in places.iter_mut().enumerate() {
            let path = path(dir, n);
            if path.exists() || (n == 0 && may_create) {
                let file = open(dir, n).map_err(|error| unusable(&path, &error))?;
                found.extend(records(&file, epoch).map_err(|error| unusable(&path, &error))?);
                *place = Some(file);
            }
        }
        if places[0].is_none() {
            return Ok(None);
        }
        found.sort_by_key(|record| record.sequence);
        let mut next = applied + 1;
        found.retain(|record| {
            let fits = record.sequence == next;
            next += u64::from(fits);
            fits
        });
        Ok(Some((Self { dir: dir.to_owned(), open: places, epoch, current: 0, offset: 0 }, found)))
    }

    /// Starts over: all records of before are old. The epoch must be in the table before anything is written.
    pub(crate) fn start_epoch(&mut self, epoch: u64) {
        (self.epoch, self.current, self.offset) = (epoch, 0, 0);
    }

    /// The file that is being written.
    pub(crate) fn current(&self) -> usize {
        self.current
    }

    /// The file that is written next.
    pub(crate) fn other(&self) -> usize {
        (self.current + 1) % COUNT
    }

    /// Whether so many bytes fit into the current file.
    pub(crate) fn fits(&self, bytes: usize) -> bool {
        self.offset + bytes <= LENGTH
    }

    /// Goes on in the next file, from its beginning.
    pub(crate) fn switch(&mut self) -> std::io::Result<()> {
        let other = self.other();
        if self.open[other].is_none() {
            self.open[other] = Some(open(&self.dir, other)?);
        }
        (self.current, self.offset) = (other, 0);
        Ok(())
    }

    /// Writes a record and syncs it. `record` begins with room for the header. After an error nothing of it counts: the
    /// next record takes its place.
    pub(crate) fn append(&mut self, sequence: u64, record: &mut [u8]) -> std::io::Result<()> {
        seal(record, self.epoch, sequence);
        let Some(file) = &self.open[self.current] else { return Err(std::io::ErrorKind::NotFound.into()) };
        let written = file.write_all_at(record, self.offset as u64).and_then(|()| file.sync_data());
        if let Err(error) = written {
            // It may be on the disk all the same; it must not come back after a crash.
            drop(file.write_all_at(&[0; HEADER], self.offset as u64).and_then(|()| file.sync_data()));
            return Err(error);
        }
        self.offset += record.len();
        Ok(())
    }
}

fn path(dir: &Path, n: usize) -> PathBuf {
    dir.join(format!("journal-{n}"))
}

/// Opens a file, or makes it: its bytes and its name are durable then.
fn open(dir: &Path, n: usize) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path(dir, n))?;
    let length = file.metadata()?.len();
    if length < LENGTH as u64 {
        // Written once, so that no later write has to find room.
        let zeros = [0; 8 * 1024];
        for at in (0..LENGTH as u64).step_by(zeros.len()).filter(|at| at + zeros.len() as u64 > length) {
            file.write_all_at(&zeros, at)?;
        }
        file.sync_all()?;
        File::open(dir)?.sync_all()?;
    }
    Ok(file)
}

fn unusable(path: &Path, error: &std::io::Error) -> StorageError {
    StorageError::Unavailable(format!(
        "the journal {} cannot be used: {error}; check that the disk has room and the file belongs to the user that runs \
         Kanca",
        path.display()
    ))
}

/// Fills in the header.
fn seal(record: &mut [u8], epoch: u64, sequence: u64) {
    let length = u32::try_from(record.len() - HEADER).unwrap_or(u32::MAX);
    record[..4].copy_from_slice(&MAGIC.to_le_bytes());
    record[4..12].copy_from_slice(&epoch.to_le_bytes());
    record[12..20].copy_from_slice(&sequence.to_le_bytes());
    record[20..24].copy_from_slice(&length.to_le_bytes());
    record[24..HEADER].fill(0);
    let sum = checksum(record);
    record[24..28].copy_from_slice(&sum.to_le_bytes());
}

/// Over the header, whose own place for it is zero, and the rows.
fn checksum(record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&record[..24]);
    hasher.update(&record[HEADER..]);
    hasher.finalize()
}

/// The records of an epoch at the beginning of a file, up to the first that is not whole.
fn records(file: &File, epoch: u64) -> std::io::Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at + HEADER <= LENGTH {
        let mut record = vec![0; HEADER];
        file.read_exact_at(&mut record, at as u64)?;
        let length = usize::try_from(u32::from_le_bytes(array(&record[20..24]))).unwrap_or(usize::MAX);
        if !is_of(&record, epoch) || length > LENGTH - at - HEADER {
            break;
        }
        record.resize(HEADER + length, 0);
        file.read_exact_at(&mut record[HEADER..], (at + HEADER) as u64)?;
        if record[24..28] != checksum(&record).to_le_bytes() {
            break;
        }
        let sequence = u64::from_le_bytes(array(&record[12..20]));
        at += record.len();
        found.push(Found { sequence, rows: record.split_off(HEADER) });
    }
    Ok(found)
}

fn is_of(header: &[u8], epoch: u64) -> bool {
    header[..4] == MAGIC.to_le_bytes() && header[4..12] == epoch.to_le_bytes()
}

/// The rows of a record, each with its length before it.
pub(crate) fn rows(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (row, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        bytes = rest;
        Some(row)
    })
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}

#[cfg(test)]
mod tests;
