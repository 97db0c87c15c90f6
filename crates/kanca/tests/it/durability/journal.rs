//! What went through the journal, read from its files. They are written over only after a restart or many megabytes, so
//! whoever looks after each death sees every row.

use super::load::Acknowledged;
use crate::support::{Server, text};
use std::collections::HashMap;

/// What was seen in it.
#[derive(Default)]
pub struct Journal {
    /// The ids in its rows, and how often each one was there at once.
    ids: HashMap<[u8; 16], usize>,
    /// How many files had rows at once.
    pub files: usize,
}

impl Journal {
    /// Looks into the files as they are now.
    pub fn look(&mut self, server: &Server) {
        let (mut found, mut files) = (HashMap::<[u8; 16], usize>::new(), 0);
        for n in 0..4 {
            let bytes = std::fs::read(server.data_dir().join(format!("journal-{n}"))).unwrap_or_default();
            let used = bytes.chunks(4096).take_while(|page| **page != [0; 4096]).map(<[u8]>::len).sum::<usize>();
            files += usize::from(used > 0);
            // Any sixteen bytes that could be an id (UUIDv7) count; an id that is asked for is never there by accident.
            for id in bytes[..used].windows(16).filter(|id| id[0] == 0x01 && id[6] >> 4 == 7) {
                *found.entry(id.try_into().unwrap()).or_default() += 1;
            }
        }
        for (id, times) in found {
            let most = self.ids.entry(id).or_default();
            *most = times.max(*most);
        }
        self.files = self.files.max(files);
    }

    /// In how many rows the id was.
    pub fn times(&self, id: &str) -> usize {
        let (_, digits) = id.split_once('_').unwrap();
        let id = u128::from_str_radix(digits, 16).unwrap().to_be_bytes();
        self.ids.get(&id).copied().unwrap_or(0)
    }

    /// Every event without a key that was acknowledged was in it, and none with a key.
    #[track_caller]
    pub fn holds_what_is_plain(&self, noted: &Acknowledged) {
        let plain = noted.plain_ids().count();
        assert!(plain > 10, "only {plain} events without a key");
        for id in noted.plain_ids() {
            assert_eq!(self.times(id), 1, "{id} was acknowledged and did not go through the journal");
        }
        let all = noted.ids().filter(|id| self.times(id) > 0).count();
        assert_eq!(all, plain, "an event with a key went through the journal");
    }

    /// Outcomes of each endpoint were in it: a delivery is named by its event's row, and once more by each outcome's.
    #[track_caller]
    pub fn holds_outcomes(&self, server: &Server, endpoints: &[String]) {
        for endpoint in endpoints {
            let deliveries = server.api().deliveries(&format!("endpoint_id={endpoint}"));
            let outcomes = deliveries.iter().filter(|delivery| self.times(&text(&delivery["id"])) > 1).count();
            assert!(outcomes > 0, "no outcome of {endpoint} went through the journal");
        }
    }
}
