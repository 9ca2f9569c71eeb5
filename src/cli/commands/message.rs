//! `herald message …`

use super::{Desk, follow_up, send};
use crate::cli::args::MessageAction;
use crate::cli::failure::Outcome;
use crate::cli::output::{Table, grouped};
use crate::client::Whom;
use crate::domain::channel::Channel;
use crate::domain::message::Progress;
use crate::wire::delivery::{Delivery, DeliveryRequest};
use crate::wire::message::{
    Envelope, Message, MessageDetail, Retry, ScheduleWords, WriteEmail, WritePush, WriteSms,
};
use crate::wire::operation::OperationAction;
use crate::wire::preview::Preview;
use std::fmt::Write as _;

/// Whether it is mail to topics, which should carry a link to leave them.
fn is_bulk_mail(message: &Message) -> bool {
    message.provider_type == Channel::Email && !message.topics.is_empty()
}

/// Does one of the actions.
pub async fn run(desk: &Desk, action: MessageAction) -> Outcome {
    let client = &desk.client;
    match action {
        MessageAction::List(page) => {
            let list = client.messages(&desk.list(&page)).await?;
            desk.out.either(&list, |list| table(desk, list.items()))?;
        }
        MessageAction::Show { id } => {
            let detail = client.message_detail(&id).await?;
            desk.out.either(&detail, |detail| describe(desk, detail))?;
        }
        MessageAction::Preview { id } => {
            let preview = client.preview_message(&id).await?;
            desk.out.either(&preview, preview_text)?;
        }
        MessageAction::Send { id, confirm, without_unsubscribe } => {
            let message = client.message(&id).await?;
            send::check_link(desk, is_bulk_mail(&message), without_unsubscribe).await?;
            let envelope = Envelope { draft: Some(false), confirmed: confirm, ..revised(&message) };
            report(desk, &update(desk, &message, envelope).await?)?;
        }
        MessageAction::Schedule { id, at, without_unsubscribe } => {
            let when = desk.when(&at)?;
            let message = client.message(&id).await?;
            send::check_link(desk, is_bulk_mail(&message), without_unsubscribe).await?;
            let envelope = Envelope {
                draft: Some(false),
                scheduled_at: Some(crate::domain::time::Timestamp::from_utc(when.at)),
                schedule_words: Some(ScheduleWords { words: at, zone: when.zone.name().into() }),
                ..revised(&message)
            };
            desk.out.note(when.echo.to_string())?;
            report(desk, &update(desk, &message, envelope).await?)?;
        }
        MessageAction::Unschedule { id } => report(desk, &client.undo_message(&id).await?)?,
        MessageAction::Pause { id } => report(desk, &client.pause_message(&id).await?)?,
        MessageAction::Resume { id } => report(desk, &client.resume_message(&id).await?)?,
        MessageAction::Hold { id } => report(desk, &client.hold_message(&id, None).await?)?,
        MessageAction::Release { id } => report(desk, &client.release_message(&id, None).await?)?,
        MessageAction::Cancel { id } => report(desk, &client.cancel_message(&id).await?)?,
        MessageAction::Retry { id: None, filter, how, .. } => {
            let filter = filter.unwrap_or_default();
            super::operation::run(desk, OperationAction::Retry, filter, None, how).await?;
        }
        MessageAction::Retry { id: Some(id), how, provider, .. } => {
            let provider_id = provider.map(|id| id.parse()).transpose()?;
            let retry = Retry { uncertain: how.uncertain, provider_id, ..Retry::default() };
            let done = client.retry_message(&id, &retry).await?;
            desk.out.either(&done, |done| {
                let mut text = match done.recipients {
                    1 => "1 recipient is tried again".to_owned(),
                    many => format!("{} recipients are tried again", grouped(many)),
                };
                for left in &done.left_out {
                    let _ = write!(text, "; {} left out: {}", grouped(left.count), left.reason);
                }
                text
            })?;
        }
        MessageAction::Correct { id } => follow_up::run(desk, &id, Whom::Untried).await?,
        MessageAction::FollowUp { id } => follow_up::run(desk, &id, Whom::Reached).await?,
        MessageAction::Duplicate { id } => report(desk, &client.duplicate_message(&id).await?)?,
        MessageAction::Deliveries { id, page } => {
            let request = DeliveryRequest {
                message: Some(id.parse()?),
                filter: page.filter,
                limit: Some(page.limit),
                ..DeliveryRequest::default()
            };
            let found = client.deliveries(&request).await?;
            desk.out.either(&found, |found| deliveries(desk, &found.deliveries))?;
        }
        MessageAction::Delete { id } => {
            client.throw_away(&id.parse()?).await?;
            desk.out.say(format!("deleted message {id}"))?;
        }
    }
    Ok(())
}

fn revised(message: &Message) -> Envelope {
    Envelope { revision: Some(message.revision), ..Envelope::default() }
}

/// Changes what all types have.
async fn update(desk: &Desk, message: &Message, envelope: Envelope) -> Outcome<Message> {
    Ok(match message.provider_type {
        Channel::Email => {
            desk.client.update_email(&message.id, &WriteEmail { envelope, ..WriteEmail::default() }).await?
        }
        Channel::Sms => {
            desk.client.update_sms(&message.id, &WriteSms { envelope, ..WriteSms::default() }).await?
        }
        Channel::Push => {
            desk.client.update_push(&message.id, &WritePush { envelope, ..WritePush::default() }).await?
        }
    })
}

