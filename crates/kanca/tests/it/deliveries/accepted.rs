//! Accepting: what was taken is delivered, whatever becomes of the client.

use crate::support::{API_KEY, Receiver, Server, eventually};
use serde_json::json;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

#[test]
fn clients_that_go_away_leave_nothing_half_done() {
    let server = Server::start();
    let receiver = Receiver::start();
    server.api().create_endpoint(&receiver.url());
    for n in 0..1_500 {
        let body = json!({"type": "order.paid", "data": n, "ordering_key": (n % 3).to_string()}).to_string();
        let head = format!(
            "POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {API_KEY}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut client = TcpStream::connect(server.address()).unwrap();
        client.write_all(format!("{head}{body}").as_bytes()).unwrap();
        // Gone before the answer.
    }
    let event = server.api().publish("order.paid", json!("last"));
    server.api().wait_for_delivery(&event, "delivered");
    eventually("nothing waits", Duration::from_secs(10), || {
        server.api().deliveries("status=pending").is_empty().then_some(())
    });
    assert_eq!(server.api().all("/events?type=order.paid").len(), server.api().deliveries("status=delivered").len());
}
