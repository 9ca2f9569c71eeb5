//! What came of commands.

use crate::domain::ids::TopicId;
use crate::domain::time::Timestamp;
use crate::tui::message::{Became, Command, Done, Fault, Fetch, Item, Slot};
use crate::tui::screens::{self, compose};
use crate::tui::state::{Overlay, Parts, State, Tab, Undo};
use crate::tui::{conflict, sanitize, show};
use crate::wire::message::{Message, State as MessageState};
use crate::wire::routing::WriteRouting;
use crate::wire::transfer::ImportProgress;
use std::path::Path;
use std::time::Duration;

/// Takes note of what came of a command.
pub(super) fn done(state: &mut State, command: Command, result: Result<Done, Fault>) {
    if let Command::SaveDraft { edit, .. } = command {
        compose::saved(state, edit, result);
        return;
    }
    if let Command::KeepDraft(draft) = command {
        compose::kept_on_server(state, &draft, result);
        return;
    }
    // A file that stays is retention's.
    if matches!(command, Command::DropDraft(_) | Command::Discard(_)) {
        return;
    }
    screens::job::step_over(state, &command);
    if let Command::Upload(path) = &command {
        let result = result.and_then(|done| match done {
            Done::Uploaded(stored) => Ok(stored),
            _ => Err(Fault::of("the answer was not about the file")),
        });
        compose::brought(state, path, result);
        return;
    }
    if screens::job::took(state, &command, result.as_ref().err().map(|fault| fault.text.as_str())) {
        if !state.job.as_ref().is_some_and(screens::job::Job::is_running) {
            super::ask(state, Parts::ALL);
        }
        return;
    }
    match result {
        Ok(done) => {
            close_review(state, &command);
            succeeded(state, command, done);
            // The events say so as well; this is for a line that has none.
            state.ask(Slot::Overview, Fetch::Overview);
            super::ask(state, Parts::ALL);
        }
        Err(fault) => failed(state, fault),
    }
}

/// The review or form that asked for it has done its duty.
fn close_review(state: &mut State, command: &Command) {
    let asked = match state.overlays.last() {
        Some(Overlay::Review(review)) => review.is_busy(),
        Some(Overlay::Form(form)) => form.is_busy(),
        _ => false,
    };
    if asked {
        state.overlays.pop();
    }
    if matches!(command, Command::Send { .. }) {
        state.overlays.retain(|overlay| !matches!(overlay, Overlay::Compose));
        compose::drop_kept(state);
        state.compose = None;
        state.keep();
    }
}

