//! API keys.

use super::answer::{Answered, created, nothing, ok};
use super::call::Call;
use super::params::Required;
use super::present;
use crate::domain::validate::Invalid;
use crate::engine::usecases::keys::KeyDraft;
use crate::engine::usecases::{Outcome, UNIQUE};
use crate::wire::key::{CreatedKey, KeyList, SCOPES};
use secrecy::ExposeSecret;

/// What a key may do unless its creator says otherwise: everything that the
/// dialect's messaging, users and files have, so that an SDK works with it; nothing of Herald's own.
const DIALECT: &[&str] = &[
    "messages.read",
    "messages.write",
    "providers.read",
    "providers.write",
    "topics.read",
    "topics.write",
    "subscribers.read",
    "subscribers.write",
    "targets.read",
    "targets.write",
    "users.read",
    "users.write",
    "buckets.read",
    "buckets.write",
    "files.read",
    "files.write",
];

pub(crate) async fn list(call: Call) -> Answered {
    let keys: Vec<_> = call.engine().store().keys().await?.into_iter().map(present::key).collect();
    ok(&KeyList { total: keys.len() as u64, keys })
}

fn check_scopes(call: &Call, scopes: &[String]) -> Outcome<()> {
    if let Some(bad) = scopes.iter().find(|scope| SCOPES.iter().all(|(known, _)| known != scope)) {
        let near = crate::domain::filter::closest(bad, SCOPES.iter().map(|(known, _)| *known));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(Invalid::value("scopes", format!("there is no scope `{bad}`{hint}")).into());
    }
    // A key cannot make a stronger one.
    if let Some(own) = call.caller.access.scopes()
        && let Some(more) = scopes.iter().find(|scope| !own.contains(scope))
    {
        return Err(Invalid::value("scopes", format!("you do not have `{more}` yourself")).into());
    }
    Ok(())
}

pub(crate) async fn create(call: Call) -> Answered {
    let mut params = call.params()?;
    let id = params.id("keyId")?.unwrap_or_else(|| UNIQUE.into());
    let name = params.line("name", 1, 128).required("name")?;
    let scopes = params
        .texts("scopes", 100)?
        .unwrap_or_else(|| DIALECT.iter().map(|scope| (*scope).to_owned()).collect());
    let expires = params.time("expire", Some(call.engine().now()))?;
    params.finish()?;
    check_scopes(&call, &scopes)?;
    let (key, secret) =
        call.engine().create_key(call.actor(), KeyDraft { id, name, scopes, expires }).await?;
    created(&CreatedKey { key: present::key(key), secret: secret.expose_secret().to_owned() })
}

pub(crate) async fn delete(call: Call) -> Answered {
    call.engine().delete_key(call.actor(), &call.id("keyId")?).await?;
    Ok(nothing())
}
