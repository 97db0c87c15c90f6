//! Captured headers as one blob: for each name and value its length (four bytes, big-endian) and its bytes. Headers
//! may hold any bytes, so JSON could not keep them.

/// Names and values in order.
pub(crate) type Headers = Vec<(Vec<u8>, Vec<u8>)>;

pub(crate) fn encode(headers: &Headers) -> Vec<u8> {
    let mut blob = Vec::with_capacity(headers.iter().map(|(name, value)| name.len() + value.len() + 8).sum());
    for part in headers.iter().flat_map(|(name, value)| [name, value]) {
        blob.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        blob.extend_from_slice(part);
    }
    blob
}

pub(crate) fn decode(mut blob: &[u8]) -> Option<Headers> {
    let mut headers = Vec::new();
    while !blob.is_empty() {
        headers.push((take(&mut blob)?, take(&mut blob)?));
    }
    Some(headers)
}

fn take(blob: &mut &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = blob.split_first_chunk::<4>()?;
    let (part, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    *blob = rest;
    Some(part.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive_and_a_cut_off_blob_is_noticed() {
        let headers = vec![(b"X-A".to_vec(), vec![0, 255, 13]), (b"x-a".to_vec(), vec![])];
        let blob = encode(&headers);
        assert_eq!(decode(&blob), Some(headers));
        assert_eq!(decode(&blob[..blob.len() - 1]), None);
        assert_eq!(decode(&[]), Some(vec![]));
    }
}
