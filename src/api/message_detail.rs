//! Messages on their way: lanes, why, preview, and what operators do to them.

use super::answer::{Answered, created, ok};
use super::call::Call;
use super::deliveries::Names;
use super::health::{hands_on, provider_reason};
use super::messages::shown;
use crate::domain::channel::Channel;
use crate::domain::ids::{MessageId, ProviderId, TargetId, TopicId};
use crate::domain::message::Progress;
use crate::domain::plan::Again;
use crate::domain::plan::NO_PROVIDER;
use crate::domain::reason::Why;
use crate::domain::receipt::ReceiptCounts;
use crate::domain::state::MessageState;
use crate::domain::suppression::{Suppression, SuppressionCause};
use crate::domain::time::Timestamp;
use crate::domain::validate::Invalid;
use crate::engine::preview::RetryLeftOut;
use crate::engine::usecases::message_actions::MessageAction;
use crate::engine::usecases::{Outcome, Refusal, slow_start};
use crate::store::StoreError;
use crate::store::history::LogQuery;
use crate::store::page::Order;
use crate::wire::ErrorType;
use crate::wire::delivery::{Affected, WhyAnswer};
use crate::wire::message::{ActOn, Lane, MessageDetail, Retry};
use crate::wire::preview::{LeftOut, Preview, ProviderShare, RetryPreview, Sample, TopicShare};

/// How many recipients a preview shows.
const SAMPLES: usize = 3;

/// Recipients that are over.
fn answered(progress: &Progress) -> u64 {
    progress.accepted + progress.failed + progress.skipped + progress.expired + progress.uncertain
}

pub(crate) async fn detail(call: Call) -> Answered {
    let engine = call.engine();
    let store = engine.store();
    let message = store.message(&call.id("messageId")?).await?;
    let now = engine.now();
    let names = Names::new(engine).await?;
    let mut lanes = Vec::new();
    for lane in store.lanes_of(message.no).await? {
        let open = lane.progress.open() > 0;
        let why = match names.provider(lane.key.provider) {
            _ if !open => None,
            None if lane.key.provider == NO_PROVIDER => Some(Why::NoProvider),
            None => None,
            Some(id) => provider_reason(engine, id).await?,
        };
        lanes.push(Lane {
            provider_id: names
                .provider(lane.key.provider)
                .filter(|_| lane.key.provider != NO_PROVIDER)
                .cloned(),
            progress: lane.progress,
            why: why.map(Into::into),
            next_try: lane.next_wait.filter(|at| *at != Timestamp::NEVER),
        });
    }
    let planned = store.plan_cursor(message.no).await?.done;
    let end = message.finished_at.unwrap_or(now);
    let seconds = message.started_at.map_or(0.0, |from| end.since(from).as_secs_f64());
    let rate = if seconds > 0.0 { answered(&message.progress) as f64 / seconds } else { 0.0 };
    // Who waits for a time or for somebody does not go at this rate.
    let ahead = message.progress.untouched() + message.progress.in_flight();
    let moving = message.state == MessageState::Processing && rate > 0.0 && ahead > 0;
    let eta_s = moving.then(|| ahead as f64 / rate);
    ok(&MessageDetail { message: shown(&call, message).await?, planned, lanes, rate, eta_s })
}

async fn act(call: Call, action: MessageAction) -> Answered {
    let id = call.id("messageId")?;
    let ActOn { revision } = call.json()?;
    let revision = call.expected(revision)?;
    let done = call.engine().act_on_message(call.actor(), &id, action, revision).await;
    let now = async || shown(&call, call.engine().store().message(&id).await?).await;
    let message = super::stale::explained(&call, done, format!("message/{id}"), now).await?;
    ok(&shown(&call, message).await?)
}

pub(crate) async fn pause(call: Call) -> Answered {
    act(call, MessageAction::Pause).await
}

pub(crate) async fn resume(call: Call) -> Answered {
    act(call, MessageAction::Resume).await
}

pub(crate) async fn cancel(call: Call) -> Answered {
    act(call, MessageAction::Cancel).await
}

pub(crate) async fn hold(call: Call) -> Answered {
    act(call, MessageAction::Hold).await
}

pub(crate) async fn release(call: Call) -> Answered {
    act(call, MessageAction::Release).await
}

