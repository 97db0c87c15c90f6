//! A webhook that a conversation waits for has answered, or will not: what the scenario makes of it and the delivery's
//! outcome are one commit.

use super::store::Loaded;
use super::turn::Turn;
use crate::Engine;
use crate::deliveries::Ended;
use crate::webhook_answers;
use kanca_domain::scenario::{Input, Wait};
use kanca_storage::StorageError;
use kanca_storage::deliveries::{Outcome, Recorded, Waiter};

impl Engine {
    /// Gives an answer to its conversation, unless that does not wait for it any more: then it is only recorded.
    pub(crate) async fn conversation_answered(
        &self,
        waiter: &Waiter,
        ended: &Ended,
        outcome: &Outcome,
    ) -> Result<Recorded, StorageError> {
        let slot = self.conversations.slot(waiter.conversation_id);
        let mut slot = slot.lock().await;
        match self.give_answer(waiter, ended, outcome, &mut slot).await {
            // What is stored now decides, such as that the bot was deleted.
            Err(StorageError::Conflict(_)) => self.give_answer(waiter, ended, outcome, &mut slot).await,
            other => other,
        }
    }

    async fn give_answer(
        &self,
        waiter: &Waiter,
        ended: &Ended,
        outcome: &Outcome,
        slot: &mut Option<Loaded>,
    ) -> Result<Recorded, StorageError> {
        let loaded = self.load_conversation(waiter.conversation_id, slot).await;
        let waiting = loaded.map_err(|e| StorageError::from(&e))?.filter(|loaded| {
            let call = matches!(&loaded.state.wait, Wait::Webhook { call, .. } if *call == waiter.call);
            call && !loaded.record.ended
        });
        let Some(loaded) = waiting.map(|loaded| loaded.clone()) else {
            return self.storage.record_outcome(outcome).await;
        };
        let mappings = webhook_answers::mappings(&loaded.scenario, loaded.state.wait.block());
        let answer = webhook_answers::outcome(ended, mappings);
        let mut turn = Turn::new(self, loaded);
        turn.run(Input::Answer { call: waiter.call, outcome: answer });
        self.catch_up(&mut turn).await.map_err(|e| StorageError::from(&e))?;
        *slot = None;
        let (loaded, recorded) = turn.commit(Some(outcome.clone())).await?;
        *slot = Some(loaded);
        recorded.ok_or_else(|| StorageError::Internal("a turn's outcome was not recorded".into()))
    }
}
