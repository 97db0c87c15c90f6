use super::*;

fn opened(dir: &Path, epoch: u64, applied: u64) -> (Files, Vec<(u64, Vec<u8>)>) {
    let (files, found) = Files::open(dir, epoch, applied, true).unwrap().unwrap();
    (files, found.into_iter().map(|record| (record.sequence, record.rows)).collect())
}

fn append(files: &mut Files, sequence: u64, rows: &[u8]) {
    let mut record = vec![0; HEADER];
    record.extend_from_slice(rows);
    files.append(sequence, &mut record).unwrap();
}

/// Changes a byte of the first file.
fn spoil(dir: &Path, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path(dir, 0)).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
}

#[test]
fn what_was_written_is_read_back_up_to_the_first_that_is_not_whole() {
    let rows: [&[u8]; 3] = [b"first", b"", b"the third one"];
    let ends: Vec<u64> = rows
        .iter()
        .scan(0, |end, rows| {
            *end += (HEADER + rows.len()) as u64;
            Some(*end)
        })
        .collect();
    // Each bit of every byte matters, whichever record it is in; but not the unused end of a header.
    for at in 0..ends[2] {
        let dir = tempfile::tempdir().unwrap();
        let (mut files, found) = opened(dir.path(), 7, 0);
        assert!(found.is_empty());
        for (sequence, rows) in (1..).zip(rows) {
            append(&mut files, sequence, rows);
        }
        drop(files);
        let begins = ends.iter().rev().find(|end| **end <= at).copied().unwrap_or(0);
        let unused = (28..HEADER as u64).contains(&(at - begins));
        spoil(dir.path(), at);
        let whole = if unused { 3 } else { ends.iter().filter(|end| **end <= at).count() };
        let expected: Vec<_> = (1..).zip(rows).take(whole).map(|(n, rows)| (n, rows.to_vec())).collect();
        assert_eq!(opened(dir.path(), 7, 0).1, expected, "byte {at}");
    }
}

#[test]
fn only_what_comes_next_without_a_gap_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let (mut files, _) = opened(dir.path(), 7, 0);
    for sequence in [1, 2, 3, 5, 6] {
        append(&mut files, sequence, &[u8::try_from(sequence).unwrap()]);
    }
    let numbers = |epoch, applied| opened(dir.path(), epoch, applied).1.into_iter().map(|(n, _)| n).collect::<Vec<_>>();
    assert_eq!(numbers(7, 0), [1, 2, 3]);
    assert_eq!(numbers(7, 2), [3]);
    assert_eq!(numbers(7, 3), [0; 0]);
    assert_eq!(numbers(7, 4), [5, 6]);
    assert_eq!(numbers(8, 0), [0; 0], "another epoch is old");
}

#[test]
fn files_follow_one_another_and_come_back_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (mut files, _) = opened(dir.path(), 7, 0);
    let large = vec![b'x'; LENGTH / 2];
    for sequence in 1..=4 {
        if !files.fits(HEADER + large.len()) {
            files.switch().unwrap();
        }
        append(&mut files, sequence, &large);
    }
    assert_eq!(files.current(), 3);
    files.switch().unwrap();
    append(&mut files, 5, b"over the first");
    let numbers: Vec<_> = opened(dir.path(), 7, 1).1.into_iter().map(|(n, _)| n).collect();
    assert_eq!(numbers, [2, 3, 4, 5]);
    for n in 0..COUNT {
        let file = std::fs::metadata(path(dir.path(), n)).unwrap();
        assert_eq!(file.len(), LENGTH as u64, "a sync never changes a length");
    }
}

#[test]
fn a_record_that_could_not_be_synced_leaves_its_place_to_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let (mut files, _) = opened(dir.path(), 7, 0);
    append(&mut files, 1, b"one");
    // A file that cannot be written stands for a disk that fails.
    let usual = files.open[0].replace(File::open(path(dir.path(), 0)).unwrap());
    let mut record = vec![0; HEADER + 3];
    files.append(2, &mut record).unwrap_err();
    files.open[0] = usual;
    append(&mut files, 2, b"two");
    assert_eq!(opened(dir.path(), 7, 0).1, [(1, b"one".to_vec()), (2, b"two".to_vec())]);
}

#[test]
fn rows_are_told_apart_by_their_lengths() {
    let mut bytes = Vec::new();
    for row in [&b"abc"[..], b"", b"d"] {
        bytes.extend_from_slice(&u32::try_from(row.len()).unwrap().to_le_bytes());
        bytes.extend_from_slice(row);
    }
    assert_eq!(rows(&bytes).collect::<Vec<_>>(), [&b"abc"[..], b"", b"d"]);
    bytes.truncate(bytes.len() - 1);
    assert_eq!(rows(&bytes).count(), 2);
}
