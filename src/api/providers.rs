//! Providers: the dialect's routes for every kind of the table, and Herald's own.

use super::answer::{Answered, created, nothing, ok};
use super::call::Call;
use super::list::ListCall;
use super::params::{Params, Required};
use super::present;
use super::stale::explained;
use crate::domain::guard::GuardRule;
use crate::domain::ids::ProviderId;
use crate::domain::provider::{Door, Field, Kind, Limits, PRESETS, Provider, Shape, kind, preset};
use crate::domain::validate::{self, Invalid};
use crate::engine::usecases::providers::{MASK, ProviderEdit};
use crate::engine::usecases::{Outcome, Refusal};
use crate::wire;
use crate::wire::ErrorType;
use crate::wire::list::ProviderList;
use crate::wire::provider::{DialogueLine, ProviderTest, SmtpPreset};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::net::IpAddr;

pub(crate) async fn list(call: Call) -> Answered {
    let request = ListCall::read::<Provider>(&call)?;
    let found = request.page_of(call.engine().store().providers().await?)?;
    let mut providers = Vec::with_capacity(found.items.len());
    for provider in found.items {
        providers.push(shown(&call, provider).await?);
    }
    ok(&ProviderList { total: found.total, providers, next: found.next, cut_short: found.cut_short })
}

pub(crate) async fn get(call: Call) -> Answered {
    ok(&shown(&call, call.engine().store().provider(&call.id("providerId")?).await?).await?)
}

/// A provider, its secrets masked unless the caller may read them.
async fn shown(call: &Call, provider: Provider) -> Outcome<wire::provider::Provider> {
    let clear = call.app.settings.clear_credentials || call.caller.has("credentials.read");
    let rollback_until = call.engine().rollback_until(&provider).await?;
    if !clear {
        return Ok(wire::provider::Provider { rollback_until, ..present::provider(provider) });
    }
    let credentials = call.engine().store().credentials(provider.no).await?;
    let opened = credentials.iter().map(|(name, secret)| (name.clone(), secret.expose_secret().to_owned()));
    let opened = opened.collect();
    let provider = present::provider(Provider { credentials: opened, ..provider });
    Ok(wire::provider::Provider { rollback_until, ..provider })
}

fn kind_of(call: &Call) -> Outcome<&'static Kind> {
    let name = call.segment("kind");
    kind(name).ok_or_else(|| {
        let known: Vec<_> = crate::domain::provider::KINDS.iter().map(|kind| kind.name).collect();
        let text = format!("There is no provider kind `{name}`; Herald knows {}", known.join(", "));
        Refusal::new(ErrorType::RouteNotFound, text)
    })
}

/// Takes one field and checks its shape. An empty text counts as not given.
fn field(params: &mut Params, field: &Field) -> Outcome<Option<Value>> {
    let name = field.name;
    let rule = |rule: &str| Err(Invalid::value(name, rule).into());
    Ok(match field.shape {
        Shape::Text(max) => params.line(name, 0, usize::from(max))?.map(Value::from),
        Shape::Email => {
            let text = params.line(name, 0, 320)?;
            if text.as_ref().is_some_and(|text| !text.is_empty() && !validate::email(text)) {
                return rule("Value must be a valid email address");
            }
            text.map(Value::from)
        }
        Shape::Port => params.integer(name, 1, 65535)?.map(Value::from),
        Shape::Flag => params.flag(name)?.map(Value::from),
        Shape::OneOf(words) => {
            let text = params.line(name, 0, 64)?;
            // The dialect stores no encryption as an empty text, and sends it back so.
            if text.as_ref().is_some_and(|text| !text.is_empty() && !words.contains(&text.as_str())) {
                return rule(&format!("Value must be one of ({})", words.join(", ")));
            }
            text.map(Value::from)
        }
        Shape::Url => {
            let text = params.line(name, 0, 2048)?;
            let good = |text: &str| {
                url::Url::parse(text)
                    .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            };
            if text.as_ref().is_some_and(|text| !text.is_empty() && !good(text)) {
                return rule("Value must be a valid http or https URL");
            }
            text.map(Value::from)
        }
        Shape::Host => {
            let text = params.line(name, 0, 1024)?;
            let good = |text: &str| {
                text.bytes().all(|b| {
                    b.is_ascii_alphanumeric()
                        || matches!(b, b'.' | b'-' | b'_' | b':' | b';' | b'[' | b']' | b'/')
                })
            };
            if text.as_ref().is_some_and(|text| !good(text)) {
                return rule("Value must be a host name or an address, or several with `;` between");
            }
            text.map(Value::from)
        }
        Shape::Pem => {
            let text = params.text(name, 0, 256 << 10)?;
            if text
                .as_ref()
                .is_some_and(|text| !text.is_empty() && !text.contains("-----BEGIN ") && !text.contains(MASK))
            {
                return rule("Value must be in PEM, with its lines -----BEGIN … and -----END …");
            }
            text.map(Value::from)
        }
        Shape::Template => params.text(name, 0, 64 << 10)?.map(Value::from),
        // The dialect takes an object, or the text of one; the mask of the held one is a text too.
        Shape::Json => match params.take(name) {
            None => None,
            Some(object @ Value::Object(_)) => Some(object.to_string().into()),
            Some(Value::String(text)) if text.is_empty() || text.contains(MASK) => Some(text.into()),
            Some(Value::String(text)) if text.len() <= 64 << 10 => {
                match serde_json::from_str::<serde_json::Map<String, Value>>(&text) {
                    Ok(object) => Some(Value::Object(object).to_string().into()),
                    Err(_) => return rule("Value must be a JSON object"),
                }
            }
            Some(_) => return rule("Value must be a JSON object"),
        },
    })
}