/// Says how a message stands, after something was done to it.
pub fn report(desk: &Desk, message: &Message) -> Outcome {
    desk.out.either(message, |message| {
        let why = message.why.as_ref().map(|why| format!(": it {}", why.text)).unwrap_or_default();
        format!("{} {}{why}", message.id, message.state.as_str())
    })?;
    Ok(())
}

fn table(desk: &Desk, messages: &[Message]) -> String {
    if messages.is_empty() {
        return "no messages: write one with `herald send email --topic … --subject … --body …`".into();
    }
    let mut table = Table::new(&["Id", "State", "Type", "Subject or text", "#Done", "When"]);
    for message in messages {
        let progress = &message.progress;
        table.row([
            message.id.as_str(),
            message.state.as_str(),
            message.provider_type.as_str(),
            &crate::domain::sanitize::fit(message.headline(), 40),
            &format!("{}/{}", grouped(progress.accepted), grouped(progress.planned)),
            &desk.show_maybe(message.scheduled_at.or(message.delivered_at)),
        ]);
    }
    table.render()
}

/// The counts in one line; they add up to the plan.
pub fn counts(progress: &Progress) -> String {
    let mut parts = vec![
        format!("accepted {}", grouped(progress.accepted)),
        format!("failed {}", grouped(progress.failed)),
        format!("uncertain {}", grouped(progress.uncertain)),
    ];
    if progress.undecided > 0 {
        parts.push(format!("({} of them wait for a decision)", grouped(progress.undecided)));
    }
    for (word, count) in [
        ("retrying", progress.retrying),
        ("held", progress.held),
        ("expired", progress.expired),
        ("left out", progress.skipped),
        ("cancelled", progress.cancelled),
        ("in flight", progress.in_flight()),
        ("to go", progress.untouched()),
    ] {
        if count > 0 {
            parts.push(format!("{word} {}", grouped(count)));
        }
    }
    format!("{} of {}", parts.join(" · "), grouped(progress.planned))
}

fn describe(desk: &Desk, detail: &MessageDetail) -> String {
    let message = &detail.message;
    let mut text = format!(
        "{}\n  id         {}\n  type       {}\n  state      {}\n",
        message.headline(),
        message.id,
        message.provider_type,
        message.state.as_str()
    );
    if let Some(why) = &message.why {
        let _ = writeln!(text, "  why        it {}", why.text);
    }
    let audience: Vec<_> = message
        .topics
        .iter()
        .map(ToString::to_string)
        .chain(message.users.iter().map(|user| format!("user {user}")))
        .chain(message.targets.iter().map(|target| format!("target {target}")))
        .collect();
    let _ = writeln!(text, "  audience   {}", audience.join(", "));
    let _ = writeln!(text, "  due        {}", desk.show_maybe(message.scheduled_at));
    let _ = writeln!(text, "  too late   {}", desk.show_maybe(message.expires_at));
    let _ = writeln!(text, "  ended      {}", desk.show_maybe(message.delivered_at));
    let _ = writeln!(text, "  people     {}", counts(&message.progress));
    for lane in &detail.lanes {
        let provider = lane.provider_id.as_ref().map_or("no provider", |id| id.as_str());
        let _ = writeln!(text, "  through    {provider}: {}", counts(&lane.progress));
    }
    for cause in &message.delivery_errors {
        let _ = writeln!(text, "  cause      {cause}");
    }
    text
}

fn preview_text(preview: &Preview) -> String {
    let mut text = format!("{} people", grouped(preview.recipients));
    if preview.cut_short {
        text.push_str(" at least");
    }
    text.push('\n');
    for topic in &preview.topics {
        let _ = writeln!(text, "  in         {}: {}", topic.topic_id, grouped(topic.count));
    }
    if preview.duplicates > 0 {
        let _ = writeln!(text, "  in several, one copy: −{}", grouped(preview.duplicates));
    }
    for left in &preview.left_out {
        let _ = writeln!(text, "  left out   {}: {}", left.reason, grouped(left.count));
    }
    for share in &preview.providers {
        let name = share.provider_id.as_ref().map_or("no provider", |id| id.as_str());
        let rules = if share.prefixes.is_empty() {
            String::new()
        } else {
            format!(" (numbers of {})", share.prefixes.join(", "))
        };
        let _ = writeln!(text, "  through    {name}: {}{rules}", grouped(share.recipients));
    }
    if let Some(seconds) = preview.seconds {
        let _ = writeln!(text, "  takes      about {seconds:.0} s");
    }
    text
}

/// Deliveries as a table, newest first.
pub fn deliveries(desk: &Desk, rows: &[Delivery]) -> String {
    if rows.is_empty() {
        return "nothing was sent, and nothing left out, that fits".into();
    }
    let mut table = Table::new(&["When", "Outcome", "To", "Message", "Provider", "#Try", "Answer"]);
    for row in rows {
        table.row([
            desk.show(row.at).as_str(),
            row.outcome.as_str(),
            &row.address,
            row.message_id.as_ref().map_or("–", |id| id.as_str()),
            row.provider_id.as_ref().map_or("–", |id| id.as_str()),
            &row.attempt.to_string(),
            &answer(row),
        ]);
    }
    table.render()
}

/// What was said of a delivery: the reason it was left out, or the answer.
pub fn answer(row: &Delivery) -> String {
    if let Some(skip) = row.skip {
        return skip.as_str().to_owned();
    }
    let said = row.answer.lines().next().unwrap_or("");
    row.instead().map_or_else(|| said.to_owned(), |instead| format!("{said} ({instead})"))
}
