//! What forms there are, and what stands in them at first.

use super::{Entry, Form, WHEN, provider};
use crate::domain::channel::Channel;
use crate::domain::ids::{MessageId, ProviderId, TopicId};
use crate::domain::routing::{Allowance, Routing};
use crate::tui::message::ImportFile;
use crate::tui::sanitize;
use crate::tui::state::{Overlay, State};
use crate::tui::update::filter_of;
use crate::tui::watch;
use crate::wire::person::Target;
use crate::wire::provider::{Provider, ProviderHealth};
use crate::wire::topic::Topic;

/// What a form is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Purpose {
    /// A new topic.
    Topic,
    /// Another name for a topic.
    Rename(Box<Topic>),
    /// People into a topic: addresses, numbers and ids of targets.
    Subscribe(TopicId),
    /// People from a file, into a topic if one is named.
    Import(Option<TopicId>),
    /// A new person.
    Person,
    /// Another way to reach the person of this target.
    Target(Box<Target>),
    /// A target's address, name and provider.
    EditTarget(Box<Target>),
    /// A new provider of a kind.
    Provider(&'static str),
    /// A provider's settings.
    EditProvider(Box<Provider>),
    /// What a provider hands to the next while it is down.
    Failover(Box<ProviderHealth>),
    /// Which numbers go through which provider.
    Countries(Box<Routing>),
    /// When a message is to go.
    Schedule(MessageId),
    /// What becomes of those of a message whose answers were lost.
    Decide(MessageId),
    /// A name for the filter of the tab.
    View,
    /// Whether a provider takes us, and a real message to an address if one is given.
    TestProvider(ProviderId, Channel),
    /// A copy of the message being written, to one address.
    Test(Channel),
}

/// Opens the form of an import that was only looked at: the same again, and this time it is meant.
pub fn open_looked_at(state: &mut State, file: &ImportFile) {
    open(state, Purpose::Import(None));
    let Some(Overlay::Form(form)) = state.overlays.last_mut() else { return };
    form.fill("File", &file.path.to_string_lossy());
    form.fill("Topic", file.topic.as_deref().unwrap_or_default());
    form.fill("Country", file.country.as_deref().unwrap_or_default());
    form.fill("Only look", "");
    form.at = form.fields.len().saturating_sub(1);
}

/// Opens a form.
pub fn open(state: &mut State, purpose: Purpose) {
    let line = |name, help: &str| Entry::line(name, help, "");
    let (title, fields): (String, Vec<Entry>) = match &purpose {
        Purpose::Topic => ("New topic".into(), vec![line("Name", "what people call this audience")]),
        Purpose::Rename(topic) => (
            format!("Rename the topic {}", sanitize::line(&topic.name)),
            vec![Entry::line("Name", "what people call this audience", &topic.name)],
        ),
        Purpose::Subscribe(topic) => (
            format!("Subscribe to {topic}"),
            vec![Entry::list(
                "People",
                "addresses, numbers, ids of targets or users: typed, pasted, or alt-e",
            )],
        ),
        Purpose::Import(topic) => {
            let topic = topic.as_ref().map(ToString::to_string).unwrap_or_default();
            (
                "Import people".into(),
                vec![
                    Entry::path(
                        "File",
                        "CSV or NDJSON on this machine, as ~/people.csv; down shows this folder.",
                        "",
                    ),
                    Entry::line("Topic", "a topic that everybody joins; may be empty", &topic),
                    line("Country", "of numbers without one, such as DE; may be empty"),
                    Entry::one_of("Only look", "yes: read and report, write nothing", &["yes"], "yes"),
                ],
            )
        }
        Purpose::Person => (
            "New person".into(),
            vec![
                line("Name", "may be empty"),
                line("Email", "an address, or"),
                line("Phone", "a number with its country, as +4930123456"),
                line("Topic", "the id of a topic to subscribe to; may be empty"),
            ],
        ),
        Purpose::Target(target) => (
            format!("Another way to reach {}", sanitize::line(&target.identifier)),
            vec![
                Entry::one_of("Type", "what it receives", &["email", "sms", "push"], "email"),
                line("Address", "an address, a number, or a device token"),
                line("Provider", "the id of the one that it is pinned to; may be empty"),
                line("Name", "may be empty"),
            ],
        ),
        Purpose::EditTarget(target) => {
            let pinned = target.provider_id.as_ref().map(ToString::to_string).unwrap_or_default();
            let help = if target.expired { "another address un-expires it" } else { "where it goes" };
            (
                format!("Edit {}", sanitize::line(&target.identifier)),
                vec![
                    Entry::line("Address", help, &target.identifier),
                    Entry::line("Provider", "the id of the one that it is pinned to; may be empty", &pinned),
                    Entry::line("Name", "may be empty", &target.name),
                ],
            )
        }
        Purpose::Provider(name) => provider::new(name),
        Purpose::EditProvider(provider) => provider::edit(provider),
        Purpose::Failover(provider) => {
            let now = |one: &Allowance| match (one.allowed, one.until) {
                (false, _) => "no".to_owned(),
                (true, None) => "yes".to_owned(),
                (true, Some(until)) => until.to_string(),
            };
            let state = &provider.failover;
            (
                format!("While {} is down, the next steps in", sanitize::line(&provider.name)),
                vec![
                    Entry::line(
                        "Bulk",
                        "messages to topics: yes, no, or until when: 14:00",
                        &now(&state.bulk),
                    ),
                    Entry::line(
                        "Direct",
                        "to users and targets: yes, no, or until when",
                        &now(&state.direct),
                    ),
                ],
            )
        }
        Purpose::Countries(routing) => {
            let lines = routing.prefixes.iter().map(|rule| format!("{} {}", rule.prefix, rule.provider_id));
            let text = lines.collect::<Vec<_>>().join("\n");
            let help = "a rule a line, such as +49 main; the longest prefix counts";
            ("Numbers by country".into(), vec![Entry::lines("Rules", help, &text)])
        }
        Purpose::Schedule(_) => ("When".into(), vec![line(WHEN, "in 2h, tomorrow 9am, fri 17:30 Berlin")]),
        Purpose::Decide(_) => (
            "Answers were lost: what becomes of them".into(),
            vec![line("Decision", "resend: tried again, perhaps twice; give up: over")],
        ),
        Purpose::View => {
            let filter = filter_of(state).map(|filter| filter.clone()).unwrap_or_default();
            (
                "Save this view".into(),
                vec![
                    line("Name", "how it is called in the list of views"),
                    Entry::line("Filter", "empty: the view of this name is forgotten", &filter),
                ],
            )
        }
        Purpose::TestProvider(id, channel) => {
            let own = state.own.get(channel.as_str()).cloned().unwrap_or_default();
            let help = "a real test message goes there; empty: it is only talked to";
            (format!("Test {}", state.names().provider(id)), vec![Entry::line("Address", help, &own)])
        }
        Purpose::Test(channel) => {
            let own = state.own.get(channel.as_str()).cloned().unwrap_or_default();
            (
                "Send me a copy".into(),
                vec![Entry::line("Address", "your own: it must be a target here", &own)],
            )
        }
    };
    state.overlays.push(Overlay::Form(Box::new(Form::new(purpose, title, fields))));
    watch::begin(state);
}