pub(crate) async fn undo(call: Call) -> Answered {
    act(call, MessageAction::Undo).await
}

pub(crate) async fn duplicate(call: Call) -> Answered {
    let message = call.engine().duplicate_message(call.actor(), &call.id("messageId")?).await?;
    created(&shown(&call, message).await?)
}

fn left_out(reason: &str, count: u64) -> Option<LeftOut> {
    (count > 0).then(|| LeftOut { reason: reason.to_owned(), count })
}

pub(crate) async fn retry(call: Call) -> Answered {
    let id: MessageId = call.id("messageId")?;
    let request: Retry = call.json()?;
    let engine = call.engine();
    let message = engine.store().message(&id).await?;
    let provider = match &request.provider_id {
        Some(id) => Some(engine.provider_for(id, message.channel()).await?),
        None => None,
    };
    let progress = message.progress;
    if message.state.is_over() && progress.failed == 0 && !(request.uncertain && progress.uncertain > 0) {
        return Err(Refusal::not_now(format!("Nobody of message {id} has failed: there is nobody to retry")));
    }
    let uncertain = if request.uncertain { 0 } else { progress.uncertain };
    // Of one that is not over, who is released waits already; the batch looks at the list again.
    let listed = if message.state.is_over() {
        engine.retry_left_out(&message, request.uncertain).await?
    } else {
        RetryLeftOut::default()
    };
    let suppressed: u64 = listed.suppressed.values().sum();
    let planned = progress.failed + if request.uncertain { progress.uncertain } else { 0 };
    let on_the_list = listed.suppressed.iter().filter_map(|(cause, count)| {
        let least = if listed.at_least { ", at least" } else { "" };
        left_out(&format!("on the suppression list: {cause}{least}"), *count)
    });
    let answer = RetryPreview {
        recipients: planned.saturating_sub(suppressed),
        left_out: [
            left_out("uncertain, left out unless asked for", uncertain),
            left_out("past their deadline", progress.expired),
            left_out("left out of the plan", progress.skipped),
        ]
        .into_iter()
        .flatten()
        .chain(on_the_list)
        .collect(),
    };
    if request.dry_run {
        return ok(&answer);
    }
    // A run of nobody would end them as left out, and then nobody could try them again.
    if suppressed > 0 && answer.recipients == 0 && !listed.at_least {
        return Err(Refusal::not_now(format!(
            "Everybody of message {id} who failed is on the suppression list: nobody is tried again. Take an address off it first (`herald suppression remove`)"
        )));
    }
    if request.uncertain && !message.state.is_over() {
        let released =
            engine.decide_uncertain(&id, crate::store::dispatch::Decision::Release, call.actor()).await?;
        return ok(&RetryPreview { recipients: released, ..answer });
    }
    let again = Again { provider, uncertain: request.uncertain };
    engine.retry(&id, again, call.actor()).await?;
    ok(&answer)
}

