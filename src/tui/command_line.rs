//! The command line that a command is: what somebody would type into a shell instead.

use super::action::shell_quoted as quoted;
use super::message::{Command, Whom};
use crate::domain::plan::WaitReason;
use crate::wire::delivery::{Decide, Decision};
use crate::wire::message::Retry;

/// As one line to read and to copy; for what is done to many, a line for each. Nothing
/// where only a form can say it (see [`crate::tui::action::Row::command`]).
pub fn of(command: &Command) -> Option<String> {
    let message = |verb: &str, id: &dyn AsRef<str>| format!("herald message {verb} {}", quoted(id.as_ref()));
    let provider =
        |verb: &str, id: &dyn AsRef<str>| format!("herald provider {verb} {}", quoted(id.as_ref()));
    Some(match command {
        Command::Send { id, at: None, confirmed, .. } => {
            format!("herald message send {id} --confirm {confirmed}")
        }
        Command::Send { id, at: Some((_, words)), .. } => {
            format!("herald message schedule {id} --at {}", quoted(&words.words))
        }
        Command::Pause(id) => message("pause", id),
        Command::Resume(id) => message("resume", id),
        Command::Release(id, _) => message("release", id),
        Command::Hold(id, _) => message("hold", id),
        Command::Cancel(id) => message("cancel", id),
        Command::Retry(id, Retry { provider_id, uncertain, .. }) => {
            let uncertain = if *uncertain { " --uncertain" } else { "" };
            let through = provider_id.as_ref().map(|id| format!(" --provider {id}")).unwrap_or_default();
            format!("{}{uncertain}{through}", message("retry", id))
        }
        Command::Undo(id) => message("unschedule", id),
        Command::Duplicate(id) => message("duplicate", id),
        Command::FollowUp(id, Whom::Untried, _) => message("correct", id),
        Command::FollowUp(id, Whom::Reached, _) => message("follow-up", id),
        Command::DeleteMessage(id, _) => message("delete", id),
        Command::DeleteTopic(id, _) => format!("herald topic delete {id}"),
        Command::RenameTopic(id, _, name) => format!("herald topic rename {id} {}", quoted(name)),
        Command::Unsubscribe(topic, id) => format!("herald topic unsubscribe {topic} {id}"),
        Command::DeleteTarget(_, id, _) => format!("herald target delete {id}"),
        Command::DeleteProvider(id, _) => provider("delete", id),
        Command::EnableProvider(_, id, true) => provider("enable", id),
        Command::EnableProvider(_, id, false) => provider("disable", id),
        Command::PauseProvider(id) => provider("pause", id),
        Command::ResumeProvider(id) => provider("resume", id),
        Command::RollBackProvider(id) => provider("rollback", id),
        Command::TestProvider(id, to) => {
            let to = to.as_ref().map(|to| format!(" --to {}", quoted(to))).unwrap_or_default();
            format!("{}{to}", provider("test", id))
        }
        Command::Decide(decide) => return decision(decide),
        Command::Suppress(address) => format!("herald suppression add {}", quoted(address)),
        Command::ConfirmOperation(id, count) => format!("herald queue confirm {id} {count}"),
        Command::StopSending => "herald stop-sending".to_owned(),
        Command::ResumeSending | Command::ReleaseRestored => "herald resume-sending".to_owned(),
        Command::Many(many) => {
            let lines: Option<Vec<String>> = many.queue.iter().map(|(_, command)| of(command)).collect();
            lines?.join("\n")
        }
        _ => return None,
    })
}

fn decision(decide: &Decide) -> Option<String> {
    let message = decide.message.as_ref().map(|id| format!(" --message {id}")).unwrap_or_default();
    let provider = decide.provider.as_ref().map(|id| format!(" --provider {id}")).unwrap_or_default();
    let why = match decide.why {
        None => "",
        Some(WaitReason::Retry) => " --why retry",
        Some(WaitReason::InDoubt) => " --why in-doubt",
        Some(WaitReason::Uncertain) => " --why uncertain",
        Some(WaitReason::ProviderRefuses) => " --why provider-refuses",
        Some(WaitReason::Held) => " --why held",
    };
    let of = format!("{message}{provider}{why}");
    Some(match &decide.decision {
        Decision::Release => format!("herald queue release{of}"),
        Decision::GiveUp => format!("herald queue give-up{of}"),
        Decision::FailOver { provider_id } => {
            let from = decide.provider.as_ref()?;
            format!("herald queue fail-over --filter provider={from} --to {provider_id}")
        }
    })
}
