//! The HTTP request that a command is: what a script would send instead.

use serde::Serialize;
use serde_json::{Value, json};

use super::message::{Command, Writing};
use crate::wire::message::Envelope;

/// Method, path and body, as one line to read and to copy; for what is done to many, a
/// line for each.
pub fn of(command: &Command) -> Option<String> {
    let message = |id: &dyn AsRef<str>, verb: &str| {
        line("POST", &format!("/v1/herald/messages/{}/{verb}", id.as_ref()), &json!({}))
    };
    Some(match command {
        Command::Send { id, channel, confirmed, undo, at, revision, .. } => {
            let envelope = Envelope {
                draft: Some(false),
                scheduled_at: at.as_ref().map(|(at, _)| *at),
                schedule_words: at.as_ref().map(|(_, words)| words.clone()),
                confirmed: Some(*confirmed),
                undo: at.is_none().then_some(*undo),
                revision: Some(*revision),
                ..Envelope::default()
            };
            line("PATCH", &format!("/v1/messaging/messages/{channel}/{id}"), &envelope)
        }
        Command::SaveDraft { id, what, .. } => {
            let (kind, body) = match &**what {
                Writing::Email(mail) => ("email", to(mail)),
                Writing::Sms(sms) => ("sms", to(sms)),
                Writing::Push(push) => ("push", to(push)),
            };
            match id {
                Some(id) => line("PATCH", &format!("/v1/messaging/messages/{kind}/{id}"), &body),
                None => line("POST", &format!("/v1/messaging/messages/{kind}"), &body),
            }
        }
        Command::Pause(id) => message(id, "pause"),
        Command::Resume(id) => message(id, "resume"),
        Command::Cancel(id) => message(id, "cancel"),
        Command::Undo(id) => message(id, "undo"),
        Command::Duplicate(id) => message(id, "duplicate"),
        Command::Release(id, revision) => {
            line("POST", &format!("/v1/herald/messages/{id}/release"), &json!({ "revision": revision }))
        }
        Command::Hold(id, revision) => {
            line("POST", &format!("/v1/herald/messages/{id}/hold"), &json!({ "revision": revision }))
        }
        Command::Retry(id, retry) => line("POST", &format!("/v1/herald/messages/{id}/retry"), retry),
        Command::Decide(decide) => line("POST", "/v1/herald/waiting/decide", decide),
        Command::ConfirmOperation(id, count) => {
            line("POST", &format!("/v1/herald/operations/{id}/confirm"), &json!({ "count": count }))
        }
        Command::DeleteMessage(id, _) => format!("DELETE /v1/messaging/messages/{id}"),
        Command::DeleteTopic(id, _) => format!("DELETE /v1/messaging/topics/{id}"),
        Command::DeleteProvider(id, _) => format!("DELETE /v1/messaging/providers/{id}"),
        Command::DeleteTarget(user, id, _) => format!("DELETE /v1/users/{user}/targets/{id}"),
        Command::Unsubscribe(topic, id) => format!("DELETE /v1/messaging/topics/{topic}/subscribers/{id}"),
        Command::Suppress(address) => {
            line("POST", "/v1/herald/suppressions", &json!({ "addresses": [address] }))
        }
        Command::LiftSuppressions(_, ids) => {
            let lines: Vec<_> = ids.iter().map(|id| format!("DELETE /v1/herald/suppressions/{id}")).collect();
            lines.join("\n")
        }
        Command::Many(many) => {
            let lines: Option<Vec<String>> = many.queue.iter().map(|(_, command)| of(command)).collect();
            lines?.join("\n")
        }
        Command::UndoSuppressions(undo) => line("POST", "/v1/herald/suppressions/undo", undo),
        Command::TestProvider(id, to) => {
            line("POST", &format!("/v1/herald/providers/{id}/test"), &json!({ "to": to }))
        }
        Command::EnableProvider(kind, id, enabled) => {
            line("PATCH", &format!("/v1/messaging/providers/{kind}/{id}"), &json!({ "enabled": enabled }))
        }
        Command::PauseProvider(id) => line("POST", &format!("/v1/herald/providers/{id}/pause"), &json!({})),
        Command::ResumeProvider(id) => line("POST", &format!("/v1/herald/providers/{id}/resume"), &json!({})),
        Command::StopSending => line("POST", "/v1/herald/sending/stop", &json!({})),
        Command::ResumeSending => line("POST", "/v1/herald/sending/resume", &json!({})),
        Command::ReleaseRestored => line("POST", "/v1/herald/sending/release", &json!({})),
        // What a form makes carries credentials or many requests.
        _ => return None,
    })
}

/// Why a command is no single request.
pub fn why_none(command: &Command) -> &'static str {
    match command {
        Command::FollowUp(..) => {
            "several requests: a topic, its targets, a draft; the command makes them all"
        }
        Command::Leave => "it ends this console only: there is nothing for a script to do",
        Command::Import(_) => "the file is sent in parts; the command does it",
        Command::CreateProvider(..) | Command::UpdateProvider(..) => {
            "it carries credentials, which are not written out"
        }
        _ => "there is no single request for it",
    }
}

fn to(body: &impl Serialize) -> Value {
    serde_json::to_value(body).unwrap_or_default()
}

fn line(method: &str, path: &str, body: &impl Serialize) -> String {
    let body = serde_json::to_string(body).unwrap_or_default();
    if body == "{}" { format!("{method} {path}") } else { format!("{method} {path} {body}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::channel::Channel;
    use crate::domain::ids::Revision;

    #[test]
    fn a_send_is_the_request_that_is_sent() {
        let send = Command::Send {
            id: "m1".parse().unwrap(),
            channel: Channel::Email,
            revision: Revision(3),
            confirmed: 40,
            undo: 10,
            at: None,
            headline: String::new(),
        };
        let text = of(&send).unwrap();
        assert!(text.starts_with("PATCH /v1/messaging/messages/email/m1 {"), "{text}");
        assert!(text.contains("\"confirmed\":40") && text.contains("\"draft\":false"), "{text}");
        let pause = Command::Pause("m1".parse().unwrap());
        assert_eq!(of(&pause).unwrap(), "POST /v1/herald/messages/m1/pause");
    }
}
