//! The fuzz targets over their seeds and over made-up input: bytes from a fixed seed, and seeds that were tampered with.
//! A minute with the fuzzer itself finds more (`docs/testing.md`); this keeps the targets alive, and what it found fixed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../../fuzz/src/lib.rs"]
mod targets;

/// Inputs made of each seed.
const TAMPERED: usize = 300;

/// A small generator (xorshift): the same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    /// A few bytes changed, removed, doubled or put in.
    fn tamper(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(4) {
                0 if !bytes.is_empty() => bytes[at] = self.byte(),
                1 if !bytes.is_empty() => drop(bytes.remove(at)),
                2 => bytes.extend_from_within(at..),
                _ => bytes.insert(at, self.byte()),
            }
        }
        bytes
    }
}

fn check(name: &str, target: fn(&[u8])) {
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/");
    let files = std::fs::read_dir(format!("{seeds}{name}")).unwrap();
    let seeds: Vec<Vec<u8>> = files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    assert!(!seeds.is_empty(), "{name} has no seeds");
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    target(&[]);
    for seed in &seeds {
        target(seed);
        for _ in 0..TAMPERED {
            target(&numbers.tamper(seed));
            let noise: Vec<u8> = (0..numbers.below(40)).map(|_| numbers.byte()).collect();
            target(&noise);
        }
    }
}

#[test]
fn the_address_guard_holds() {
    check("address_guard", targets::address_guard);
}

#[test]
fn signatures_hold() {
    check("signature", targets::signature);
}

#[test]
fn event_formats_hold() {
    check("event_formats", targets::event_formats);
}

#[test]
fn xml_that_is_read_back_holds() {
    check("xml_back", targets::xml_back);
}

#[test]
fn retry_after_holds() {
    check("retry_after", targets::retry_after_header);
}
