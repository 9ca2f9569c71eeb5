//! `herald send …`: writes a message, and drafts, schedules or sends it.

use super::{Desk, message, text_of};
use crate::cli::args::{Send, SendCommon};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::grouped;
use crate::cli::signals;
use crate::domain::content::Priority;
use crate::domain::reason::Why;
use crate::domain::time::{Clock as _, SystemClock, Timestamp};
use crate::settings::{Bytes, SettingValue as _};
use crate::wire::message::{Envelope, Message, ScheduleWords, State, WriteEmail, WritePush, WriteSms};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// Creates the message; with `--wait` stays until it is over.
pub async fn run(desk: &Desk, what: Send) -> Outcome {
    let common = what.common();
    let bulk = matches!(&what, Send::Email(_)) && !common.topics.is_empty() && !common.draft;
    check_link(desk, bulk, common.without_unsubscribe).await?;
    let undoable = is_undoable(desk, common);
    let attached = match &what {
        Send::Email(mail) => attach(desk, &mail.attach).await?,
        _ => Vec::new(),
    };
    let sent = write(desk, what, &attached).await;
    if sent.is_err() && !attached.is_empty() {
        // Nothing names them: they would lie there for nobody.
        desk.client.discard_brought(&attached).await.ok();
    }
    let (made, wait) = sent?;
    let undo = made.scheduled_at.filter(|due| *due > desk.now && undoable);
    if let Some(due) = undo {
        desk.out.note(format!(
            "starts at {}; until then `herald message unschedule {}` takes it back (--now does not wait)",
            desk.show(due),
            made.id
        ))?;
    }
    if !wait {
        return message::report(desk, &made);
    }
    desk.out.note(format!("message {}", made.id))?;
    let ended = follow(desk, made).await?;
    desk.out.either(&ended, |ended| {
        let mut text = format!("{} {}: {}", ended.id, ended.state.as_str(), message::counts(&ended.progress));
        for cause in &ended.delivery_errors {
            text.push_str("\n  ");
            text.push_str(cause);
        }
        text
    })?;
    let progress = ended.progress;
    let missed = progress.planned.saturating_sub(progress.accepted + progress.skipped);
    if missed > 0 || progress.accepted == 0 {
        let who =
            if missed == 1 { "1 person was".to_owned() } else { format!("{} people were", grouped(missed)) };
        return Err(Failure::Incomplete(format!("{who} not accepted")));
    }
    Ok(())
}

/// Writes the message; says whether it is waited for.
async fn write(desk: &Desk, what: Send, attached: &[String]) -> Outcome<(Message, bool)> {
    Ok(match what {
        Send::Email(mail) => {
            let content = match (&mail.body, &mail.body_file) {
                (Some(body), _) => body.clone(),
                (None, Some(file)) => text_of(file)?,
                (None, None) => return Err(Failure::Usage("a mail needs --body or --body-file".into())),
            };
            let write = WriteEmail {
                envelope: envelope(desk, &mail.common).await?,
                subject: Some(mail.subject),
                content: Some(content),
                html: Some(mail.html),
                cc: (!mail.cc.is_empty()).then_some(mail.cc),
                bcc: (!mail.bcc.is_empty()).then_some(mail.bcc),
                attachments: (!attached.is_empty()).then(|| attached.to_vec()),
            };
            (desk.client.create_email(&write).await?, mail.common.wait)
        }
        Send::Sms(sms) => {
            let write = WriteSms { envelope: envelope(desk, &sms.common).await?, content: Some(sms.body) };
            (desk.client.create_sms(&write).await?, sms.common.wait)
        }
        Send::Push(push) => {
            let data = match push.data.as_deref().map(serde_json::from_str) {
                Some(Ok(serde_json::Value::Object(map))) => Some(map),
                Some(_) => return Err(Failure::Usage("--data is not a JSON object".into())),
                None => None,
            };
            let write = WritePush {
                envelope: envelope(desk, &push.common).await?,
                title: push.title,
                body: push.body,
                data,
                action: push.action,
                badge: push.badge,
                priority: push
                    .priority
                    .map(|word| if word == "high" { Priority::High } else { Priority::Normal }),
                ..WritePush::default()
            };
            (desk.client.create_push(&write).await?, push.common.wait)
        }
    })
}

/// Brings files of this machine to the store, once it is known that they are there and small
/// enough together.
async fn attach(desk: &Desk, files: &[PathBuf]) -> Outcome<Vec<String>> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let mut sum = 0;
    for file in files {
        let named = |error: std::io::Error| Failure::Usage(format!("--attach {}: {error}", file.display()));
        let about = tokio::fs::metadata(file).await.map_err(named)?;
        if !about.is_file() {
            return Err(Failure::Usage(format!("--attach {}: this is no file", file.display())));
        }
        sum += about.len();
    }
    // Who may send and not look at the settings hears of the limit from the API.
    let settings = desk.client.settings().await.unwrap_or_default();
    let limit = settings.iter().find(|row| row.name == "send.attachments");
    if let Some(Bytes(limit)) = limit.and_then(|row| Bytes::read(&row.value))
        && sum > limit
    {
        return Err(Failure::Usage(format!(
            "the attachments have {} bytes together, and a mail takes {} (setting send.attachments)",
            grouped(sum),
            grouped(limit)
        )));
    }
    let mut brought: Vec<String> = Vec::with_capacity(files.len());
    for file in files {
        desk.out.note(format!("bringing {}", file.display()))?;
        match desk.client.bring_file(file).await {
            Ok(stored) => brought.push(stored.at()),
            Err(error) => {
                desk.client.discard_brought(&brought).await.ok();
                return Err(error.into());
            }
        }
    }
    Ok(brought)
}

