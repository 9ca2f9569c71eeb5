//! `herald provider …`

use super::{Desk, text_of};
use crate::cli::args::{ProviderAction, Values};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{Table, grouped};
use crate::domain::channel::Channel;
use crate::domain::guard::GuardRule;
use crate::domain::provider::{Field, Kind, Limits, Shape, kind};
use crate::wire::provider::{Provider, ProviderHealth, SLOW_START, WriteProvider};
use serde_json::{Map, Value};
use std::path::Path;

/// Does one of the actions.
pub async fn run(desk: &Desk, action: ProviderAction) -> Outcome {
    let client = &desk.client;
    match action {
        ProviderAction::List => {
            let list = client.provider_health().await?;
            desk.out.either(&list, |list| table(list))?;
        }
        ProviderAction::Create { kind: word, id, name, channel, values, preset, disabled, guard } => {
            let row = kind(&word).ok_or_else(|| unknown_kind(&word))?;
            let (fields, limits) = read(row, &values)?;
            let channel = match (channel, row.channels) {
                (Some(word), _) => Channel::parse(&word),
                (None, [only]) => Some(*only),
                (None, _) => {
                    return Err(Failure::Usage(format!(
                        "{} delivers more than one type: add --type",
                        row.title
                    )));
                }
            };
            let write = WriteProvider {
                guard: guard.over(GuardRule::default()),
                provider_id: Some(id.clone()),
                name: Some(name.unwrap_or(id)),
                enabled: Some(!disabled),
                limits,
                channel,
                revision: None,
                unchecked: None,
                preset,
                fields,
            };
            let made = client.create_provider(&word, &write).await?;
            desk.out.either(&made, |made| {
                let state = match (made.enabled, disabled) {
                    (true, _) => "enabled",
                    (false, true) => "disabled",
                    (false, false) => "disabled: something that it needs is missing",
                };
                format!(
                    "created provider {}, {state}; `herald provider test {}` talks to it",
                    made.id, made.id
                )
            })?;
        }
        ProviderAction::Show { id } => {
            let provider = client.provider(&id).await?;
            desk.out.either(&provider, describe)?;
        }
        ProviderAction::Set { id, values, unchecked, guard } => {
            let now = client.provider(&id).await?;
            let row = kind(&now.provider).ok_or_else(|| unknown_kind(&now.provider))?;
            let (fields, limits) = read(row, &values)?;
            change(
                desk,
                &now,
                WriteProvider {
                    fields,
                    limits: limits.map(|new| merge(now.limits, new)),
                    unchecked: unchecked.then_some(true),
                    guard: guard.over(now.guard),
                    ..WriteProvider::default()
                },
            )
            .await?;
        }
        ProviderAction::Rollback { id } => {
            let now = client.roll_back_provider(&id).await?;
            desk.out.either(&now, |now| format!("{} has its key of before again", now.id))?;
        }
        ProviderAction::Enable { id } => {
            let now = client.provider(&id).await?;
            change(desk, &now, WriteProvider { enabled: Some(true), ..WriteProvider::default() }).await?;
        }
        ProviderAction::Disable { id } => {
            let now = client.provider(&id).await?;
            change(desk, &now, WriteProvider { enabled: Some(false), ..WriteProvider::default() }).await?;
        }
        ProviderAction::Pause { id } => {
            let now = client.pause_provider(&id).await?;
            desk.out.either(&now, |now| format!("{} is paused; who waits, waits", now.id))?;
        }
        ProviderAction::Resume { id } => {
            let now = client.resume_provider(&id).await?;
            desk.out.either(&now, |now| format!("{} goes on", now.id))?;
        }
        ProviderAction::Test { id, to } => {
            let test = match to {
                Some(to) => client.send_test(&id, to).await?,
                None => client.test_provider(&id).await?,
            };
            desk.out.either(&test, |test| {
                let lines = test
                    .dialogue
                    .iter()
                    .map(|line| format!("{} {}\n", if line.ours { "→" } else { "←" }, line.text));
                format!("{}{}", lines.collect::<String>(), test.finding)
            })?;
            if !test.ok {
                return Err(Failure::Incomplete(format!("provider {id} does not work")));
            }
        }
        ProviderAction::Routing(action) => super::routing::run(desk, action).await?,
        ProviderAction::Delete { id } => {
            client.delete_provider(&id).await?;
            desk.out.say(format!("deleted provider {id}"))?;
        }
    }
    Ok(())
}

async fn change(desk: &Desk, now: &Provider, write: WriteProvider) -> Outcome {
    let write = WriteProvider { revision: Some(now.revision), ..write };
    let made = desk.client.update_provider(&now.provider, &now.id, &write).await?;
    desk.out.either(&made, describe)?;
    Ok(())
}

fn unknown_kind(word: &str) -> Failure {
    let known: Vec<_> = crate::domain::provider::KINDS.iter().map(|kind| kind.name).collect();
    Failure::Usage(format!("there is no kind of provider {word}: {}", known.join(", ")))
}

/// Fields and limits as they were typed. Secrets come from files or standard input.
fn read(row: &Kind, values: &Values) -> Outcome<(Map<String, Value>, Option<Limits>)> {
    let mut fields = Map::new();
    let mut limits = None;
    for text in &values.options {
        let (name, value) = split(text)?;
        if limit(limits.get_or_insert_with(Limits::default), name, value)? {
            continue;
        }
        let field = field(row, name)?;
        if field.secret {
            return Err(Failure::Usage(format!(
                "{name} is a secret: give it with --set-from {name}=FILE, or {name}=- for standard input, so that it does not stand in the process list"
            )));
        }
        fields.insert(name.to_owned(), typed(field, value)?);
    }
    if limits == Some(Limits::default()) {
        limits = None;
    }
    for text in &values.set_from {
        let (name, file) = split(text)?;
        let field = field(row, name)?;
        let value = text_of(Path::new(file))?;
        let value =
            if field.shape == Shape::Pem { value.as_str() } else { value.trim_end_matches(['\r', '\n']) };
        fields.insert(name.to_owned(), typed(field, value)?);
    }
    Ok((fields, limits))
}