fn succeeded(state: &mut State, command: Command, done: Done) {
    match (command, done) {
        (Command::Send { undo, confirmed, at, headline, .. }, Done::Message(message)) => {
            sent(state, &message, undo, confirmed, at.is_some(), headline);
        }
        (Command::Undo(_), _) => {
            state.undo = None;
            state.say("Taken back: it is a draft again.");
        }
        (Command::Hold(..), Done::Message(message)) => {
            state.say("It is held while you edit it; what you send or schedule lets it go.");
            compose::open_draft(state, &message);
        }
        (Command::FollowUp(..), Done::Message(message)) => {
            screens::messages::select(state, &message.id);
            compose::open_draft(state, &message);
            state.say("The draft is for them alone: say what has changed, then review it.");
        }
        (Command::Duplicate(_), Done::Message(message)) => {
            screens::messages::select(state, &message.id);
            state.say("A draft like it: e opens it.");
        }
        (Command::Retry(..), Done::Count(count)) => {
            state.say(format!("Trying again: {}.", show::people(count)));
        }
        (Command::Decide(_), Done::Count(count)) => {
            state.say(format!("Decided for {}.", show::people(count)));
        }
        (Command::TestProvider(..), Done::Test(test)) => {
            state.overlays.push(Overlay::Dialogue(screens::dialogue::Dialogue::new(test)));
        }
        (Command::CreateProvider(..), Done::Provider(provider)) => {
            state.say(format!("{} is there: t tests it.", sanitize::line(&provider.name)));
        }
        (Command::UpdateProvider(..), Done::Provider(provider)) => {
            state.say(format!("{} is changed: t tests it.", sanitize::line(&provider.name)));
        }
        (Command::Route(WriteRouting { order: Some(_), .. }), _) => state.say("The order is changed."),
        (Command::Route(_), _) => state.say("The rules for countries are changed."),
        (Command::Failover(..), _) => state.say("What it hands on when it is down is changed."),
        (Command::RollBackProvider(_), _) => state.say("It has its key of before again: t tests it."),
        (Command::DeleteProvider(..), _) => state.say("The provider is gone."),
        (Command::RenameTopic(..), _) => state.say("The topic has another name."),
        (Command::Subscribe(topic, _), Done::Many(items)) => report_subscribed(state, topic, items),
        (Command::Import(file), Done::Imported(progress, rejects)) => {
            let items = imported(&progress, file.dry_run, rejects.as_deref());
            let mut said = format!(
                "{} read · {} refused",
                show::people(progress.rows),
                show::counted(progress.refused, "lines")
            );
            if !progress.error.is_empty() {
                said.push_str(" · it ended early");
            }
            if file.dry_run && progress.error.is_empty() {
                // Under the report: who leaves it imports with one key what was looked at.
                screens::form::open_looked_at(state, &file);
            }
            state.job = Some(screens::job::Job::report(
                if file.dry_run { "only looked" } else { "import" },
                said,
                items,
            ));
            state.overlays.push(Overlay::Job);
        }
        (Command::CreateTarget(..), _) => state.say("The target is there."),
        (Command::UpdateTarget(..), _) => state.say("The target is changed."),
        (Command::DeleteTarget(..), _) => state.say("The target is gone; the log keeps what was sent to it."),
        (Command::Test { address, .. }, _) => {
            compose::tested(state);
            state.say(format!("On its way to {}.", sanitize::line(&address)));
        }
        (Command::ConfirmOperation(..), Done::Count(count)) => {
            state.say(format!("It is under way for {}.", show::people(count)));
        }
        (Command::Suppress(address), Done::Count(0)) => {
            state.say(format!("{} was on the list already.", sanitize::line(&address)));
        }
        (Command::Suppress(address), _) => {
            state.say(format!("Nothing is sent to {} any more.", sanitize::line(&address)));
        }
        (Command::LiftSuppressions(address, _), _) => {
            state.say(format!("{} is written to again.", sanitize::line(&address)));
        }
        (Command::UndoSuppressions(_), Done::Count(count)) => {
            state.say(format!("Undone: {} are written to again.", show::people(count)));
        }
        (Command::Many(many), _) => screens::job::begin(state, many),
        (Command::Pause(_), _) => state.say("Paused; what is in flight finishes."),
        (Command::Resume(_) | Command::Release(..), _) => state.say("It goes on."),
        (Command::Cancel(_), _) => state.say("Cancelled; what was accepted stays accepted."),
        (Command::DeleteMessage(..), _) => state.say("Deleted; its log stays."),
        (Command::CreateTopic(_), _) => state.say("The topic is there."),
        (Command::DeleteTopic(..), _) => state.say("The topic is gone."),
        (Command::Unsubscribe(..), _) => state.say("Taken off the topic."),
        (Command::CreatePerson { .. }, _) => state.say("The person is there."),
        (Command::PauseProvider(_), _) => state.say("The provider is paused; what is planned for it waits."),
        (Command::ResumeProvider(_), _) => state.say("The provider goes on."),
        (Command::EnableProvider(_, _, true), _) => state.say("Messages may use the provider."),
        (Command::EnableProvider(_, _, false), _) => state.say("The provider is out of use."),
        (Command::StopSending, _) => state.say("All sending is stopped, until somebody lifts it."),
        (Command::ResumeSending | Command::ReleaseRestored, _) => state.say("Sending goes on."),
        _ => {}
    }
}

