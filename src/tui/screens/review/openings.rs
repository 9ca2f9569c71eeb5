//! Every review, and what it says.

use std::collections::BTreeMap;

use super::Review;
use crate::domain::channel::Channel;
use crate::domain::ids::{MessageId, ProviderId, Revision};
use crate::domain::reason::Why;
use crate::domain::suppression::SuppressionCause;
use crate::domain::time::Timestamp;
use crate::domain::when;
use crate::domain::zone::Zone;
use crate::tui::action::{Action, Scope};
use crate::tui::message::{Command, Fetch, Many, Slot, Whom};
use crate::tui::show;
use crate::tui::state::{Overlay, State};
use crate::tui::theme::Role;
use crate::tui::watch::{self, Watch, Watched};
use crate::tui::widgets::field::LineField;
use crate::wire::delivery::{Decide, Decision};
use crate::wire::message::{Message, Retry, ScheduleWords, State as Is};
use crate::wire::operation::{CreateOperation, OperationAction};
use crate::wire::overview::Overview;
use crate::wire::person::Target;
use crate::wire::provider::ProviderHealth;
use crate::wire::suppression::{Suppression, UndoSuppressions};
use crate::wire::topic::{Subscriber, Topic};

/// Who has not got it, in the filter language over the delivery log.
pub const NOT_REACHED: &str = "outcome!=accepted outcome!=delivered outcome!=skipped";

fn open(state: &mut State, review: Review) {
    state.overlays.push(Overlay::Review(Box::new(review)));
    watch::begin(state);
}

fn text(line: impl Into<String>) -> (String, Role) {
    (line.into(), Role::TEXT)
}

/// Before a message is sent, now or at a time.
pub fn open_send(state: &mut State, message: &Message, at: Option<(Timestamp, ScheduleWords)>) {
    let draft = Draft {
        id: message.id.clone(),
        channel: message.provider_type,
        revision: message.revision,
        headline: message.headline().to_owned(),
        notes: Vec::new(),
    };
    open_send_draft(state, draft, at);
}

/// What a review of a send is told of the draft.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Which.
    pub id: MessageId,
    /// Its type.
    pub channel: Channel,
    /// As it was saved last.
    pub revision: Revision,
    /// What it is called.
    pub headline: String,
    /// What was found about it.
    pub notes: Vec<String>,
}

/// When it starts, in the first line of a review.
pub(super) fn starts(state: &State, at: Option<&(Timestamp, ScheduleWords)>) -> String {
    let undo = state.undo_seconds();
    match at {
        None if undo > 0 => format!("starts when you confirm, {undo} s to take it back"),
        None => "starts when you confirm".to_owned(),
        Some((at, words)) => {
            let said: Zone = words.zone.parse().unwrap_or(state.zone);
            // Zones whose clocks show the same are one.
            let clock = |zone: Zone| at.to_utc().with_timezone(&zone).naive_local();
            let mut zones: Vec<Zone> = Vec::new();
            for zone in [said, state.zone, Zone::UTC] {
                if zones.iter().all(|shown| clock(*shown) != clock(zone)) {
                    zones.push(zone);
                }
            }
            let spelled: Vec<String> =
                zones.iter().map(|zone| when::spell(at.to_utc(), *zone, state.now)).collect();
            format!("starts {} · {}", spelled.join(" · "), show::relative_to(*at, state.now))
        }
    }
}

/// The same, before what was written is in the list.
pub fn open_send_draft(state: &mut State, draft: Draft, at: Option<(Timestamp, ScheduleWords)>) {
    let Draft { id, channel, revision, headline, notes } = draft;
    let undo = state.undo_seconds();
    let title = format!("Send “{headline}”?");
    let mut lines = vec![text(starts(state, at.as_ref()))];
    lines.extend(notes.into_iter().map(|note| (note, Role::TEXT_DIM)));
    let command = Command::Send { id: id.clone(), channel, revision, confirmed: 0, undo, at, headline };
    let mut review = Review::new(title, lines, command).waiting(id.clone());
    review.as_of(Watched::Message(id.clone()), revision);
    open(state, review);
    state.ask(Slot::Review, Fetch::Preview(id));
}