fn split(text: &str) -> Outcome<(&str, &str)> {
    text.split_once('=').ok_or_else(|| Failure::Usage(format!("`{text}` is not NAME=VALUE")))
}

fn field<'a>(row: &'a Kind, name: &str) -> Outcome<&'a Field> {
    row.fields.iter().find(|field| field.name == name).ok_or_else(|| {
        let known: Vec<_> = row.fields.iter().map(|field| field.name).collect();
        Failure::Usage(format!("{} has no {name}: {}", row.title, known.join(", ")))
    })
}

fn typed(field: &Field, value: &str) -> Outcome<Value> {
    let bad = |expected: &str| Failure::Usage(format!("{}: `{value}` is not {expected}", field.name));
    Ok(match field.shape {
        Shape::Flag => Value::Bool(value.parse().map_err(|_| bad("true or false"))?),
        Shape::Port => Value::from(value.parse::<u16>().map_err(|_| bad("a port"))?),
        _ => Value::from(value),
    })
}

/// Takes a limit, if the name is one.
fn limit(limits: &mut Limits, name: &str, value: &str) -> Outcome<bool> {
    let bad = || Failure::Usage(format!("{name}: `{value}` is no number"));
    match name {
        "perSecond" => {
            let rate: f64 = value.parse().map_err(|_| bad())?;
            if !rate.is_finite() || rate <= 0.0 {
                return Err(bad());
            }
            limits.per_second = Some(rate);
        }
        "perHour" => limits.per_hour = Some(value.parse().map_err(|_| bad())?),
        "perDay" => limits.per_day = Some(value.parse().map_err(|_| bad())?),
        "concurrency" => limits.concurrency = Some(value.parse().map_err(|_| bad())?),
        "window" => limits.window = Some(value.parse().map_err(|_| bad())?),
        _ => return Ok(false),
    }
    Ok(true)
}

fn merge(old: Limits, new: Limits) -> Limits {
    Limits {
        per_second: new.per_second.or(old.per_second),
        per_hour: new.per_hour.or(old.per_hour),
        per_day: new.per_day.or(old.per_day),
        concurrency: new.concurrency.or(old.concurrency),
        window: new.window.or(old.window),
    }
}

/// What is said of a new mail server, if it is one.
fn slow_start(provider: &Provider) -> Option<&'static str> {
    provider.slow_start.then_some(SLOW_START)
}

fn table(list: &[ProviderHealth]) -> String {
    if list.is_empty() {
        return "no providers: `herald provider create smtp main -o host=… -o fromEmail=…`".into();
    }
    let mut table = Table::new(&[
        "Id",
        "Kind",
        "Type",
        "State",
        "#Waiting",
        "#Rate",
        "#p50",
        "#p99",
        "#Accepted",
        "#Failed",
    ]);
    for row in list {
        let state = match (&row.why, row.enabled) {
            (Some(why), _) => why.text.clone(),
            (None, true) if row.slow_start => "ok, starts slowly".into(),
            (None, true) => "ok".into(),
            (None, false) => "disabled".into(),
        };
        let state = match &row.failover.now {
            Some(on) => format!("{state}; {on}"),
            None => state,
        };
        table.row([
            row.id.as_str(),
            &row.kind,
            row.channel.as_str(),
            &state,
            &grouped(row.waiting()),
            &format!("{:.0}/s", row.rate),
            &format!("{:.1} ms", row.p50_ms),
            &format!("{:.1} ms", row.p99_ms),
            &grouped(row.accepted),
            &grouped(row.failed),
        ]);
    }
    table.render()
}

/// When its bulk is stopped, in one line.
fn guard_text(rule: &GuardRule) -> String {
    if !rule.enabled {
        return "off: its bulk is never stopped".into();
    }
    format!(
        "bulk stops at {} % bounces or {} % complaints of the last {} deliveries, from {} on",
        rule.bounce_percent,
        rule.complaint_percent,
        grouped(rule.window),
        grouped(rule.least)
    )
}

fn describe(provider: &Provider) -> String {
    let mut table = Table::new(&["Field", "Value"]);
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    table.row(["id", provider.id.as_str()]);
    table.row(["name", &provider.name]);
    table.row(["kind", &provider.provider]);
    table.row(["type", provider.channel.as_str()]);
    table.row(["enabled", if provider.enabled { "yes" } else { "no" }]);
    if let Some(hold) = &provider.hold {
        table.row(["stopped", &hold.text]);
    }
    for (name, value) in provider.credentials.iter().chain(&provider.options) {
        table.row([name.as_str(), &text(value)]);
    }
    table.row(["guard", &guard_text(&provider.guard)]);
    if let Some(until) = provider.rollback_until {
        table.row([
            "the key before",
            &format!("kept until {until}: herald provider rollback {}", provider.id),
        ]);
    }
    if let Some(slow) = slow_start(provider) {
        table.row(["slow start", slow]);
    }
    if let Ok(Value::Object(limits)) = serde_json::to_value(provider.limits) {
        for (name, value) in limits.iter().filter(|(_, value)| !value.is_null()) {
            table.row([name.as_str(), &value.to_string()]);
        }
    }
    table.render()
}
