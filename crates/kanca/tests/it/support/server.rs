//! The binary as a child process that can be killed, stopped and started again on the same data.

use super::api::Api;
use super::wait::eventually;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

/// The automation key of every test server.
pub const API_KEY: &str = "kanca-test-key-0123456789-abcdefghij";

/// How long a start or an orderly stop may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a server is started with.
pub struct ServerBuilder {
    environment: Vec<(String, String)>,
    data_dir: Option<PathBuf>,
    within: Option<u32>,
}

impl ServerBuilder {
    /// Sets an environment variable such as `KANCA_INBOX_KEEP_REQUESTS`.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(n, _)| n != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the origin that the server is shown with, such as behind a proxy.
    pub fn public_url(self, origin: &str) -> Self {
        self.env("KANCA_PUBLIC_URL", origin)
    }

    /// Leaves the address guard as the bare binary has it: no private networks.
    pub fn guard_closed(mut self) -> Self {
        self.environment.retain(|(n, _)| n != "KANCA_ALLOW_PRIVATE_NETWORKS");
        self
    }

    /// Keeps the data there rather than in a directory of its own.
    pub fn data_dir(mut self, path: &Path) -> Self {
        self.data_dir = Some(path.to_owned());
        self
    }

    /// Starts it where this process lives, which has file systems that nobody else sees.
    pub fn within(mut self, pid: u32) -> Self {
        self.within = Some(pid);
        self
    }

    /// Starts it and waits until it says where it is.
    #[track_caller]
    pub fn start(self) -> Server {
        let own = TempDir::new().unwrap();
        let data_dir = self.data_dir.unwrap_or_else(|| own.path().join("data"));
        // The server tells its port by its origin, unless it is shown with another one.
        let hidden = self.environment.iter().any(|(n, _)| n == "KANCA_PUBLIC_URL");
        let port = if hidden { free_port() } else { 0 };
        let mut server = Server {
            child: None,
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            environment: self.environment,
            data_dir,
            within: self.within,
            log: Log::default(),
            _own: own,
        };
        server.restart();
        server
    }
}

/// A running server; ends with its owner.
pub struct Server {
    child: Option<Child>,
    address: SocketAddr,
    environment: Vec<(String, String)>,
    data_dir: PathBuf,
    within: Option<u32>,
    log: Log,
    _own: TempDir,
}

impl Server {
    /// A server that may deliver to receivers on this machine.
    #[track_caller]
    pub fn start() -> Self {
        Self::builder().start()
    }

    pub fn builder() -> ServerBuilder {
        let environment = [("KANCA_API_KEY", API_KEY), ("KANCA_ALLOW_PRIVATE_NETWORKS", "127.0.0.0/8,::1/128")];
        let environment = environment.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec();
        ServerBuilder { environment, data_dir: None, within: None }
    }

    /// The API with the automation key.
    pub fn api(&self) -> Api {
        self.api_as(Some(API_KEY))
    }

    /// The API with another key, or with none.
    pub fn api_as(&self, key: Option<&str>) -> Api {
        Api::new(self.address, key)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Everything it printed so far, both streams.
    pub fn log(&self) -> String {
        self.log.0.lock().unwrap().join("\n")
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the server runs").id()
    }

    /// Whether it has not ended by itself.
    pub fn is_running(&mut self) -> bool {
        let ended = self.child.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some());
        if ended {
            self.child = None;
        }
        !ended
    }

    /// Whether it has not ended by itself in this time.
    pub fn is_running_after(&mut self, time: Duration) -> bool {
        let until = std::time::Instant::now() + time;
        while self.is_running() && std::time::Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.child.is_some()
    }

    /// Ends it without any chance to tidy up.
    pub fn kill_9(&mut self) {
        let mut child = self.child.take().expect("the server runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Asks it to stop.
    pub fn signal_to_stop(&self) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait_for_exit(&mut self) -> ExitStatus {
        let child = self.child.as_mut().expect("the server runs");
        let status = eventually("the server has ended", PATIENCE, || child.try_wait().unwrap());
        self.child = None;
        status
    }

    /// Asks it to stop and waits for its end.
    #[track_caller]
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal_to_stop();
        self.wait_for_exit()
    }

    /// Starts it again on the same data and port; it must have ended before.
    #[track_caller]
    pub fn restart(&mut self) {
        assert!(self.child.is_none(), "the server still runs");
        let mut child = self.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let ready = Arc::new(Mutex::new(None));
        self.log.follow(child.stderr.take().unwrap(), |_| ());
        self.log.follow(child.stdout.take().unwrap(), {
            let ready = ready.clone();
            move |line| {
                if let Some(origin) = line.strip_prefix("Kanca is ready at ") {
                    *ready.lock().unwrap() = Some(origin.to_owned());
                }
            }
        });
        self.child = Some(child);
        let listening = eventually("the server is ready", PATIENCE, || {
            if let Some(status) = self.child.as_mut().and_then(|c| c.try_wait().unwrap()) {
                panic!("the server ended at its start with {status}:\n{}", self.log());
            }
            ready.lock().unwrap().clone()
        });
        // The first start takes any free port; a restart comes back to the same one.
        if self.address.port() == 0 {
            self.address = listening.strip_prefix("http://").unwrap().parse().unwrap();
        }
    }

    /// Starts it again as if this many days had passed: all that it wrote down is that much older.
    #[track_caller]
    pub fn let_days_pass(&mut self, days: i64) {
        assert!(self.terminate().success());
        let database = rusqlite::Connection::open(self.data_dir.join("kanca.db")).unwrap();
        let micros = days * 24 * 3_600 * 1_000_000;
        for statement in [
            "UPDATE events SET accepted_at = accepted_at - ?1",
            "UPDATE deliveries SET created_at = created_at - ?1, due = due - ?1",
        ] {
            database.execute(statement, [micros]).unwrap();
        }
        drop(database);
        self.restart();
    }

    /// The command it is started with, such as for a second one on the same data.
    pub fn command(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_kanca");
        let mut command = match self.within {
            None => Command::new(program),
            Some(pid) => {
                let mut enter = Command::new("nsenter");
                enter.args(["-U", "-m", "--preserve-credentials", "-t", &pid.to_string(), program]);
                enter
            }
        };
        command.env_clear().envs(self.environment.iter().cloned());
        command.args(["--listen", &self.address.to_string()]).arg("--data-dir").arg(&self.data_dir);
        command
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill_9();
        }
        if std::thread::panicking() {
            eprintln!("--- the server's log:\n{}\n---", self.log());
        }
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn follow(&self, stream: impl Read + Send + 'static, mut seen: impl FnMut(&str) + Send + 'static) {
        let log = self.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                seen(&line);
                log.0.lock().unwrap().push(line);
            }
        });
    }
}