/// Before whoever failed is tried again.
pub fn open_retry(state: &mut State, message: &Message) {
    let id = message.id.clone();
    let retry = Retry::default();
    let lines = retry_lines(state, message.headline(), &retry);
    let review = Review::new("Retry?".to_owned(), lines, Command::Retry(id.clone(), retry.clone()))
        .about(message)
        .waiting(id.clone());
    open(state, review);
    state.ask(Slot::Review, Fetch::Retry(id, retry));
}

fn retry_lines(state: &State, headline: &str, retry: &Retry) -> Vec<(String, Role)> {
    let key = |action| {
        let keys = state.keymap.keys_for(action, &[Scope::Review]);
        keys.into_iter().next().unwrap_or_else(|| action.id().to_owned())
    };
    let (through, uncertain) = (key(Action::Through), key(Action::TakeUncertain));
    let mut lines = vec![text(format!("“{headline}”: those who were accepted get no second copy"))];
    lines.push(text(match &retry.provider_id {
        None => format!("through the provider that a new plan chooses for each; {through} chooses another"),
        Some(provider) => format!("through {provider} instead of theirs; {through} chooses another"),
    }));
    lines.push(if retry.uncertain {
        (
            format!("uncertain ones are taken in: they may get it twice; {uncertain} leaves them out"),
            Role::NOTICE_WARN,
        )
    } else {
        (format!("uncertain ones are left out; {uncertain} takes them in"), Role::TEXT_DIM)
    });
    lines
}

/// Counts a retry anew that is asked for in another way.
fn retry_again(state: &mut State, change: impl FnOnce(&mut Retry)) {
    let Some(Overlay::Review(review)) = state.overlays.last_mut() else { return };
    let Command::Retry(id, retry) = &mut review.command else { return };
    change(retry);
    let (id, retry) = (id.clone(), retry.clone());
    let headline = review.headline.clone();
    let lines = retry_lines(state, &headline, &retry);
    let Some(Overlay::Review(review)) = state.overlays.last_mut() else { return };
    review.lines = lines;
    review.waits = Some(id.clone());
    review.word = None;
    review.preview = None;
    review.problem = None;
    review.field = LineField::default();
    state.ask(Slot::Review, Fetch::Retry(id, retry));
}

/// Goes through this provider: an operation over those of the message who did not
/// get it. Empty: as a new plan chooses.
pub fn retry_through(state: &mut State, provider: &str) {
    let Ok(provider) = provider.parse() else { return };
    let Some(Overlay::Review(review)) = state.overlays.last() else { return };
    let Command::Retry(id, retry) = &review.command else { return };
    let (filter, uncertain) = (format!("message={id} {NOT_REACHED}"), retry.uncertain);
    state.overlays.pop();
    open_operation(state, OperationAction::FailOver, filter, Some(provider), uncertain);
}

/// Before something is done to all whose deliveries pass a filter.
pub fn open_operation(
    state: &mut State,
    action: OperationAction,
    filter: String,
    provider_id: Option<ProviderId>,
    uncertain: bool,
) {
    let lines = vec![text(format!("to whom this fits: {filter}"))];
    let mut review = Review::new(format!("{}?", action.as_str()), lines, Command::StopSending);
    review.counting = true;
    // The operation that is confirmed is not known yet.
    review.watch = Watch::default();
    open(state, review);
    let asked = CreateOperation { action, filter, provider_id, uncertain, reason: String::new() };
    state.ask(Slot::Review, Fetch::Operation(asked));
}

/// Takes the uncertain in, or leaves them out again.
pub fn retry_uncertain(state: &mut State) {
    retry_again(state, |retry| retry.uncertain = !retry.uncertain);
}

/// Before a paused message goes on.
pub fn open_resume_message(state: &mut State, message: &Message) {
    let left = message.progress.open();
    let mut lines = vec![text(format!("{} are still to be sent to", show::people(left)))];
    if let Some(why) = &message.why {
        lines.push(text(format!("It {}", show::why(&why.why, state.now, state.zone, state.names()))));
    }
    let title = format!("Let “{}” go on?", message.headline());
    let review =
        Review::new(title, lines, Command::Resume(message.id.clone())).watching(message).counted(left);
    open(state, review);
}

