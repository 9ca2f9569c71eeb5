//! The overview: is it well, what needs you, what sends, what waits, what is next.

mod view;

pub(in crate::tui) use view::message_pace;
pub use view::view;

use std::time::Duration;

use super::{distance, messages, providers, review};
use crate::domain::audit::Actor;
use crate::domain::ids::{MessageId, ProviderId};
use crate::domain::reason::Why;
use crate::domain::time::Timestamp;
use crate::tui::action::Action;
use crate::tui::message::{Command, Fetch, Page, Slot};
use crate::tui::runtime::Request;
use crate::tui::show;
use crate::tui::state::{Parts, State, Tab};
use crate::wire::history::{Audit, AuditPage};
use crate::wire::list::MessageList;
use crate::wire::message::{Message, MessageDetail};
use crate::wire::overview::{Concern, NeedsYou, Overview};

/// Messages on their way that are shown.
const SENDING: usize = 5;

/// What the footer offers first: what does something to the thing that is selected.
pub fn hints(state: &State) -> &'static [Action] {
    let needs = state.overview.as_ref().map_or(0, |overview| overview.needs_you.len());
    let sending = needs + state.home.sending.len();
    match chosen(state) {
        Thing::Neither => &[Action::Compose, Action::Find, Action::Palette, Action::Help],
        // Its own keys stand below it.
        _ if state.home.selected < needs => &[Action::Open, Action::Why, Action::Compose, Action::Help],
        Thing::Message(_) if state.home.selected < sending => &[
            Action::Open,
            Action::Why,
            Action::ProviderPause,
            Action::ProviderResume,
            Action::Compose,
            Action::Help,
        ],
        Thing::Message(_) => &[Action::Open, Action::CancelMessage, Action::Compose, Action::Help],
        Thing::Provider(_) => &[
            Action::Open,
            Action::Why,
            Action::ProviderTest,
            Action::ProviderPause,
            Action::FailOver,
            Action::Help,
        ],
    }
}

/// How long before a fault a change may lie to be shown with it.
const BEFORE: Duration = Duration::from_hours(24);

/// The overview's tab.
#[derive(Debug, Default)]
pub struct OverviewScreen {
    /// Which of the things that can be opened is selected.
    pub selected: usize,
    /// What is being sent, the newest first.
    pub sending: Vec<Message>,
    /// Rates of what is being sent, as they are known.
    pub details: Vec<MessageDetail>,
    /// What was done to the provider that is selected, the newest first.
    pub before: Option<(ProviderId, Vec<Audit>)>,
}

/// What a row of the overview leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Thing {
    Message(MessageId),
    Provider(ProviderId),
    Neither,
}

fn of_need(need: &NeedsYou) -> Thing {
    match (&need.message_id, &need.provider_id) {
        (Some(id), _) => Thing::Message(id.clone()),
        (None, Some(id)) => Thing::Provider(id.clone()),
        (None, None) => Thing::Neither,
    }
}

/// Whether anybody can be sent to yet.
fn is_new(overview: &Overview) -> bool {
    overview.providers.is_empty() || overview.store.targets == 0 || overview.store.messages == 0
}

/// Everything that can be selected, in the order of the screen.
fn things(overview: &Overview, sending: &[Message]) -> Vec<Thing> {
    let mut out: Vec<Thing> = overview.needs_you.iter().map(of_need).collect();
    out.extend(sending.iter().map(|message| Thing::Message(message.id.clone())));
    out.extend(waiting(overview).map(|provider| Thing::Provider(provider.id.clone())));
    out.extend(overview.next.iter().map(|next| Thing::Message(next.message_id.clone())));
    out
}

fn waiting(overview: &Overview) -> impl Iterator<Item = &crate::wire::provider::ProviderHealth> {
    overview.providers.iter().filter(|provider| provider.waiting() > 0)
}

fn chosen(state: &State) -> Thing {
    let Some(overview) = &state.overview else { return Thing::Neither };
    let mut things = things(overview, &state.home.sending);
    if state.home.selected < things.len() { things.swap_remove(state.home.selected) } else { Thing::Neither }
}

/// Whether a thing is selected.
pub fn has_selection(state: &State) -> bool {
    chosen(state) != Thing::Neither
}

