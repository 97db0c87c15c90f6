//! The request that publishes one message, ready to be sent: the number of the message is all that changes.

use std::net::SocketAddr;

/// Precedes the number in the payload.
const MARK: &[u8] = br#""bench_id":"#;
/// The number has ten digits, of which the first is 1: it is as long for every message.
const DIGITS: usize = 10;
const BASE: usize = 1_000_000_000;
/// Digits of the endpoint in an event type such as `bench.e0042`.
const ENDPOINT_DIGITS: usize = 4;

/// What is published.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// The event's type; when messages go to one endpoint each, what stands before the endpoint's number.
    pub event_type: &'a str,
    /// Whether the type ends in the endpoint's number.
    pub numbered: bool,
    /// Bytes of the payload.
    pub payload: usize,
}

/// The type that only this endpoint has subscribed to.
pub fn numbered_type(event_type: &str, endpoint: usize) -> String {
    format!("{event_type}{endpoint:0ENDPOINT_DIGITS$}")
}

/// A whole request as bytes.
#[derive(Clone)]
pub struct Request {
    bytes: Vec<u8>,
    number_at: usize,
    endpoint_at: Option<usize>,
}

impl Request {
    pub fn new(server: SocketAddr, key: &str, subject: &Subject<'_>) -> Self {
        let payload = payload(subject.payload);
        let event_type =
            if subject.numbered { numbered_type(subject.event_type, 0) } else { subject.event_type.to_owned() };
        let body = format!(r#"{{"type":"{event_type}","data":{payload}}}"#);
        let head = format!(
            "POST /api/v1/events HTTP/1.1\r\nhost: {server}\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let endpoint_at = subject.numbered.then(|| head.len() + r#"{"type":""#.len() + subject.event_type.len());
        let number_at = head.len() + body.len() - payload.len() - 1 + 1 + MARK.len();
        Self { bytes: [head, body].concat().into_bytes(), number_at, endpoint_at }
    }

    /// The request for this message (to this endpoint, when the type is numbered).
    pub fn bytes(&mut self, message: usize, endpoint: usize) -> &[u8] {
        write_digits(&mut self.bytes[self.number_at..][..DIGITS], BASE + message);
        if let Some(at) = self.endpoint_at {
            write_digits(&mut self.bytes[at..][..ENDPOINT_DIGITS], endpoint);
        }
        &self.bytes
    }
}

/// A JSON object of this many bytes that begins with the number of the message.
fn payload(size: usize) -> String {
    let frame = MARK.len() + DIGITS + r#"{,"data":""}"#.len();
    let padding: String = ('a'..='z').cycle().take(size.saturating_sub(frame)).collect();
    format!(r#"{{"bench_id":{BASE},"data":"{padding}"}}"#)
}

fn write_digits(place: &mut [u8], mut number: usize) {
    for digit in place.iter_mut().rev() {
        *digit = b"0123456789"[number % 10];
        number /= 10;
    }
}

/// The number of the message whose payload this body carries.
pub fn number_in(body: &[u8]) -> Option<usize> {
    let at = body.windows(MARK.len()).position(|bytes| bytes == MARK)? + MARK.len();
    let digits = std::str::from_utf8(body.get(at..at + DIGITS)?).ok()?;
    digits.parse::<usize>().ok()?.checked_sub(BASE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(subject: &Subject<'_>) -> Request {
        Request::new(SocketAddr::from(([127, 0, 0, 1], 8080)), "key", subject)
    }

    #[test]
    fn each_message_has_its_number_and_the_size_that_was_asked_for() {
        let mut request = request(&Subject { event_type: "bench.message", numbered: false, payload: 1024 });
        for message in [0, 7, 999_999] {
            let text = String::from_utf8(request.bytes(message, 3).to_vec()).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
            let event: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(event["type"], "bench.message");
            assert_eq!(event["data"].to_string().len(), 1024);
            assert_eq!(event["data"]["bench_id"], 1_000_000_000 + message);
            assert_eq!(number_in(body.as_bytes()), Some(message));
        }
    }

    #[test]
    fn a_numbered_type_names_the_endpoint() {
        let mut request = request(&Subject { event_type: "bench.e", numbered: true, payload: 64 });
        let text = String::from_utf8(request.bytes(12, 345).to_vec()).unwrap();
        assert!(text.contains(&format!(r#""type":"{}""#, numbered_type("bench.e", 345))), "{text}");
        assert!(text.contains("bench.e0345") && text.contains("1000000012"), "{text}");
    }

    #[test]
    fn a_foreign_body_has_no_number() {
        for body in ["", "{}", r#"{"bench_id":12}"#, r#"{"bench_id":"1000000000"}"#, r#"{"bench_id":0999999999}"#] {
            assert_eq!(number_in(body.as_bytes()), None, "{body}");
        }
    }
}