/// Before a held message goes.
pub fn open_release(state: &mut State, message: &Message) {
    let why = message
        .why
        .as_ref()
        .map(|why| format!("It {}", show::why(&why.why, state.now, state.zone, state.names())))
        .unwrap_or_default();
    let mut lines = vec![text(why)];
    if let Some(at) = message.scheduled_at.filter(|at| at.to_utc() > state.now) {
        lines.push(text(format!("it then goes at its time, {}", show::relative_to(at, state.now))));
    }
    let title = format!("Let “{}” go?", message.headline());
    let command = Command::Release(message.id.clone(), message.revision);
    let review = Review::new(title, lines, command).watching(message);
    if message.progress.planned > 0 {
        open(state, review.counted(message.progress.open()));
        return;
    }
    // Nobody has been planned yet: how many it is for is counted now.
    open(state, review.waiting(message.id.clone()));
    state.ask(Slot::Review, Fetch::Preview(message.id.clone()));
}

/// Whether somebody else is editing a message, as far as is known here.
pub fn edited_by_another(state: &State, message: &Message) -> bool {
    let me = state.overview.as_ref().map_or("", |overview| overview.instance.operator.as_str());
    matches!(&message.why, Some(reason) if matches!(&reason.why, Why::HeldEditing { by, .. } if by != me))
}

/// Before one edits what somebody else is editing.
pub fn open_take_over(state: &mut State, message: &Message) {
    let why = message.why.as_ref().map(|why| show::why(&why.why, state.now, state.zone, state.names()));
    let lines = vec![
        text(format!("It {}", why.unwrap_or_default())),
        text("What they have not saved yet is refused then, and they are told."),
    ];
    let title = format!("Edit “{}” instead of them?", message.headline());
    let command = Command::Hold(message.id.clone(), message.revision);
    open(state, Review::new(title, lines, command).watching(message));
}

/// Whether anything would not go out if nothing ran any more.
pub fn has_work(overview: &Overview) -> bool {
    let states = overview.states;
    states.processing + states.scheduled + states.paused > 0 || overview.waiting > 0
}

/// How many people still get one of the so many messages that are being sent; nothing: not all of
/// these messages are known here.
fn still_open(state: &State, processing: u64) -> Option<u64> {
    let known = state.home.sending.iter().chain(state.messages.list.rows());
    let open: BTreeMap<_, _> = known
        .filter(|message| message.state == Is::Processing)
        .map(|message| (&message.id, message.progress.open()))
        .collect();
    (open.len() as u64 == processing).then(|| open.values().sum())
}

/// Before the console that runs the engine ends: what is still to go out.
pub fn open_leave(state: &mut State) {
    let Some(overview) = &state.overview else { return };
    let states = overview.states;
    let mut lines = Vec::new();
    if states.processing > 0 {
        let messages = show::messages(states.processing);
        lines.push(text(match still_open(state, states.processing) {
            Some(people) => format!("being sent: {messages}, {} still to come", show::people(people)),
            None => format!("being sent: {messages}"),
        }));
    } else if overview.waiting > 0 {
        lines.push(text(format!("{} wait for another try or a decision", show::people(overview.waiting))));
    }
    if states.scheduled > 0 {
        lines.push(text(format!("scheduled: {}", show::messages(states.scheduled))));
        for next in overview.next.iter().take(3) {
            let audience = next.audience.map(|n| format!(", {}", show::people(n))).unwrap_or_default();
            let when = show::exact(next.at, state.zone);
            lines.push((format!("  {when}  “{}”{audience}", next.headline), Role::TEXT_DIM));
        }
        if states.scheduled > 3 {
            lines.push((format!("  and {} more", show::count(states.scheduled - 3)), Role::TEXT_DIM));
        }
    }
    if states.paused > 0 {
        lines.push(text(format!("paused: {}", show::messages(states.paused))));
    }
    lines.push(text(
        "All of it goes out without this console: `herald serve` takes over in a process of its own, and `herald` attaches to it.",
    ));
    lines.push((
        "stop and enter ends the engine instead: nothing of this goes out until Herald runs again."
            .to_owned(),
        Role::TEXT_DIM,
    ));
    let mut review = Review::new("Leave Herald?".to_owned(), lines, Command::Leave);
    review.leaving = true;
    open(state, review);
}

