//! Plans, lanes, windows, and who waits.

use crate::domain::channel::Channel;
use crate::domain::delivery::LogRow;
use crate::domain::ids::{MessageNo, ProviderNo, RunNo, TargetNo, TopicId};
use crate::domain::message::Message;
use crate::domain::plan::{LaneCursor, LaneKey, PlanCursor, Planned, RetryCursor, Window};
use crate::domain::routing::{MoveReason, Moved};
use crate::domain::time::Timestamp;
use crate::store::dispatch::{
    Candidates, Claim, Decided, Decision, Dispatch, JournalEntry, JournalReceipt, Lane, Place, PlanStep,
    RetryStep, Unclaimed, WaitingFilter, WaitingRow, Walked,
};
use crate::store::embedded::record::decode;
use crate::store::embedded::table::{Table, View as _, everything};
use crate::store::embedded::writer::Class;
use crate::store::embedded::{Embedded, candidates, journal, plan, subscriptions, unclaimed, waiting};
use crate::store::error::Result;
use crate::store::page::Order;
use async_trait::async_trait;

#[async_trait]
impl Dispatch for Embedded {
    async fn plan_cursor(&self, message: MessageNo) -> Result<PlanCursor> {
        self.read(move |view| plan::cursor(view, message)).await
    }

    async fn append_plan(&self, step: PlanStep) -> Result<Message> {
        let at = self.shared.clock.now();
        self.write(Class::Growth, move |tx| plan::append(tx, &step, at)).await
    }

    async fn lanes(&self, provider: ProviderNo) -> Result<Vec<Lane>> {
        self.read(move |view| plan::open_lanes(view, provider)).await
    }

    async fn lanes_of(&self, message: MessageNo) -> Result<Vec<Lane>> {
        self.read(move |view| plan::lanes_of(view, message)).await
    }

    async fn candidates(
        &self,
        lane: LaneKey,
        from: LaneCursor,
        limit: usize,
        person: bool,
    ) -> Result<Option<Candidates>> {
        self.read(move |view| candidates::next(view, lane, from, limit, person)).await
    }

    async fn open_lanes(&self) -> Result<Vec<LaneKey>> {
        self.read(unclaimed::lanes).await
    }

    async fn unclaimed(&self, lane: LaneKey, from: RunNo) -> Result<Option<Unclaimed>> {
        self.read(move |view| unclaimed::next(view, lane, from)).await
    }

    async fn due_waiting(
        &self,
        lane: LaneKey,
        now: Timestamp,
        limit: usize,
        person: bool,
    ) -> Result<Option<Candidates>> {
        self.read(move |view| candidates::due(view, lane, now, limit, person)).await
    }

    async fn journal(&self, entry: JournalEntry) -> Result<JournalReceipt> {
        // Claims are refused inside when space is short; outcomes are always let in.
        self.write(Class::Essential, move |tx| journal::journal(tx, &entry)).await
    }

    async fn open_windows(&self) -> Result<Vec<Window>> {
        self.read(|view| {
            let rows = view.rows(Table::Windows, everything(), Order::Ascending, usize::MAX)?;
            rows.iter().map(|(_, bytes)| decode(bytes)).collect()
        })
        .await
    }

    async fn usage(&self, provider: ProviderNo) -> Result<Option<Vec<u8>>> {
        self.read(move |view| view.get(Table::Usage, &provider.0.to_be_bytes(), <[u8]>::to_vec)).await
    }

    async fn reassign(
        &self,
        from: Claim,
        expect: LaneCursor,
        runs: Vec<(ProviderNo, Vec<Planned>)>,
        why: MoveReason,
    ) -> Result<()> {
        let at = self.shared.clock.now();
        self.write(Class::Growth, move |tx| plan::reassign(tx, &from, expect, &runs, why, at)).await
    }

    async fn reassign_waiting(
        &self,
        lane: LaneKey,
        to: ProviderNo,
        why: MoveReason,
        from: Option<Place>,
        limit: usize,
    ) -> Result<Walked> {
        let at = self.shared.clock.now();
        self.write(Class::Growth, move |tx| {
            waiting::reassign(tx, lane, Moved { from: lane.provider, why }, to, from.as_ref(), limit, at)
        })
        .await
    }

    async fn waiting(
        &self,
        filter: WaitingFilter,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<WaitingRow>> {
        self.read(move |view| waiting::page(view, &filter, after, limit)).await
    }

    async fn decide(
        &self,
        filter: WaitingFilter,
        decision: Decision,
        from: Option<Place>,
        limit: usize,
        at: Timestamp,
    ) -> Result<Decided> {
        self.write(Class::Essential, move |tx| {
            waiting::decide(tx, &filter, decision, from.as_ref(), limit, at)
        })
        .await
    }

    async fn waiting_of(&self, message: MessageNo, target: TargetNo) -> Result<Option<WaitingRow>> {
        self.read(move |view| waiting::of(view, message, target)).await
    }

    async fn retry_cursor(&self, message: MessageNo) -> Result<RetryCursor> {
        self.read(move |view| plan::retry_cursor(view, message)).await
    }

    async fn append_retry(&self, step: RetryStep) -> Result<Message> {
        let at = self.shared.clock.now();
        self.write(Class::Growth, move |tx| plan::append_retry(tx, &step, at)).await
    }

    async fn append_log(&self, rows: Vec<LogRow>) -> Result<()> {
        self.write(Class::Essential, move |tx| {
            for row in &rows {
                tx.log.push(row);
            }
            Ok(())
        })
        .await
    }

    async fn set_expired(&self, targets: Vec<TargetNo>, expired: bool, at: Timestamp) -> Result<()> {
        self.write(Class::Essential, move |tx| {
            targets.iter().try_for_each(|no| journal::expire_target(tx, *no, expired, at))
        })
        .await
    }

    async fn audience_bound(&self, topics: &[TopicId], channel: Channel) -> Result<u64> {
        let topics = topics.to_vec();
        self.read(move |view| {
            topics.iter().map(|id| Ok(subscriptions::topic(view, id)?.totals.of(channel))).sum()
        })
        .await
    }
}