/// Whether a host is of this machine or a private network, as far as its name tells.
fn is_private(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    if bare == "localhost" || bare.ends_with(".localhost") {
        return true;
    }
    match bare.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => {
            ip.is_loopback()
                || ip.is_private()
                || ip.is_link_local()
                || ip.is_unspecified()
                || ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64
        }
        Ok(IpAddr::V6(ip)) => {
            ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
                || ip.to_ipv4_mapped().is_some_and(|ip| is_private(&ip.to_string()))
        }
        Err(_) => false,
    }
}

/// Refuses hosts and URLs of private networks that came in over the network.
fn check_receiver(call: &Call, field: &Field, value: &Value) -> Outcome<()> {
    if !call.caller.remote || call.app.settings.allow_private {
        return Ok(());
    }
    let Some(text) = value.as_str() else { return Ok(()) };
    let hosts: Vec<String> = match field.shape {
        Shape::Host => text
            .split(';')
            .map(|part| {
                let part = part.rsplit_once("//").map_or(part, |(_, rest)| rest);
                let plain = part.parse::<IpAddr>().is_ok() || part.ends_with(']');
                if plain { part } else { part.rsplit_once(':').map_or(part, |(host, _)| host) }.to_owned()
            })
            .collect(),
        Shape::Url => {
            url::Url::parse(text).ok().and_then(|url| url.host_str().map(str::to_owned)).into_iter().collect()
        }
        _ => return Ok(()),
    };
    if let Some(host) = hosts.iter().find(|host| is_private(host)) {
        return Err(Invalid::value(field.name, private_rule(host)).into());
    }
    Ok(())
}

/// Refuses a URL of a private network that came in over the network.
pub(crate) fn check_url(call: &Call, param: &'static str, url: &str) -> Outcome<()> {
    if !call.caller.remote || call.app.settings.allow_private {
        return Ok(());
    }
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    match host.filter(|host| is_private(host)) {
        Some(host) => Err(Invalid::value(param, private_rule(&host)).into()),
        None => Ok(()),
    }
}

fn private_rule(host: &str) -> String {
    format!(
        "{host} is on this machine or a private network, which a request over the network may not name unless the setting outgoing.allow_private is true"
    )
}

fn check_limits(limits: &Limits) -> Outcome<()> {
    let bad =
        |param: &str| Err(Invalid::value(format!("limits.{param}"), "Value must be greater than 0").into());
    match limits {
        Limits { per_second: Some(rate), .. } if !rate.is_finite() || *rate <= 0.0 => bad("perSecond"),
        Limits { per_hour: Some(0), .. } => bad("perHour"),
        Limits { per_day: Some(0), .. } => bad("perDay"),
        Limits { concurrency: Some(0), .. } => bad("concurrency"),
        Limits { window: Some(0), .. } => bad("window"),
        _ => Ok(()),
    }
}

fn check_guard(rule: &GuardRule) -> Outcome<()> {
    let percent = |percent: f64| percent > 0.0 && percent <= 100.0;
    let bad = |param: &str, rule: &str| Err(Invalid::value(format!("guard.{param}"), rule).into());
    let of_hundred = "Value must be greater than 0 and at most 100";
    match rule {
        GuardRule { bounce_percent, .. } if !percent(*bounce_percent) => bad("bouncePercent", of_hundred),
        GuardRule { complaint_percent, .. } if !percent(*complaint_percent) => {
            bad("complaintPercent", of_hundred)
        }
        GuardRule { window, .. } if !(100..=100_000).contains(window) => {
            bad("window", "Value must be between 100 and 100000")
        }
        GuardRule { least, .. } if *least == 0 => bad("least", "Value must be greater than 0"),
        _ => Ok(()),
    }
}

fn edit(
    call: &Call,
    kind: &'static Kind,
    params: &mut Params,
    name: Option<String>,
) -> Outcome<ProviderEdit> {
    let door = if call.caller.remote { Door::Network } else { Door::Local };
    let mut edit = ProviderEdit { name, door, ..ProviderEdit::default() };
    for row in kind.fields {
        let Some(value) = field(params, row)? else { continue };
        check_receiver(call, row, &value)?;
        edit.fields.insert(row.name, value);
    }
    edit.enabled = params.flag("enabled")?;
    edit.channel = params.channel("type")?;
    edit.limits = params.typed("limits")?;
    edit.limits.as_ref().map_or(Ok(()), check_limits)?;
    edit.guard = params.typed("guard")?;
    edit.guard.as_ref().map_or(Ok(()), check_guard)?;
    edit.revision = call.expected(params.typed("revision")?)?;
    edit.unchecked = params.flag("unchecked")?.unwrap_or(false);
    Ok(edit)
}