/// Before another message is made for some of this one's recipients.
pub fn open_follow_up(state: &mut State, message: &Message, whom: Whom) {
    let headline = message.headline();
    let progress = &message.progress;
    let (title, count, lines) = match whom {
        Whom::Untried => {
            // Who waits for another try has been tried.
            let count = progress.untouched();
            let lines = vec![
                text("A topic of those who have not been tried, and a draft for it with this text."),
                text(format!(
                    "“{headline}” ends for them, and for {} who wait for another try.",
                    show::people(progress.open().saturating_sub(count))
                )),
                text(format!("{} keep what they got.", show::people(progress.accepted))),
                ("Nothing is sent before you send the draft.".to_owned(), Role::TEXT_DIM),
            ];
            (format!("Correct “{headline}” for {}?", show::people(count)), count, lines)
        }
        Whom::Reached => {
            let count = progress.accepted;
            let lines = vec![
                text("A topic of those who have been accepted, and a draft for it with this text."),
                text(format!("“{headline}” stays as it is.")),
                ("Nothing is sent before you send the draft.".to_owned(), Role::TEXT_DIM),
            ];
            (format!("Write to {} who got “{headline}”?", show::people(count)), count, lines)
        }
    };
    if count == 0 {
        state.say("Nobody is left who has not been tried.");
        return;
    }
    let command = Command::FollowUp(message.id.clone(), whom, count);
    let review = Review::new(title, lines, command).counted(count);
    open(state, review.watching(message));
}

/// Before a message ends early.
pub fn open_cancel(state: &mut State, message: &Message) {
    let lines = vec![
        text(format!("accepted {} stay accepted", show::count(message.progress.accepted))),
        text(format!("{} will not be tried", show::people(message.progress.open()))),
    ];
    let title = format!("Cancel “{}”?", message.headline());
    let review =
        Review::new(title, lines, Command::Cancel(message.id.clone())).watching(message).typing("cancel");
    open(state, review);
}

/// Before a message is deleted.
pub fn open_delete_message(state: &mut State, message: &Message) {
    let title = format!("Delete “{}”?", message.headline());
    let lines = vec![text("The message goes; its rows of the delivery log stay.")];
    let review =
        Review::new(title, lines, Command::DeleteMessage(message.id.clone(), Some(message.revision)))
            .watching(message)
            .typing("delete");
    open(state, review);
}

/// Before a topic is deleted.
pub fn open_delete_topic(state: &mut State, topic: &Topic) {
    let title = format!("Delete the topic “{}”?", topic.name);
    let lines = vec![text(format!("{} subscriptions end; the people stay.", show::count(topic.sum())))];
    let mut review = Review::new(title, lines, Command::DeleteTopic(topic.id.clone(), Some(topic.revision)))
        .typing("delete");
    review.as_of(Watched::Topic(topic.id.clone()), topic.revision);
    open(state, review);
}

/// Before somebody leaves a topic.
pub fn open_unsubscribe(state: &mut State, subscriber: &Subscriber) {
    let title = format!("Take {} off {}?", subscriber.target.identifier, subscriber.topic_id);
    let command = Command::Unsubscribe(subscriber.topic_id.clone(), subscriber.id.clone());
    let review = Review::new(title, Vec::new(), command)
        .same_as(format!("herald topic unsubscribe {} {}", subscriber.topic_id, subscriber.target_id));
    open(state, review);
}

/// Before a provider goes on.
pub fn open_resume_provider(state: &mut State, id: &ProviderId) {
    let known = state.overview.as_ref().and_then(|overview| overview.providers.iter().find(|p| p.id == *id));
    let mut lines = Vec::new();
    if let Some(provider) = known {
        let waiting = provider.waiting();
        lines.push(text(format!("{} wait for it", show::people(waiting))));
        if let Some(why) = &provider.why {
            lines.push(text(format!("It {}", show::why(&why.why, state.now, state.zone, state.names()))));
        }
    }
    let waiting = known.map_or(0, ProviderHealth::waiting);
    let review =
        Review::new(format!("Let {id} go on?"), lines, Command::ResumeProvider(id.clone())).counted(waiting);
    open(state, review);
}

