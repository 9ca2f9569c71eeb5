//! Forms of providers, made from the table of kinds.

use serde_json::{Map, Value};

use super::{Entry, Form};
use crate::domain::channel::Channel;
use crate::domain::guard::GuardRule;
use crate::domain::provider::{Field, Kind, Limits, Shape, kind, preset};
use crate::tui::message::Command;
use crate::tui::sanitize;
use crate::wire::provider::{Provider, WriteProvider};

/// The fields of limits, behind those of the kind.
const LIMITS: [(&str, &str); 4] = [
    ("a second", "recipients; empty: no limit"),
    ("an hour", "recipients in any hour; empty: no limit"),
    ("a day", "recipients in any day; empty: no limit"),
    ("at once", "requests or sessions; empty: as the kind has it"),
];
/// The fields of the guard, behind the limits.
const GUARD: [(&str, &str); 5] = [
    ("stop bulk", "yes: when too much comes back, before the service bans us"),
    ("at bounces", "hard bounces of a hundred deliveries that are too many, such as 5"),
    ("at complaints", "complaints of a hundred that are too many, such as 0.1"),
    ("of the last", "deliveries that are counted, 100 to 100000"),
    ("not before", "so many deliveries: fewer say nothing"),
];
/// The field that takes a key as it is.
const UNCHECKED: &str = "unchecked";
/// The field of the type, where the kind has several.
const TYPE: &str = "type";

type Wrong = (Option<&'static str>, String);

/// The kind that a form is of: its own, or that of a preset.
fn kind_of(name: &str) -> Option<&'static Kind> {
    kind(if preset(name).is_some() { "smtp" } else { name })
}

/// The form of a new provider of a kind, or of a preset, which fills some of it in.
pub(super) fn new(name: &str) -> (String, Vec<Entry>) {
    let known = preset(name);
    let Some(kind) = kind_of(name) else { return (format!("There is no kind {name}"), Vec::new()) };
    let mut fields = vec![Entry::line("name", "What it is called here, such as main", "")];
    if kind.channels.len() > 1 {
        let words: Vec<&'static str> = kind.channels.iter().map(|channel| channel.as_str()).collect();
        fields.push(Entry::one_of(TYPE, "what it delivers", &words, words[0]));
    }
    let filled = |field: &Field| text_of(known.and_then(|preset| preset.value(field.name)).as_ref());
    fields.extend(kind.fields.iter().map(|field| entry(field, &filled(field))));
    let published = |at: usize| match (known, at) {
        (Some(preset), 0) => preset.per_second.map(|rate| rate.to_string()).unwrap_or_default(),
        (Some(preset), 2) => preset.per_day.map(|count| count.to_string()).unwrap_or_default(),
        _ => String::new(),
    };
    let each = LIMITS.iter().enumerate();
    fields.extend(each.map(|(at, (name, help))| Entry::line(name, *help, &published(at))));
    fields.extend(guard_fields(GuardRule::default()));
    (format!("New provider: {}", known.map_or(kind.title, |preset| preset.title)), fields)
}

/// The form of one that is there.
pub(super) fn edit(provider: &Provider) -> (String, Vec<Entry>) {
    let mut fields = vec![Entry::line("name", "What it is called here, such as main", &provider.name)];
    if let Some(kind) = kind(&provider.provider) {
        for field in kind.fields {
            let set = if field.credential { &provider.credentials } else { &provider.options };
            fields.push(entry(field, &text_of(set.get(field.name))));
        }
    }
    let limits = &provider.limits;
    let number = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
    let now = [
        limits.per_second.map(|rate| rate.to_string()).unwrap_or_default(),
        number(limits.per_hour),
        number(limits.per_day),
        number(limits.concurrency.map(u64::from)),
    ];
    fields.extend(LIMITS.iter().zip(&now).map(|((name, help), now)| Entry::line(name, *help, now)));
    fields.extend(guard_fields(provider.guard));
    let help = "yes: take a new key without asking the service whether it takes it";
    fields.push(Entry::one_of(UNCHECKED, help, &["no", "yes"], "no"));
    (format!("Edit {}", sanitize::line(&provider.name)), fields)
}

fn text_of(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(yes)) => if *yes { "yes" } else { "no" }.to_owned(),
        Some(other) => other.to_string(),
    }
}

fn entry(field: &Field, now: &str) -> Entry {
    let need = if field.required { " (needed)" } else { "" };
    let help = format!("{}{need}", field.help);
    match field.shape {
        Shape::Flag => Entry::one_of(field.name, help, &["yes", "no"], now),
        Shape::OneOf(words) => Entry::one_of(field.name, help, words, now),
        Shape::Pem | Shape::Json | Shape::Template => Entry::lines(field.name, help, now),
        _ if field.secret => Entry::secret(field.name, help, now),
        _ => Entry::line(field.name, help, now),
    }
}

