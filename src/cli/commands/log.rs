//! `herald log`: the delivery log, also as it grows.

use super::{Desk, message};
use crate::cli::args::Log;
use crate::cli::failure::{Failure, Outcome};
use crate::domain::time::Timestamp;
use crate::wire::delivery::{Delivery, DeliveryRequest};
use crate::wire::event::Event;

/// The most rows that a page of following takes.
const PAGE: usize = 500;

/// Shows the newest rows; with `--follow` goes on until interrupted.
pub async fn run(desk: &Desk, log: Log) -> Outcome {
    let mut parts = Vec::new();
    parts.extend(log.filter.map(|filter| format!("({filter})")));
    if let Some(since) = &log.since {
        parts.push(format!("since={}", since_filter(desk, since)?));
    }
    let request = DeliveryRequest {
        message: log.message.map(|id| id.parse()).transpose()?,
        address: log.to,
        filter: (!parts.is_empty()).then(|| parts.join(" and ")),
        limit: Some(log.limit.max(1)),
        ..DeliveryRequest::default()
    };
    // The stream first: what happens while the page is read is seen as well.
    let mut events = desk.client.events();
    let mut page = desk.client.deliveries(&request).await?;
    page.deliveries.reverse();
    show(desk, &page.deliveries, log.follow)?;
    if page.cut_short && !log.follow {
        desk.out.note(format!("looked at {} rows; narrow it with --since or --message", page.scanned))?;
    }
    if !log.follow {
        return Ok(());
    }
    let mut seen = page
        .deliveries
        .last()
        .map_or(page.head.saturating_sub(1), |row| row.seq.max(page.head.saturating_sub(1)));
    loop {
        tokio::select! {
            event = events.next() => match event? {
                Event::Changed(_) | Event::Reset(_) => {}
            },
            stop = tokio::signal::ctrl_c() => {
                stop?;
                return Ok(());
            }
        }
        loop {
            let newer = DeliveryRequest {
                after: Some(seen),
                ascending: Some(true),
                limit: Some(PAGE),
                ..request.clone()
            };
            let page = desk.client.deliveries(&newer).await?;
            show(desk, &page.deliveries, true)?;
            let last = page.deliveries.last().map(|row| row.seq).max(page.next);
            match (last, page.next) {
                (Some(last), Some(_)) if last > seen => seen = last,
                (last, _) => {
                    seen = seen.max(last.unwrap_or(seen));
                    break;
                }
            }
        }
    }
}

/// `1h` stays a span; other words become an instant.
fn since_filter(desk: &Desk, words: &str) -> Outcome<String> {
    let span = words.len() > 1
        && words.ends_with(|c: char| "smhdw".contains(c))
        && words[..words.len() - 1].bytes().all(|byte| byte.is_ascii_digit());
    if span {
        return Ok(words.to_owned());
    }
    if let Some(at) = Timestamp::parse(words) {
        return Ok(format!("\"{at}\""));
    }
    let _ = desk;
    Err(Failure::Usage(format!(
        "--since: `{words}` is neither a span (1h, 2d) nor a date (2026-11-20, 2026-11-20 09:00)"
    )))
}

fn show(desk: &Desk, rows: &[Delivery], lines: bool) -> Outcome {
    if desk.out.json() {
        for row in rows {
            desk.out.line(row)?;
        }
    } else if lines {
        for row in rows {
            let twice = if row.possibly_twice { " (possibly twice)" } else { "" };
            desk.out.say(format!(
                "{}  {:<14} {}  {}  {}{twice}",
                desk.show(row.at),
                row.outcome.as_str(),
                row.address,
                row.message_id.as_ref().map_or("–", |id| id.as_str()),
                message::answer(row)
            ))?;
        }
    } else {
        desk.out.say(message::deliveries(desk, rows).trim_end())?;
    }
    Ok(())
}
