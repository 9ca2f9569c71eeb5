//! Importing people: a file in steps, each step one transaction.

use super::error::{Outcome, Refusal};
use crate::domain::audit::Actor;
use crate::domain::channel::Channel;
use crate::domain::ids::{ImportId, TopicId};
use crate::domain::import::{Decoder, FileError, ImportOptions, ImportRow, Outcome as Read, Rejects};
use crate::domain::validate::Invalid;
use crate::engine::Engine;
use crate::store::people::{ImportCounts, ImportPerson, ImportRecord};
use crate::wire::ErrorType;
use bytes::Bytes;
use std::collections::BTreeMap;

/// People that one transaction writes.
const STEP: usize = 500;

/// So many refused lines are worth a report of their own.
const REJECTS: usize = 1000;

/// How a file is imported.
#[derive(Debug, Clone, Default)]
pub struct ImportPlan {
    /// The file's name.
    pub source: String,
    /// How it is read.
    pub options: ImportOptions,
    /// A topic that everybody is subscribed to.
    pub topic: Option<TopicId>,
    /// Read and report, write nothing.
    pub dry_run: bool,
    /// Lines to pass over.
    pub skip_lines: u64,
}

/// A line that was refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RejectedLine {
    /// Its number.
    pub line: u64,
    /// Why.
    pub reason: String,
    /// As it stands in the file; empty when it could be read and was refused later.
    pub original: String,
    /// As it goes into a file of refused lines, with its line break.
    pub record: String,
}

/// How far an import has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportStep {
    /// Its id; `None`: nothing is written.
    pub id: Option<ImportId>,
    /// What was found about the file.
    pub detected: String,
    /// Lines read.
    pub lines: u64,
    /// Bytes read.
    pub bytes: u64,
    /// People read.
    pub rows: u64,
    /// What was made. `refused` is empty: see `rejects`.
    pub counts: ImportCounts,
    /// What was repaired, in how many rows.
    pub repaired: BTreeMap<String, u64>,
    /// What stands above the refused lines in a file of them; empty: nothing.
    pub rejects_header: String,
    /// Lines refused since the last report.
    pub rejects: Vec<RejectedLine>,
    /// Lines refused in all.
    pub refused: u64,
    /// It is through.
    pub done: bool,
}

/// An import on its way: bytes in, reports out.
pub struct Importer {
    engine: Engine,
    by: Actor,
    plan: ImportPlan,
    decoder: Decoder,
    people: Vec<ImportPerson>,
    step: ImportStep,
    refused_by_store: u64,
}

fn person(row: ImportRow, topic: Option<&TopicId>) -> ImportPerson {
    let addresses = [(Channel::Email, row.email), (Channel::Sms, row.phone), (Channel::Push, row.push)];
    let mut topics = row.topics;
    if let Some(topic) = topic
        && !topics.contains(topic)
    {
        topics.push(topic.clone());
    }
    ImportPerson {
        line: row.line,
        user: row.user_id,
        derived: row.derived_id,
        name: row.name.unwrap_or_default(),
        addresses: addresses.into_iter().filter_map(|(c, address)| Some((c, address?))).collect(),
        push_provider: row.push_provider,
        topics,
    }
}

/// Adds what a step made.
fn add(total: &mut ImportCounts, step: &ImportCounts) {
    total.users += step.users;
    total.targets += step.targets;
    total.subscriptions += step.subscriptions;
    total.topics += step.topics;
    total.renamed += step.renamed;
    total.unchanged += step.unchanged;
}

impl Engine {
    /// Begins an import. It has an id as soon as somebody of it is written: a file that cannot be read
    /// leaves nothing.
    pub fn begin_import(&self, by: &Actor, plan: ImportPlan) -> Importer {
        let decoder = Decoder::new(plan.options.clone());
        Importer {
            engine: self.clone(),
            by: by.clone(),
            plan,
            decoder,
            people: Vec::new(),
            step: ImportStep::default(),
            refused_by_store: 0,
        }
    }

    /// Takes back what an import made and nobody has used since.
    pub async fn undo_import(&self, by: &Actor, id: &ImportId) -> Outcome<ImportRecord> {
        let known = |records: Vec<ImportRecord>| records.into_iter().find(|record| record.id == *id);
        let missing = || Refusal::new(ErrorType::ImportNotFound, format!("There is no import {id}"));
        let record = known(self.store().imports(usize::MAX).await?).ok_or_else(missing)?;
        if record.undone.is_some() {
            return Err(Refusal::not_now(format!("Import {id} has been undone already")));
        }
        let audit =
            self.entry(by, "import.undo", format_args!("import/{id}"), format!("“{}”", record.source));
        self.store().undo_import(id, audit).await?;
        known(self.store().imports(usize::MAX).await?).ok_or_else(missing)
    }
}

