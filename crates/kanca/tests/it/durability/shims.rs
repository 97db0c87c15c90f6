//! Small libraries that stand between the server and the C library (`LD_PRELOAD`), told by a file of 64-bit numbers what to
//! do. They are compiled by the C compiler that Rust links with.

use crate::support::Server;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A library, and the file that tells it what to do.
pub struct Shim {
    dir: TempDir,
    variable: &'static str,
    control: File,
}

impl Shim {
    /// Compiles a file of this folder; the library finds its control file, with so many numbers, by `variable`.
    pub fn new(source: &str, variable: &'static str, numbers: u64) -> Self {
        let dir = TempDir::new().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/durability").join(source);
        let mut compile = Command::new("cc");
        compile.args(["-O1", "-shared", "-fPIC", "-o"]).arg(dir.path().join("shim.so")).arg(source).arg("-ldl");
        let status = compile.status().expect("cc, which Rust links with, is there");
        assert!(status.success());
        let control = File::options().read(true).write(true).create_new(true).open(dir.path().join("control")).unwrap();
        control.set_len(8 * numbers).unwrap();
        Self { dir, variable, control }
    }

    /// A server above it.
    pub fn server(&self) -> Server {
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        Server::builder()
            .env("LD_PRELOAD", &text(self.dir.path().join("shim.so")))
            .env(self.variable, &text(self.dir.path().join("control")))
            .start()
    }

    /// Reads one of the numbers.
    pub fn number(&self, place: u64) -> i64 {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, 8 * place).unwrap();
        i64::from_ne_bytes(bytes)
    }

    /// Writes one of the numbers.
    pub fn set(&self, place: u64, number: i64) {
        self.control.write_all_at(&number.to_ne_bytes(), 8 * place).unwrap();
    }
}
