//! The other side: a sandbox that keeps its own books, and people who are sent to.

use super::house::{House, PATIENCE};
use herald::client::{Client, body_from};
use herald::domain::channel::{Channel, InDoubt};
use herald::domain::delivery::Outcome;
use herald::domain::plan::WaitReason;
use herald::domain::provider::Limits;
use herald::sandbox::{FaultPlan, Record, Sandbox};
use herald::wire::delivery::{Delivery, DeliveryRequest, WaitingRequest};
use herald::wire::message::{Envelope, Message, State, WriteEmail, WriteSms};
use herald::wire::provider::{Provider, WriteProvider};
use herald::wire::transfer::{ImportProgress, ImportRequest};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub const TOKEN: &str = "a-token";

/// A sandbox in the test's own process, which no kill reaches.
pub struct Sink {
    pub sandbox: Sandbox,
    ledger: PathBuf,
}

impl Sink {
    pub async fn start(house: &House) -> Self {
        let ledger = house.path("ledger");
        let any = "127.0.0.1:0".parse().unwrap();
        let sandbox = Sandbox::builder()
            .smtp(any)
            .http(any)
            .token(TOKEN)
            .seed(1)
            .keep(10)
            .ledger(&ledger)
            .start()
            .await
            .unwrap();
        Self { sandbox, ledger }
    }

    pub fn record(&self) -> &Record {
        self.sandbox.record()
    }

    pub fn mail(&self, change: impl FnOnce(&mut FaultPlan)) {
        self.sandbox.faults().smtp.change(change).unwrap();
    }

    pub fn http(&self, change: impl FnOnce(&mut FaultPlan)) {
        self.sandbox.faults().http.change(change).unwrap();
    }

    /// What arrived: by recipient, its references with the number of copies.
    pub fn books(&self) -> BTreeMap<String, Vec<String>> {
        let mut books: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in std::fs::read_to_string(&self.ledger).unwrap().lines() {
            let mut columns = line.split('\t').skip(2);
            let (recipient, reference) = (columns.next().unwrap(), columns.next().unwrap());
            books.entry(recipient.to_owned()).or_default().push(reference.to_owned());
        }
        books
    }

    /// A provider for mail at this sink.
    pub async fn mail_provider(&self, client: &Client, limits: Limits) -> Provider {
        let addr = self.sandbox.smtp_addr().unwrap();
        let fields = fields(json!({
            "host": addr.ip().to_string(), "port": addr.port(), "fromEmail": "news@sender.example",
            "fromName": "News", "encryption": "none",
        }));
        let provider = WriteProvider {
            provider_id: Some("mail".into()),
            name: Some("Mail".into()),
            enabled: Some(true),
            limits: Some(limits),
            fields,
            ..WriteProvider::default()
        };
        client.create_provider("smtp", &provider).await.unwrap()
    }

    /// A provider for text messages at this sink.
    pub async fn sms_provider(&self, client: &Client, limits: Limits) -> Provider {
        let endpoint = format!("http://{}", self.sandbox.http_addr().unwrap());
        let provider = WriteProvider {
            provider_id: Some("sms".into()),
            name: Some("SMS".into()),
            enabled: Some(true),
            limits: Some(limits),
            channel: Some(Channel::Sms),
            fields: fields(json!({ "endpoint": endpoint, "token": TOKEN, "from": "News" })),
            ..WriteProvider::default()
        };
        client.create_provider("sandbox", &provider).await.unwrap()
    }

