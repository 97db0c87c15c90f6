//! The accept loop: one task for each connection, deadlines against slow clients, and an orderly end.

use crate::capture::tap::{Tap, Tapped};
use crate::extract::Peer;
use crate::problems::Problem;
use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use kanca_engine::EngineError;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt as _;

/// How long a client may take for a request's head; also how long an idle connection is kept.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// Connections at a time; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 20_000;
/// How long to wait after a failed accept (no file descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Tells the accept loop and all connections to end.
#[derive(Clone)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// A shutdown and the switch that starts it.
    pub fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    async fn begun(&mut self) {
        // A switch that is gone means the end, too.
        let _ = self.0.wait_for(|begun| *begun).await;
    }
}

/// How long requests under way may take after the shutdown began.
const END_TIME: Duration = Duration::from_secs(10);

/// Serves until the shutdown begins, then lets requests under way finish, for at most 10 s. The caller owns the socket
/// and the stop.
pub async fn serve(listener: TcpListener, router: Router, mut shutdown: Shutdown) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    accept(&listener, &router, &mut shutdown, &places).await;
    drop(listener);
    let all = u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX);
    // Who is not done by then is cut off; nothing acknowledged depends on it.
    let _ = tokio::time::timeout(END_TIME, places.acquire_many(all)).await;
}

async fn accept(listener: &TcpListener, router: &Router, shutdown: &mut Shutdown, places: &Arc<Semaphore>) {
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.begun() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (router, shutdown) = (router.clone(), shutdown.clone());
                tokio::spawn(async move {
                    connection(stream, peer, router, shutdown).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted; raise the open-files limit if this goes on");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether a request is worked on to its end, even if its client goes away in the middle: what is stored and what is in
/// memory must not part. What only reads ends with its client.
fn changes_something(request: &axum::extract::Request) -> bool {
    !request.method().is_safe() || request.uri().path().starts_with("/in/")
}

async fn answer(router: Router, request: axum::extract::Request) -> Response {
    router.oneshot(request).await.unwrap_or_else(|never| match never {})
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router, mut shutdown: Shutdown) {
    // Without it small answers wait for the client's acknowledgement; where it cannot be set they do.
    let _ = stream.set_nodelay(true);
    let tap = Tap::default();
    let io = TokioIo::new(Tapped::new(stream, tap.clone()));
    let service = service_fn(move |request: Request<Incoming>| {
        let (router, tap) = (router.clone(), tap.clone());
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            request.extensions_mut().insert(tap.clone());
            let response = if changes_something(&request) {
                let answering = tokio::spawn(answer(router, request)).await;
                answering.unwrap_or_else(|e| Problem::from(EngineError::Internal(e.to_string())).into_response())
            } else {
                answer(router, request).await
            };
            tap.expect_head();
            Ok::<_, Infallible>(response)
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    let mut served = std::pin::pin!(http.serve_connection(io, service).with_upgrades());
    tokio::select! {
        _ = served.as_mut() => return,
        () = shutdown.begun() => served.as_mut().graceful_shutdown(),
    }
    // What a client does wrong on its own connection is its own affair.
    let _ = served.await;
}
