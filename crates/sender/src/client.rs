//! The guarded client: one exchange from URL to answer, under one deadline.

use crate::body;
use crate::connect::Connector;
use crate::failures::protocol;
use crate::identity;
use crate::lane::Lane;
use crate::link::{Link, Unanswered};
use crate::pool::Pool;
use crate::progress::{Progress, Step};
use crate::request::{self, Outgoing};
use crate::response::Head;
use crate::settings::Settings;
use crate::target::{Target, Targets};
use async_trait::async_trait;
use kanca_engine::ports::{
    ClientIdentity, IncomingResponse, InvalidIdentity, OutgoingRequest, SendFailure, Sender, Sent,
};
use std::sync::Arc;

/// Sends every outgoing request of Kanca. Make one and share it: it holds the idle connections.
pub struct GuardedClient {
    connector: Connector,
    pool: Arc<Pool>,
    targets: Targets,
}

impl GuardedClient {
    /// A client under these settings, for its whole life.
    pub fn new(settings: &Settings) -> Self {
        Self { connector: Connector::new(settings), pool: Pool::new(settings), targets: Targets::default() }
    }

    async fn exchange(
        &self,
        target: Arc<Target>,
        request: &OutgoingRequest,
        progress: &mut Progress,
    ) -> Result<IncomingResponse, SendFailure> {
        let lane = Lane::new(target, request.proxy.clone(), request.identity.clone());
        let outgoing = request::build(lane.target(), request.method, &request.headers, &request.body)?;
        let (mut link, head) = self.answer(&lane, &outgoing, progress).await?;
        if head.status == SWITCHING_PROTOCOLS {
            return Err(protocol("the server switched to another protocol, unasked"));
        }
        progress.reach(Step::Body);
        let (body, truncated) = body::read(&mut link, &head, request.response_limit).await?;
        self.pool.put(&lane, link);
        Ok(IncomingResponse { status: head.status, headers: head.headers, body, truncated })
    }

    /// The response's head, over an idle connection if there is one. An idle connection can close under our hands: if
    /// not one byte of the request was written, it goes out once more over a fresh one.
    async fn answer(
        &self,
        lane: &Lane,
        request: &Outgoing,
        progress: &mut Progress,
    ) -> Result<(Box<Link>, Head), SendFailure> {
        if let Some(mut link) = self.pool.take(lane) {
            progress.reuse(link.remote());
            match link.exchange(request).await {
                Ok(head) => return Ok((link, head)),
                Err(Unanswered::Unsent(_)) => {}
                Err(Unanswered::Failed(failure)) => return Err(failure),
            }
        }
        progress.start_afresh();
        let mut link = self.connector.connect(lane, progress).await?;
        progress.reach(Step::Answer);
        match link.exchange(request).await {
            Ok(head) => Ok((link, head)),
            Err(Unanswered::Unsent(failure) | Unanswered::Failed(failure)) => Err(failure),
        }
    }
}

/// RFC 9110 §15.2.2.
const SWITCHING_PROTOCOLS: u16 = 101;

#[async_trait]
impl Sender for GuardedClient {
    async fn send(&self, mut request: OutgoingRequest) -> Sent {
        let limit = request.timeout;
        let mut progress = Progress::new();
        let result = match self.targets.of(&request.url, request.route) {
            Ok(target) => {
                request::complete(&target, &mut request.headers, &request.body);
                let ended = tokio::time::timeout(limit, self.exchange(target, &request, &mut progress)).await;
                ended.unwrap_or_else(|_| Err(progress.overdue(limit)))
            }
            Err(failure) => Err(failure),
        };
        Sent { headers: request.headers, result, timings: progress.end() }
    }

    fn read_identity(&self, certificate_pem: &str, private_key_pem: &str) -> Result<ClientIdentity, InvalidIdentity> {
        identity::read(certificate_pem, private_key_pem)
    }
}