/// Asks for what is shown of these parts.
pub fn ask(state: &mut State, parts: Parts) {
    if parts.messages || parts.log {
        let filter = "status=processing,paused".to_owned();
        let page = Page { filter, after: None, limit: SENDING, ..Page::default() };
        state.ask(Slot::Sending, Fetch::Messages(page));
    }
}

/// Takes what is being sent.
pub fn take_sending(state: &mut State, list: MessageList) {
    let before = chosen(state);
    state.home.sending = list.into_items();
    follow(state, &before);
}

/// Takes the overview in.
pub fn take(state: &mut State, overview: Box<Overview>) {
    let before = chosen(state);
    if let Ok(zone) = overview.instance.zone.parse() {
        state.zone = zone;
    }
    state.overview = Some(overview);
    follow(state, &before);
}

/// The selection goes with what was selected.
fn follow(state: &mut State, before: &Thing) {
    let Some(overview) = &state.overview else { return };
    let now = things(overview, &state.home.sending);
    let here = now.get(state.home.selected) == Some(before);
    if !here && let Some(at) = now.iter().position(|other| other == before) {
        state.home.selected = at;
    }
    state.home.selected = state.home.selected.min(now.len().saturating_sub(1));
    look_before(state);
}

/// Asks what was done to the provider that is selected: what changed just before
/// a fault is often its cause.
fn look_before(state: &mut State) {
    let Thing::Provider(id) = chosen(state) else { return };
    if state.home.before.as_ref().is_some_and(|(of, _)| *of == id) {
        return;
    }
    let resource = format!("provider/{id}");
    state.home.before = Some((id, Vec::new()));
    state.ask(Slot::Before, Fetch::Audit(resource));
}

/// Takes what was done to the provider that is selected.
pub fn take_before(state: &mut State, resource: &str, page: AuditPage) {
    if let Some((id, entries)) = &mut state.home.before
        && resource.strip_prefix("provider/") == Some(id.as_str())
    {
        *entries = page.entries;
    }
}

/// The newest thing that was done to a provider before it went wrong.
fn changed_before<'a>(state: &'a State, need: &NeedsYou) -> Option<&'a Audit> {
    let (id, entries) = state.home.before.as_ref()?;
    if need.provider_id.as_ref() != Some(id) {
        return None;
    }
    let since = need.since?;
    let near = |at: Timestamp| at <= since && since.since(at) <= BEFORE;
    let by_hand = |entry: &Audit| entry.actor.name != Actor::engine().name && entry.event != "provider.test";
    entries.iter().find(|entry| near(entry.at) && by_hand(entry))
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> bool {
    let Some(overview) = &state.overview else { return false };
    let things = things(overview, &state.home.sending);
    let need = overview.needs_you.get(state.home.selected).cloned();
    if let Some(by) = distance(action, 8) {
        let last = things.len().saturating_sub(1);
        state.home.selected = state.home.selected.saturating_add_signed(by).min(last);
        look_before(state);
        return true;
    }
    match (action, chosen(state)) {
        (Action::Open, _) if matches!(&need, Some(need) if need.concern == Concern::Restored) => {
            review::open_release_restored(state);
        }
        (Action::Open, _) if matches!(&need, Some(need) if need.concern == Concern::Stopped) => {
            review::open_resume(state);
        }
        (Action::Open, Thing::Message(id)) => go_to(state, &id),
        (Action::Open, Thing::Provider(id)) => {
            crate::tui::update::show(state, Tab::Providers);
            state.providers.select(&id);
        }
        (Action::Open, _) if matches!(&need, Some(need) if need.concern == Concern::NoProvider) => {
            crate::tui::update::show(state, Tab::Providers);
        }
        (Action::Open, Thing::Neither) => {}
        (Action::ReleaseMessage, Thing::Message(id)) => on_message(state, id, Action::ReleaseMessage),
        (Action::Decide, Thing::Message(id)) => on_message(state, id, Action::Decide),
        (Action::CancelMessage, Thing::Message(id)) => on_message(state, id, Action::CancelMessage),
        (Action::ProviderPause, Thing::Message(id)) => state.command(Command::Pause(id)),
        (Action::ProviderResume, Thing::Message(id)) => on_message(state, id, Action::MessageResume),
        (Action::ProviderPause, Thing::Provider(id)) => state.command(Command::PauseProvider(id)),
        (Action::ProviderResume, Thing::Provider(id)) => review::open_resume_provider(state, &id),
        (Action::EditProvider, Thing::Provider(id)) => state.ask(Slot::Provider, Fetch::Provider(id)),
        (Action::ProviderTest, Thing::Provider(id)) => providers::test(state, id),
        (Action::ProviderFailover, Thing::Provider(id)) => providers::hands_on(state, &id),
        (Action::FailOver, Thing::Provider(id)) => providers::fail_over(state, &id),
        (Action::Why, _) => {
            let why = why(state, need);
            state.say(why);
        }
        (Action::Copy, Thing::Message(id)) => state.request(Request::Copy(id.to_string())),
        (Action::Copy, Thing::Provider(id)) => state.request(Request::Copy(id.to_string())),
        (Action::CopyCommand, _) => state.request(Request::Copy("herald queue show".into())),
        _ => return false,
    }
    true
}

