//! The server that is measured: this very program as a process of its own, with fresh data and loopback open to it
//! alone. It ends with its owner here, and with this process if that is killed.

use super::slow_sync::SlowSync;
use super::wire::{self, Incoming};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// How long a start may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often a start is asked whether it is ready.
const LOOK: Duration = Duration::from_millis(1);

/// How the server is started.
pub struct Launch {
    pub program: PathBuf,
    pub data_dir: PathBuf,
    pub api_key: String,
    pub slow_sync: Option<SlowSync>,
}

/// A running server.
pub struct Server {
    launch: Launch,
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// Starts it on any free port.
    ///
    /// # Errors
    /// A sentence, with what the server said.
    pub async fn start(launch: Launch) -> Result<Self, String> {
        let mut child = spawn(&launch, SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let said = child.stdout.take().map(address_on);
        let mut server = Self { launch, child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let said = match said {
            Some(said) => tokio::time::timeout(PATIENCE, said).await.ok().and_then(Result::ok),
            None => None,
        };
        server.address = said.ok_or_else(|| server.did_not_start())?;
        server.ready().await?;
        Ok(server)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn api_key(&self) -> &str {
        &self.launch.api_key
    }

    /// Ends it without any chance to tidy up.
    pub fn kill(&mut self) {
        // Both fail only when it has ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Starts it again on the same data and port; returns the time from the start of the process until `/readyz` says 200.
    ///
    /// # Errors
    /// A sentence, with what the server said.
    pub async fn restart(&mut self) -> Result<Duration, String> {
        self.kill();
        let begun = Instant::now();
        self.child = spawn(&self.launch, self.address)?;
        drop(self.child.stdout.take().map(address_on));
        self.ready().await?;
        Ok(begun.elapsed())
    }

    /// Waits until `/readyz` says 200.
    async fn ready(&mut self) -> Result<(), String> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if is_ready(self.address).await.unwrap_or(false) {
                return Ok(());
            }
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        Err(self.did_not_start())
    }

    fn did_not_start(&self) -> String {
        let log = std::fs::read_to_string(log_file(&self.launch.data_dir)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(5).collect();
        let said = lines.into_iter().rev().collect::<Vec<_>>().join(" / ");
        let said = if said.is_empty() { "it said nothing".to_owned() } else { format!("it said: {said}") };
        format!("the server to be measured did not start within {} s; {said}", PATIENCE.as_secs())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn log_file(data_dir: &Path) -> PathBuf {
    data_dir.with_extension("log")
}

fn spawn(launch: &Launch, listen: SocketAddr) -> Result<Child, String> {
    let log = log_file(&launch.data_dir);
    let log = File::options().create(true).append(true).open(&log);
    let log = log.map_err(|e| format!("the server's log cannot be written: {e}"))?;
    let mut command = Command::new(&launch.program);
    // The user's settings are for the user's server.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KANCA_")) {
        command.env_remove(name);
    }
    command.env("KANCA_API_KEY", &launch.api_key);
    command.env("KANCA_ALLOW_PRIVATE_NETWORKS", "127.0.0.0/8").env("KANCA_LOG", "warn");
    if let Some(slow_sync) = &launch.slow_sync {
        slow_sync.apply(&mut command);
    }
    // Even when this process is killed and can do nothing any more, its server does not stay.
    command.arg("serve").arg("--owner").arg(std::process::id().to_string());
    command.arg("--listen").arg(listen.to_string()).arg("--data-dir").arg(&launch.data_dir);
    // A group of its own: Ctrl-C at the terminal is for the bench, which then ends the server.
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).process_group(0);
    command.spawn().map_err(|e| format!("{} cannot be started: {e}", launch.program.display()))
}

/// Reads all that it says; the line with its address comes first.
fn address_on(stdout: std::process::ChildStdout) -> oneshot::Receiver<SocketAddr> {
    let (found, address) = oneshot::channel();
    std::thread::spawn(move || {
        let mut found = Some(found);
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let said = line.strip_prefix("Kanca is ready at http://").and_then(|text| text.parse().ok());
            if let Some((found, address)) = said.and_then(|address| Some((found.take()?, address))) {
                let _ = found.send(address);
            }
        }
    });
    address
}

async fn is_ready(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    wire::write(&mut stream, request.as_bytes()).await?;
    let mut answer = Incoming::new();
    Ok(answer.next(&mut stream).await? && answer.status() == 200)
}
