//! How much may be claimed, and how trains are cut.

use super::dispatcher::Dispatcher;
use crate::engine::breaker::Permit;
use crate::engine::core::lock;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use tokio::time::Instant;

/// The most recipients that are claimed at once, whatever the rate.
const MOST: usize = 32_768;
/// How long a worker may be busy with a train of single recipients: whoever comes next waits as long.
const TRAIN_TIME: Duration = Duration::from_millis(25);

/// How many recipients may be claimed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// By any message.
    pub(super) all: usize,
    /// By messages that have nobody claimed.
    pub(super) newcomers: usize,
}

impl Dispatcher {
    /// How many recipients a worker takes at once.
    pub(super) fn train(&self) -> usize {
        let Some(link) = &self.link else { return 1 };
        let most = link.adapter.train().max(1).min(self.limit().unwrap_or(usize::MAX));
        let most = if link.kind.batch > 1 || link.kind.idempotency.is_some() || self.rate <= 0.0 {
            most
        } else {
            let workers = self.desk.concurrency.load(SeqCst).max(1) as f64;
            let each = self.rate / workers * TRAIN_TIME.as_secs_f64();
            most.min((each as usize).max(1))
        };
        lock(&self.desk.pacer).train(most)
    }

    fn limit(&self) -> Option<usize> {
        let window = self.provider.as_ref()?.limits.window?;
        Some((window as usize).max(1))
    }

    /// The most recipients that are claimed without a recorded outcome.
    pub(super) fn window(&self) -> usize {
        if let Some(limit) = self.limit() {
            return limit;
        }
        let Some(link) = &self.link else { return 1 };
        let base = self.desk.concurrency.load(SeqCst).max(1) * link.adapter.train().max(1);
        base.max((self.rate * self.ahead().as_secs_f64()) as usize).min(MOST)
    }

    /// Two commits' time.
    fn ahead(&self) -> Duration {
        self.core.config.commit_interval.max(self.commit_time) * 2
    }

    /// How many recipients may be claimed now: by everybody, and by messages that have nobody claimed.
    /// An eighth of the window is kept for those, so that nobody waits behind a million.
    pub(super) fn room(&mut self, now: Instant) -> Room {
        let window = self.window();
        let mut newcomers = window.saturating_sub(self.claimed);
        if self.quota.limited() {
            newcomers = newcomers.min(usize::try_from(self.quota.room(now)).unwrap_or(usize::MAX));
        }
        match self.breaker.permit(now) {
            Permit::Open => {}
            // Nobody else is under way while one train tries the way.
            Permit::Probe if self.desk.in_hand.load(SeqCst) + self.desk.at_hand() == 0 => {
                newcomers = newcomers.min(self.train());
            }
            Permit::Probe | Permit::Wait(_) => newcomers = 0,
        }
        let mut all = newcomers.min((window - window / 8).saturating_sub(self.claimed));
        let mut ahead = window;
        if let Some(lookahead) = lock(&self.desk.pacer).lookahead(self.ahead()) {
            ahead = lookahead;
            all = all.min(lookahead.saturating_sub(self.desk.at_hand()));
        }
        // A few at a time are not worth a commit, unless somebody stands idle.
        let interval = self.core.config.commit_interval;
        let rested = |share: u32| now >= self.last_commit + interval / share;
        let idle = self.desk.hungry.load(SeqCst) && (rested(10) || all * 4 >= ahead.min(window));
        let worth = self.claimed == 0 || idle || (rested(2) && all * 2 >= ahead.min(window));
        if !worth {
            all = 0;
        }
        Room { all, newcomers }
    }

    /// How many recipients should have been read ahead.
    pub(super) fn wanted(&self) -> usize {
        let window = self.window();
        let wanted = match lock(&self.desk.pacer).lookahead(self.ahead()) {
            Some(ahead) => ahead.min(window),
            None => window,
        };
        (wanted * 2).clamp(1, MOST)
    }

    /// Whether outcomes must be recorded now.
    pub(super) fn due_to_record(&self, now: Instant) -> bool {
        let Some(oldest) = self.verdicts.oldest() else { return false };
        now >= oldest + self.core.config.commit_interval
            || self.verdicts.pending() * 2 >= self.window()
            || self.verdicts.pending() + self.verdicts.kept_back() >= self.claimed
    }
}
