//! `kanca serve`: wire everything, say where it is, and end in order.

use crate::config::Config;
use crate::machine::{self, SystemClock, SystemRandom};
use crate::setup_link;
use kanca_engine::settings::Settings;
use kanca_engine::storage::inboxes::Keep;
use kanca_engine::{Engine, Parts};
use kanca_http::{App, Shutdown};
use kanca_sender::GuardedClient;
use kanca_storage_sqlite::SqliteStorage;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};

/// How long running attempts may take after the signal to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// Connections that may wait to be accepted. With fewer, some of a burst are dropped by the system and come a second late;
/// it lowers this to its own limit.
const WAITING: u32 = 4_096;

/// Runs the server until SIGTERM or SIGINT.
pub async fn run(config: Config) -> Result<(), String> {
    machine::raise_open_files();
    let sealing_key = machine::sealing_key(&config.data_dir)?;
    let storage = SqliteStorage::open(&config.data_dir).map_err(|e| e.to_string())?;
    let listener = listen(config.listen).map_err(|error| {
        format!("cannot listen on {}: {error}. Choose another address with --listen ADDR:PORT.", config.listen)
    })?;
    let own_address = listener.local_addr().map_err(|e| format!("the listening address is unknown: {e}"))?;
    let public_url = config.public_url.clone().unwrap_or_else(|| format!("http://{own_address}"));
    let idle = machine::idle_connections();
    let sender = GuardedClient::new(&kanca_sender::Settings {
        max_idle_per_host: idle,
        max_idle: idle,
        ..kanca_sender::Settings::new(config.address_rules.clone(), own_address)
    });
    let engine = Engine::start(parts(&config, sealing_key, storage, Arc::new(sender), &public_url))
        .await
        .map_err(|e| e.to_string())?;
    setup_link::note_address(&config.data_dir, &public_url);
    // Whoever reads that it is ready may stop it at once.
    let stop = stop_signal()?;
    greet(&engine, &public_url).await?;

    let (switch, shutdown) = Shutdown::new();
    let places = machine::connections();
    let app = App::new(engine.clone(), config.trusted_proxies);
    let server = tokio::spawn(kanca_http::serve(listener, app, places, shutdown));
    tokio::spawn(setup_link::watch(engine.clone(), config.data_dir));

    stop.await;
    tracing::info!("stopping: no new work is taken; running attempts have up to 10 s");
    let _ = switch.send(true);
    engine.end_streams();
    let (_, ()) = tokio::join!(server, engine.drain(DRAIN));
    engine.close().await;
    Ok(())
}

/// Listens with a queue that takes a burst of connections.
///
/// # Errors
/// The system's, such as for an address in use.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As a restart needs it, whose port may still have connections that are ending.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

/// Puts the engine's parts together.
pub fn parts(
    config: &Config,
    sealing_key: [u8; 32],
    storage: SqliteStorage,
    sender: Arc<dyn kanca_engine::ports::Sender>,
    public_url: &str,
) -> Parts {
    let mut settings = Settings::new(public_url);
    settings.inbox_url = config.inbox_url.clone().unwrap_or_else(|| public_url.to_owned());
    settings.address_rules = config.address_rules.clone();
    settings.programs = Some(machine::own_binary());
    settings.max_event_bytes = config.max_event_bytes;
    settings.max_capture_bytes = config.max_capture_bytes;
    settings.inbox_keep = Keep { requests: config.inbox_keep_requests, bytes: config.inbox_keep_bytes };
    settings.keep_days = config.keep_days;
    settings.keep_bytes = config.keep_bytes;
    Parts {
        storage: Arc::new(storage),
        sender,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        sealing_key,
        automation_key: config.api_key.clone(),
        look_at_space: machine::look_at_space(config.data_dir.clone()),
        settings,
    }
}

async fn greet(engine: &Engine, public_url: &str) -> Result<(), String> {
    machine::say(&format!("Kanca is ready at {public_url}"));
    machine::say(&format!("Talk to the demo bot at {public_url}/demo"));
    if engine.setup_needed().await.map_err(|e| e.to_string())? {
        let link = engine.new_setup_link().await.map_err(|e| e.to_string())?;
        machine::say(&format!("Set the owner's e-mail and password (the link works once): {link}"));
    }
    Ok(())
}

/// Listens for SIGTERM and SIGINT from now on; what it gives waits for one of them.
pub fn stop_signal() -> Result<impl Future<Output = ()>, String> {
    let listen = |kind| signal(kind).map_err(|e| format!("signals cannot be received: {e}"));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpStream;

    #[tokio::test]
    async fn a_burst_of_connections_waits_to_be_accepted() {
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        for place in 0..400 {
            let connecting = tokio::time::timeout(Duration::from_millis(900), TcpStream::connect(address)).await;
            waiting.push(connecting.unwrap_or_else(|_| panic!("connection {place} was dropped")).unwrap());
        }
    }
}
