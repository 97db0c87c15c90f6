//! What the engine needs of this machine: the time, randomness, free space, the key file, the log, the limit of open
//! files. Here, and only here, the real clock is read.

use jiff::Timestamp;
use kanca_engine::ports::{Clock, Random};
use kanca_engine::room::{LookAtSpace, Space};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::cell::RefCell;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, IsTerminal as _, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The system's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one clock that everybody else gets as a parameter")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn running(&self) -> Duration {
        static BEGINNING: OnceLock<Instant> = OnceLock::new();
        BEGINNING.get_or_init(Instant::now).elapsed()
    }
}

/// The system's randomness, fetched in portions: one system call serves many ids.
pub struct SystemRandom;

/// Bytes fetched at a time by each thread.
const PORTION: usize = 1_024;

thread_local! {
    static FRESH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() > PORTION {
            return fetch(bytes);
        }
        FRESH.with_borrow_mut(|fresh| {
            if fresh.len() < bytes.len() {
                fresh.resize(PORTION, 0);
                fetch(fresh);
            }
            // What was given out leaves the store, so that no byte is used twice.
            let rest = fresh.len() - bytes.len();
            bytes.copy_from_slice(&fresh[rest..]);
            fresh[rest..].fill(0);
            fresh.truncate(rest);
        });
    }
}

fn fetch(bytes: &mut [u8]) {
    // Without randomness there are no secrets; going on would be worse than stopping.
    if let Err(error) = getrandom::fill(bytes) {
        tracing::error!(%error, "the system gives no random bytes; stopping");
        std::process::abort();
    }
}

/// Looks at the file system that holds the data.
pub fn look_at_space(data_dir: PathBuf) -> LookAtSpace {
    Box::new(move || {
        let stat = rustix::fs::statvfs(&data_dir).ok()?;
        Some(Space { free: stat.f_bavail * stat.f_frsize, total: stat.f_blocks * stat.f_frsize })
    })
}

/// Reads the key that secrets are sealed with, or makes it (mode 0600) before the
/// database is made. It lies beside the database but not in it: a copy
/// of the database alone opens no secret.
pub fn sealing_key(data_dir: &Path) -> Result<[u8; 32], String> {
    let path = data_dir.join("secret.key");
    let failed = |what: &str| format!("the key file {} {what}", path.display());
    DirBuilder::new().recursive(true).mode(0o700).create(data_dir).map_err(|e| {
        format!("the data directory {} cannot be created: {e}; choose another with --data-dir", data_dir.display())
    })?;
    let mut key = [0u8; 32];
    match OpenOptions::new().read(true).open(&path) {
        Ok(mut file) => {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map_err(|e| failed(&format!("cannot be read: {e}")))?;
            key = bytes.try_into().map_err(|_| failed("must hold exactly 32 bytes; restore it from a backup"))?;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if data_dir.join("kanca.db").metadata().is_ok_and(|m| m.len() > 0) {
                return Err(failed("is missing beside an existing database; restore it from a backup"));
            }
            SystemRandom.fill(&mut key);
            // Whole or not at all: a crash in between leaves no half a key.
            let draft = data_dir.join("secret.key.new");
            let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft);
            let written = file.and_then(|mut f| f.write_all(&key).and_then(|()| f.sync_all()));
            let named = written.and_then(|()| std::fs::hard_link(&draft, &path));
            drop(std::fs::remove_file(&draft));
            match named {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => return sealing_key(data_dir),
                other => other.map_err(|e| failed(&format!("cannot be written: {e}")))?,
            }
        }
        Err(error) => return Err(failed(&format!("cannot be read: {error}"))),
    }
    Ok(key)
}

/// Has the system kill this process as soon as `owner`, which must be its parent, has ended.
///
/// # Errors
/// A sentence, when it has ended already or the system cannot do it.
#[cfg(target_os = "linux")]
pub fn end_with(owner: u32) -> Result<(), String> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .map_err(|e| format!("the system cannot end this process with its owner: {e}"))?;
    let parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
    if parent == Some(owner) { Ok(()) } else { Err(format!("process {owner}, which started this one, has ended")) }
}

/// No other system than Linux is asked to.
#[cfg(not(target_os = "linux"))]
pub fn end_with(_owner: u32) -> Result<(), String> {
    Ok(())
}

/// Raises the soft limit of open files to the hard one: each connection needs one.
pub fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}

/// How many connections fit in the limit of open files, with some left for the database and for sending.
pub fn connections() -> usize {
    let files = getrlimit(Resource::Nofile).current.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
    (files / 4 * 3).clamp(64, 20_000)
}

/// How many connections to receivers are kept open while nothing is sent: as many as a fan-out to ten endpoints of one
/// host has at a time, where the limit of open files allows it.
pub fn idle_connections() -> usize {
    let files = getrlimit(Resource::Nofile).current.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
    (files / 8).clamp(64, 1_024)
}

/// Starts the log on standard error; `filter` such as `info` or `kanca_engine=debug`.
pub fn start_log(filter: &str) {
    let filter = tracing_subscriber::EnvFilter::try_new(filter).unwrap_or_else(|_| "info".into());
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    log.with_ansi(colours).with_target(false).init();
}

/// Tells whoever started the program something on standard output; nobody listening is no fault.
pub fn say(line: &str) {
    drop(writeln!(std::io::stdout(), "{line}"));
}

/// This binary, to be started again as a child. On Linux by a name that stays right when the file is replaced or deleted
/// by an update.
pub fn own_binary() -> PathBuf {
    let own = Path::new("/proc/self/exe");
    if own.exists() { own.to_owned() } else { std::env::current_exe().unwrap_or_else(|_| "kanca".into()) }
}