/// Before those who wait for a provider go through another.
pub fn open_fail_over(state: &mut State, from: &ProviderHealth, to: &ProviderId) {
    let waiting = from.retrying + from.held;
    let known = state.overview.as_ref().and_then(|all| all.providers.iter().find(|other| other.id == *to));
    let takes = known.and_then(|to| to.limits.per_second).map(|rate| waiting as f64 / rate);
    let takes = takes.map(|seconds| format!(", about {} at its limit", show::seconds(seconds)));
    let oldest = from.oldest.map(|at| format!("; the oldest was due {} ago", show::age(at, state.now)));
    let mut lines =
        vec![text(format!("{} wait for {}{}", show::people(waiting), from.name, oldest.unwrap_or_default()))];
    lines.push(text(format!("they are due at once through {to}{}", takes.unwrap_or_default())));
    lines.push((
        "uncertain ones are left out, and who is past the deadline is not sent to".to_owned(),
        Role::TEXT_DIM,
    ));
    if from.queued > 0 {
        let queued = show::people(from.queued);
        lines.push((
            format!("{queued} in its queue stay: disable it, and they go through another"),
            Role::TEXT_DIM,
        ));
    }
    let decide = Decide {
        message: None,
        provider: Some(from.id.clone()),
        why: None,
        decision: Decision::FailOver { provider_id: to.clone() },
    };
    let mut review = Review::new(format!("Fail over {} to {to}?", from.name), lines, Command::Decide(decide));
    if waiting > 1 {
        review = review.typing(&waiting.to_string());
    }
    open(state, review);
}

/// Before a target is deleted.
pub fn open_delete_target(state: &mut State, target: &Target) {
    let title = format!("Delete {}?", target.identifier);
    let lines = vec![text("Its subscriptions end; the log keeps what was sent to it.")];
    let command = Command::DeleteTarget(target.user_id.clone(), target.id.clone(), Some(target.revision));
    let mut review = Review::new(title, lines, command).typing("delete");
    review.as_of(Watched::Target(target.id.clone()), target.revision);
    open(state, review);
}

/// Before an address is not written to any more.
pub fn open_suppress(state: &mut State, target: &Target) {
    let title = format!("Send nothing more to {}?", target.identifier);
    let lines = vec![text("It goes on the suppression list, for every message of its type.")];
    let mut review = Review::new(title, lines, Command::Suppress(target.identifier.clone()));
    review.as_of(Watched::Target(target.id.clone()), target.revision);
    open(state, review);
}

/// Before records of an address are taken off the suppression list.
pub fn open_lift(state: &mut State, records: &[Suppression]) {
    let Some(first) = records.first() else { return };
    let title = format!("Write to {} again?", first.shown_address());
    let now = state.now;
    let lines = records.iter().map(|record| {
        let said = if record.said.is_empty() { &record.note } else { &record.said };
        text(format!(
            "{} {} by {}{}{said}",
            record.reason(),
            show::relative_to(record.created_at, now),
            record.by,
            if said.is_empty() { "" } else { ": " }
        ))
    });
    let mut lines: Vec<_> = lines.collect();
    if records.iter().any(|record| record.cause == SuppressionCause::Complaint) {
        let line = "Who has complained once complains again: that costs the sender's reputation.";
        lines.push((line.to_owned(), Role::NOTICE_WARN));
    }
    let ids = records.iter().map(|record| record.id.clone()).collect();
    let what = if records.len() == 1 { first.id.to_string() } else { first.address.clone() };
    let command = Command::LiftSuppressions(first.shown_address().to_owned(), ids);
    let review = Review::new(title, lines, command).same_as(format!("herald suppression remove {what}"));
    open(state, review);
}