/// Why nothing of the kind can be done to what is selected.
pub fn refused(state: &State, action: Action) -> Option<String> {
    let of_message = matches!(action, Action::ReleaseMessage | Action::Decide | Action::CancelMessage);
    let of_either = matches!(action, Action::ProviderPause | Action::ProviderResume | Action::Copy);
    let of_provider = matches!(
        action,
        Action::EditProvider | Action::ProviderTest | Action::ProviderFailover | Action::FailOver
    );
    let need = state.overview.as_ref().and_then(|overview| overview.needs_you.get(state.home.selected));
    let wanted = match chosen(state) {
        Thing::Neither if need.is_none() && matches!(action, Action::Open | Action::Why) => "nothing",
        Thing::Neither if of_either => "no message and no provider",
        Thing::Neither | Thing::Provider(_) if of_message => "no message",
        Thing::Neither | Thing::Message(_) if of_provider => "no provider",
        _ => return None,
    };
    Some(format!("{}: {wanted} is selected.", action.title().trim_end_matches('…')))
}

fn go_to(state: &mut State, id: &MessageId) {
    crate::tui::update::show(state, Tab::Messages);
    messages::select(state, id);
}

/// Goes to a message and does something there, as soon as it is shown.
fn on_message(state: &mut State, id: MessageId, action: Action) {
    go_to(state, &id);
    messages::then(state, id, action);
}

/// Why what is selected stands where it stands.
fn why(state: &State, need: Option<NeedsYou>) -> String {
    let said = |why: &Why| format!("It {}.", show::why(why, state.now, state.zone, state.names()));
    if let Some(need) = need {
        return need.reason.map_or(need.text, |reason| said(&reason.why));
    }
    let found = match (chosen(state), &state.overview) {
        (Thing::Message(id), _) => {
            let message = state.home.sending.iter().find(|message| message.id == id);
            message.and_then(|message| message.why.as_ref()).map(|reason| said(&reason.why))
        }
        (Thing::Provider(id), Some(overview)) => {
            let provider = overview.providers.iter().find(|provider| provider.id == id);
            provider.map(|provider| match &provider.why {
                Some(reason) => said(&reason.why),
                None => format!(
                    "{} wait: {}.",
                    show::people(provider.waiting()),
                    view::waits_for(overview, provider)
                ),
            })
        }
        _ => None,
    };
    found.unwrap_or_else(|| "Nothing that waits is selected.".to_owned())
}

/// The keys that mend something that needs somebody.
fn remedies(need: &NeedsYou) -> &'static [Action] {
    match need.concern {
        Concern::ProviderRefuses | Concern::ProviderFails => {
            &[Action::EditProvider, Action::ProviderTest, Action::ProviderResume, Action::FailOver]
        }
        Concern::ProviderPaused => &[Action::ProviderResume, Action::FailOver],
        Concern::BulkPaused => &[Action::ProviderResume],
        Concern::Uncertain => &[Action::Decide, Action::Open],
        Concern::Held => &[Action::ReleaseMessage, Action::CancelMessage, Action::Open],
        Concern::Stopped | Concern::Restored | Concern::NoProvider => &[Action::Open],
        Concern::Alert if need.provider_id.is_some() => {
            &[Action::Open, Action::ProviderTest, Action::FailOver]
        }
        Concern::Disk | Concern::Alert => &[],
    }
}
