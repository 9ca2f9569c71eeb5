//! From a form to what it asks for.

use super::{Form, Purpose, WHEN, provider};
use crate::domain::channel::Channel;
use crate::domain::entries::entries;
use crate::domain::ids::ProviderId;
use crate::domain::plan::WaitReason;
use crate::domain::routing::{Allowance, PrefixRule, Routing};
use crate::domain::time::Timestamp;
use crate::domain::when;
use crate::tui::message::{Command, ImportFile};
use crate::tui::state::State;
use crate::wire::delivery::{Decide, Decision};
use crate::wire::person::{CreateTarget, UpdateTarget};
use crate::wire::routing::{WriteFailover, WriteRouting};

/// The command that a form stands for, none where it leads elsewhere; or the
/// field that is wrong, and why.
pub(super) fn ready(form: &Form, state: &State) -> Result<Option<Command>, (Option<&'static str>, String)> {
    let wrong = |name: &'static str, text: &str| Err((Some(name), text.to_owned()));
    let optional = |name: &str| Some(form.text(name).to_owned()).filter(|text| !text.is_empty());
    Ok(Some(match &form.purpose {
        Purpose::Topic | Purpose::Rename(_) if form.text("Name").is_empty() => {
            return wrong("Name", "A topic needs a name.");
        }
        Purpose::Topic => Command::CreateTopic(form.text("Name").to_owned()),
        Purpose::Rename(topic) => {
            Command::RenameTopic(topic.id.clone(), topic.revision, form.text("Name").to_owned())
        }
        Purpose::Subscribe(topic) => {
            let who = entries(form.text("People"));
            if who.is_empty() {
                return wrong("People", "Who? Type or paste addresses, numbers, or ids of targets or users.");
            }
            Command::Subscribe(topic.clone(), who)
        }
        Purpose::Import(_) => match form.text("File") {
            "" => return wrong("File", "Which file?"),
            file => Command::Import(ImportFile {
                path: file.into(),
                topic: optional("Topic"),
                country: optional("Country"),
                dry_run: form.text("Only look") == "yes",
            }),
        },
        Purpose::Person => {
            let [name, email, phone, topic] =
                ["Name", "Email", "Phone", "Topic"].map(|f| form.text(f).to_owned());
            if email.is_empty() && phone.is_empty() {
                return wrong("Email", "A person needs an address or a number.");
            }
            Command::CreatePerson { name, email, phone, topic }
        }
        Purpose::Target(target) => {
            let Some(channel) = Channel::parse(form.text("Type")) else {
                return wrong("Type", "Type: email, sms or push.");
            };
            if form.text("Address").is_empty() {
                return wrong("Address", "Where to?");
            }
            let new = CreateTarget {
                target_id: "unique()".to_owned(),
                provider_type: channel,
                identifier: form.text("Address").to_owned(),
                provider_id: optional("Provider"),
                name: optional("Name"),
            };
            Command::CreateTarget(target.user_id.clone(), new)
        }
        Purpose::EditTarget(target) => {
            let changed = |name: &str, before: &str| {
                let now = form.text(name);
                (now != before).then(|| now.to_owned())
            };
            let pinned = target.provider_id.as_ref().map(ToString::to_string).unwrap_or_default();
            let change = UpdateTarget {
                // The same address again says that it exists after all.
                identifier: changed("Address", &target.identifier)
                    .or_else(|| target.expired.then(|| target.identifier.clone())),
                provider_id: changed("Provider", &pinned),
                name: changed("Name", &target.name),
            };
            Command::UpdateTarget(target.user_id.clone(), target.id.clone(), change)
        }
        Purpose::Provider(name) => return provider::create(form, name).map(Some),
        Purpose::EditProvider(provider) => return provider::update(form, provider).map(Some),
        Purpose::Failover(provider) => {
            let read = |name: &'static str| match form.text(name).to_lowercase().as_str() {
                "no" | "" => Ok(Allowance::default()),
                "yes" => Ok(Allowance { allowed: true, until: None }),
                words => match Timestamp::parse(form.text(name)) {
                    Some(until) => Ok(Allowance { allowed: true, until: Some(until) }),
                    None => when::parse(words, state.now, state.zone)
                        .map(|when| Allowance { allowed: true, until: Some(Timestamp::from_utc(when.at)) })
                        .map_err(|error| (Some(name), error.to_string())),
                },
            };
            let write = WriteFailover { bulk: Some(read("Bulk")?), direct: Some(read("Direct")?) };
            Command::Failover(provider.id.clone(), write)
        }
        Purpose::Countries(_) => {
            let mut prefixes = Vec::new();
            for line in form.text("Rules").lines().map(str::trim).filter(|line| !line.is_empty()) {
                let parts: Vec<_> =
                    line.split([' ', '=', '→', '\t']).filter(|part| !part.is_empty()).collect();
                let [prefix, id] = parts[..] else {
                    return Err((
                        Some("Rules"),
                        format!("{line}: a prefix and a provider, such as +49 main."),
                    ));
                };
                let provider_id =
                    ProviderId::new(id).map_err(|error| (Some("Rules"), format!("{id}: {error}")))?;
                prefixes.push(PrefixRule { prefix: prefix.to_owned(), provider_id });
            }
            let rules = Routing { prefixes, ..Routing::default() };
            rules.check().map_err(|error| (Some("Rules"), error.to_string()))?;
            Command::Route(WriteRouting { order: None, prefixes: Some(rules.prefixes) })
        }
        Purpose::Schedule(_) => {
            when::parse(form.text(WHEN), state.now, state.zone)
                .map_err(|error| (Some(WHEN), error.to_string()))?;
            return Ok(None);
        }
        Purpose::View if form.text("Name").is_empty() => return wrong("Name", "A view needs a name."),
        Purpose::View => {
            if let Some(table) = crate::tui::screens::filter_table(state.tab) {
                crate::tui::screens::check_filter(form.text("Filter"), table, state.zone)
                    .map_err(|problem| (Some("Filter"), problem))?;
            }
            return Ok(None);
        }
        Purpose::Decide(id) => {
            let decision = match form.text("Decision").to_lowercase().as_str() {
                "resend" | "release" => Decision::Release,
                "give up" => Decision::GiveUp,
                _ => return wrong("Decision", "Type resend or give up."),
            };
            let (message, why) = (Some(id.clone()), Some(WaitReason::Uncertain));
            Command::Decide(Decide { message, provider: None, why, decision })
        }
        Purpose::TestProvider(id, _) => Command::TestProvider(id.clone(), optional("Address")),
        Purpose::Test(_) => match (form.text("Address"), &state.compose) {
            ("", _) => return wrong("Address", "To which address?"),
            (address, Some(compose)) => {
                if !compose.is_whole() {
                    return wrong("Address", "There is nothing to send yet: esc, and write.");
                }
                let what = compose.writing().map_err(|(_, problem)| (None, problem))?;
                Command::Test { what: Box::new(what), address: address.to_owned() }
            }
            (_, None) => return Ok(None),
        },
    }))
}
