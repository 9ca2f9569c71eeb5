//! Many, one after the other: how far, what went well, and why the rest did not.

use std::collections::VecDeque;

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::scroll;
use crate::tui::action::Action;
use crate::tui::message::{Became, Command, Item, Many, Progress};
use crate::tui::runtime::Request;
use crate::tui::state::{Overlay, State};
use crate::tui::theme::Role;
use crate::tui::view as layout;
use crate::tui::widgets::bar::{bar, percent};
use crate::tui::widgets::pen::{Pen, below, inset, wrapped};
use crate::tui::{sanitize, show};

/// What is done, or was done, to many.
#[derive(Debug, Default)]
pub struct Job {
    verb: String,
    queue: VecDeque<(String, Command)>,
    current: Option<(String, Command)>,
    /// What failed or was not its turn any more, to be done again.
    failed: Vec<(String, Command)>,
    /// The same of something that is done as a whole.
    again: Option<Command>,
    items: Vec<Item>,
    /// What came of it in a few words, where its items are no rows of it.
    said: Option<String>,
    top: usize,
    /// How far it is that is done as a whole.
    step: Option<Progress>,
    /// It was told to end.
    stopping: bool,
}

/// How many of a job are where.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    queued: usize,
    ok: usize,
    skipped: usize,
    stopped: usize,
    failed: usize,
}

impl Job {
    /// One that is over, and what does the rest of it again.
    pub fn over(verb: &str, mut items: Vec<Item>, again: Option<Command>) -> Self {
        items.sort_by(|a, b| a.became.cmp_kind(&b.became));
        Self { verb: verb.to_owned(), items, again, ..Self::default() }
    }

    /// The same of a report, with what it comes to in a few words.
    pub fn report(verb: &str, said: String, items: Vec<Item>) -> Self {
        Self { said: Some(said), ..Self::over(verb, items, None) }
    }

    /// What can be done about it now.
    pub fn hints(&self) -> &'static [Action] {
        if self.is_running() {
            &[Action::Back, Action::StopJob, Action::Copy]
        } else if self.again.is_some() || !self.failed.is_empty() {
            &[Action::Back, Action::RetryFailed, Action::Copy]
        } else {
            &[Action::Back, Action::Copy]
        }
    }

    /// Whether something of it is still to be done.
    pub fn is_running(&self) -> bool {
        self.current.is_some() || !self.queue.is_empty() || self.step.is_some()
    }

    fn counts(&self) -> Counts {
        let queued = self.queue.len() + usize::from(self.current.is_some());
        let mut counts = Counts { queued, ..Counts::default() };
        for item in &self.items {
            match item.became {
                Became::Done => counts.ok += 1,
                Became::Skipped(_) => counts.skipped += 1,
                Became::Stopped => counts.stopped += 1,
                Became::Failed(_) => counts.failed += 1,
            }
        }
        counts
    }

    /// How far it is, in a few words.
    pub fn summary(&self) -> String {
        if let Some(step) = &self.step {
            let stopping = if self.stopping { " · ending" } else { "" };
            return format!("{}: {}{stopping}", step.verb, step.text);
        }
        if let Some(said) = &self.said {
            return format!("{}: {said}", self.verb);
        }
        let Counts { queued, ok, skipped, stopped, failed } = self.counts();
        let mut parts = vec![format!("{} ok", show::count(ok as u64))];
        if queued > 0 {
            parts.insert(0, format!("{} queued", show::count(queued as u64)));
        }
        for (n, word) in [(skipped, "skipped"), (stopped, "not done")] {
            if n > 0 {
                parts.push(format!("{} {word}", show::count(n as u64)));
            }
        }
        parts.push(format!("{} failed", show::count(failed as u64)));
        format!("{}: {}", self.verb, parts.join(" · "))
    }
}

/// Says so where another job is under way; a second one would take its place.
pub fn is_busy(state: &mut State) -> bool {
    let busy = state.job.as_ref().is_some_and(Job::is_running);
    if busy {
        let key = layout::key_of(state, Action::Jobs);
        state.complain(format!("Another job is under way; {key} shows it."));
    }
    busy
}

/// Begins, unless another one is under way.
pub fn begin(state: &mut State, many: Many) {
    if is_busy(state) {
        return;
    }
    let Many { verb, queue, left_out } = many;
    state.job = Some(Job { verb: verb.to_owned(), queue: queue.into(), items: left_out, ..Job::default() });
    if !matches!(state.overlays.last(), Some(Overlay::Job)) {
        state.overlays.push(Overlay::Job);
    }
    next(state);
}

fn next(state: &mut State) {
    let Some(job) = &mut state.job else { return };
    job.current = job.queue.pop_front();
    if let Some((_, command)) = &job.current {
        let command = command.clone();
        state.command(command);
    }
}

/// Takes note of what came of a command, if it is the job's. Says whether it was.
pub fn took(state: &mut State, command: &Command, problem: Option<&str>) -> bool {
    let Some(job) = &mut state.job else { return false };
    if job.current.as_ref().is_none_or(|(_, current)| current != command) {
        return false;
    }
    if let Some((what, command)) = job.current.take() {
        match problem {
            None => job.items.push(Item::done(what)),
            Some(problem) => {
                job.items.push(Item::failed(what.clone(), problem));
                job.failed.push((what, command));
            }
        }
    }
    next(state);
    if let Some(job) = state.job.as_mut().filter(|job| !job.is_running()) {
        job.items.sort_by(|a, b| a.became.cmp_kind(&b.became));
        let summary = job.summary();
        state.say(summary);
        unmark(state);
    }
    true
}

