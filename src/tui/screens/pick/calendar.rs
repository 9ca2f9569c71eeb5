//! A month, to choose a day from.

use chrono::{Datelike, Days, Months, NaiveDate};
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::domain::when;
use crate::tui::action::Action;
use crate::tui::screens::{compose, form};
use crate::tui::state::{Overlay, State};
use crate::tui::theme::Role;
use crate::tui::widgets::pen::{Pen, inset};

/// The time of day that is proposed when none was said.
const MORNING: &str = "09:00";

/// The calendar, over the field that says when.
#[derive(Debug)]
pub struct Calendar {
    today: NaiveDate,
    day: NaiveDate,
    time: String,
}

/// Opens it on the day that the field says, else tomorrow.
pub fn open(state: &mut State) {
    let today = state.now.with_timezone(&state.zone).date_naive();
    let words = match state.overlays.last() {
        Some(Overlay::Form(form)) => form.when().unwrap_or_default().to_owned(),
        _ => state.compose.as_ref().map(|one| one.text(compose::Part::When).to_owned()).unwrap_or_default(),
    };
    let said = when::parse(&words, state.now, state.zone).ok().filter(|said| said.at > state.now);
    let (day, time) = match said {
        Some(said) => {
            let local = said.at.with_timezone(&state.zone);
            (local.date_naive(), local.format("%H:%M").to_string())
        }
        None => (today + Days::new(1), MORNING.to_owned()),
    };
    state.overlays.push(Overlay::Calendar(Calendar { today, day, time }));
}

fn moved(day: NaiveDate, action: Action) -> Option<NaiveDate> {
    match action {
        Action::MoveLeft => day.checked_sub_days(Days::new(1)),
        Action::MoveRight => day.checked_add_days(Days::new(1)),
        Action::MoveUp => day.checked_sub_days(Days::new(7)),
        Action::MoveDown => day.checked_add_days(Days::new(7)),
        Action::PageUp => day.checked_sub_months(Months::new(1)),
        Action::PageDown => day.checked_add_months(Months::new(1)),
        _ => None,
    }
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> bool {
    let Some(Overlay::Calendar(calendar)) = state.overlays.last_mut() else { return false };
    match action {
        Action::Open | Action::Accept => {
            let words = format!("{} {}", calendar.day, calendar.time);
            state.overlays.pop();
            match state.overlays.last_mut() {
                Some(Overlay::Form(_)) => form::set_when(state, &words),
                _ => compose::set_when(state, &words),
            }
        }
        Action::Back | Action::LeaveField | Action::Quit => {
            state.overlays.pop();
        }
        Action::Top => calendar.day = calendar.today,
        _ => match moved(calendar.day, action) {
            // Nothing is scheduled into the past.
            Some(day) => calendar.day = day.max(calendar.today),
            None => return false,
        },
    }
    true
}

/// Draws it.
pub fn view(pen: &mut Pen<'_, '_>, calendar: &Calendar, body: Rect) {
    let area = inset(body, 1);
    let day = calendar.day;
    pen.text(area, 0, day.format("%B %Y").to_string(), Role::TEXT_STRONG);
    pen.text(area, 2, " Mon Tue Wed Thu Fri Sat Sun", Role::TEXT_DIM);
    let Some(first) = day.with_day(1) else { return };
    let mut shown = first - Days::new(u64::from(first.weekday().num_days_from_monday()));
    for week in 0..6 {
        let mut spans = Vec::new();
        for _ in 0..7 {
            let role = if shown == day {
                Role::ROW_SELECTED
            } else if shown < calendar.today || shown.month() != day.month() {
                Role::TEXT_DIM
            } else if shown == calendar.today {
                Role::ACCENT
            } else {
                Role::TEXT
            };
            let text =
                if shown.month() == day.month() { format!("{:>3}", shown.day()) } else { "   ".into() };
            spans.push(pen.span(" ", Role::TEXT));
            spans.push(pen.span(text, role));
            shown = shown + Days::new(1);
        }
        pen.row(area, 3 + week, &Line::from(spans));
    }
    pen.text(area, 10, format!("{} {}", day.format("%A %-d %B"), calendar.time), Role::TEXT);
    pen.text(area, 11, "Enter takes the day; the time can be changed after it.", Role::TEXT_DIM);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_end_where_they_end() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(moved(day("2026-01-31"), Action::PageDown), Some(day("2026-02-28")));
        assert_eq!(moved(day("2026-03-01"), Action::MoveLeft), Some(day("2026-02-28")));
        assert_eq!(moved(day("2026-12-28"), Action::MoveDown), Some(day("2027-01-04")));
        assert_eq!(moved(day("2026-12-28"), Action::Quit), None);
    }
}