    /// Waits until at least so many have arrived.
    pub async fn has(&self, arrivals: u64) {
        let there = self.record().wait_for(arrivals, PATIENCE).await;
        assert!(there, "{} of {arrivals} arrived", self.record().arrivals());
    }
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// The most recipients in doubt that the tests allow a provider.
pub const WINDOW: u32 = 128;

pub fn narrow() -> Limits {
    Limits { window: Some(WINDOW), ..Limits::default() }
}

/// A mail address whose domain is one of several.
pub fn address(n: usize) -> String {
    format!("p{n}@d{}.example", n % 7)
}

pub fn number(n: usize) -> String {
    format!("+491511{n:07}")
}

/// Makes people who subscribe to the topic `all`, by import.
pub async fn people(client: &Client, column: &str, addresses: &[String]) {
    let mut file = format!("{column}\n");
    for address in addresses {
        let _ = writeln!(file, "{address}");
    }
    let request = ImportRequest {
        source: "people.csv".into(),
        topic: Some("all".parse().unwrap()),
        ..ImportRequest::default()
    };
    let mut steps = client.import(&request, body_from(file)).await.unwrap();
    let mut last = ImportProgress::default();
    while let Some(step) = steps.next().await.unwrap() {
        assert!(step.rejects.is_empty(), "{:?}", step.rejects);
        last = step;
    }
    assert!(last.done && last.error.is_empty(), "{last:?}");
    assert_eq!(last.counts.subscriptions, addresses.len() as u64, "{last:?}");
}

fn to_all(id: &str, in_doubt: Option<InDoubt>) -> Envelope {
    Envelope {
        message_id: Some(id.into()),
        topics: Some(vec!["all".into()]),
        draft: Some(false),
        in_doubt,
        ..Envelope::default()
    }
}

/// Sends a mail to the topic `all`.
pub async fn send_mail(client: &Client, id: &str, in_doubt: Option<InDoubt>) -> Message {
    let mail = WriteEmail {
        envelope: to_all(id, in_doubt),
        subject: Some("News".into()),
        content: Some("Good morning.\n".into()),
        ..WriteEmail::default()
    };
    client.create_email(&mail).await.unwrap()
}

/// Sends a text message to the topic `all`.
pub async fn send_sms(client: &Client, id: &str, in_doubt: Option<InDoubt>) -> Message {
    let sms = WriteSms { envelope: to_all(id, in_doubt), content: Some("Good morning.".into()) };
    client.create_sms(&sms).await.unwrap()
}

/// Waits until a message fits; what it is then.
pub async fn wait_for(
    client: &Client,
    id: &str,
    limit: Duration,
    fits: impl Fn(&Message) -> bool,
) -> Message {
    let began = Instant::now();
    loop {
        match client.message(id).await {
            Ok(message) if fits(&message) => return message,
            Ok(message) => assert!(
                began.elapsed() < limit,
                "after {limit:?} it is {:?} because {:?}: {:?}",
                message.state,
                message.why,
                message.progress
            ),
            // One engine goes and the next is not there yet.
            Err(error) if error.is_transport() => assert!(began.elapsed() < limit, "{error}"),
            Err(error) => panic!("{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until nothing more happens to a message unless somebody decides.
pub async fn comes_to_rest(client: &Client, id: &str, limit: Duration) -> Message {
    wait_for(client, id, limit, |message| {
        let progress = message.progress;
        let moving = progress.untouched() + progress.in_flight() + progress.retrying;
        message.state.is_over()
            || progress.planned > 0 && moving == 0 && progress.held + progress.undecided > 0
    })
    .await
}

/// Waits until a message is over.
pub async fn is_over(client: &Client, id: &str, limit: Duration) -> Message {
    wait_for(client, id, limit, |message| message.state.is_over()).await
}

/// Waits until a message is in a state.
pub async fn is(client: &Client, id: &str, state: State) -> Message {
    wait_for(client, id, PATIENCE, |message| message.state == state).await
}

/// The last row of the delivery log for each address of a message.
pub async fn last_rows(client: &Client, message: &str) -> BTreeMap<String, Delivery> {
    let mut rows = BTreeMap::new();
    let mut request = DeliveryRequest {
        message: Some(message.parse().unwrap()),
        ascending: Some(true),
        limit: Some(1000),
        ..DeliveryRequest::default()
    };
    loop {
        let page = client.deliveries(&request).await.unwrap();
        for row in page.deliveries {
            rows.insert(row.address.clone(), row);
        }
        let Some(next) = page.next else { return rows };
        request.after = Some(next);
    }
}

/// Everybody whose last outcome this is.
pub fn with_outcome(rows: &BTreeMap<String, Delivery>, outcomes: &[Outcome]) -> BTreeSet<String> {
    let of = |row: &&Delivery| outcomes.contains(&row.outcome);
    rows.values().filter(of).map(|row| row.address.clone()).collect()
}

/// Everybody who waits for this reason.
pub async fn waiting(client: &Client, message: &str, why: WaitReason) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut request = WaitingRequest {
        message: Some(message.parse().unwrap()),
        why: Some(why),
        limit: Some(1000),
        ..WaitingRequest::default()
    };
    loop {
        let page = client.waiting(&request).await.unwrap();
        all.extend(page.waiting.into_iter().map(|row| row.address));
        let Some(next) = page.next else { return all };
        request.after = Some(next);
    }
}