/// Takes note of how far something is that takes long: the form or review that asked
/// for it makes room for the job.
pub fn progress(state: &mut State, step: Progress) {
    let running = state.job.as_ref().is_some_and(|job| job.step.is_some());
    if !running {
        let asked = match state.overlays.last() {
            Some(Overlay::Form(form)) => form.is_busy(),
            Some(Overlay::Review(review)) => review.is_busy(),
            _ => false,
        };
        if asked {
            state.overlays.pop();
        }
        state.job = Some(Job { verb: step.verb.to_owned(), ..Job::default() });
        state.overlays.push(Overlay::Job);
    }
    if let Some(job) = &mut state.job {
        job.step = Some(step);
    }
}

/// What took long is over: what came of it is shown in the place of how far it was.
pub fn step_over(state: &mut State, command: &Command) {
    if !command.takes_long() {
        return;
    }
    let Some(job) = state.job.as_mut().filter(|job| job.step.is_some()) else { return };
    job.step = None;
    job.stopping = false;
    if matches!(state.overlays.last(), Some(Overlay::Job)) {
        state.overlays.pop();
    }
}

fn unmark(state: &mut State) {
    state.messages.list.unmark();
    state.topics.list.unmark();
    state.topics.subscribers.unmark();
    state.targets.list.unmark();
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> bool {
    let height = usize::from(layout::body(state.size).height.saturating_sub(2));
    match action {
        Action::Back | Action::Open | Action::Quit => {
            state.overlays.pop();
            return true;
        }
        _ => {}
    }
    let Some(job) = &mut state.job else { return false };
    match action {
        Action::StopJob if job.step.is_some() => {
            job.stopping = true;
            state.end_what_takes_long();
        }
        Action::StopJob if job.is_running() => {
            let left = std::mem::take(&mut job.queue);
            let n = left.len() as u64;
            job.items.extend(left.iter().map(|(what, _)| Item::stopped(what)));
            job.failed.extend(left);
            state.say(format!("Stopped; {} left as they were.", show::counted(n, "rows")));
        }
        Action::StopJob => state.say("Nothing is under way."),
        Action::RetryFailed if job.is_running() => state.say("It is still under way."),
        Action::RetryFailed if job.again.is_some() => {
            if let Some(command) = job.again.take() {
                state.overlays.pop();
                state.command(command);
            }
        }
        Action::RetryFailed if job.failed.is_empty() => {
            state.say("None of them failed in a way to try again.");
        }
        Action::RetryFailed => {
            job.queue = std::mem::take(&mut job.failed).into();
            job.items.retain(|item| !matches!(item.became, Became::Failed(_) | Became::Stopped));
            job.top = 0;
            next(state);
        }
        Action::Copy => {
            let lines = job.items.iter().map(|item| match item.why_not() {
                None => format!("{}\tok", item.what),
                Some(problem) => format!("{}\t{problem}", item.what),
            });
            let text = lines.collect::<Vec<_>>().join("\n");
            state.request(Request::Copy(text));
        }
        _ => return scroll(&mut job.top, action, height, job.items.len()),
    }
    true
}

/// Draws it.
pub fn view(pen: &mut Pen<'_, '_>, state: &State, body: Rect) {
    let Some(job) = &state.job else { return };
    let area = inset(body, 1);
    let queued = job.counts().queued;
    let all = job.items.len() + queued;
    let mut line = vec![pen.span(job.summary(), Role::TEXT_STRONG)];
    if let Some(step) = &job.step {
        line.push(pen.span("   ", Role::TEXT));
        match step.all {
            Some(all) => {
                line.extend(bar(pen, step.done, all, 20));
                line.push(pen.span(format!(" {} %", percent(step.done, all)), Role::TEXT));
            }
            None => line.push(pen.span(show::bytes(step.done), Role::TEXT)),
        }
    }
    if queued > 0 {
        line.push(pen.span("   ", Role::TEXT));
        line.extend(bar(pen, job.items.len() as u64, all as u64, 20));
    }
    pen.row(area, 0, &Line::from(line));
    let area = below(area, 2);
    let mut row = 0;
    for item in job.items.iter().skip(job.top) {
        if row >= usize::from(area.height) {
            break;
        }
        let role = match item.became {
            Became::Done => Role::STATE_OK,
            Became::Failed(_) => Role::STATE_FAILED,
            Became::Skipped(_) | Became::Stopped => Role::STATE_SKIPPED,
        };
        let what = pen.state(role, &item.what);
        let Some(why) = item.why_not() else {
            // What it says is read whole too.
            let mark = what.width().saturating_sub(sanitize::width(&item.what));
            let mut lines =
                wrapped(&item.what, usize::from(area.width).saturating_sub(2 * mark).max(1)).into_iter();
            let head = pen.state(role, &lines.next().unwrap_or_default());
            pen.row(area, row, &Line::from(head));
            row += 1;
            for rest in lines {
                pen.text(inset(area, mark as u16), row, rest, role);
                row += 1;
            }
            continue;
        };
        // A reason is read whole: beside what it is of, or below it.
        let beside = what.width() + 3 + sanitize::width(why);
        if beside <= usize::from(area.width) {
            pen.row(area, row, &Line::from(vec![what, pen.span(format!("   {why}"), Role::TEXT)]));
            row += 1;
        } else {
            pen.row(area, row, &Line::from(what));
            row = pen.paragraph(inset(area, 2), row + 1, why, Role::TEXT);
        }
    }
}
