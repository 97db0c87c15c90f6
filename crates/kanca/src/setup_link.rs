//! `kanca setup-link`: a new one-time link for the owner, also while the server runs.
//!
//! The data directory belongs to one process, so a running server is asked through a file in it: the command leaves the
//! hash of its token there (mode 0600), the server takes it up and removes the file.

use crate::config::Config;
use crate::machine::{self, SystemRandom};
use crate::serve;
use kanca_engine::Engine;
use kanca_engine::accounts::{setup_link, setup_token};
use kanca_storage::StorageError;
use kanca_storage_sqlite::SqliteStorage;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often the server looks for a request.
const LOOK: Duration = Duration::from_millis(500);
/// How many looks the command waits for the server.
const PATIENCE: u32 = 20;

/// Prints a new link.
pub async fn run(config: Config) -> Result<(), String> {
    if !config.data_dir.is_dir() {
        let dir = config.data_dir.display();
        return Err(format!("there is no data directory {dir}; start the server first, or name it with --data-dir"));
    }
    let public_url = config
        .public_url
        .clone()
        .or_else(|| fs::read_to_string(address_file(&config.data_dir)).ok())
        .unwrap_or_else(|| format!("http://{}", config.listen));
    let link = match SqliteStorage::open(&config.data_dir) {
        Ok(storage) => by_itself(&config, storage, &public_url).await?,
        Err(StorageError::Unavailable(_)) => through_server(&config.data_dir, &public_url).await?,
        Err(error) => return Err(error.to_string()),
    };
    machine::say(&link);
    Ok(())
}

async fn by_itself(config: &Config, storage: SqliteStorage, public_url: &str) -> Result<String, String> {
    let settings = kanca_sender::Settings::new(config.address_rules.clone(), config.listen);
    let sender = std::sync::Arc::new(kanca_sender::GuardedClient::new(&settings));
    let sealing_key = machine::sealing_key(&config.data_dir)?;
    let parts = serve::parts(config, sealing_key, storage, sender, public_url);
    let engine = Engine::load(parts).await.map_err(|e| e.to_string())?;
    let link = engine.new_setup_link().await.map_err(|e| e.to_string())?;
    engine.close().await;
    Ok(link)
}

async fn through_server(data_dir: &Path, public_url: &str) -> Result<String, String> {
    let path = request_file(data_dir);
    let (token, hash) = setup_token(&SystemRandom);
    // A request that nobody took up is replaced.
    drop(fs::remove_file(&path));
    let failed = |e: std::io::Error| format!("the request file {} cannot be written: {e}", path.display());
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
    writeln!(file, "{hash}").and_then(|()| file.sync_all()).map_err(failed)?;
    // The server may run as another user than whoever calls the command (root, say); it owns the directory.
    if let Ok(owner) = fs::metadata(data_dir) {
        drop(chown(&path, Some(owner.uid()), Some(owner.gid())));
    }
    for _ in 0..PATIENCE {
        if !path.exists() {
            return Ok(setup_link(public_url, &token));
        }
        tokio::time::sleep(LOOK).await;
    }
    drop(fs::remove_file(&path));
    Err("the running server did not take up the request within 10 s; see its log".into())
}

/// Takes up requests for a link; runs as long as the server.
pub async fn watch(engine: Engine, data_dir: PathBuf) {
    let path = request_file(&data_dir);
    loop {
        tokio::time::sleep(LOOK).await;
        let Ok(text) = fs::read_to_string(&path) else { continue };
        // The line end tells that the request is complete.
        let Some(hash) = text.strip_suffix('\n').filter(|h| h.len() == 64) else { continue };
        match engine.accept_setup_hash(hash.to_owned()).await {
            Ok(()) => drop(fs::remove_file(&path)),
            Err(error) => tracing::warn!(%error, "a request for a set-up link could not be taken up"),
        }
    }
}

/// Remembers the public address for the command, which may be run without the server's settings.
pub fn note_address(data_dir: &Path, public_url: &str) {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(address_file(data_dir));
    if let Err(error) = file.and_then(|mut f| f.write_all(public_url.as_bytes())) {
        tracing::warn!(%error, "the public address was not noted; `kanca setup-link` may print another one");
    }
}

fn request_file(data_dir: &Path) -> PathBuf {
    data_dir.join("setup-link.request")
}

fn address_file(data_dir: &Path) -> PathBuf {
    data_dir.join("public-url")
}
