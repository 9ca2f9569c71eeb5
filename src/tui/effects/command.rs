//! Commands, carried out.

use super::{Way, follow_up, import, subscribe};
use crate::client::{Client, ClientError, Result};
use crate::domain::channel::Channel;
use crate::domain::ids::MessageId;
use crate::tui::message::{Command, Done, KeepDraft, Stored, Writing};
use crate::wire::draft::SaveDraft;
use crate::wire::message::{Envelope, Message, WriteEmail, WritePush, WriteSms};
use crate::wire::person::CreateUser;
use crate::wire::provider::WriteProvider;
use crate::wire::query::ListRequest;
use crate::wire::suppression::CreateSuppressions;
use crate::wire::topic::{CreateSubscriber, CreateTopic, UpdateTopic};

/// The id that asks the API to make one.
const UNIQUE: &str = "unique()";

/// Tells the API to do it.
pub(super) async fn run(client: &Client, command: &Command, way: &Way) -> Result<Done> {
    let message = |message: Message| Done::Message(Box::new(message));
    Ok(match command {
        Command::SaveDraft { id, what, .. } => message(save(client, id.as_ref(), what).await?),
        Command::Test { what, address } => test(client, what, address).await?,
        Command::Send { id, channel, revision, confirmed, undo, at, .. } => {
            let envelope = Envelope {
                draft: Some(false),
                scheduled_at: at.as_ref().map(|(at, _)| *at),
                schedule_words: at.as_ref().map(|(_, words)| words.clone()),
                confirmed: Some(*confirmed),
                undo: at.is_none().then_some(*undo),
                revision: Some(*revision),
                ..Envelope::default()
            };
            message(update(client, id, *channel, envelope).await?)
        }
        Command::Pause(id) => message(client.pause_message(id).await?),
        Command::Resume(id) => message(client.resume_message(id).await?),
        Command::Release(id, revision) => message(client.release_message(id, Some(*revision)).await?),
        Command::Hold(id, revision) => message(client.hold_message(id, Some(*revision)).await?),
        Command::Cancel(id) => message(client.cancel_message(id).await?),
        Command::Retry(id, retry) => Done::Count(client.retry_message(id, retry).await?.recipients),
        Command::Undo(id) => message(client.undo_message(id).await?),
        Command::Duplicate(id) => message(client.duplicate_message(id).await?),
        Command::DeleteMessage(id, seen) => plain(client.throw_away_as(id, *seen).await)?,
        Command::CreateTopic(name) => {
            let topic = CreateTopic { topic_id: UNIQUE.into(), name: name.clone(), subscribe: None };
            client.create_topic(&topic).await?;
            Done::Plain
        }
        Command::DeleteTopic(id, seen) => plain(client.delete_topic_as(id, *seen).await)?,
        Command::Unsubscribe(topic, id) => plain(client.unsubscribe(topic, id).await)?,
        Command::RenameTopic(id, revision, name) => {
            let change =
                UpdateTopic { name: Some(name.clone()), revision: Some(*revision), ..UpdateTopic::default() };
            client.update_topic(id, &change).await?;
            Done::Plain
        }
        Command::Subscribe(topic, who) => Done::Many(subscribe::run(client, topic, who, way).await?),
        Command::Import(file) => import::run(client, file, way).await?,
        Command::FollowUp(id, whom, count) => message(follow_up::run(client, id, *whom, *count, way).await?),
        Command::KeepDraft(draft) => keep_draft(client, draft).await?,
        Command::DropDraft(id) => match client.delete_draft(id).await {
            // It is gone, as it should be.
            Err(error) if error.status() == Some(404) => Done::Plain,
            other => plain(other)?,
        },
        Command::Upload(path) => {
            let file = client.bring_file(path).await?;
            Done::Uploaded(Stored { at: file.at(), name: file.name, bytes: file.size_original })
        }
        Command::Discard(files) => Done::Count(client.discard_brought(files).await?),
        Command::CreateTarget(user, target) => plain(client.create_target(user, target).await.map(drop))?,
        Command::UpdateTarget(user, id, change) => {
            plain(client.update_target(user, id, change).await.map(drop))?
        }
        Command::DeleteTarget(user, id, seen) => plain(client.delete_target_as(user, id, *seen).await)?,
        Command::CreatePerson { name, email, phone, topic } => {
            create_person(client, name, email, phone, topic).await?
        }
        Command::CreateProvider(kind, provider) => {
            Done::Provider(Box::new(client.create_provider(kind, provider).await?))
        }
        Command::UpdateProvider(kind, id, provider) => {
            Done::Provider(Box::new(client.update_provider(kind, id, provider).await?))
        }
        Command::DeleteProvider(id, seen) => plain(client.delete_provider_as(id, *seen).await)?,
        Command::EnableProvider(kind, id, enabled) => {
            let change = WriteProvider { enabled: Some(*enabled), ..WriteProvider::default() };
            Done::Provider(Box::new(client.update_provider(kind, id, &change).await?))
        }
        Command::PauseProvider(id) => Done::Provider(Box::new(client.pause_provider(id).await?)),
        Command::ResumeProvider(id) => Done::Provider(Box::new(client.resume_provider(id).await?)),
        Command::TestProvider(id, None) => Done::Test(client.test_provider(id).await?),
        Command::TestProvider(id, Some(to)) => Done::Test(client.send_test(id, to.clone()).await?),
        Command::Route(write) => plain(client.update_routing(write).await.map(drop))?,
        Command::Failover(id, write) => plain(client.update_failover(id, write).await.map(drop))?,
        Command::RollBackProvider(id) => Done::Provider(Box::new(client.roll_back_provider(id).await?)),
        Command::ConfirmOperation(id, count) => {
            Done::Count(client.confirm_operation(id, *count).await?.preview.count)
        }
        Command::Suppress(address) => {
            let asked =
                CreateSuppressions { addresses: vec![address.clone()], ..CreateSuppressions::default() };
            Done::Count(client.suppress(&asked).await?.added)
        }
        Command::LiftSuppressions(_, ids) => {
            for id in ids {
                match client.lift_suppression(id).await {
                    // Somebody else was quicker.
                    Err(error) if error.status() == Some(404) => {}
                    done => done?,
                }
            }
            Done::Plain
        }
        Command::UndoSuppressions(undo) => Done::Count(client.undo_suppressions(undo).await?.count),
        // Taken apart by the state, which shows how far it has come.
        Command::Many(..) | Command::Leave => Done::Plain,
        Command::Decide(decide) => Done::Count(client.decide(decide).await?.count),
        Command::StopSending => plain(client.stop_sending().await.map(drop))?,
        Command::ResumeSending => plain(client.resume_sending().await.map(drop))?,
        Command::ReleaseRestored => plain(client.release_restored().await.map(drop))?,
    })
}

