//! What is being written, as its recipient reads it.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::tui::action::Action;
use crate::tui::message::Writing;
use crate::tui::reading;
use crate::tui::sanitize;
use crate::tui::screens::scroll;
use crate::tui::state::{Overlay, State};
use crate::tui::theme::Role;
use crate::tui::view as layout;
use crate::tui::widgets::pen::{Pen, below, inset};
use crate::wire::message::{Data, EmailData, PushData, SmsData};

/// A text that is read.
#[derive(Debug)]
pub struct Reading {
    title: String,
    lines: Vec<String>,
    top: usize,
}

/// Shows what is being written.
pub fn open(state: &mut State) {
    let Some(compose) = &state.compose else { return };
    let data = match compose.writing() {
        Ok(writing) => data(writing),
        Err((_, problem)) => {
            state.complain(problem);
            return;
        }
    };
    let columns = usize::from(state.size.0).saturating_sub(4);
    let lines = reading::lines(&data, columns);
    let title = compose.headline();
    state.overlays.push(Overlay::Reading(Reading { title, lines, top: 0 }));
}

fn data(writing: Writing) -> Data {
    match writing {
        Writing::Email(mail) => Data::Email(EmailData {
            subject: mail.subject.unwrap_or_default(),
            content: mail.content.unwrap_or_default(),
            html: mail.html.unwrap_or_default(),
            ..EmailData::default()
        }),
        Writing::Sms(sms) => Data::Sms(SmsData { content: sms.content.unwrap_or_default() }),
        Writing::Push(push) => Data::Push(Box::new(PushData {
            title: push.title.filter(|text| !text.is_empty()),
            body: push.body.filter(|text| !text.is_empty()),
            data: push.data.filter(|data| !data.is_empty()),
            action: push.action.filter(|text| !text.is_empty()),
            icon: push.icon.filter(|text| !text.is_empty()),
            sound: push.sound.filter(|text| !text.is_empty()),
            color: push.color.filter(|text| !text.is_empty()),
            tag: push.tag.filter(|text| !text.is_empty()),
            badge: push.badge,
            content_available: push.content_available.unwrap_or_default(),
            critical: push.critical.unwrap_or_default(),
            priority: push.priority.unwrap_or_default(),
            image: None,
        })),
    }
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> bool {
    let height = usize::from(layout::body(state.size).height.saturating_sub(2));
    let Some(Overlay::Reading(reading)) = state.overlays.last_mut() else { return false };
    match action {
        Action::Back | Action::LeaveField | Action::Quit | Action::Open => {
            state.overlays.pop();
            true
        }
        _ => scroll(&mut reading.top, action, height, reading.lines.len()),
    }
}

/// Draws it.
pub fn view(pen: &mut Pen<'_, '_>, reading: &Reading, body: Rect) {
    let area = inset(body, 1);
    pen.text(area, 0, &reading.title, Role::TEXT_STRONG);
    let area = below(area, 2);
    for (n, line) in reading.lines.iter().skip(reading.top).take(usize::from(area.height)).enumerate() {
        let text = sanitize::fit(line, usize::from(area.width)).into_owned();
        pen.row(area, n, &Line::styled(text, pen.style(Role::TEXT_CODE)));
    }
}
