//! Timers: delays before a message, the visitor's silence, and the watchdog of a wait. They are stored with the
//! conversation, so that a restart loses none.

use super::turn::{Turn, WATCHDOG};
use crate::Engine;
use crate::errors::Result;
use kanca_domain::ids::ConversationId;
use kanca_domain::scenario::{Input, Wait, WebhookOutcome};
use std::time::Duration;
use tokio::task::JoinSet;

/// Conversations handled in one look.
const BATCH: u32 = 200;
/// How long the service pauses after a failure, and looks at the latest.
const LOOK: Duration = Duration::from_secs(1);

/// The pause after timers were fired, so that one which does not go away cannot keep a core busy.
const SETTLE: Duration = Duration::from_millis(5);

impl Engine {
    /// Fires timers when they are due; runs until the process stops.
    pub(crate) async fn run_timers(&self) {
        loop {
            let set = self.conversations.timer_set.notified();
            let now = self.plan.now();
            let pause = match self.storage.due_timers(now, BATCH).await {
                Ok((due, next)) => {
                    let fired = !due.is_empty();
                    let full = due.len() == usize::try_from(BATCH).unwrap_or(usize::MAX);
                    let failed = self.fire_all(due).await;
                    let wait = next.map_or(LOOK, |at| Duration::try_from(at.duration_since(now)).unwrap_or_default());
                    if failed {
                        LOOK
                    } else if full {
                        Duration::ZERO
                    } else if fired {
                        wait.clamp(SETTLE, LOOK)
                    } else {
                        wait.min(LOOK)
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "timers could not be read; trying again");
                    LOOK
                }
            };
            let _ = tokio::time::timeout(pause, set).await;
        }
    }

    /// Fires timers side by side, so that their commits share one sync.
    async fn fire_all(&self, due: Vec<ConversationId>) -> bool {
        let mut firing = JoinSet::new();
        for id in due {
            let engine = self.clone();
            firing.spawn(async move {
                let fired = engine.fire(id).await;
                fired.inspect_err(|error| {
                    tracing::warn!(conversation = %id, %error, "a timer could not be fired; trying again");
                })
            });
        }
        firing.join_all().await.iter().any(Result::is_err)
    }

    async fn fire(&self, id: ConversationId) -> Result<()> {
        let slot = self.conversations.slot(id);
        let mut slot = slot.lock().await;
        let Some(loaded) = self.load_conversation(id, &mut slot).await? else { return Ok(()) };
        let now = self.plan.now();
        let Some(timer) = loaded.record.timer.filter(|t| t.due <= now) else { return Ok(()) };
        let mut turn = Turn::new(self, loaded.clone());
        turn.loaded.record.timer = None;
        let input = match (&turn.loaded.state.wait, timer.token) {
            (Wait::Webhook { call, .. }, WATCHDOG) => Some(Input::Answer {
                call: *call,
                outcome: WebhookOutcome::timeout("The webhook did not answer within the block's timeout."),
            }),
            (_, WATCHDOG) => None,
            (_, token) => Some(Input::Timer { token }),
        };
        if let Some(input) = input {
            turn.run(input);
        }
        self.catch_up(&mut turn).await?;
        self.finish(turn, &mut slot).await
    }
}
