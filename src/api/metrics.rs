//! What Herald counts, in Prometheus' text format. Everything that grows with
//! deliveries is an atomic somewhere else; this only reads.

use super::App;
use super::answer::Answered;
use super::call::Call;
use super::health::provider_list;
use crate::domain::delivery::Outcome;
use crate::domain::plan::NO_PROVIDER;
use crate::engine::usecases::Outcome as Answer;
use crate::store::history::StoreHealth;
use crate::wire::message::State;
use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use std::fmt::{Display, Write as _};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Prometheus' text format.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper bounds of the classes of a request's duration, in seconds.
const BOUNDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

/// What the API counts of itself.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    /// Answers by the first digit of their status.
    answers: [AtomicU64; 6],
    /// Answers by class of duration; the last is beyond every bound.
    classes: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
    /// Event streams that are open.
    streams: AtomicU64,
}

/// An event stream while it is open.
pub(crate) struct OpenStream(std::sync::Arc<App>);

impl OpenStream {
    pub(crate) fn new(app: &std::sync::Arc<App>) -> Self {
        app.counted.streams.fetch_add(1, Relaxed);
        Self(std::sync::Arc::clone(app))
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.counted.streams.fetch_sub(1, Relaxed);
    }
}

impl Counted {
    /// Counts an answer.
    pub(crate) fn answered(&self, status: u16, took: Duration) {
        if let Some(count) = self.answers.get(usize::from(status / 100)) {
            count.fetch_add(1, Relaxed);
        }
        let seconds = took.as_secs_f64();
        let class = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.classes[class].fetch_add(1, Relaxed);
        self.micros.fetch_add(took.as_micros() as u64, Relaxed);
    }
}

/// A text in the making.
#[derive(Default)]
struct Page(String);

impl Page {
    /// Begins a metric.
    fn metric(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP herald_{name} {help}\n# TYPE herald_{name} {kind}");
    }

    /// Writes a value of it.
    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let _ = write!(self.0, "herald_{name}");
        for (n, (label, text)) in labels.iter().enumerate() {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.0, "{}{label}=\"{text}\"", if n == 0 { '{' } else { ',' });
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    /// A metric with one value.
    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.metric(name, kind, help);
        self.value(name, &[], value);
    }
}

async fn messages(page: &mut Page, app: &App) -> Answer<()> {
    page.metric("messages", "gauge", "Messages by state");
    let counts = app.engine.store().state_counts().await?;
    for (state, count) in State::ALL.iter().zip(counts) {
        page.value("messages", &[("state", state.as_str())], count);
    }
    Ok(())
}

async fn providers(page: &mut Page, app: &App) -> Answer<()> {
    let now = app.engine.now();
    let providers = provider_list(&app.engine).await?;
    let standings = app.engine.health().await?;
    page.metric("deliveries_total", "counter", "Rows of the delivery log since the start, by outcome");
    let recorded = app.engine.store().stats().await?.outcomes;
    for standing in &standings {
        let counts = recorded.get(&standing.no).copied().unwrap_or_default();
        for (outcome, count) in Outcome::ALL.iter().zip(counts) {
            let labels = [("provider", standing.provider.as_str()), ("outcome", outcome.as_str())];
            page.value("deliveries_total", &labels, count);
        }
    }
    // Who was left out when the plan was written had no provider yet.
    for (outcome, count) in Outcome::ALL.iter().zip(recorded.get(&NO_PROVIDER).into_iter().flatten()) {
        page.value("deliveries_total", &[("provider", ""), ("outcome", outcome.as_str())], count);
    }
    receipts(page, app, &standings);
    page.metric("delivery_seconds", "histogram", "From the first byte to the answer, for each recipient");
    for standing in &standings {
        let (id, mut sum) = (standing.provider.as_str(), 0);
        for (bound, count) in &standing.health.latencies {
            sum += count;
            let bound = bound.map_or_else(|| "+Inf".to_owned(), |ms| (ms / 1000.0).to_string());
            page.value("delivery_seconds_bucket", &[("provider", id), ("le", &bound)], sum);
        }
        page.value("delivery_seconds_sum", &[("provider", id)], standing.health.latency_sum_s);
        page.value("delivery_seconds_count", &[("provider", id)], sum);
    }
    page.metric("recipients_waiting", "gauge", "Recipients that are not through, by what they wait for");
    for row in &providers {
        let id = row.id.as_str();
        for (queue, count) in [
            ("queued", row.queued),
            ("retrying", row.retrying),
            ("held", row.held),
            ("in_flight", row.in_flight),
        ] {
            page.value("recipients_waiting", &[("provider", id), ("queue", queue)], count);
        }
    }
    page.metric("delivery_rate", "gauge", "Recipients answered for a second, over the last ten seconds");
    for row in &providers {
        page.value("delivery_rate", &[("provider", row.id.as_str())], row.rate);
    }
    page.metric("provider_stopped", "gauge", "1: an enabled provider sends nothing, for this reason");
    for row in providers.iter().filter(|row| row.enabled) {
        let reason = row.why.as_ref().and_then(|why| serde_json::to_value(why).ok());
        let reason = reason.as_ref().and_then(|why| why["reason"].as_str()).unwrap_or_default();
        let stopped = u8::from(!matches!(reason, "" | "sending" | "rate_limit"));
        page.value("provider_stopped", &[("provider", row.id.as_str()), ("reason", reason)], stopped);
    }
    let oldest = providers.iter().filter_map(|row| row.oldest).min();
    let oldest = oldest.map_or(0.0, |at| now.since(at).as_secs_f64());
    page.one("oldest_waiting_seconds", "gauge", "How long ago the oldest of them was due", oldest);
    Ok(())
}