pub(crate) async fn preview(call: Call) -> Answered {
    let engine = call.engine();
    let store = engine.store();
    let message = store.message(&call.id("messageId")?).await?;
    let channel = message.channel();
    let counted = engine.preview_of(&message, SAMPLES).await?;
    let mut preview =
        Preview { recipients: counted.recipients, cut_short: counted.at_least, ..Preview::default() };
    for id in &message.topics {
        match store.topic(id).await {
            Ok(topic) => {
                let count = topic.totals.of(channel);
                preview.in_audience += count;
                preview.topics.push(TopicShare { topic_id: topic.id, name: topic.name, count });
            }
            Err(StoreError::NotFound { .. }) => {
                preview.left_out.push(LeftOut { reason: format!("topic {id} does not exist"), count: 0 });
            }
            Err(error) => return Err(error.into()),
        }
    }
    for id in &message.users {
        match store.user(id).await {
            Ok(user) => {
                let targets = store.targets_of(user.no).await?;
                preview.in_audience +=
                    targets.iter().filter(|target| target.channel == channel).count() as u64;
            }
            Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    preview.in_audience += message.targets.len() as u64;
    for (cause, count) in &counted.suppressed {
        preview.suppressed += count;
        preview.left_out.push(LeftOut { reason: cause.skip().as_str().to_owned(), count: *count });
    }
    preview.without_unsubscribe = message.is_mail_to_topics() && engine.config().files.public_url.is_none();
    if !counted.at_least {
        preview.duplicates = preview.in_audience.saturating_sub(preview.recipients);
    }
    let providers = store.providers().await?;
    let mut slowest: Option<f64> = None;
    let (routing, sms) = (call.engine().routing().await?, message.channel() == Channel::Sms);
    for (id, recipients) in counted.providers {
        let provider = id.as_ref().and_then(|id| providers.iter().find(|provider| provider.id == *id));
        let kind = provider.and_then(|provider| crate::domain::provider::kind(&provider.kind));
        let batch = u64::from(kind.map_or(1, |kind| kind.batch).max(1));
        let seconds =
            provider.and_then(|provider| provider.limits.per_second).map(|rate| recipients as f64 / rate);
        slowest = match (slowest, seconds) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
        let rules = routing.prefixes.iter().filter(|rule| sms && Some(&rule.provider_id) == id.as_ref());
        preview.providers.push(ProviderShare {
            prefixes: rules.map(|rule| rule.prefix.clone()).collect(),
            provider_id: id,
            name: provider.map(|provider| provider.name.clone()).unwrap_or_default(),
            recipients,
            batches: recipients.div_ceil(batch),
            seconds,
        });
    }
    preview.seconds = slowest;
    preview.samples = counted
        .samples
        .into_iter()
        .map(|sample| {
            let (subject, body, problem) = match sample.text {
                Ok(text) => (text.subject.unwrap_or_default(), text.body, String::new()),
                Err(problem) => (String::new(), String::new(), problem),
            };
            Sample { target_id: sample.target, address: sample.address, subject, body, problem }
        })
        .collect();
    ok(&preview)
}

/// How many people a set of topics reaches at most.
pub(crate) async fn audience(call: Call) -> Answered {
    call.only_query(&["topics", "type"])?;
    let channel = call.query("type").and_then(Channel::parse);
    let channel = channel.ok_or_else(|| Invalid::value("type", "Value must be one of (email, sms, push)"))?;
    let mut topics = Vec::new();
    for id in call.query("topics").unwrap_or_default().split(',').filter(|id| !id.is_empty()) {
        topics
            .push(TopicId::new(id).map_err(|_| Invalid::value("topics", crate::domain::validate::ID_RULE))?);
    }
    ok(&Affected { count: call.engine().store().audience_bound(&topics, channel).await? })
}

/// What receipts say, behind what became of the message.
fn said(receipts: &ReceiptCounts) -> String {
    if receipts.is_empty() {
        return String::new();
    }
    format!(
        "; receipts: {} delivered, {} bounced, {} bounced for now, {} complained, {} unsubscribed",
        receipts.delivered,
        receipts.bounced,
        receipts.soft_bounced,
        receipts.complained,
        receipts.unsubscribed
    )
}

/// How far a message has come that is being sent.
fn so_far(progress: &Progress) -> String {
    let open = progress.untouched() + progress.in_flight() + progress.retrying + progress.held;
    let done = progress.planned.saturating_sub(open);
    let waits = if progress.retrying > 0 {
        format!(", {} wait to be tried again", progress.retrying)
    } else {
        String::new()
    };
    format!("{done} of {} are done{waits}", progress.planned)
}

fn answer(subject: String, why: Option<Why>, over: impl Into<String>) -> WhyAnswer {
    let sentence = match &why {
        Some(why) => format!("{subject} {why}."),
        None => format!("{subject} {}.", over.into()),
    };
    WhyAnswer { subject, sentence, reason: why.map(Into::into) }
}

pub(crate) async fn why(call: Call) -> Answered {
    call.only_query(&["target"])?;
    let id = call.segment("id");
    crate::domain::validate::id("id", id)?;
    let engine = call.engine();
    let store = engine.store();
    match store.message(&MessageId::new(id)?).await {
        Ok(message) => {
            if let Some(target) = call.query("target") {
                let target = TargetId::new(target)?;
                let why = engine.why_delivery(&message.id, &target).await?;
                let over = last_outcome(&call, Some(message.no), &target).await?;
                let waits = why.is_some();
                let mut answer = answer(format!("Message {id} to target {target}"), why, over);
                let rule = engine.country_rule(&target).await?;
                if let Some(rule) = rule.filter(|_| waits) {
                    answer.sentence = format!(
                        "{} Numbers of {} go through {}.",
                        answer.sentence, rule.prefix, rule.provider_id
                    );
                }
                return ok(&answer);
            }
            let progress = message.progress;
            let over = format!(
                "is {}: {} accepted, {} failed, {} uncertain, {} expired, {} left out",
                message.state,
                progress.accepted,
                progress.failed,
                progress.uncertain,
                progress.expired,
                progress.skipped
            ) + &said(&store.receipt_counts(message.no).await?);
            let why = engine.why_of(&message).await?;
            let goes_on = matches!(why, Some(Why::Sending)) && progress.planned > 0;
            let mut answer = answer(format!("Message {id}"), why, over);
            if goes_on {
                answer.sentence = format!("{} {}.", answer.sentence, so_far(&progress));
            }
            return ok(&answer);
        }
        Err(StoreError::NotFound { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    match store.provider(&ProviderId::new(id)?).await {
        Ok(provider) => {
            let why = provider_reason(engine, &provider.id).await?;
            let over = if provider.enabled { "is well" } else { "is disabled: enable it to have it chosen" };
            let mut answer = answer(format!("Provider {id}"), why, over);
            if let Some(on) = hands_on(engine, &provider).await? {
                answer.sentence = format!("{} Meanwhile {on}.", answer.sentence);
            }
            if slow_start::holds(&provider) {
                answer.sentence = format!("{} {}", answer.sentence, crate::wire::provider::SLOW_START);
            }
            return ok(&answer);
        }
        Err(StoreError::NotFound { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let target = TargetId::new(id)?;
    match store.target(&target).await {
        Ok(record) => {
            let user = store.user_by_no(record.user_no).await?;
            let listed = store.suppressions_of(record.channel, &record.identifier).await?;
            let over = if !user.enabled {
                format!("gets nothing: user {} is blocked", user.id)
            } else if let Some(text) = suppressed(&listed) {
                text
            } else if record.expired {
                "gets nothing: a provider said that the address no longer exists; a new address mends it"
                    .to_owned()
            } else {
                last_outcome(&call, None, &target).await?
            };
            ok(&answer(format!("Target {id}"), None, over))
        }
        Err(StoreError::NotFound { .. }) => Err(Refusal::new(
            ErrorType::NotFound,
            format!("There is no message, provider or target {id}; `herald find` looks further"),
        )),
        Err(error) => Err(error.into()),
    }
}

/// What the suppression list means for a target.
fn suppressed(listed: &[Suppression]) -> Option<String> {
    let since = |record: &Suppression| {
        let said =
            if record.source.said.is_empty() { String::new() } else { format!(": {}", record.source.said) };
        format!("since {} by {}{said}", record.since, record.source.by)
    };
    if let Some(record) = listed.iter().find(|record| record.cause != SuppressionCause::Unsubscribe) {
        return Some(format!("gets nothing: suppressed, {} {}", record.cause, since(record)));
    }
    let first = listed.first()?;
    let from = match &first.topic {
        Some(_) => listed
            .iter()
            .filter_map(|record| record.topic.as_ref())
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
        None => "every topic".to_owned(),
    };
    Some(format!("has unsubscribed from {from} {}; messages straight to it still go", since(first)))
}

/// What became of the newest attempt.
async fn last_outcome(
    call: &Call,
    message: Option<crate::domain::ids::MessageNo>,
    target: &TargetId,
) -> Outcome<String> {
    let engine = call.engine();
    let query = LogQuery {
        message,
        target: Some(engine.store().target(target).await?.no),
        order: Order::Descending,
        limit: 1,
        scan: 50_000,
        ..LogQuery::default()
    };
    let rows = engine.store().log(query).await?.rows;
    let found = Names::new(engine).await?.deliveries(engine, rows).await?.into_iter().next();
    Ok(found.map_or_else(
        || "can be reached; nothing has been sent to it".to_owned(),
        |row| {
            let reason = row.skip.map(|skip| format!(" ({})", skip.as_str())).unwrap_or_default();
            let instead = row.instead().map(|instead| format!(", {instead}")).unwrap_or_default();
            format!(
                "was {}{reason} at {} with “{}”{instead}: {}",
                row.outcome, row.at, row.headline, row.answer
            )
        },
    ))
}
