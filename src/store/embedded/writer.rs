//! The one writer: takes operations, commits them in groups, and answers when
//! the commit is durable.
//!
//! A commit that fails may have landed all the same. Every group therefore
//! writes its number; after a failure the file is opened again, and the group is
//! replayed if its number is not there. Callers of a group wait meanwhile; new
//! work is refused.

use super::chores::step;
use super::fail::{Attempt, DiskFailure, Fail};
use super::rows::Rows;
use super::shared::Shared;
use super::tx::Tx;
use crate::store::error::{Result, StoreError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// The longest pause between two attempts to mend a suspended store.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long a store that is to close still tries to write.
const LAST_TRIES: Duration = Duration::from_secs(1);
/// How often a store that has given up its reserve looks for space.
const LOOK_FOR_SPACE: Duration = Duration::from_millis(500);
/// The most operations of one group.
const MOST_OPERATIONS: usize = 8192;

/// Whether an operation is let in when space is short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Makes something new: refused while the reserve is given up.
    Growth,
    /// Records what has happened, ends something or frees space: always let in.
    Essential,
}

/// What became of an operation within a group.
enum Ran {
    /// It is written.
    Done,
    /// It was refused.
    Refused,
    /// The disk failed.
    Disk(DiskFailure),
}

/// An operation that waits for its group.
pub(super) trait Job: Send {
    /// Runs it, again if need be.
    fn run(&mut self, tx: &mut Tx<'_>) -> Attempt<()>;
    /// Refuses it for good.
    fn refuse(&mut self, error: StoreError);
    /// Whether it was refused for good.
    fn is_refused(&self) -> bool;
    /// Its class.
    fn class(&self) -> Class;
    /// Answers the caller.
    fn answer(self: Box<Self>);
}

/// An operation of a closure.
pub(super) struct Operation<R, F> {
    class: Class,
    run: F,
    result: Option<Result<R>>,
    refused: bool,
    reply: Option<oneshot::Sender<Result<R>>>,
}

impl<R, F> Operation<R, F>
where
    R: Send + 'static,
    F: FnMut(&mut Tx<'_>) -> Attempt<R> + Send + 'static,
{
    /// An operation, and where its answer arrives.
    pub(super) fn waiting(class: Class, run: F) -> (Box<dyn Job>, oneshot::Receiver<Result<R>>) {
        let (reply, answer) = oneshot::channel();
        (Box::new(Self { class, run, result: None, refused: false, reply: Some(reply) }), answer)
    }
}

impl<R, F> Job for Operation<R, F>
where
    R: Send + 'static,
    F: FnMut(&mut Tx<'_>) -> Attempt<R> + Send + 'static,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Attempt<()> {
        self.result = Some(Ok((self.run)(tx)?));
        Ok(())
    }

    fn refuse(&mut self, error: StoreError) {
        self.refused = true;
        self.result = Some(Err(error));
    }

    fn is_refused(&self) -> bool {
        self.refused
    }

    fn class(&self) -> Class {
        self.class
    }

    fn answer(mut self: Box<Self>) {
        if let (Some(reply), Some(result)) = (self.reply.take(), self.result.take()) {
            // A caller that no longer waits wants no answer.
            let _ = reply.send(result);
        }
    }
}

/// What the writer is told.
pub(super) enum Order {
    /// Do this.
    Work(Box<dyn Job>),
    /// The log waits for a commit.
    Wake,
    /// Finish, and end.
    Close(oneshot::Sender<()>),
}

/// How an attempt to commit a group ended.
enum Tried {
    /// It is durable.
    Committed,
    /// An operation left something half done and was refused: the others are run again.
    Again,
    /// The disk failed; the group had this number.
    Failed(DiskFailure, u64),
}

/// The writer's own state.
pub(super) struct Writer {
    shared: Arc<Shared>,
    /// Chores that are not done, as of the last commit.
    chores: u64,
    /// Work that came while the disk failed.
    backlog: Vec<Box<dyn Job>>,
}

impl Writer {
    /// The writer of an open store.
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, chores: 1, backlog: Vec::new() }
    }