fn receipts(page: &mut Page, app: &App, standings: &[crate::engine::ProviderHealth]) {
    let tallies: Vec<_> = standings
        .iter()
        .map(|standing| (standing.provider.as_str(), app.engine.receipt_tally(standing.no)))
        .collect();
    page.metric("receipts_total", "counter", "Receipts that were recorded since the start, by what they say");
    for (provider, tally) in &tallies {
        let said = &tally.said;
        for (kind, count) in [
            (Outcome::Delivered, said.delivered),
            (Outcome::Bounced, said.bounced),
            (Outcome::SoftBounced, said.soft_bounced),
            (Outcome::Complained, said.complained),
            (Outcome::Unsubscribed, said.unsubscribed),
        ] {
            page.value("receipts_total", &[("provider", provider), ("kind", kind.as_str())], count);
        }
    }
    let help = "Reports that came and were not recorded since the start; of refused, requests";
    page.metric("receipts_passed_over_total", "counter", help);
    for (provider, tally) in &tallies {
        for (reason, count) in [
            ("repeated", tally.taken.known),
            ("unknown", tally.taken.unknown),
            ("says_nothing", tally.taken.ignored),
            ("refused", tally.refused),
        ] {
            page.value("receipts_passed_over_total", &[("provider", provider), ("reason", reason)], count);
        }
    }
}

async fn store(page: &mut Page, app: &App) -> Answer<()> {
    let store = app.engine.store();
    let stats = store.stats().await?;
    let well = u8::from(*store.health().borrow() == StoreHealth::Well);
    let changes = *store.changes().borrow();
    page.one("store_writable", "gauge", "1: the disk takes writes", well);
    page.one("store_commits_total", "counter", "Commits since the start", changes.commits);
    page.one(
        "store_commit_seconds_total",
        "counter",
        "Seconds that they took",
        stats.commit_micros as f64 / 1e6,
    );
    page.one("store_bytes", "gauge", "Bytes of the store", stats.main_bytes + stats.segment_bytes);
    page.one("log_rows_total", "counter", "Rows that the delivery log has had", changes.log);
    page.one("disk_free_bytes", "gauge", "Free bytes of the disk", stats.disk_free);
    page.one("users", "gauge", "Users", stats.users);
    page.one("targets", "gauge", "Targets", stats.targets);
    page.one("topics", "gauge", "Topics", stats.topics);
    Ok(())
}

fn requests(page: &mut Page, app: &App) {
    let counted = &app.counted;
    page.metric("http_requests_total", "counter", "Answers of the API by class of status");
    for (class, count) in counted.answers.iter().enumerate().skip(2) {
        page.value("http_requests_total", &[("status", &format!("{class}xx"))], count.load(Relaxed));
    }
    page.metric("http_request_seconds", "histogram", "How long answers of the API took");
    let mut sum = 0;
    let bounds = BOUNDS.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
    for (bound, count) in bounds.zip(&counted.classes) {
        sum += count.load(Relaxed);
        page.value("http_request_seconds_bucket", &[("le", &bound)], sum);
    }
    page.value("http_request_seconds_sum", &[], counted.micros.load(Relaxed) as f64 / 1e6);
    page.value("http_request_seconds_count", &[], sum);
    page.one("event_streams", "gauge", "Event streams that are open", counted.streams.load(Relaxed));
    let since = app.engine.now().since(app.started).as_secs();
    page.one("uptime_seconds", "gauge", "Since the start", since);
}

pub(crate) async fn metrics(call: Call) -> Answered {
    let mut page = Page::default();
    messages(&mut page, &call.app).await?;
    providers(&mut page, &call.app).await?;
    store(&mut page, &call.app).await?;
    requests(&mut page, &call.app);
    let mut response = Response::new(Body::from(page.0));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(FORMAT));
    Ok(response)
}
