//! A full disk: new work is refused, what is there can be read, and it goes on by itself when there is room again.

use crate::support::{Receiver, Reply, Server, eventually, text};
use serde_json::json;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A small file system of its own; goes with its owner. Where the kernel lets anybody have namespaces it is mounted in one,
/// which needs no root: a process keeps it there, and the server enters it.
struct SmallDisk {
    dir: TempDir,
    keeper: Option<Child>,
}

impl SmallDisk {
    /// `None`, said aloud, where this user may not mount at all.
    fn mount() -> Option<Self> {
        let dir = TempDir::new().unwrap();
        let mount = "mount -t tmpfs -o size=32m tmpfs \"$0\"";
        // It ends with its input, so with this process, however that ends.
        let mut keeper = Command::new("unshare");
        keeper.args(["-U", "-r", "-m", "sh", "-c", &format!("{mount} && echo mounted && exec cat")]).arg(dir.path());
        let keeper = keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        if let Ok(mut keeper) = keeper {
            let mut said = String::new();
            BufReader::new(keeper.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
            if said == "mounted\n" {
                return Some(Self { dir, keeper: Some(keeper) });
            }
            keeper.wait().unwrap();
        }
        if Command::new("sh").args(["-c", mount]).arg(dir.path()).output().is_ok_and(|output| output.status.success()) {
            return Some(Self { dir, keeper: None });
        }
        println!("SKIPPED: a full disk needs a file system of its own, and mounting one needs namespaces or root");
        None
    }

    /// A server whose data is on it.
    fn server(&self) -> Server {
        let builder = Server::builder().data_dir(&self.dir.path().join("data"));
        self.keeper.iter().fold(builder, |builder, keeper| builder.within(keeper.id())).start()
    }

    /// As seen from here.
    fn ballast(&self) -> PathBuf {
        let path = self.dir.path().join("ballast");
        match &self.keeper {
            None => path,
            Some(keeper) => {
                Path::new("/proc").join(keeper.id().to_string()).join("root").join(path.strip_prefix("/").unwrap())
            }
        }
    }

    /// Writes until nothing fits any more.
    fn fill(&self) {
        let mut file = File::create(self.ballast()).unwrap();
        for size in [1 << 20, 1 << 12, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        match &mut self.keeper {
            None => drop(Command::new("umount").arg("-l").arg(self.dir.path()).status()),
            Some(keeper) => {
                drop(keeper.kill());
                drop(keeper.wait());
            }
        }
    }
}

/// How many attempts of all deliveries are written down.
fn attempts(server: &Server) -> usize {
    server.api().deliveries("").iter().map(|d| usize::try_from(d["attempt_count"].as_u64().unwrap()).unwrap()).sum()
}

fn publish(server: &Server) -> u16 {
    server.api().post("/events", &json!({"type": "order.paid", "data": "x".repeat(2_000)})).status
}

#[test]
fn a_full_disk_refuses_new_work_and_recovers_by_itself() {
    let Some(disk) = SmallDisk::mount() else { return };
    let server = disk.server();
    let api = server.api();
    let receiver = Receiver::answering(|_| Reply::status(500));
    api.create_endpoint_with(&receiver.url(), json!({"event_types": ["order.*"]}));
    let inbox = api.create_inbox(&json!({"slug": "box"}));
    api.send("POST", "/in/box", &[], Some(b"before")).expect(200);
    let bot = text(&api.all("/bots")[0]["id"]);
    for _ in 0..5 {
        assert_eq!(publish(&server), 202);
    }
    eventually("the first attempts are written down", Duration::from_secs(10), || {
        (attempts(&server) == 5).then_some(())
    });

    disk.fill();

    eventually("the server has noticed", Duration::from_secs(10), || {
        server.log().contains("disk space is low").then_some(())
    });
    eventually("events are refused", Duration::from_secs(10), || (publish(&server) == 503).then_some(()));
    let before = api.all("/events").len();
    for _ in 0..3 {
        let refused = api.post("/events", &json!({"type": "order.paid", "data": 1}));
        refused.expect_problem(503);
        assert!(refused.header("retry-after").is_some());
        api.send("POST", "/in/box", &[], Some(b"x")).expect_problem(503);
        api.post("/chat/v1/conversations", &json!({"bot": bot})).expect_problem(503);
    }
    // The retries become due now: none may be made that could not be written down.
    std::thread::sleep(Duration::from_secs(7));
    assert_eq!(receiver.requests().len(), attempts(&server), "an attempt was made and not written down");
    assert_eq!(api.all("/events").len(), before, "what was refused is not there, what was accepted is");
    assert_eq!(text(&api.newest_captured(&inbox)["body"]), "YmVmb3Jl");
    api.get("/endpoints").expect(200);
    assert_eq!(api.send("GET", "/readyz", &[], None).status, 200);

    receiver.answer_with(|_| Reply::ok());
    fs::remove_file(disk.ballast()).unwrap();

    eventually("events are taken again", Duration::from_secs(10), || (publish(&server) == 202).then_some(()));
    eventually("captures are taken again", Duration::from_secs(10), || {
        (api.send("POST", "/in/box", &[], Some(b"after")).status == 200).then_some(())
    });
    eventually("everything is delivered", Duration::from_secs(20), || {
        (api.deliveries("status=delivered").len() == before + 1).then_some(())
    });
    assert_eq!(receiver.requests().len(), attempts(&server));
    assert!(server.log().contains("there is enough free disk space again"), "the log says so");
}
