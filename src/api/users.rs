//! Users, in the dialect.

use super::answer::{Answered, created, nothing, ok};
use super::call::Call;
use super::list::{Asked, ListCall, Source};
use super::params::{Params, Required};
use super::present;
use super::stale::explained;
use crate::domain::channel::Channel;
use crate::domain::ids::UserId;
use crate::domain::person::{Target, User};
use crate::domain::validate::Invalid;
use crate::engine::Engine;
use crate::engine::usecases::Outcome;
use crate::engine::usecases::users::{UserDraft, UserEdit};
use crate::store::Result as StoreResult;
use crate::store::page::{Page, PageRequest};
use crate::wire::list::UserList;
use async_trait::async_trait;
use serde_json::{Map, Value};

struct Users<'a>(&'a Engine);

#[async_trait]
impl Source<User> for Users<'_> {
    async fn fetch(&self, page: PageRequest<User>) -> StoreResult<Page<User>> {
        self.0.store().users(page).await
    }

    async fn number(&self, id: String) -> Outcome<u64> {
        Ok(self.0.store().user(&UserId::new(id)?).await?.no.0)
    }

    async fn candidates(&self, asked: &Asked<'_>) -> Outcome<Option<Vec<u64>>> {
        for (attribute, channel) in [("email", Channel::Email), ("phone", Channel::Sms)] {
            let Some(addresses) = asked.required(attribute, attribute) else { continue };
            let mut numbers = Vec::with_capacity(addresses.len());
            for address in addresses {
                match self.0.store().target_by_address(channel, &address).await? {
                    Some(target) => numbers.push(target.user_no.0),
                    // The address may be a user's without being a target's.
                    None => return Ok(None),
                }
            }
            return Ok(Some(numbers));
        }
        Ok(None)
    }
}

pub(crate) async fn list(call: Call) -> Answered {
    let request = ListCall::read::<User>(&call)?;
    let store = call.engine().store();
    let found = request.page(&Users(call.engine())).await?;
    let mut users = Vec::with_capacity(found.items.len());
    for user in found.items {
        let targets = store.targets_of(user.no).await?;
        users.push(present::user(user, targets));
    }
    let list = UserList { total: found.total, users, next: found.next, cut_short: found.cut_short };
    if request.query.select.is_empty() {
        return ok(&list);
    }
    ok(&selected(&list, &request.query.select))
}

/// A list of users with these keys alone; the id is always there.
fn selected(list: &UserList, keys: &[String]) -> Value {
    let mut value = serde_json::to_value(list).unwrap_or_default();
    if keys.iter().any(|key| key == "*") {
        return value;
    }
    for user in value.get_mut("users").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::Object(map) = user {
            map.retain(|key, _| key == "$id" || keys.iter().any(|wanted| wanted == key));
        }
    }
    value
}

pub(crate) async fn create(call: Call) -> Answered {
    let mut params = call.params()?;
    let id = params.custom_id("userId")?;
    let email = params.text("email", 0, 320)?.filter(|text| !text.is_empty());
    let phone = params.text("phone", 0, 32)?.filter(|text| !text.is_empty());
    // Herald signs nobody in: a password is checked as the dialect does, and not kept.
    params.text("password", 8, 256)?;
    let name = params.line("name", 0, 128)?.unwrap_or_default();
    params.finish()?;
    let draft = UserDraft { id, email, phone, name };
    let (user, targets) = call.engine().create_user(call.actor(), draft).await?;
    created(&present::user(user, targets))
}

pub(crate) async fn get(call: Call) -> Answered {
    let (user, targets) = call.engine().user_with_targets(&call.id("userId")?).await?;
    ok(&present::user(user, targets))
}

pub(crate) async fn delete(call: Call) -> Answered {
    let id: UserId = call.id("userId")?;
    let done = call.engine().delete_user(call.actor(), &id, call.expected(None)?).await;
    let now = async || {
        let (user, targets) = call.engine().user_with_targets(&id).await?;
        Ok(present::user(user, targets))
    };
    explained(&call, done, format!("user/{id}"), now).await?;
    Ok(nothing())
}

/// Reads one parameter of the body and nothing else.
fn only<T>(call: &Call, read: impl FnOnce(&mut Params) -> Outcome<T>) -> Outcome<T> {
    let mut params = call.params()?;
    let value = read(&mut params)?;
    params.finish()?;
    Ok(value)
}

async fn edited(call: &Call, edit: UserEdit) -> Outcome<(User, Vec<Target>)> {
    let id = call.id("userId")?;
    let done = call.engine().edit_user(call.actor(), &id, edit, call.expected(None)?).await;
    let now = async || {
        let (user, targets) = call.engine().user_with_targets(&id).await?;
        Ok(present::user(user, targets))
    };
    explained(call, done, format!("user/{id}"), now).await
}

async fn edit(call: Call, edit: UserEdit) -> Answered {
    let (user, targets) = edited(&call, edit).await?;
    ok(&present::user(user, targets))
}

pub(crate) async fn name(call: Call) -> Answered {
    let name = only(&call, |params| params.line("name", 0, 128).required("name"))?;
    edit(call, UserEdit::Name(name)).await
}

pub(crate) async fn email(call: Call) -> Answered {
    let email = only(&call, |params| params.text("email", 0, 320).required("email"))?;
    edit(call, UserEdit::Email(Some(email).filter(|text| !text.is_empty()))).await
}

pub(crate) async fn phone(call: Call) -> Answered {
    let number = only(&call, |params| params.text("number", 0, 32).required("number"))?;
    edit(call, UserEdit::Phone(Some(number).filter(|text| !text.is_empty()))).await
}

pub(crate) async fn status(call: Call) -> Answered {
    let status = only(&call, |params| params.flag("status").required("status"))?;
    edit(call, UserEdit::Enabled(status)).await
}

pub(crate) async fn labels(call: Call) -> Answered {
    let labels = only(&call, |params| params.texts("labels", 1000).required("labels"))?;
    let good = |label: &String| {
        (1..=36).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    if !labels.iter().all(good) {
        let rule = "Value must a valid array of labels of 1 to 36 of the chars a-z, A-Z, 0-9";
        return Err(Invalid::value("labels", rule).into());
    }
    edit(call, UserEdit::Labels(labels)).await
}

pub(crate) async fn prefs(call: Call) -> Answered {
    let (user, _) = call.engine().user_with_targets(&call.id("userId")?).await?;
    ok(&present::object(&user.prefs))
}

pub(crate) async fn update_prefs(call: Call) -> Answered {
    let prefs: Map<String, Value> = only(&call, |params| params.object("prefs").required("prefs"))?;
    let text = serde_json::to_string(&prefs).unwrap_or_default();
    if text.len() > 64 << 10 {
        return Err(Invalid::value("prefs", "Value must be a valid JSON object of at most 64 KiB").into());
    }
    let (user, _) = edited(&call, UserEdit::Prefs(text)).await?;
    ok(&present::object(&user.prefs))
}
