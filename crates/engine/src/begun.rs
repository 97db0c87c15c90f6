//! A future that has been polled once, so that what it asks for is in order with what others ask for after it.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// A call that has taken its place in the queue.
pub(crate) enum Begun<'a, T> {
    Done(T),
    Waiting(Pin<Box<dyn Future<Output = T> + Send + 'a>>),
}

impl<'a, T> Begun<'a, T> {
    /// Polls the future once.
    pub fn begin(mut future: Pin<Box<dyn Future<Output = T> + Send + 'a>>) -> Self {
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => Self::Done(done),
            Poll::Pending => Self::Waiting(future),
        }
    }

    /// Waits for its result.
    pub async fn end(self) -> T {
        match self {
            Self::Done(done) => done,
            Self::Waiting(future) => future.await,
        }
    }
}
