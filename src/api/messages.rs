//! Messages, in the dialect.

use super::answer::{Answered, created, nothing, ok};
use super::call::Call;
use super::deliveries::Names;
use super::list::{ListCall, Source};
use super::params::{Params, Required};
use super::present_message::message as present;
use super::queries::ListQuery;
use super::stale::explained;
use crate::domain::channel::Channel;
use crate::domain::content::{Content, EmailContent, Priority, PushContent, SmsContent};
use crate::domain::file::FileRef;
use crate::domain::filter::Operand;
use crate::domain::ids::{MessageId, ProviderId, TargetId};
use crate::domain::message::{Message, ScheduleWords};
use crate::domain::person::Target;
use crate::domain::receipt::ReceiptCounts;
use crate::domain::state::MessageState;
use crate::domain::validate::{self, Invalid};
use crate::domain::zone::Zone;
use crate::engine::Engine;
use crate::engine::usecases::Outcome;
use crate::engine::usecases::messages::{ImageEdit, MessageEdit};
use crate::store::Result as StoreResult;
use crate::store::messages::MessageFilter;
use crate::store::page::{Page, PageRequest};
use crate::wire;
use crate::wire::list::MessageList;
use async_trait::async_trait;
use serde_json::Value;
use std::cmp::Reverse;
use std::time::Duration;

/// The dialect's limit of contents (facts 1.5).
const CONTENT: usize = 64_230;

/// The rule for files, in the dialect's words.
const COMPOUND: &str = "Value must consist of multiple valid ids separated by `:`, as bucketId:fileId";

/// The most files of one mail.
const MOST_FILES: usize = 100;

/// The code of *scheduled*.
const SCHEDULED: u8 = 1;

/// The states that a list is narrowed to, so that the store's index serves them.
fn states(request: &ListCall) -> Vec<u8> {
    if let Some(statuses) = request.query.required("status") {
        let of = |status: &str| -> &'static [u8] {
            match status {
                "draft" => &[0],
                "scheduled" => &[1, 2],
                // Scheduled and due is processing, in the dialect's words.
                "processing" => &[1, 3, 4],
                "sent" => &[6],
                "failed" => &[5, 7],
                _ => &[],
            }
        };
        let mut codes: Vec<u8> = statuses.iter().flat_map(|status| of(status)).copied().collect();
        codes.sort_unstable();
        codes.dedup();
        return codes;
    }
    let Some(operands) = request.filter.required("status") else { return Vec::new() };
    operands
        .iter()
        .filter_map(|operand| match operand {
            Operand::Keyword(word) => {
                MessageState::WORDS.iter().position(|known| known == word).map(|code| code as u8)
            }
            _ => None,
        })
        .collect()
}

struct Messages<'a> {
    engine: &'a Engine,
    states: Vec<u8>,
}

#[async_trait]
impl Source<Message> for Messages<'_> {
    async fn fetch(&self, page: PageRequest<Message>) -> StoreResult<Page<Message>> {
        let filter = MessageFilter { states: self.states.clone() };
        self.engine.store().messages(filter, page).await
    }

    async fn number(&self, id: String) -> Outcome<u64> {
        Ok(self.engine.store().message(&MessageId::new(id)?).await?.no.0)
    }

    /// By status, where a status is states: what is scheduled and due counts as processing.
    async fn counted(&self, query: &ListQuery) -> Outcome<Option<u64>> {
        let plain = query.predicates.len() == 1 && query.required("status").is_some();
        if !plain || self.states.is_empty() || self.states.contains(&SCHEDULED) {
            return Ok(None);
        }
        let counts = self.engine.store().state_counts().await?;
        Ok(Some(self.states.iter().filter_map(|code| counts.get(usize::from(*code))).sum()))
    }
}

pub(crate) async fn list(call: Call) -> Answered {
    let request = ListCall::read::<Message>(&call)?;
    let found = request.page(&Messages { engine: call.engine(), states: states(&request) }).await?;
    let mut messages = Vec::with_capacity(found.items.len());
    let mut through = Through::default();
    for message in found.items {
        messages.push(shown_as(&call, message, &mut through).await?);
    }
    ok(&MessageList { total: found.total, messages, next: found.next, cut_short: found.cut_short })
}

