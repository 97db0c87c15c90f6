//! Server-sent events that resume: subscribe first, then what was missed, then what happens; a listener that lags reads
//! the table again. A comment goes out every 15 seconds, so that proxies keep the connection.

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// What a stream is made of.
pub trait Feed: Send + 'static {
    type Signal: Clone + Send + 'static;

    /// What the listener has not seen: at the start, and after it lagged.
    fn missed(&mut self) -> impl Future<Output = Vec<Event>> + Send;

    /// What a signal brings; nothing when the listener has seen it or does not want it.
    fn news(&mut self, signal: Self::Signal) -> impl Future<Output = Vec<Event>> + Send;
}

/// Answers with the feed's stream. It ends when the process stops.
pub fn stream<F: Feed>(feed: F, signals: Receiver<F::Signal>) -> Response {
    let state = Following { feed, signals, queued: VecDeque::new(), begun: false };
    let events = stream::unfold(state, |mut state| async move {
        let event = state.next().await?;
        Some((Ok::<_, Infallible>(event), state))
    });
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(15)).text("ping");
    let headers = [("cache-control", "no-store"), ("x-accel-buffering", "no")];
    (headers, Sse::new(events).keep_alive(keep_alive)).into_response()
}

struct Following<F: Feed> {
    feed: F,
    signals: Receiver<F::Signal>,
    queued: VecDeque<Event>,
    begun: bool,
}

impl<F: Feed> Following<F> {
    async fn next(&mut self) -> Option<Event> {
        if !self.begun {
            self.begun = true;
            // Something goes out at once, so that the client knows that it is connected.
            self.queued.push_back(Event::default().comment("connected").retry(Duration::from_secs(2)));
            self.queued.extend(self.feed.missed().await);
        }
        loop {
            if let Some(event) = self.queued.pop_front() {
                return Some(event);
            }
            match self.signals.recv().await {
                Ok(signal) => self.queued.extend(self.feed.news(signal).await),
                Err(RecvError::Lagged(_)) => self.queued.extend(self.feed.missed().await),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