/// Refuses mail to topics that would carry no link to leave them, unless that was waived.
pub async fn check_link(desk: &Desk, bulk_mail: bool, waived: bool) -> Outcome {
    if !bulk_mail || waived {
        return Ok(());
    }
    let settings = match desk.client.settings().await {
        Ok(settings) => settings,
        // Who may send and not look at the settings is not held up by them.
        Err(error) if matches!(error.status(), Some(401 | 403)) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let unset =
        |row: &crate::wire::overview::SettingRow| row.name == "api.public_url" && row.value.is_empty();
    if settings.iter().any(unset) {
        return Err(Failure::Refused(
            "mail to topics would carry no link to leave them: set api.public_url to where recipients \
             reach the API, or say --without-unsubscribe"
                .into(),
        ));
    }
    Ok(())
}

/// Whether there is time to undo it: somebody is there to do so, or that was said.
fn is_undoable(desk: &Desk, common: &SendCommon) -> bool {
    let watched = common.undo || desk.out.is_watched();
    watched && common.at.is_none() && !common.draft && !common.now && !desk.undo.is_zero()
}

async fn envelope(desk: &Desk, common: &SendCommon) -> Outcome<Envelope> {
    let mut targets = Vec::with_capacity(common.targets.len());
    for target in &common.targets {
        targets.push(desk.target(target).await?.id.to_string());
    }
    let mut envelope = Envelope {
        message_id: Some(common.id.clone().unwrap_or_else(|| "unique()".into())),
        topics: (!common.topics.is_empty()).then(|| common.topics.clone()),
        users: (!common.users.is_empty()).then(|| common.users.clone()),
        targets: (!targets.is_empty()).then_some(targets),
        draft: Some(common.draft),
        variables: common.variables.then_some(true),
        confirmed: common.confirm,
        ..Envelope::default()
    };
    let mut due = desk.now;
    if is_undoable(desk, common) {
        envelope.undo = u32::try_from(desk.undo.as_secs()).ok();
    }
    if let Some(words) = &common.at {
        let when = desk.when(words)?;
        desk.out.note(when.echo.to_string())?;
        due = Timestamp::from_utc(when.at);
        envelope.scheduled_at = Some(due);
        envelope.schedule_words = Some(ScheduleWords { words: words.clone(), zone: when.zone.name().into() });
    }
    if let Some(text) = &common.expires {
        let span = span(text)
            .ok_or_else(|| Failure::Usage(format!("--expires: `{text}` is no span, such as 4h or 3d")))?;
        envelope.expires_at = Some(due.plus(span));
    }
    Ok(envelope)
}

/// A span such as `90m`, `4h`, `3d`.
fn span(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let number: u64 = text[..text.len() - unit.len_utf8()].parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

/// Shows progress until the message is over, or until ctrl-c, which leaves it as it is.
async fn follow(desk: &Desk, made: Message) -> Outcome<Message> {
    let mut events = desk.client.events();
    let mut now = made;
    let mut end = std::pin::pin!(signals::ended());
    loop {
        now = desk.client.message(&now.id).await?;
        if let Some(engine) = &desk.own
            && now.state == State::Scheduled
            && now.scheduled_at.is_none_or(|due| due <= SystemClock.now())
        {
            // Nobody else runs: this message alone is sent from here.
            engine.send_now(&now.id).await.map_err(|error| Failure::Failed(error.to_string()))?;
            continue;
        }
        if desk.out.is_terminal() {
            let mut err = std::io::stderr().lock();
            write!(err, "\r\x1b[K{} {}", now.state.as_str(), message::counts(&now.progress))?;
            err.flush()?;
        }
        if now.state.is_over() {
            break;
        }
        let decision = now.why.as_ref().is_some_and(|why| matches!(why.why, Why::HeldUncertain { .. }));
        let at_rest = decision && now.progress.open() == now.progress.held + now.progress.undecided;
        if at_rest || matches!(now.state, State::Held | State::Draft) {
            let why = now.why.as_ref().map_or("it is held", |why| why.text.as_str());
            return Err(Failure::Incomplete(format!("message {} {why}", now.id)));
        }
        tokio::select! {
            event = events.next() => { event?; }
            // A message that waits for a retry changes nothing until then.
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            () = &mut end => return Err(Failure::Interrupted),
        }
    }
    if desk.out.is_terminal() {
        let mut err = std::io::stderr().lock();
        write!(err, "\r\x1b[K")?;
    }
    Ok(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        assert_eq!(span("4h"), Some(Duration::from_hours(4)));
        assert_eq!(span("90m"), Some(Duration::from_mins(90)));
        assert_eq!(span("3 d"), None);
        assert_eq!(span("h"), None);
        assert_eq!(span(""), None);
        assert_eq!(span("99999999999999999999d"), None);
    }
}
