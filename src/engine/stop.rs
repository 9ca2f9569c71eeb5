//! Stopping: all sending at once by an operator, and the engine itself.

use super::Engine;
use super::control::audit;
use super::error::Result;
use crate::domain::audit::Actor;
use crate::store::StoreError;
use crate::store::history::Flags;
use std::time::Duration;
use tokio::time::Instant;

/// How long answers that were given up may take to be recorded.
const LAST_COMMITS: Duration = Duration::from_secs(5);

/// How a hand-over ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Everything that was in flight had its answer. Else what was left counts as lost answers,
    /// and the messages' policies decide.
    pub clean: bool,
}

impl Engine {
    /// The store's switches.
    pub fn flags(&self) -> Flags {
        self.core.flags.borrow().clone()
    }

    async fn switch(
        &self,
        actor: &Actor,
        event: &str,
        summary: &str,
        change: impl FnOnce(&mut Flags),
    ) -> Result<Flags> {
        let core = &self.core;
        let mut flags = core.store.flags().await?;
        change(&mut flags);
        let entry = audit(self.now(), actor, event, "engine", summary);
        core.store.put_flags(flags.clone(), entry).await?;
        core.flags.send_replace(flags.clone());
        core.touch_all();
        Ok(flags)
    }

    /// Stops all sending, until somebody lifts it; restarts do not. What is in flight finishes.
    pub async fn stop_sending(&self, actor: &Actor) -> Result<Flags> {
        let stopped = (actor.name.clone(), self.now());
        self.switch(actor, "engine.stop", "all sending stopped", |flags| {
            flags.stopped.get_or_insert(stopped);
        })
        .await
    }

    /// Lifts [`Engine::stop_sending`].
    pub async fn resume_sending(&self, actor: &Actor) -> Result<Flags> {
        self.switch(actor, "engine.resume", "sending resumed", |flags| flags.stopped = None).await
    }

    /// Lets a store that is a restored copy send again. Its messages stay held, each until it is released.
    pub async fn release_restored(&self, actor: &Actor) -> Result<Flags> {
        self.switch(actor, "engine.release", "the restored copy may send", |flags| flags.restored = None)
            .await
    }

    /// Reads the switches again: another process may have set them.
    pub async fn reread_flags(&self) -> Result<Flags> {
        let flags = self.core.store.flags().await?;
        if *self.core.flags.borrow() != flags {
            self.core.flags.send_replace(flags.clone());
            self.core.touch_all();
        }
        Ok(flags)
    }

    /// Ends the engine in good order: claims nothing more, waits at most `limit` for what is in flight,
    /// records it, and leaves the store open. What has no answer by then counts as lost.
    pub async fn drain(&self, limit: Duration) -> Drained {
        let core = &self.core;
        core.closing.cancel();
        core.touch_all();
        core.tracker.close();
        let until = Instant::now() + limit;
        if tokio::time::timeout_at(until, core.tracker.wait()).await.is_ok() {
            return Drained { clean: true };
        }
        core.giving_up.cancel();
        core.touch_all();
        let _ = tokio::time::timeout(LAST_COMMITS, core.tracker.wait()).await;
        Drained { clean: false }
    }

    /// [`Engine::drain`], then closes the store: another process may open it.
    pub async fn hand_over(&self, limit: Duration) -> Result<Drained> {
        let drained = self.drain(limit).await;
        match self.core.store.close().await {
            Ok(()) | Err(StoreError::Closed) => Ok(drained),
            Err(error) => Err(error.into()),
        }
    }

    /// Stops at once, as a crash would: nothing more is sent or recorded by this handle's tasks once
    /// they have noticed. What was in flight is in doubt for whoever opens the store next.
    pub fn abandon(&self) {
        self.core.closing.cancel();
        self.core.giving_up.cancel();
    }
}