/// A message with the engine's reason.
pub(crate) async fn shown(call: &Call, message: Message) -> Outcome<wire::message::Message> {
    shown_as(call, message, &mut Through::default()).await
}

async fn shown_as(call: &Call, message: Message, through: &mut Through) -> Outcome<wire::message::Message> {
    let why = call.engine().why_of(&message).await?;
    let receipts = receipts_of(call, &message).await?;
    let providers = through.of(call.engine(), &message).await?;
    Ok(wire::message::Message { providers, receipts, ..present(message, why, call.engine().now()) })
}

/// What providers are called, read once for a page and only where a message has a plan.
#[derive(Default)]
struct Through(Option<Names>);

impl Through {
    /// Through which providers the plan of a message goes.
    async fn of(&mut self, engine: &Engine, message: &Message) -> Outcome<Vec<ProviderId>> {
        if message.progress.planned == 0 {
            return Ok(Vec::new());
        }
        let names = match &mut self.0 {
            Some(names) => names,
            none => none.insert(Names::new(engine).await?),
        };
        let mut lanes = engine.store().lanes_of(message.no).await?;
        lanes.retain(|lane| lane.progress.planned > 0);
        lanes.sort_by_key(|lane| Reverse(lane.progress.planned));
        Ok(lanes.iter().filter_map(|lane| names.provider(lane.key.provider).cloned()).collect())
    }
}

/// What receipts have said of a message: nothing of one that nobody has got.
async fn receipts_of(call: &Call, message: &Message) -> Outcome<ReceiptCounts> {
    if message.progress.accepted == 0 {
        return Ok(ReceiptCounts::default());
    }
    Ok(call.engine().store().receipt_counts(message.no).await?)
}

pub(crate) async fn get(call: Call) -> Answered {
    let message = call.engine().store().message(&call.id("messageId")?).await?;
    ok(&shown(&call, message).await?)
}

pub(crate) async fn delete(call: Call) -> Answered {
    let id: MessageId = call.id("messageId")?;
    let done = call.engine().delete_message(call.actor(), &id, call.expected(None)?).await;
    let now = async || shown(&call, call.engine().store().message(&id).await?).await;
    explained(&call, done, format!("message/{id}"), now).await?;
    Ok(nothing())
}