async fn keep_draft(client: &Client, draft: &KeepDraft) -> Result<Done> {
    let Ok(serde_json::Value::Object(document)) = serde_json::to_value(&draft.document) else {
        return Err(ClientError::Request("the draft cannot be written down".into()));
    };
    let save = SaveDraft { document, revision: draft.revision };
    Ok(Done::Kept(client.save_draft(&draft.id, &save).await?.revision))
}

fn plain(result: Result<()>) -> Result<Done> {
    result.map(|()| Done::Plain)
}

async fn save(client: &Client, id: Option<&MessageId>, what: &Writing) -> Result<Message> {
    let new = |envelope: &Envelope| Envelope { message_id: Some(UNIQUE.into()), ..envelope.clone() };
    match (what, id) {
        (Writing::Email(mail), Some(id)) => client.update_email(id, mail).await,
        (Writing::Email(mail), None) => {
            client.create_email(&WriteEmail { envelope: new(&mail.envelope), ..mail.clone() }).await
        }
        (Writing::Sms(sms), Some(id)) => client.update_sms(id, sms).await,
        (Writing::Sms(sms), None) => {
            client.create_sms(&WriteSms { envelope: new(&sms.envelope), ..sms.clone() }).await
        }
        (Writing::Push(push), Some(id)) => client.update_push(id, push).await,
        (Writing::Push(push), None) => {
            client.create_push(&WritePush { envelope: new(&push.envelope), ..(**push).clone() }).await
        }
    }
}

/// A headline that says that it is a copy for oneself.
fn marked(headline: &str) -> String {
    format!("[Test] {headline}")
}

/// A copy of a draft to the target with this address alone, sent at once.
async fn test(client: &Client, what: &Writing, address: &str) -> Result<Done> {
    let list = ListRequest::newest(1).filtered(format!("address={}", quoted(address))).uncounted();
    let Some(target) = client.targets(&list).await?.into_items().into_iter().next() else {
        return Err(ClientError::Request(format!("there is no target with the address {address}")));
    };
    let alone = |envelope: &Envelope| Envelope {
        message_id: Some(UNIQUE.into()),
        targets: Some(vec![target.id.to_string()]),
        draft: Some(false),
        variables: envelope.variables,
        ..Envelope::default()
    };
    let message = match what {
        Writing::Email(mail) => {
            let subject = mail.subject.as_deref().map(marked);
            let copy =
                WriteEmail { envelope: alone(&mail.envelope), subject, cc: None, bcc: None, ..mail.clone() };
            client.create_email(&copy).await?
        }
        Writing::Sms(sms) => {
            client.create_sms(&WriteSms { envelope: alone(&sms.envelope), ..sms.clone() }).await?
        }
        Writing::Push(push) => {
            let title = push.title.as_deref().map(marked);
            let copy = WritePush { envelope: alone(&push.envelope), title, ..(**push).clone() };
            client.create_push(&copy).await?
        }
    };
    Ok(Done::Message(Box::new(message)))
}

async fn update(client: &Client, id: &MessageId, channel: Channel, envelope: Envelope) -> Result<Message> {
    match channel {
        Channel::Email => client.update_email(id, &WriteEmail { envelope, ..WriteEmail::default() }).await,
        Channel::Sms => client.update_sms(id, &WriteSms { envelope, ..WriteSms::default() }).await,
        Channel::Push => client.update_push(id, &WritePush { envelope, ..WritePush::default() }).await,
    }
}

/// A text between quotes of the filter language.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A user with a target for each address, subscribed to the topic.
async fn create_person(client: &Client, name: &str, email: &str, phone: &str, topic: &str) -> Result<Done> {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let user =
        CreateUser { user_id: UNIQUE.into(), email: given(email), phone: given(phone), name: given(name) };
    let user = client.create_user(&user).await?;
    if !topic.is_empty() {
        for target in &user.targets {
            let subscriber =
                CreateSubscriber { subscriber_id: UNIQUE.into(), target_id: target.id.to_string() };
            client.subscribe(topic, &subscriber).await?;
        }
    }
    Ok(Done::Plain)
}
