//! A method for each call of the API.

mod drafts;
mod files;
mod operations;
mod routing;
mod suppressions;
mod webhooks;

use super::error::Result;
use super::transport::{Body, empty_body};
use super::{Client, EventStream, Steps, read_all};
use crate::domain::channel::Channel;
use crate::domain::ids::Revision;
use crate::wire::delivery::{
    Affected, Decide, DeliveryPage, DeliveryRequest, WaitingPage, WaitingRequest, WhyAnswer,
};
use crate::wire::history::AuditPage;
use crate::wire::key::{CreateKey, CreatedKey, KeyList};
use crate::wire::list::{MessageList, ProviderList, SubscriberList, TargetList, TopicList, UserList};
use crate::wire::message::{
    ActOn, Message, MessageDetail, Retry, UntriedPage, WriteEmail, WritePush, WriteSms,
};
use crate::wire::overview::{Health, Overview, SettingRow};
use crate::wire::person::{CreateTarget, CreateUser, Target, UpdateTarget, User};
use crate::wire::preview::{Preview, RetryPreview};
use crate::wire::provider::{Provider, ProviderHealth, ProviderTest, TestProvider, WriteProvider};
use crate::wire::query::ListRequest;
use crate::wire::topic::{CreateSubscriber, CreateTopic, Subscriber, Topic, UpdateTopic};
use crate::wire::transfer::{
    BackupProgress, BackupRequest, Erased, FoundList, Import, ImportList, ImportProgress, ImportRequest,
    PersonExport,
};
use http::{HeaderValue, Method};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// A segment of a path, with everything escaped that is not plain.
fn segment(text: impl AsRef<str>) -> String {
    let mut out = String::new();
    for byte in text.as_ref().bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(byte as char);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A path with parameters.
fn with_pairs(path: &str, pairs: &[(String, String)]) -> String {
    if pairs.is_empty() {
        return path.to_owned();
    }
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{path}?{query}")
}

/// The fields of a request as parameters; each must be a plain value.
fn pairs(request: &impl Serialize) -> Vec<(String, String)> {
    let Ok(Value::Object(fields)) = serde_json::to_value(request) else { return Vec::new() };
    fields
        .into_iter()
        .map(|(name, value)| match value {
            Value::String(text) => (name, text),
            other => (name, other.to_string()),
        })
        .collect()
}

/// A cursor and a limit as parameters.
fn pairs_of(after: Option<&str>, limit: usize) -> Vec<(String, String)> {
    let after = after.map(|after| ("after".to_owned(), after.to_owned()));
    after.into_iter().chain([("limit".to_owned(), limit.to_string())]).collect()
}

const MESSAGES: &str = "/v1/messaging/messages";
const TOPICS: &str = "/v1/messaging/topics";
const PROVIDERS: &str = "/v1/messaging/providers";
const USERS: &str = "/v1/users";

/// The dialect: messages.
impl Client {
    /// A page of messages.
    pub async fn messages(&self, list: &ListRequest) -> Result<MessageList> {
        self.get(&with_pairs(MESSAGES, &list.to_pairs())).await
    }

    /// A message.
    pub async fn message(&self, id: impl AsRef<str> + Send) -> Result<Message> {
        self.get(&format!("{MESSAGES}/{}", segment(id))).await
    }

    /// Creates a mail.
    pub async fn create_email(&self, mail: &WriteEmail) -> Result<Message> {
        self.send(Method::POST, &format!("{MESSAGES}/email"), mail).await
    }

    /// Creates a text message.
    pub async fn create_sms(&self, sms: &WriteSms) -> Result<Message> {
        self.send(Method::POST, &format!("{MESSAGES}/sms"), sms).await
    }

    /// Creates a notification.
    pub async fn create_push(&self, push: &WritePush) -> Result<Message> {
        self.send(Method::POST, &format!("{MESSAGES}/push"), push).await
    }

    /// Changes a mail.
    pub async fn update_email(&self, id: impl AsRef<str> + Send, mail: &WriteEmail) -> Result<Message> {
        self.send(Method::PATCH, &format!("{MESSAGES}/email/{}", segment(id)), mail).await
    }

    /// Changes a text message.
    pub async fn update_sms(&self, id: impl AsRef<str> + Send, sms: &WriteSms) -> Result<Message> {
        self.send(Method::PATCH, &format!("{MESSAGES}/sms/{}", segment(id)), sms).await
    }

    /// Changes a notification.
    pub async fn update_push(&self, id: impl AsRef<str> + Send, push: &WritePush) -> Result<Message> {
        self.send(Method::PATCH, &format!("{MESSAGES}/push/{}", segment(id)), push).await
    }

    /// Deletes a message that is not being sent.
    pub async fn delete_message(&self, id: impl AsRef<str> + Send) -> Result<()> {
        self.send_only(Method::DELETE, &format!("{MESSAGES}/{}", segment(id)), &json!({})).await
    }

    /// The targets that a message names directly.
    pub async fn message_targets(
        &self,
        id: impl AsRef<str> + Send,
        list: &ListRequest,
    ) -> Result<TargetList> {
        self.get(&with_pairs(&format!("{MESSAGES}/{}/targets", segment(id)), &list.to_pairs())).await
    }
}

/// The dialect: topics and subscribers.
impl Client {
    /// A page of topics.
    pub async fn topics(&self, list: &ListRequest) -> Result<TopicList> {
        self.get(&with_pairs(TOPICS, &list.to_pairs())).await
    }

    /// A topic.
    pub async fn topic(&self, id: impl AsRef<str> + Send) -> Result<Topic> {
        self.get(&format!("{TOPICS}/{}", segment(id))).await
    }

    /// Creates a topic.
    pub async fn create_topic(&self, topic: &CreateTopic) -> Result<Topic> {
        self.send(Method::POST, TOPICS, topic).await
    }

    /// Changes a topic.
    pub async fn update_topic(&self, id: impl AsRef<str> + Send, topic: &UpdateTopic) -> Result<Topic> {
        self.send(Method::PATCH, &format!("{TOPICS}/{}", segment(id)), topic).await
    }

    /// Deletes a topic with its subscriptions.
    pub async fn delete_topic(&self, id: impl AsRef<str> + Send) -> Result<()> {
        self.send_only(Method::DELETE, &format!("{TOPICS}/{}", segment(id)), &json!({})).await
    }

    /// A page of a topic's subscribers.
    pub async fn subscribers(
        &self,
        topic: impl AsRef<str> + Send,
        list: &ListRequest,
    ) -> Result<SubscriberList> {
        self.get(&with_pairs(&format!("{TOPICS}/{}/subscribers", segment(topic)), &list.to_pairs())).await
    }

    /// Subscribes a target to a topic.
    pub async fn subscribe(
        &self,
        topic: impl AsRef<str> + Send,
        new: &CreateSubscriber,
    ) -> Result<Subscriber> {
        self.send(Method::POST, &format!("{TOPICS}/{}/subscribers", segment(topic)), new).await
    }

    /// A subscriber of a topic.
    pub async fn subscriber(
        &self,
        topic: impl AsRef<str> + Send,
        id: impl AsRef<str> + Send,
    ) -> Result<Subscriber> {
        self.get(&format!("{TOPICS}/{}/subscribers/{}", segment(topic), segment(id))).await
    }

    /// Ends a subscription.
    pub async fn unsubscribe(&self, topic: impl AsRef<str> + Send, id: impl AsRef<str> + Send) -> Result<()> {
        let path = format!("{TOPICS}/{}/subscribers/{}", segment(topic), segment(id));
        self.send_only(Method::DELETE, &path, &json!({})).await
    }
}

/// The dialect: users and their targets.
impl Client {
    /// A page of users.
    pub async fn users(&self, list: &ListRequest) -> Result<UserList> {
        self.get(&with_pairs(USERS, &list.to_pairs())).await
    }

    /// A user.
    pub async fn user(&self, id: impl AsRef<str> + Send) -> Result<User> {
        self.get(&format!("{USERS}/{}", segment(id))).await
    }

    /// Creates a user, and a target for each address.
    pub async fn create_user(&self, user: &CreateUser) -> Result<User> {
        self.send(Method::POST, USERS, user).await
    }

    /// Deletes a user with its targets.
    pub async fn delete_user(&self, id: impl AsRef<str> + Send) -> Result<()> {
        self.send_only(Method::DELETE, &format!("{USERS}/{}", segment(id)), &json!({})).await
    }

    /// Changes a user's name.
    pub async fn update_user_name(&self, id: impl AsRef<str> + Send, name: &str) -> Result<User> {
        self.send(Method::PATCH, &format!("{USERS}/{}/name", segment(id)), &json!({ "name": name })).await
    }

    /// Changes a user's mail address, and its automatic target with it; empty clears.
    pub async fn update_user_email(&self, id: impl AsRef<str> + Send, email: &str) -> Result<User> {
        self.send(Method::PATCH, &format!("{USERS}/{}/email", segment(id)), &json!({ "email": email })).await
    }

    /// Changes a user's phone number, and its automatic target with it; empty clears.
    pub async fn update_user_phone(&self, id: impl AsRef<str> + Send, number: &str) -> Result<User> {
        self.send(Method::PATCH, &format!("{USERS}/{}/phone", segment(id)), &json!({ "number": number }))
            .await
    }

    /// Blocks a user (`false`), or lets it be reached again.
    pub async fn update_user_status(&self, id: impl AsRef<str> + Send, status: bool) -> Result<User> {
        self.send(Method::PATCH, &format!("{USERS}/{}/status", segment(id)), &json!({ "status": status }))
            .await
    }

    /// Replaces a user's labels.
    pub async fn update_user_labels(&self, id: impl AsRef<str> + Send, labels: &[String]) -> Result<User> {
        self.send(Method::PUT, &format!("{USERS}/{}/labels", segment(id)), &json!({ "labels": labels })).await
    }

    /// Replaces a user's preferences.
    pub async fn update_user_prefs(
        &self,
        id: impl AsRef<str> + Send,
        prefs: &Map<String, Value>,
    ) -> Result<Map<String, Value>> {
        self.send(Method::PATCH, &format!("{USERS}/{}/prefs", segment(id)), &json!({ "prefs": prefs })).await
    }

    /// A page of a user's targets.
    pub async fn user_targets(&self, user: impl AsRef<str> + Send, list: &ListRequest) -> Result<TargetList> {
        self.get(&with_pairs(&format!("{USERS}/{}/targets", segment(user)), &list.to_pairs())).await
    }

    /// Creates a target.
    pub async fn create_target(&self, user: impl AsRef<str> + Send, target: &CreateTarget) -> Result<Target> {
        self.send(Method::POST, &format!("{USERS}/{}/targets", segment(user)), target).await
    }

    /// A target of a user.
    pub async fn user_target(
        &self,
        user: impl AsRef<str> + Send,
        id: impl AsRef<str> + Send,
    ) -> Result<Target> {
        self.get(&format!("{USERS}/{}/targets/{}", segment(user), segment(id))).await
    }

    /// Changes a target.
    pub async fn update_target(
        &self,
        user: impl AsRef<str> + Send,
        id: impl AsRef<str> + Send,
        target: &UpdateTarget,
    ) -> Result<Target> {
        self.send(Method::PATCH, &format!("{USERS}/{}/targets/{}", segment(user), segment(id)), target).await
    }

    /// Deletes a target with its subscriptions.
    pub async fn delete_target(
        &self,
        user: impl AsRef<str> + Send,
        id: impl AsRef<str> + Send,
    ) -> Result<()> {
        let path = format!("{USERS}/{}/targets/{}", segment(user), segment(id));
        self.send_only(Method::DELETE, &path, &json!({})).await
    }

    /// Herald: a page of everybody's targets.
    pub async fn targets(&self, list: &ListRequest) -> Result<TargetList> {
        self.get(&with_pairs("/v1/herald/targets", &list.to_pairs())).await
    }

    /// Herald: a target by its id alone.
    pub async fn target(&self, id: impl AsRef<str> + Send) -> Result<Target> {
        self.get(&format!("/v1/herald/targets/{}", segment(id))).await
    }
}

/// The dialect: providers.
impl Client {
    /// A page of providers.
    pub async fn providers(&self, list: &ListRequest) -> Result<ProviderList> {
        self.get(&with_pairs(PROVIDERS, &list.to_pairs())).await
    }

    /// A provider.
    pub async fn provider(&self, id: impl AsRef<str> + Send) -> Result<Provider> {
        self.get(&format!("{PROVIDERS}/{}", segment(id))).await
    }

    /// Creates a provider of a kind, such as `smtp`.
    pub async fn create_provider(&self, kind: &str, provider: &WriteProvider) -> Result<Provider> {
        self.send(Method::POST, &format!("{PROVIDERS}/{}", segment(kind)), provider).await
    }

    /// Changes a provider.
    pub async fn update_provider(
        &self,
        kind: &str,
        id: impl AsRef<str> + Send,
        provider: &WriteProvider,
    ) -> Result<Provider> {
        self.send(Method::PATCH, &format!("{PROVIDERS}/{}/{}", segment(kind), segment(id)), provider).await
    }

    /// Deletes a provider.
    pub async fn delete_provider(&self, id: impl AsRef<str> + Send) -> Result<()> {
        self.send_only(Method::DELETE, &format!("{PROVIDERS}/{}", segment(id)), &json!({})).await
    }

    /// Herald: how providers do.
    pub async fn provider_health(&self) -> Result<Vec<ProviderHealth>> {
        self.get("/v1/herald/providers").await
    }

    /// Herald: stops a provider.
    pub async fn pause_provider(&self, id: impl AsRef<str> + Send) -> Result<Provider> {
        self.send(Method::POST, &format!("/v1/herald/providers/{}/pause", segment(id)), &json!({})).await
    }

    /// Herald: lets a provider go on that was paused or has refused us.
    pub async fn resume_provider(&self, id: impl AsRef<str> + Send) -> Result<Provider> {
        self.send(Method::POST, &format!("/v1/herald/providers/{}/resume", segment(id)), &json!({})).await
    }

    /// Herald: talks to a provider without sending to anybody.
    pub async fn test_provider(&self, id: impl AsRef<str> + Send) -> Result<ProviderTest> {
        self.send(Method::POST, &format!("/v1/herald/providers/{}/test", segment(id)), &json!({})).await
    }

    /// Herald: the same, and one real test message to an address if the service takes us.
    pub async fn send_test(&self, id: impl AsRef<str> + Send, to: String) -> Result<ProviderTest> {
        let asked = TestProvider { to: Some(to) };
        self.send(Method::POST, &format!("/v1/herald/providers/{}/test", segment(id)), &asked).await
    }
}

/// Herald's own: messages on their way.
impl Client {
    /// A message with its lanes.
    pub async fn message_detail(&self, id: impl AsRef<str> + Send) -> Result<MessageDetail> {
        self.get(&format!("/v1/herald/messages/{}", segment(id))).await
    }

    async fn act<T: DeserializeOwned>(
        &self,
        id: impl AsRef<str> + Send,
        verb: &str,
        revision: Option<Revision>,
    ) -> Result<T> {
        let path = format!("/v1/herald/messages/{}/{verb}", segment(id));
        self.send(Method::POST, &path, &ActOn { revision }).await
    }

    /// Stops a message that is being sent.
    pub async fn pause_message(&self, id: impl AsRef<str> + Send) -> Result<Message> {
        self.act(id, "pause", None).await
    }

    /// Lets a paused message go on.
    pub async fn resume_message(&self, id: impl AsRef<str> + Send) -> Result<Message> {
        self.act(id, "resume", None).await
    }

    /// Ends a message; who was not tried is not sent to.
    pub async fn cancel_message(&self, id: impl AsRef<str> + Send) -> Result<Message> {
        self.act(id, "cancel", None).await
    }

    /// Holds a scheduled message, to edit it.
    pub async fn hold_message(
        &self,
        id: impl AsRef<str> + Send,
        revision: Option<Revision>,
    ) -> Result<Message> {
        self.act(id, "hold", revision).await
    }

    /// Lets a held message go.
    pub async fn release_message(
        &self,
        id: impl AsRef<str> + Send,
        revision: Option<Revision>,
    ) -> Result<Message> {
        self.act(id, "release", revision).await
    }

    /// Takes a scheduled message back into a draft, while nothing of it has been claimed.
    pub async fn undo_message(&self, id: impl AsRef<str> + Send) -> Result<Message> {
        self.act(id, "undo", None).await
    }

    /// A new draft with the same content and audience.
    pub async fn duplicate_message(&self, id: impl AsRef<str> + Send) -> Result<Message> {
        self.act(id, "duplicate", None).await
    }

    /// Opens a failed message for those who did not get it, or says who that would be.
    pub async fn retry_message(&self, id: impl AsRef<str> + Send, retry: &Retry) -> Result<RetryPreview> {
        self.send(Method::POST, &format!("/v1/herald/messages/{}/retry", segment(id)), retry).await
    }

    /// A page of those whom a message has not been tried for.
    pub async fn untried(
        &self,
        id: impl AsRef<str> + Send,
        after: Option<&str>,
        limit: usize,
    ) -> Result<UntriedPage> {
        let path = format!("/v1/herald/messages/{}/untried", segment(id));
        self.get(&with_pairs(&path, &pairs_of(after, limit))).await
    }

    /// Who would get a message now.
    pub async fn preview_message(&self, id: impl AsRef<str> + Send) -> Result<Preview> {
        self.get(&format!("/v1/herald/messages/{}/preview", segment(id))).await
    }

    /// Why something stands where it stands: a message, a target, a provider by id.
    pub async fn why(&self, id: impl AsRef<str> + Send) -> Result<WhyAnswer> {
        self.get(&format!("/v1/herald/why/{}", segment(id))).await
    }

    /// A page of the delivery log.
    pub async fn deliveries(&self, request: &DeliveryRequest) -> Result<DeliveryPage> {
        self.get(&with_pairs("/v1/herald/deliveries", &pairs(request))).await
    }

    /// A page of those who wait.
    pub async fn waiting(&self, request: &WaitingRequest) -> Result<WaitingPage> {
        self.get(&with_pairs("/v1/herald/waiting", &pairs(request))).await
    }

    /// Decides for those who wait.
    pub async fn decide(&self, decide: &Decide) -> Result<Affected> {
        self.send(Method::POST, "/v1/herald/waiting/decide", decide).await
    }
}

/// Herald's own: the whole.
impl Client {
    /// Whether the API answers.
    pub async fn health(&self) -> Result<Health> {
        self.get("/v1/health").await
    }

    /// The first screen.
    pub async fn overview(&self) -> Result<Overview> {
        self.get("/v1/herald/overview").await
    }

    /// What every setting is.
    pub async fn settings(&self) -> Result<Vec<SettingRow>> {
        self.get("/v1/herald/settings").await
    }

    /// What changes, as it changes.
    pub fn events(&self) -> EventStream {
        EventStream::new(self.clone())
    }

    /// Stops all sending, until it is lifted.
    pub async fn stop_sending(&self) -> Result<Overview> {
        self.send(Method::POST, "/v1/herald/sending/stop", &json!({})).await
    }

    /// Lifts it.
    pub async fn resume_sending(&self) -> Result<Overview> {
        self.send(Method::POST, "/v1/herald/sending/resume", &json!({})).await
    }

    /// Says that a restored copy may send.
    pub async fn release_restored(&self) -> Result<Overview> {
        self.send(Method::POST, "/v1/herald/sending/release", &json!({})).await
    }

    /// Whatever bears this id, address, Message-ID or service's id.
    pub async fn find(&self, words: &str) -> Result<FoundList> {
        self.get(&with_pairs("/v1/herald/find", &[("q".into(), words.into())])).await
    }

    /// All that is held of a person.
    pub async fn export_person(&self, address: &str) -> Result<PersonExport> {
        self.get(&with_pairs("/v1/herald/person", &[("address".into(), address.into())])).await
    }

    /// Forgets a person; counts stay. Says how many records were erased.
    pub async fn erase_person(&self, address: &str) -> Result<Erased> {
        self.send(Method::POST, "/v1/herald/person/erase", &json!({ "address": address })).await
    }

    /// A page of the audit, newest first, of one resource (`message/ID`) or of everything.
    pub async fn audit(&self, resource: Option<&str>, after: Option<u64>, limit: usize) -> Result<AuditPage> {
        let mut pairs = vec![("limit".to_owned(), limit.to_string())];
        pairs.extend(resource.map(|resource| ("resource".to_owned(), resource.to_owned())));
        pairs.extend(after.map(|after| ("after".to_owned(), after.to_string())));
        self.get(&with_pairs("/v1/herald/audit", &pairs)).await
    }

    /// All API keys.
    pub async fn keys(&self) -> Result<KeyList> {
        self.get("/v1/herald/keys").await
    }

    /// Creates an API key; the answer is the only place where its secret is said.
    pub async fn create_key(&self, key: &CreateKey) -> Result<CreatedKey> {
        self.send(Method::POST, "/v1/herald/keys", key).await
    }

    /// Deletes an API key.
    pub async fn delete_key(&self, id: impl AsRef<str> + Send) -> Result<()> {
        self.send_only(Method::DELETE, &format!("/v1/herald/keys/{}", segment(id)), &json!({})).await
    }

    /// Imports a file. The answer is a stream of steps, the last one `done`.
    pub async fn import(&self, request: &ImportRequest, file: Body) -> Result<Steps<ImportProgress>> {
        let path = with_pairs("/v1/herald/imports", &pairs(request));
        let mut request = self.request(Method::POST, &path, file)?;
        request
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        Ok(Steps::new(self.open(request).await?.into_body()))
    }

    /// Imports, newest first.
    pub async fn imports(&self) -> Result<ImportList> {
        self.get("/v1/herald/imports").await
    }

    /// Takes back what an import made and nobody has used since.
    pub async fn undo_import(&self, id: impl AsRef<str> + Send) -> Result<Import> {
        self.send(Method::POST, &format!("/v1/herald/imports/{}/undo", segment(id)), &json!({})).await
    }

    /// Copies the store into a directory of the engine's machine, while it runs.
    pub async fn backup(&self, request: &BackupRequest) -> Result<Steps<BackupProgress>> {
        let request = self.json(Method::POST, "/v1/herald/backup", request)?;
        Ok(Steps::new(self.open(request).await?.into_body()))
    }

    /// Asks the engine's process to end: it stops claiming, finishes what is in
    /// flight and closes the store. Only the owner of the socket may.
    pub async fn shut_down(&self) -> Result<()> {
        let request = self.json(Method::POST, "/v1/herald/shutdown", &json!({}))?;
        read_all(self.open(request).await?.into_body()).await.map(|_| ())
    }

    /// Measures nothing and changes nothing: an authenticated round trip.
    pub async fn ping(&self) -> Result<()> {
        let request = self.request(Method::GET, "/v1/ping", empty_body())?;
        self.exchange(request).await.map(|_| ())
    }

    /// How many people a set of topics reaches at most, by type; see [`Client::preview_message`].
    pub async fn audience_bound(&self, topics: &[String], channel: Channel) -> Result<Affected> {
        let pairs = [("topics".to_owned(), topics.join(",")), ("type".to_owned(), channel.to_string())];
        self.get(&with_pairs("/v1/herald/audience", &pairs)).await
    }
}