    /// Takes orders until told to close.
    pub(super) fn run(mut self, orders: &Receiver<Order>, longest: Duration) {
        loop {
            let mut jobs = std::mem::take(&mut self.backlog);
            let first = if !jobs.is_empty() {
                Some(Order::Wake)
            } else if self.chores > 0 || self.shared.log.is_ready() {
                match orders.try_recv() {
                    Ok(order) => Some(order),
                    Err(TryRecvError::Empty) => None,
                    Err(TryRecvError::Disconnected) => return,
                }
            } else {
                let pause = if self.shared.is_tight() { LOOK_FOR_SPACE } else { Duration::from_hours(1) };
                match orders.recv_timeout(pause) {
                    Ok(order) => Some(order),
                    Err(RecvTimeoutError::Timeout) => {
                        self.shared.look_for_space();
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            };
            match first {
                Some(Order::Work(job)) => jobs.push(job),
                Some(Order::Wake) if !jobs.is_empty() => {}
                Some(Order::Wake) => continue,
                Some(Order::Close(done)) => {
                    self.shared.shut();
                    let _ = done.send(());
                    return;
                }
                None => {
                    if let Err(failure) = self.housekeep() {
                        tracing::warn!(cause = failure.cause, "the store's housekeeping waits for the disk");
                        std::thread::sleep(Duration::from_millis(200));
                    }
                    continue;
                }
            }
            let begun = Instant::now();
            let mut close = None;
            let mut more = || {
                if close.is_some() || begun.elapsed() >= longest {
                    return None;
                }
                loop {
                    match orders.try_recv() {
                        Ok(Order::Work(job)) => return Some(job),
                        Ok(Order::Wake) => {}
                        Ok(Order::Close(done)) => {
                            close = Some(done);
                            return None;
                        }
                        Err(_) => return None,
                    }
                }
            };
            let mut tried = self.attempt(&mut jobs, &mut more);
            let mut pause = Duration::from_millis(5);
            let mut closing: Option<Instant> = None;
            let written = loop {
                match tried {
                    Tried::Committed => break true,
                    Tried::Again => {}
                    Tried::Failed(failure, group) => {
                        self.shared.suspend(&failure);
                        self.chores = 1;
                        let mended = self.shared.mend(&failure, group);
                        if matches!(mended, Ok(true)) {
                            break true;
                        }
                        if close.is_some() || self.shared.is_closing() {
                            let since = *closing.get_or_insert_with(Instant::now);
                            if since.elapsed() >= LAST_TRIES {
                                jobs.append(&mut self.backlog);
                                give_up(&mut jobs, &failure);
                                break false;
                            }
                        }
                        wait(orders, pause, &mut self.backlog, &mut close);
                        pause = (pause * 2).min(LONGEST_PAUSE);
                        if let Err(again) = mended {
                            tried = Tried::Failed(again, group);
                            continue;
                        }
                    }
                }
                tried = self.attempt(&mut jobs, &mut || None);
            };
            if written {
                self.shared.recovered();
            }
            for job in jobs {
                job.answer();
            }
            if let Some(done) = close {
                self.shared.shut();
                let _ = done.send(());
                return;
            }
        }
    }

    /// Runs one job in the caller, for stores without a writer thread.
    pub(super) async fn inline(&mut self, job: Box<dyn Job>) {
        let mut jobs = vec![job];
        let mut pause = Duration::from_millis(5);
        let mut tried = self.attempt(&mut jobs, &mut || None);
        loop {
            match tried {
                Tried::Committed => break,
                Tried::Again => {}
                Tried::Failed(failure, group) => {
                    self.shared.suspend(&failure);
                    self.chores = 1;
                    let mended = self.shared.mend(&failure, group);
                    if !matches!(mended, Ok(true)) && self.shared.is_closing() {
                        give_up(&mut jobs, &failure);
                        for job in jobs {
                            job.answer();
                        }
                        return;
                    }
                    match mended {
                        Ok(true) => break,
                        Ok(false) => {}
                        Err(again) => {
                            tokio::time::sleep(pause).await;
                            pause = (pause * 2).min(LONGEST_PAUSE);
                            tried = Tried::Failed(again, group);
                            continue;
                        }
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
            tried = self.attempt(&mut jobs, &mut || None);
        }
        self.shared.recovered();
        self.shared.look_for_space();
        for job in jobs {
            job.answer();
        }
        loop {
            // A failure of sealing shows in the log's health; the rows are safe in the main file.
            let worked = self.shared.log.work().unwrap_or(false);
            if !worked && self.chores == 0 && !self.shared.log.is_ready() {
                break;
            }
            if self.housekeep().is_err() {
                break;
            }
        }
    }

    /// One step of what was put off.
    fn housekeep(&mut self) -> Result<(), DiskFailure> {
        let (job, _answer) = Operation::waiting(Class::Essential, step);
        match self.attempt(&mut vec![job], &mut || None) {
            Tried::Committed | Tried::Again => Ok(()),
            Tried::Failed(failure, group) => {
                self.shared.suspend(&failure);
                // Chores are safe to run twice, so it does not matter whether it landed.
                self.shared.mend(&failure, group)?;
                self.shared.recovered();
                Err(failure)
            }
        }
    }

    /// Runs jobs and those that come meanwhile, and commits.
    fn attempt(
        &mut self,
        jobs: &mut Vec<Box<dyn Job>>,
        more: &mut dyn FnMut() -> Option<Box<dyn Job>>,
    ) -> Tried {
        let mut group = 0;
        match self.try_group(jobs, more, &mut group) {
            Ok(true) => Tried::Committed,
            Ok(false) => Tried::Again,
            Err(Fail::Disk(failure)) => Tried::Failed(failure, group),
            Err(Fail::Refused(error)) => {
                Tried::Failed(DiskFailure { cause: error.to_string(), full: false }, group)
            }
        }
    }

    fn try_group(
        &mut self,
        jobs: &mut Vec<Box<dyn Job>>,
        more: &mut dyn FnMut() -> Option<Box<dyn Job>>,
        group: &mut u64,
    ) -> Attempt<bool> {
        let txn = self.shared.begin_write()?;
        let tight = self.shared.tight_cause();
        let mut tx = Tx::begin(&txn, tight.is_some(), Rows::default())?;
        let mut idle = false;
        *group = tx.counts.group + 1;
        for job in jobs.iter_mut() {
            match run_job(job.as_mut(), &mut tx, tight.as_deref()) {
                (Ran::Disk(failure), _) => return Err(Fail::Disk(failure)),
                (Ran::Refused, true) => return Ok(false),
                _ => {}
            }
        }
        while jobs.len() < MOST_OPERATIONS {
            let Some(mut job) = more() else {
                idle = true;
                break;
            };
            let (ran, half_done) = run_job(job.as_mut(), &mut tx, tight.as_deref());
            jobs.push(job);
            match ran {
                Ran::Disk(failure) => return Err(Fail::Disk(failure)),
                Ran::Refused if half_done => return Ok(false),
                _ => {}
            }
        }
        tx.finish()?;
        let (touched, chores) = (tx.touched, tx.counts.chores);
        let (rows, keep) = (std::mem::take(&mut tx.log), tx.keep);
        drop(tx);
        self.shared.commit(txn, &rows, keep, touched, idle)?;
        self.chores = chores;
        Ok(true)
    }
}

/// Refuses what cannot be written while the store closes. Nobody was promised any of it.
fn give_up(jobs: &mut [Box<dyn Job>], failure: &DiskFailure) {
    let lost = jobs.iter().filter(|job| !job.is_refused()).count();
    tracing::error!(
        cause = failure.cause,
        lost,
        "the store closes although it cannot write: what it had not confirmed yet is not recorded, and \
         what was being sent is in doubt at the next start"
    );
    for job in jobs.iter_mut().filter(|job| !job.is_refused()) {
        job.refuse(StoreError::Suspended { cause: failure.cause.clone() });
    }
}

/// Waits before the next attempt; keeps work that comes meanwhile, and hears when the store is to close.
fn wait(
    orders: &Receiver<Order>,
    pause: Duration,
    backlog: &mut Vec<Box<dyn Job>>,
    close: &mut Option<oneshot::Sender<()>>,
) {
    if close.is_some() {
        std::thread::sleep(pause.min(LAST_TRIES / 10));
        return;
    }
    let until = Instant::now() + pause;
    while close.is_none() {
        match orders.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Order::Work(job)) => backlog.push(job),
            Ok(Order::Wake) => {}
            Ok(Order::Close(done)) => *close = Some(done),
            Err(RecvTimeoutError::Timeout) => return,
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(until.saturating_duration_since(Instant::now()));
                return;
            }
        }
    }
}

/// Runs a job; says also whether it left something half done.
fn run_job(job: &mut dyn Job, tx: &mut Tx<'_>, tight: Option<&str>) -> (Ran, bool) {
    if job.is_refused() {
        return (Ran::Refused, false);
    }
    if let (Some(cause), Class::Growth) = (tight, job.class()) {
        job.refuse(StoreError::Suspended { cause: cause.to_owned() });
        return (Ran::Refused, false);
    }
    let (writes, rows) = (tx.writes(), tx.log.len());
    // A panic is a mistake in one operation; the others of the group must not pay for it.
    let ran = catch_unwind(AssertUnwindSafe(|| job.run(tx)));
    let panicked = ran.is_err();
    match ran.unwrap_or_else(|_| Err(Fail::damaged("an operation of the store panicked"))) {
        Ok(()) => (Ran::Done, false),
        Err(Fail::Disk(failure)) => (Ran::Disk(failure), true),
        Err(Fail::Refused(error)) => {
            let half_done = tx.writes() != writes || tx.log.len() != rows || panicked;
            // It stays refused when the others are run again: they see what they saw.
            job.refuse(error);
            (Ran::Refused, half_done)
        }
    }
}