/// Shows what became of each who was to be subscribed; in one line if it was one.
fn report_subscribed(state: &mut State, topic: TopicId, items: Vec<Item>) {
    if let [Item { what, became: Became::Done }] = items.as_slice() {
        state.say(format!("{} is subscribed to {topic}.", sanitize::line(what)));
        return;
    }
    let again = |item: &Item| matches!(item.became, Became::Failed(_) | Became::Stopped);
    let again: Vec<String> = items.iter().filter(|item| again(item)).map(|item| item.what.clone()).collect();
    let again = (!again.is_empty()).then_some(Command::Subscribe(topic, again));
    state.job = Some(screens::job::Job::over("subscribe", items, again));
    state.overlays.push(Overlay::Job);
}

/// What an import did, line by line.
fn imported(progress: &ImportProgress, dry_run: bool, rejects: Option<&Path>) -> Vec<Item> {
    let counts = &progress.counts;
    let mut out = Vec::new();
    if !progress.detected.is_empty() {
        out.push(Item::done(progress.detected.clone()));
    }
    for (n, one, many) in [
        (counts.users, "user made", "users made"),
        (counts.targets, "target made", "targets made"),
        (counts.subscriptions, "subscription made", "subscriptions made"),
        (counts.topics, "topic made", "topics made"),
        (counts.renamed, "name changed", "names changed"),
        (counts.unchanged, "person of whom all was there", "people of whom all was there"),
    ] {
        if n > 0 {
            out.push(Item::done(format!("{} {}", show::count(n), if n == 1 { one } else { many })));
        }
    }
    if dry_run {
        out.push(Item::done(
            "nothing was written: it was only looked at; esc leads back, and enter there imports it",
        ));
    }
    if progress.refused > 0 {
        let place = rejects.map(|path| format!("; see {}", path.display())).unwrap_or_default();
        let refused = format!("{} refused{place}", show::counted(progress.refused, "lines"));
        out.push(Item::failed("not everybody", refused));
    }
    for reject in progress.rejects.iter().take(20) {
        out.push(Item::failed(format!("line {}", reject.line), reject.reason.clone()));
    }
    if !progress.error.is_empty() {
        out.push(Item::failed("it ended early", progress.error.clone()));
    }
    out
}

fn sent(state: &mut State, message: &Message, undo: u32, people: u64, later: bool, headline: String) {
    state.tab = Tab::Messages;
    screens::messages::select(state, &message.id);
    let what = sanitize::fit(&headline, 30).into_owned();
    if later || message.state != MessageState::Scheduled {
        let when = message.scheduled_at.map(|at| show::relative_to(at, state.now)).unwrap_or_default();
        let when = if later { when } else { "now".to_owned() };
        state.say(format!("“{what}” goes to {} {when}.", show::people(people)));
        return;
    }
    let until = message
        .scheduled_at
        .unwrap_or_else(|| Timestamp::from_utc(state.now).plus(Duration::from_secs(u64::from(undo))));
    state.undo = Some(Undo { message: message.id.clone(), headline, until });
}

fn failed(state: &mut State, fault: Fault) {
    let text = match (&fault.record, fault.stale) {
        (Some(record), _) => conflict::told(record, state.zone),
        (None, true) => "Somebody else changed it meanwhile: look again, then decide.".to_owned(),
        (None, false) => fault.text,
    };
    if fault.stale {
        super::ask(state, Parts::ALL);
    }
    match state.overlays.last_mut() {
        Some(Overlay::Review(review)) if review.is_busy() && fault.stale => review.lapse(text),
        Some(Overlay::Review(review)) if review.is_busy() => review.fail(text),
        Some(Overlay::Form(form)) if form.is_busy() => form.fail(text),
        _ => state.complain(text),
    }
}