pub(crate) async fn targets(call: Call) -> Answered {
    let message = call.engine().store().message(&call.id("messageId")?).await?;
    let request = ListCall::read::<Target>(&call)?;
    let mut targets = Vec::with_capacity(message.targets.len());
    for id in &message.targets {
        match call.engine().store().target(id).await {
            Ok(target) => targets.push(target),
            Err(crate::store::StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    ok(&super::targets::list_of(request.page_of(targets)?))
}

/// Audience and the dialect's draft and time; then Herald's own.
fn envelope(call: &Call, channel: Channel, params: &mut Params) -> Outcome<MessageEdit> {
    let now = call.engine().now();
    let draft = params.flag("draft")?;
    let scheduled_at = params.time("scheduledAt", Some(now))?;
    let expires_at = params.time("expiresAt", Some(now))?;
    let variables = params.flag("variables")?;
    let in_doubt = params.typed("inDoubt")?;
    let confirmed = params.integer("confirmed", 0, i64::MAX)?.map(|count| count as u64);
    let undo = params.integer("undo", 0, 3600)?.map(|seconds| Duration::from_secs(seconds as u64));
    let words: Option<wire::message::ScheduleWords> = params.typed("scheduleWords")?;
    if let Some(words) = &words {
        validate::line("scheduleWords.words", &words.words, 1, 128)?;
        if words.zone.parse::<Zone>().is_err() {
            return Err(Invalid::value("scheduleWords.zone", "Value must be an IANA time zone").into());
        }
    }
    Ok(MessageEdit {
        draft,
        scheduled_at,
        expires_at,
        variables,
        in_doubt,
        confirmed,
        undo,
        schedule_words: words.map(|given| ScheduleWords { words: given.words, zone: given.zone }),
        revision: call.expected(params.typed("revision")?)?,
        lifetime: call.app.settings.lifetime(channel),
        ..MessageEdit::default()
    })
}

fn audience(edit: &mut MessageEdit, params: &mut Params) -> Outcome<()> {
    edit.topics = params.ids("topics")?;
    edit.users = params.ids("users")?;
    edit.targets = params.ids("targets")?;
    Ok(())
}

/// Content of a body: what was given.
enum Given {
    Email(EmailGiven),
    Sms(Option<String>),
    Push(Box<PushGiven>),
}

#[derive(Default)]
struct EmailGiven {
    subject: Option<String>,
    content: Option<String>,
    html: Option<bool>,
    cc: Option<Vec<TargetId>>,
    bcc: Option<Vec<TargetId>>,
}

#[derive(Default)]
struct PushGiven {
    title: Option<String>,
    body: Option<String>,
    data: Option<String>,
    action: Option<String>,
    icon: Option<String>,
    sound: Option<String>,
    color: Option<String>,
    tag: Option<String>,
    badge: Option<i64>,
    content_available: Option<bool>,
    critical: Option<bool>,
    priority: Option<Priority>,
}

impl Given {
    /// Puts what was given into a content of the same type.
    fn put(self, content: &mut Content) {
        fn set<T>(slot: &mut T, given: Option<T>) {
            if let Some(value) = given {
                *slot = value;
            }
        }
        fn set_text(slot: &mut Option<String>, given: Option<String>) {
            if let Some(text) = given {
                *slot = Some(text).filter(|text| !text.is_empty());
            }
        }
        match (self, content) {
            (Self::Email(given), Content::Email(mail)) => {
                set(&mut mail.subject, given.subject);
                set(&mut mail.content, given.content);
                set(&mut mail.html, given.html);
                set(&mut mail.cc, given.cc);
                set(&mut mail.bcc, given.bcc);
            }
            (Self::Sms(given), Content::Sms(sms)) => set(&mut sms.content, given),
            (Self::Push(given), Content::Push(push)) => {
                set_text(&mut push.title, given.title);
                set_text(&mut push.body, given.body);
                set_text(&mut push.data, given.data);
                set_text(&mut push.action, given.action);
                set_text(&mut push.icon, given.icon);
                set_text(&mut push.sound, given.sound);
                set_text(&mut push.color, given.color);
                set_text(&mut push.tag, given.tag);
                if let Some(badge) = given.badge {
                    push.badge = u32::try_from(badge).ok();
                }
                set(&mut push.content_available, given.content_available);
                set(&mut push.critical, given.critical);
                set(&mut push.priority, given.priority);
            }
            _ => {}
        }
    }
}

/// Files as the dialect's compound ids, each one kept once.
fn files(params: &mut Params, name: &'static str) -> Outcome<Option<Vec<FileRef>>> {
    let Some(value) = params.take(name) else { return Ok(None) };
    let rule = || Invalid::value(name, format!("Value must a valid array and {COMPOUND}"));
    let Value::Array(values) = value else { return Err(rule().into()) };
    let mut files = Vec::with_capacity(values.len());
    for value in values {
        let file = value.as_str().and_then(|text| FileRef::parse(text).ok()).ok_or_else(rule)?;
        if !files.contains(&file) {
            files.push(file);
        }
    }
    if files.len() > MOST_FILES {
        let rule = format!("Value must a valid array of at most {MOST_FILES} files");
        return Err(Invalid::value(name, rule).into());
    }
    Ok(Some(files))
}

/// A file; an empty text takes it away.
fn image(params: &mut Params) -> Outcome<ImageEdit> {
    let rule = || Invalid::value("image", COMPOUND);
    match params.take("image") {
        None => Ok(ImageEdit::Keep),
        Some(Value::String(text)) if text.is_empty() => Ok(ImageEdit::Remove),
        Some(Value::String(text)) => Ok(ImageEdit::Set(FileRef::parse(&text).map_err(|_| rule())?)),
        Some(_) => Err(rule().into()),
    }
}

/// Reads a mail in the order of the dialect's parameters.
fn email(call: &Call, params: &mut Params, creating: bool) -> Outcome<(Given, MessageEdit)> {
    let mut given = EmailGiven::default();
    let mut edit = MessageEdit::default();
    if creating {
        given.subject = Some(params.line("subject", 1, 998).required("subject")?);
        given.content = Some(params.text("content", 1, CONTENT).required("content")?);
        audience(&mut edit, params)?;
    } else {
        audience(&mut edit, params)?;
        given.subject = params.line("subject", 1, 998)?;
        given.content = params.text("content", 1, CONTENT)?;
    }
    given.cc = params.ids("cc")?;
    given.bcc = params.ids("bcc")?;
    edit.attachments = files(params, "attachments")?;
    let rest = envelope(call, Channel::Email, params)?;
    given.html = params.flag("html")?;
    Ok((Given::Email(given), with_audience(rest, edit)))
}

fn sms(call: &Call, params: &mut Params, creating: bool) -> Outcome<(Given, MessageEdit)> {
    let mut edit = MessageEdit::default();
    let content = if creating {
        let content = params.text("content", 1, CONTENT).required("content")?;
        audience(&mut edit, params)?;
        Some(content)
    } else {
        audience(&mut edit, params)?;
        params.text("content", 1, CONTENT)?
    };
    let rest = envelope(call, Channel::Sms, params)?;
    Ok((Given::Sms(content), with_audience(rest, edit)))
}

fn push(call: &Call, params: &mut Params, creating: bool) -> Outcome<(Given, MessageEdit)> {
    let mut given = PushGiven::default();
    let mut edit = MessageEdit::default();
    if !creating {
        audience(&mut edit, params)?;
    }
    given.title = params.line("title", 0, 256)?;
    given.body = params.text("body", 0, CONTENT)?;
    if creating {
        audience(&mut edit, params)?;
    }
    given.data = params.object("data")?.map(|data| Value::Object(data).to_string());
    given.action = params.line("action", 0, 256)?;
    edit.image = image(params)?;
    given.icon = params.line("icon", 0, 256)?;
    given.sound = params.line("sound", 0, 256)?;
    given.color = params.line("color", 0, 256)?;
    given.tag = params.line("tag", 0, 256)?;
    given.badge = params.integer("badge", -1, i64::from(u32::MAX))?;
    let rest = envelope(call, Channel::Push, params)?;
    given.content_available = params.flag("contentAvailable")?;
    given.critical = params.flag("critical")?;
    given.priority = match params.text("priority", 0, 16)?.as_deref() {
        None | Some("") => None,
        Some("normal") => Some(Priority::Normal),
        Some("high") => Some(Priority::High),
        Some(_) => return Err(Invalid::value("priority", "Value must be one of (normal, high)").into()),
    };
    Ok((Given::Push(Box::new(given)), with_audience(rest, edit)))
}

fn with_audience(edit: MessageEdit, audience: MessageEdit) -> MessageEdit {
    MessageEdit {
        topics: audience.topics,
        users: audience.users,
        targets: audience.targets,
        attachments: audience.attachments,
        image: audience.image,
        ..edit
    }
}

type Reader = fn(&Call, &mut Params, bool) -> Outcome<(Given, MessageEdit)>;

async fn create(call: Call, mut content: Content, read: Reader) -> Answered {
    let mut params = call.params()?;
    let id = params.custom_id("messageId")?;
    let (given, edit) = read(&call, &mut params, true)?;
    params.finish()?;
    given.put(&mut content);
    let message = call.engine().create_message(call.actor(), &id, content, edit).await?;
    created(&shown(&call, message).await?)
}

async fn update(call: Call, channel: Channel, read: Reader) -> Answered {
    let id = call.id("messageId")?;
    let mut params = call.params()?;
    let (given, edit) = read(&call, &mut params, false)?;
    params.finish()?;
    let done =
        call.engine().edit_message(call.actor(), &id, channel, |content| given.put(content), edit).await;
    let now = async || shown(&call, call.engine().store().message(&id).await?).await;
    let message = explained(&call, done, format!("message/{id}"), now).await?;
    ok(&shown(&call, message).await?)
}

pub(crate) async fn create_email(call: Call) -> Answered {
    create(call, Content::Email(EmailContent::default()), email).await
}

pub(crate) async fn create_sms(call: Call) -> Answered {
    create(call, Content::Sms(SmsContent::default()), sms).await
}

pub(crate) async fn create_push(call: Call) -> Answered {
    create(call, Content::Push(Box::<PushContent>::default()), push).await
}

pub(crate) async fn update_email(call: Call) -> Answered {
    update(call, Channel::Email, email).await
}

pub(crate) async fn update_sms(call: Call) -> Answered {
    update(call, Channel::Sms, sms).await
}

pub(crate) async fn update_push(call: Call) -> Answered {
    update(call, Channel::Push, push).await
}
