//! One child process, seen from its parent.

use super::Runner;
use crate::child::RAN_TOO_LONG;
use crate::fault::{Fault, FaultKind};
use crate::protocol::{Answer, Request, bounded, frame};
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Time on the clock for one answer: far more than the processor time that a program may use, so who gives none has hardly
/// got the processor, or is stuck.
const ANSWER: Duration = Duration::from_secs(5);
/// How long to wait for the reason of a child's end.
const LAST_WORD: Duration = Duration::from_millis(500);

/// A child that waits for work. Dropping it ends it.
pub(super) struct Child {
    process: tokio::process::Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// How an exchange ended.
pub(super) enum Ended {
    /// All answers came.
    Well(Box<Child>),
    /// A program or the clock ended it before that.
    Stopped(Fault),
    /// The child has gone before that, for whatever reason.
    Gone(Fault),
}

impl Child {
    pub fn start(binary: &Path) -> io::Result<Self> {
        let mut process = Command::new(binary)
            .arg(Runner::COMMAND)
            .env_clear()
            .env("TZ", "UTC0")
            // The binary's allocator would reserve a gibibyte of address space, all that a child may have.
            .env("MIMALLOC_ARENA_RESERVE", "32MiB")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let missing = || io::Error::other("a child has no pipes");
        let input = process.stdin.take().ok_or_else(missing)?;
        let output = BufReader::new(process.stdout.take().ok_or_else(missing)?);
        Ok(Self { process, input, output })
    }

    /// Sends work and collects the answers.
    pub async fn exchange(mut self, request: &Request) -> (Vec<Answer>, Ended) {
        let mut answers = Vec::with_capacity(request.work.answers());
        let Ok(message) = frame(request) else {
            return (
                answers,
                Ended::Gone(Fault::new(FaultKind::NotRun, "the event could not be given to the program")),
            );
        };
        let written = timeout(ANSWER, self.input.write_all(&message)).await;
        let mut broken = matches!(written, Ok(Err(_)));
        let mut late = written.is_err();
        while !late && !broken && answers.len() < request.work.answers() {
            match timeout(ANSWER, self.answer()).await {
                Ok(Ok(answer)) => answers.push(answer),
                Ok(Err(_)) => broken = true,
                Err(_) => late = true,
            }
        }
        if late {
            let message = format!("gave no answer within {} s: this machine is too busy", ANSWER.as_secs());
            return (answers, Ended::Stopped(Fault::new(FaultKind::NotRun, message)));
        }
        if !broken {
            return (answers, Ended::Well(Box::new(self)));
        }
        let status = timeout(LAST_WORD, self.process.wait()).await;
        if matches!(status, Ok(Ok(status)) if status.code() == Some(RAN_TOO_LONG)) {
            return (answers, Ended::Stopped(Fault::ran_too_long()));
        }
        let message = "needs more memory than it may use, or brought its process down";
        (answers, Ended::Gone(Fault::new(FaultKind::Exhausted, message)))
    }

    async fn answer(&mut self) -> io::Result<Answer> {
        let mut length = [0; 4];
        self.output.read_exact(&mut length).await?;
        let mut bytes = vec![0; bounded(length)?];
        self.output.read_exact(&mut bytes).await?;
        Ok(serde_json::from_slice(&bytes)?)
    }
}