/// Puts in what a preset says and nobody has given.
fn fill(edit: &mut ProviderEdit, kind: &Kind, name: &str) -> Outcome<()> {
    let known = preset(name).filter(|_| kind.name == "smtp");
    let preset = known.ok_or_else(|| {
        let words: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
        Invalid::value("preset", format!("Value must be, for SMTP, one of ({})", words.join(", ")))
    })?;
    for field in kind.fields {
        if let Some(value) = preset.value(field.name) {
            edit.fields.entry(field.name).or_insert(value);
        }
    }
    let limits = edit.limits.get_or_insert_default();
    limits.per_second = limits.per_second.or(preset.per_second);
    limits.per_day = limits.per_day.or(preset.per_day);
    Ok(())
}

pub(crate) async fn presets(_: Call) -> Answered {
    let each = PRESETS.iter().map(|preset| SmtpPreset {
        name: preset.name.into(),
        title: preset.title.into(),
        host: preset.host.into(),
        port: preset.port,
        encryption: preset.encryption.into(),
        username: preset.username.map(Into::into),
        limits: Limits { per_second: preset.per_second, per_day: preset.per_day, ..Limits::default() },
        source: preset.source.into(),
    });
    ok(&each.collect::<Vec<_>>())
}

pub(crate) async fn create(call: Call) -> Answered {
    let kind = kind_of(&call)?;
    let mut params = call.params()?;
    let id = params.custom_id("providerId")?;
    let name = params.line("name", 1, 128).required("name")?;
    let named = params.line("preset", 0, 64)?.filter(|name| !name.is_empty());
    let mut edit = edit(&call, kind, &mut params, Some(name))?;
    params.finish()?;
    if let Some(name) = named {
        fill(&mut edit, kind, &name)?;
    }
    // The one field that the dialect wants at once.
    if kind.name == "smtp" && !edit.fields.contains_key("host") {
        return Err(Invalid::Missing("host").into());
    }
    let provider = call.engine().create_provider(call.actor(), kind, &id, edit).await?;
    created(&shown(&call, provider).await?)
}

pub(crate) async fn update(call: Call) -> Answered {
    let kind = kind_of(&call)?;
    let id = call.id("providerId")?;
    let mut params = call.params()?;
    let name = params.line("name", 0, 128)?.filter(|name| !name.is_empty());
    let edit = edit(&call, kind, &mut params, name)?;
    params.finish()?;
    let done = call.engine().edit_provider(call.actor(), kind, &id, edit).await;
    let now = async || Ok(present::provider(call.engine().store().provider(&id).await?));
    let provider = explained(&call, done, format!("provider/{id}"), now).await?;
    ok(&shown(&call, provider).await?)
}

pub(crate) async fn delete(call: Call) -> Answered {
    let id: ProviderId = call.id("providerId")?;
    let done = call.engine().delete_provider(call.actor(), &id, call.expected(None)?).await;
    let now = async || Ok(present::provider(call.engine().store().provider(&id).await?));
    explained(&call, done, format!("provider/{id}"), now).await?;
    Ok(nothing())
}

pub(crate) async fn pause(call: Call) -> Answered {
    let provider = call.engine().pause_provider(&call.id("providerId")?, call.actor()).await?;
    ok(&present::provider(provider))
}

pub(crate) async fn resume(call: Call) -> Answered {
    let provider = call.engine().resume_provider(&call.id("providerId")?, call.actor()).await?;
    ok(&present::provider(provider))
}

pub(crate) async fn rollback(call: Call) -> Answered {
    let provider = call.engine().roll_back_provider(call.actor(), &call.id("providerId")?).await?;
    ok(&shown(&call, provider).await?)
}

pub(crate) async fn test(call: Call) -> Answered {
    let id = call.id("providerId")?;
    let mut params = call.params()?;
    let to = params.line("to", 1, 4096)?;
    params.finish()?;
    let tried = call.engine().test_provider(call.actor(), &id, to.as_deref()).await?;
    ok(&ProviderTest {
        ok: tried.report.ok,
        dialogue: tried
            .report
            .dialogue
            .into_iter()
            .map(|line| DialogueLine { ours: line.ours, text: line.text })
            .collect(),
        finding: tried.report.finding,
        sent: tried.sent,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_hosts_by_their_names() {
        for host in [
            "localhost",
            "a.localhost",
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.9",
            "169.254.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "[::1]",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:127.0.0.1",
        ] {
            assert!(is_private(host), "{host}");
        }
        for host in ["mx.example.com", "8.8.8.8", "2001:4860:4860::8888", "100.128.0.1"] {
            assert!(!is_private(host), "{host}");
        }
    }
}