impl Importer {
    /// Takes more of the file and writes what it holds; says how far it has come
    /// when something was written.
    pub async fn push(&mut self, bytes: &Bytes) -> Outcome<Option<ImportStep>> {
        self.step.bytes += bytes.len() as u64;
        let mut reported = None;
        // Small pieces, so that a large chunk never holds all its rows at once.
        for piece in bytes.chunks(64 << 10) {
            self.decoder.push(piece).map_err(|error| unreadable(&error))?;
            if self.take(STEP).await? {
                reported = Some(self.report(false));
            }
        }
        Ok(reported)
    }

    /// Writes the rest.
    pub async fn finish(&mut self) -> Outcome<ImportStep> {
        self.decoder.finish().map_err(|error| unreadable(&error))?;
        self.take(1).await?;
        Ok(self.report(true))
    }

    /// How far it has come, after an error.
    pub fn interrupted(&mut self) -> ImportStep {
        self.report(false)
    }

    /// The file ended before its end: what was read whole is written, so that what is told is
    /// what is there. The same file again goes on behind it.
    pub async fn broken_off(&mut self) -> Outcome<ImportStep> {
        self.take(1).await?;
        Ok(self.report(false))
    }

    /// Takes outcomes, and writes whenever at least `least` people are there.
    async fn take(&mut self, least: usize) -> Outcome<bool> {
        let mut wrote = false;
        while let Some(outcome) = self.decoder.next_outcome() {
            match outcome {
                Read::Row(row) if row.line <= self.plan.skip_lines => {}
                Read::Row(row) => {
                    self.people.push(person(row, self.plan.topic.as_ref()));
                    if self.people.len() >= STEP {
                        self.write().await?;
                        wrote = true;
                    }
                }
                Read::Refused(refusal) if refusal.line <= self.plan.skip_lines => {}
                Read::Refused(refusal) => {
                    let record = self.rejects_file().map(|file| file.record(&refusal)).unwrap_or_default();
                    self.step.rejects.push(RejectedLine {
                        line: refusal.line,
                        reason: refusal.reason.to_string(),
                        original: refusal.original,
                        record,
                    });
                    wrote |= self.step.rejects.len() >= REJECTS;
                }
            }
        }
        if self.people.len() >= least {
            self.write().await?;
            wrote = true;
        }
        Ok(wrote)
    }

    /// How a file of refused lines looks; `None`: the file's shape is not known yet.
    fn rejects_file(&self) -> Option<Rejects> {
        self.decoder.detected().map(Rejects::new)
    }

    /// Notes that there is such an import.
    async fn begin(&mut self) -> Outcome<ImportId> {
        let id = ImportId::new(self.engine.new_id())?;
        let source = self.plan.source.clone();
        let summary = format!("“{source}”");
        let audit = self.engine.entry(&self.by, "import.create", format_args!("import/{id}"), summary);
        self.engine.store().begin_import(id.clone(), source, audit).await?;
        self.step.id = Some(id.clone());
        Ok(id)
    }

    async fn write(&mut self) -> Outcome<()> {
        let people = std::mem::take(&mut self.people);
        if self.plan.dry_run || people.is_empty() {
            return Ok(());
        }
        let now = self.engine.now();
        let id = match &self.step.id {
            Some(id) => id.clone(),
            None => self.begin().await?,
        };
        let counts = self.engine.store().import_people(&id, people, now).await?;
        add(&mut self.step.counts, &counts);
        self.refused_by_store += counts.refused.len() as u64;
        for (line, reason) in counts.refused {
            let record =
                self.rejects_file().map(|file| file.refused_later(line, &reason)).unwrap_or_default();
            self.step.rejects.push(RejectedLine { line, reason, original: String::new(), record });
        }
        Ok(())
    }

    fn report(&mut self, done: bool) -> ImportStep {
        let counts = self.decoder.counts();
        self.step.lines = counts.lines();
        self.step.rows = counts.rows;
        self.step.refused = counts.refused + self.refused_by_store;
        self.step.repaired = counts.repairs().map(|(repair, count)| (repair.to_string(), count)).collect();
        self.step.detected = self.decoder.detected().map(ToString::to_string).unwrap_or_default();
        self.step.rejects_header = self.rejects_file().and_then(|file| file.header()).unwrap_or_default();
        self.step.done = done;
        let step = self.step.clone();
        self.step.rejects.clear();
        step
    }
}

fn unreadable(error: &FileError) -> Refusal {
    match error {
        FileError::UnknownHeader { .. } => Invalid::value("map", error.to_string()).into(),
        _ => Refusal::new(ErrorType::ArgumentInvalid, format!("The file cannot be read: {error}")),
    }
}