/// What a field's text is as a value; nothing if it says nothing.
fn value(field: &Field, text: &str) -> Result<Option<Value>, Wrong> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |text: String| Err((Some(field.name), text));
    Ok(Some(match field.shape {
        Shape::Port => match text.parse::<u16>() {
            Ok(port) if port > 0 => Value::from(port),
            _ => return wrong(format!("{}: a port is a number from 1 to 65535.", field.name)),
        },
        Shape::Flag => Value::from(text == "yes"),
        Shape::Email if !text.contains('@') => {
            return wrong(format!("{}: an address has an @.", field.name));
        }
        Shape::Url if !text.contains("://") => {
            return wrong(format!("{}: a URL begins with https://.", field.name));
        }
        _ => Value::from(text),
    }))
}

fn guard_fields(rule: GuardRule) -> Vec<Entry> {
    let now = [
        String::new(),
        rule.bounce_percent.to_string(),
        rule.complaint_percent.to_string(),
        rule.window.to_string(),
        rule.least.to_string(),
    ];
    let line = |((name, help), now): (&(&'static str, &str), &String)| Entry::line(name, *help, now);
    let mut fields: Vec<Entry> = GUARD.iter().zip(&now).map(line).collect();
    let (name, help) = GUARD[0];
    fields[0] = Entry::one_of(name, help, &["yes", "no"], if rule.enabled { "yes" } else { "no" });
    fields
}

/// The guard as the form says it; nothing: as it was.
fn guard(form: &Form, old: GuardRule) -> Result<Option<GuardRule>, Wrong> {
    let percent = |at: usize| {
        let name = GUARD[at].0;
        match form.text(name).trim_end_matches('%').trim().parse::<f64>() {
            Ok(share) if share > 0.0 && share <= 100.0 => Ok(share),
            _ => Err((Some(name), format!("{name}: a number above 0, up to 100."))),
        }
    };
    let count = |at: usize, from: u64, to: u64| {
        let name = GUARD[at].0;
        match form.text(name).replace(',', "").parse::<u64>() {
            Ok(n) if (from..=to).contains(&n) => Ok(n),
            _ if to == u64::MAX => Err((Some(name), format!("{name}: a number from {from} on."))),
            _ => Err((Some(name), format!("{name}: a number from {from} to {to}."))),
        }
    };
    let enabled = form.text(GUARD[0].0) != "no";
    if !enabled {
        // What stands in the other fields does not count then.
        return Ok(old.enabled.then_some(GuardRule { enabled, ..old }));
    }
    let rule = GuardRule {
        enabled,
        bounce_percent: percent(1)?,
        complaint_percent: percent(2)?,
        window: count(3, 100, 100_000)?,
        least: count(4, 1, u64::MAX)?,
    };
    Ok((rule != old).then_some(rule))
}

fn limits(form: &Form, old: Limits) -> Result<Limits, Wrong> {
    let whole = |name: &'static str| match form.text(name) {
        "" => Ok(None),
        text => match text.parse::<u64>() {
            Ok(n) if n > 0 => Ok(Some(n)),
            _ => Err((Some(name), format!("{name}: a number from 1 on, or nothing."))),
        },
    };
    let per_second = match form.text(LIMITS[0].0) {
        "" => None,
        text => match text.parse::<f64>() {
            Ok(rate) if rate.is_finite() && rate > 0.0 => Some(rate),
            _ => return Err((Some(LIMITS[0].0), "a second: a number above 0, or nothing.".to_owned())),
        },
    };
    let at_once = match whole(LIMITS[3].0)? {
        None => None,
        Some(n) => match u16::try_from(n) {
            Ok(n) => Some(n),
            Err(_) => return Err((Some(LIMITS[3].0), "at once: at most 65535.".to_owned())),
        },
    };
    Ok(Limits {
        per_second,
        per_hour: whole(LIMITS[1].0)?,
        per_day: whole(LIMITS[2].0)?,
        concurrency: at_once,
        ..old
    })
}

/// What makes the provider, or what is wrong.
pub(super) fn create(form: &Form, name: &'static str) -> Result<Command, Wrong> {
    let Some(kind) = kind_of(name) else { return Err((None, format!("There is no kind {name}."))) };
    let mut fields = Map::new();
    for field in kind.fields {
        match value(field, form.text(field.name))? {
            Some(value) => drop(fields.insert(field.name.to_owned(), value)),
            None if field.required => {
                return Err((Some(field.name), format!("{} is needed: {}.", field.name, field.help)));
            }
            None => {}
        }
    }
    let label = match form.text("name") {
        "" => kind.title,
        label => label,
    };
    let provider = WriteProvider {
        guard: guard(form, GuardRule::default())?,
        provider_id: Some("unique()".to_owned()),
        name: Some(label.to_owned()),
        enabled: Some(true),
        limits: Some(limits(form, Limits::default())?),
        channel: channel(kind, form),
        revision: None,
        unchecked: None,
        preset: None,
        fields,
    };
    Ok(Command::CreateProvider(kind.name, provider))
}

fn channel(kind: &Kind, form: &Form) -> Option<Channel> {
    if kind.channels.len() < 2 {
        return None;
    }
    Channel::parse(form.text(TYPE)).or_else(|| kind.channels.first().copied())
}

/// What changes the provider, or what is wrong: only what is not as it was.
pub(super) fn update(form: &Form, provider: &Provider) -> Result<Command, Wrong> {
    let Some(kind) = kind(&provider.provider) else {
        return Err((None, format!("There is no kind {}.", provider.provider)));
    };
    let mut fields = Map::new();
    for field in kind.fields {
        let set = if field.credential { &provider.credentials } else { &provider.options };
        let (before, now) = (text_of(set.get(field.name)), form.text(field.name));
        if before == now {
            continue;
        }
        if now.is_empty() && field.required {
            return Err((Some(field.name), format!("{} is needed: {}.", field.name, field.help)));
        }
        let empty = if field.shape == Shape::Flag { Value::from(false) } else { Value::from("") };
        fields.insert(field.name.to_owned(), value(field, now)?.unwrap_or(empty));
    }
    let name = form.text("name");
    let change = WriteProvider {
        name: (!name.is_empty() && name != provider.name).then(|| name.to_owned()),
        limits: Some(limits(form, provider.limits)?),
        revision: Some(provider.revision),
        unchecked: (form.text(UNCHECKED) == "yes").then_some(true),
        guard: guard(form, provider.guard)?,
        fields,
        ..WriteProvider::default()
    };
    Ok(Command::UpdateProvider(kind.name, provider.id.clone(), change))
}

#[cfg(test)]
mod tests {
    use super::super::Purpose;
    use super::*;
    use crate::domain::provider::KINDS;

    fn fill(form: &mut Form, name: &str, text: &str) {
        form.fields.iter_mut().find(|field| field.name == name).unwrap().set(text);
    }

    fn sample(field: &Field) -> &'static str {
        match field.shape {
            Shape::Port => "587",
            Shape::Flag => "yes",
            Shape::OneOf(words) => words[0],
            Shape::Email => "a@example.com",
            Shape::Url => "http://127.0.0.1:9",
            _ => "text",
        }
    }

    #[test]
    fn every_kind_has_a_form_that_makes_it() {
        for kind in KINDS {
            let (title, fields) = new(kind.name);
            let mut form = Form::new(Purpose::Provider(kind.name), title, fields);
            let missing = create(&form, kind.name);
            let needed: Vec<&Field> = kind.fields.iter().filter(|field| field.required).collect();
            assert_eq!(missing.is_err(), !needed.is_empty(), "{}", kind.name);
            for field in kind.fields {
                fill(&mut form, field.name, sample(field));
            }
            fill(&mut form, "a second", "2.5");
            let Ok(Command::CreateProvider(_, made)) = create(&form, kind.name) else {
                panic!("{} is not made", kind.name)
            };
            assert_eq!(made.fields.len(), kind.fields.len(), "{}", kind.name);
            let names: std::collections::BTreeSet<_> = form.fields.iter().map(|field| field.name).collect();
            assert_eq!(names.len(), form.fields.len(), "{}: two fields have one name", kind.name);
            assert_eq!(made.limits.unwrap().per_second, Some(2.5));
            assert_eq!(made.channel.is_some(), kind.channels.len() > 1);
            assert_eq!(made.guard, None);
            fill(&mut form, "at bounces", "2.5%");
            let Ok(Command::CreateProvider(_, made)) = create(&form, kind.name) else { panic!() };
            assert_eq!(made.guard, Some(GuardRule { bounce_percent: 2.5, ..GuardRule::default() }));
        }
    }

    #[test]
    fn an_edit_says_only_what_changed() {
        let json = serde_json::json!({
            "$id": "main", "$createdAt": "2026-01-01T00:00:00Z", "$updatedAt": "2026-01-01T00:00:00Z",
            "name": "Main", "provider": "smtp", "enabled": true, "type": "email",
            "credentials": {"host": "mx.example.com", "port": 587, "username": "u", "password": "••••1234"},
            "options": {"fromEmail": "a@example.com", "autoTLS": true},
        });
        let provider: Provider = serde_json::from_value(json).unwrap();
        let (title, fields) = edit(&provider);
        let mut form = Form::new(Purpose::EditProvider(Box::new(provider.clone())), title, fields);
        let Ok(Command::UpdateProvider(_, _, same)) = update(&form, &provider) else { panic!() };
        assert!(same.fields.is_empty() && same.name.is_none());
        fill(&mut form, "password", "new");
        fill(&mut form, "port", "465");
        let Ok(Command::UpdateProvider(_, _, change)) = update(&form, &provider) else { panic!() };
        assert_eq!(Value::Object(change.fields), serde_json::json!({"password": "new", "port": 465}));
        fill(&mut form, "of the last", "7");
        assert_eq!(update(&form, &provider).unwrap_err().0, Some("of the last"));
        fill(&mut form, "stop bulk", "no");
        let Ok(Command::UpdateProvider(_, _, off)) = update(&form, &provider) else { panic!() };
        assert!(!off.guard.unwrap().enabled);
        fill(&mut form, "port", "70000");
        assert_eq!(update(&form, &provider).unwrap_err().0, Some("port"));
    }
}
