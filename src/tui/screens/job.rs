//! What became of each of many: how many went well, and why the others did not.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::scroll;
use crate::tui::action::Action;
use crate::tui::message::Item;
use crate::tui::runtime::Request;
use crate::tui::show;
use crate::tui::state::{Overlay, State};
use crate::tui::theme::Role;
use crate::tui::view as layout;
use crate::tui::widgets::pen::{Pen, below, inset};

/// What was done to many.
#[derive(Debug)]
pub struct Job {
    title: String,
    items: Vec<Item>,
    top: usize,
}

impl Job {
    /// One that is over. What went wrong stands first.
    pub fn done(verb: &str, mut items: Vec<Item>) -> Self {
        items.sort_by_key(|item| item.problem.is_none());
        let failed = items.iter().filter(|item| item.problem.is_some()).count();
        let title = format!(
            "{verb}: {} ok · {} failed",
            show::count((items.len() - failed) as u64),
            show::count(failed as u64)
        );
        Self { title, items, top: 0 }
    }
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> bool {
    let height = usize::from(layout::body(state.size).height.saturating_sub(2));
    let Some(Overlay::Job(job)) = state.overlays.last_mut() else { return false };
    match action {
        Action::Back | Action::Open | Action::Quit => {
            state.overlays.pop();
            true
        }
        Action::Copy => {
            let lines = job.items.iter().map(|item| match &item.problem {
                None => item.what.clone(),
                Some(problem) => format!("{}\t{problem}", item.what),
            });
            let text = lines.collect::<Vec<_>>().join("\n");
            state.request(Request::Copy(text));
            true
        }
        _ => scroll(&mut job.top, action, height, job.items.len()),
    }
}

/// Draws it.
pub fn view(pen: &mut Pen<'_, '_>, job: &Job, body: Rect) {
    let area = inset(body, 1);
    pen.text(area, 0, &job.title, Role::TEXT_STRONG);
    let area = below(area, 2);
    for (n, item) in job.items.iter().skip(job.top).take(usize::from(area.height)).enumerate() {
        let role = if item.problem.is_some() { Role::STATE_FAILED } else { Role::STATE_OK };
        let mut spans = vec![pen.state(role, &item.what)];
        if let Some(problem) = &item.problem {
            spans.push(pen.span(format!("   {problem}"), Role::TEXT));
        }
        pen.row(area, n, &Line::from(spans));
    }
}