/// Before all that a cause did since then is taken back.
pub fn open_undo(state: &mut State, asked: UndoSuppressions) {
    let through = asked.provider_id.as_ref().map_or_else(String::new, |id| format!(" through {id}"));
    let lines =
        vec![text(format!("{}{through}, since {}", asked.cause, show::exact(asked.from, state.zone)))];
    let mut review = Review::new("Undo?".to_owned(), lines, Command::StopSending);
    review.counting = true;
    // The operation that is confirmed is not known yet.
    review.watch = Watch::default();
    open(state, review);
    state.ask(Slot::Review, Fetch::UndoSuppressions(asked));
}

/// Before something is done to many.
pub fn open_many(state: &mut State, things: &str, many: Many) {
    let (verb, n) = (many.verb, many.queue.len());
    let mut lines: Vec<(String, Role)> =
        many.queue.iter().take(5).map(|(what, _)| (format!("· {what}"), Role::TEXT)).collect();
    if n > 5 {
        lines.push((format!("and {} more", show::count(n as u64 - 5)), Role::TEXT_DIM));
    }
    if let Some(first) = many.left_out.first() {
        let left = show::count(many.left_out.len() as u64);
        let why = first.why_not().unwrap_or_default();
        lines.push((format!("left out: {left}, such as {}: {why}", first.what), Role::TEXT_DIM));
    }
    let title = format!("{verb} {}?", show::counted(n as u64, things));
    let mut review = Review::new(title, lines, Command::Many(many));
    if n > 1 {
        review = review.typing(&n.to_string());
    }
    open(state, review);
}

/// Before a provider is deleted.
pub fn open_delete_provider(state: &mut State, provider: &ProviderHealth) {
    let waiting = provider.waiting();
    let mut lines = vec![text("New plans cannot choose it; its rows of the delivery log stay.")];
    if waiting > 0 {
        let line = format!("{} wait for it and go through another provider", show::people(waiting));
        lines.push((line, Role::NOTICE_WARN));
    }
    let review = Review::new(
        format!("Delete the provider {}?", provider.name),
        lines,
        Command::DeleteProvider(provider.id.clone(), None),
    )
    .typing("delete");
    open(state, review);
}

/// Before a provider may be used, or is taken out of use.
pub fn open_enable(state: &mut State, provider: &ProviderHealth, enabled: bool) {
    let (title, line) = if enabled {
        (format!("Let messages use {}?", provider.name), "New plans may choose it.")
    } else {
        (
            format!("Take {} out of use?", provider.name),
            "New plans do not choose it; what is planned for it goes through another.",
        )
    };
    let command = Command::EnableProvider(provider.kind.clone(), provider.id.clone(), enabled);
    let waiting = provider.waiting();
    let mut lines = vec![text(line)];
    if waiting > 0 {
        lines.push(text(format!("{} wait for it", show::people(waiting))));
    }
    let review = Review::new(title, lines, command).counted(waiting);
    open(state, review);
}

/// Before everything stops.
pub fn open_stop(state: &mut State) {
    let sending = state.overview.as_ref().map_or(0, |overview| overview.states.processing);
    let lines = vec![
        text(format!("{} messages are being sent; what is in flight finishes", show::count(sending))),
        text("Nothing more leaves, also after a restart, until somebody lifts it."),
    ];
    let review = Review::new("Stop all sending?".to_owned(), lines, Command::StopSending).typing("stop");
    open(state, review);
}

/// Before sending goes on.
pub fn open_resume(state: &mut State) {
    let waiting = state.overview.as_ref().map_or(0, |overview| overview.waiting);
    let lines = vec![text(format!("{} wait", show::people(waiting)))];
    let review = Review::new("Let sending go on?".to_owned(), lines, Command::ResumeSending).counted(waiting);
    open(state, review);
}

/// Before a restored copy sends.
pub fn open_release_restored(state: &mut State) {
    let lines = vec![
        text("This store is a restored copy: what it holds may have been sent by the original."),
        text("Make sure that the original does not send any more."),
    ];
    let review =
        Review::new("Let the restored copy send?".to_owned(), lines, Command::ReleaseRestored).typing("send");
    open(state, review);
}
