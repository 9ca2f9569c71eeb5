//! `herald demo`: everything on a throw-away directory, with providers that speak
//! the real protocols to a sandbox on loopback.

mod receipts;

use super::args::Demo;
use super::commands::Desk;
use super::engine::{Doors, RunningEngine};
use super::failure::{Failure, Outcome};
use super::instance::Instance;
use super::sandbox::token_of_its_own;
use crate::client::{Client, body_from};
use crate::domain::channel::Channel;
use crate::domain::guard::GuardRule;
use crate::domain::provider::Limits;
use crate::domain::time::Timestamp;
use crate::engine::Mode;
use crate::sandbox::push::accounts;
use crate::sandbox::{FaultPlan, Latency, RecipientRule, Rule, Sandbox, Stage, When};
use crate::settings::Settings;
use crate::wire::message::{Envelope, State, WriteEmail, WritePush, WriteSms};
use crate::wire::provider::WriteProvider;
use crate::wire::transfer::ImportRequest;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::fs::DirBuilder;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// People who do not exist, at domains that nobody can register.
const AUDIENCE: &[u8] = include_bytes!("../../assets/sample-audience.csv");

/// A demo that runs: engine, sandbox and directory.
pub struct RunningDemo {
    engine: RunningEngine,
    sandbox: Sandbox,
    dir: PathBuf,
    keep: bool,
    /// Ends with the demo.
    receipts: tokio::task::JoinHandle<()>,
}

/// The settings of a demo: whatever was given, marked as one and free to use loopback.
pub fn flags(flags: &mut std::collections::BTreeMap<String, String>) {
    flags.insert("label".into(), "DEMO".into());
    flags.remove("listen");
    flags.remove("socket");
    // Mail to topics has its link; nobody outside this process gets one.
    flags.entry("api.public_url".into()).or_insert_with(|| "https://herald.example/v1".into());
}

impl RunningDemo {
    /// Makes the directory, the sandbox, the engine and what there is to see.
    pub async fn start(settings: Arc<Settings>, args: &Demo) -> Outcome<Self> {
        let dir = match &args.keep {
            Some(dir) => dir.clone(),
            None => throw_away()?,
        };
        let started = Self::in_dir(&dir, settings, args.keep.is_some()).await;
        if started.is_err() && args.keep.is_none() {
            let _ = std::fs::remove_dir_all(&dir);
        }
        started
    }

    async fn in_dir(dir: &Path, settings: Arc<Settings>, keep: bool) -> Outcome<Self> {
        let token = token_of_its_own()?;
        let sandbox = sandbox(&token).await?;
        let instance = Instance::open(dir)?;
        let Some(lock) = instance.try_lock()? else {
            return Err(Failure::Refused(format!("{} is in use by another Herald", dir.display())));
        };
        let engine = RunningEngine::start(instance, settings, lock, Mode::Full, Doors::Open).await?;
        let client = engine.client().operator("demo");
        let fresh = client.overview().await?.store.users == 0;
        if fresh {
            seed(&client, &sandbox, &token).await?;
        } else {
            repoint(&client, &sandbox, &token).await?;
        }
        let client = engine.client();
        let receipts = tokio::spawn(async move { receipts::run(client, "main", token).await });
        Ok(Self { engine, sandbox, dir: dir.to_owned(), keep, receipts })
    }

    /// The client of the demo's engine.
    pub fn client(&self) -> Client {
        self.engine.client()
    }

    /// Where logs and crash reports go.
    pub fn log_dir(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// Ends everything, and takes a throw-away directory with it.
    pub async fn stop(self) -> Outcome {
        self.receipts.abort();
        let stopped = self.engine.stop().await;
        self.sandbox.shutdown().await;
        if let Ok(lock) = stopped {
            lock.release();
        }
        if !self.keep {
            std::fs::remove_dir_all(&self.dir)?;
        }
        Ok(())
    }
}

/// A directory of ours alone below the temporary one.
fn throw_away() -> Outcome<PathBuf> {
    let name = format!("herald-demo-{}", &token_of_its_own()?[..12]);
    let dir = std::env::temp_dir().join(name);
    DirBuilder::new().mode(0o700).create(&dir)?;
    Ok(dir)
}

/// Servers that take as long as services do, and refuse a few people.
async fn sandbox(token: &str) -> Outcome<Sandbox> {
    let failed = |error: String| Failure::Failed(format!("the sandbox: {error}"));
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let sandbox = Sandbox::builder()
        .smtp(any)
        .http(any)
        .control(any)
        .token(token)
        .seed(7)
        .start()
        .await
        .map_err(|error| failed(error.to_string()))?;
    let reject = |matches: &str, code: u16, text: &str| RecipientRule {
        code,
        text: Some(text.into()),
        ..RecipientRule::reject(matches)
    };
    let smtp = FaultPlan {
        latency: Latency { fixed_ms: 20, jitter_ms: 60 },
        recipients: vec![
            reject("*17@example.*", 550, "5.1.1 no such user here"),
            reject("*42@example.*", 552, "5.2.2 mailbox full"),
            RecipientRule { when: When::Rate(0.5), ..reject("*3@example.org", 451, "4.7.1 try again later") },
        ],
        ..FaultPlan::default()
    };
    let http = FaultPlan {
        latency: Latency { fixed_ms: 60, jitter_ms: 180 },
        rules: vec![Rule {
            at: Stage::Request,
            when: When::Rate(0.03),
            effect: crate::sandbox::Effect::reply(503),
        }],
        recipients: vec![RecipientRule::reject("sample-device-*40")],
        ..FaultPlan::default()
    };
    sandbox.faults().smtp.set(smtp).map_err(|error| failed(error.to_string()))?;
    sandbox.faults().http.set(http).map_err(|error| failed(error.to_string()))?;
    Ok(sandbox)
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Where the sandbox is this time.
fn smtp_fields(sandbox: &Sandbox, token: &str) -> Map<String, Value> {
    let port = sandbox.smtp_addr().map_or(0, |address| address.port());
    fields(json!({
        "host": "127.0.0.1", "port": port, "encryption": "none", "autoTLS": false, "receiptToken": token,
    }))
}

fn http_fields(sandbox: &Sandbox, token: &str) -> Map<String, Value> {
    let address = sandbox.http_addr().map(|address| address.to_string()).unwrap_or_default();
    fields(json!({"endpoint": format!("http://{address}"), "token": token}))
}

/// Providers of notifications: kind, id, name. The first is that of whoever has none of its own.
const PUSH: [(&str, &str, &str); 2] =
    [("fcm", "devices", "Devices (FCM)"), ("apns", "iphones", "iPhones (APNs)")];

fn push_fields(sandbox: &Sandbox, kind: &str) -> Map<String, Value> {
    let address = sandbox.http_addr().map(|address| address.to_string()).unwrap_or_default();
    fields(accounts(&format!("http://{address}"))[kind].take())
}

/// People whose telephones are reached through APNs.
fn iphones() -> String {
    let mut table = "userId,name,push,pushProvider,topics\n".to_owned();
    for n in 1..=12 {
        let _ = writeln!(table, "sample-i{n:03},Sample i{n:03},{n:08x}{},iphones,app", "5a".repeat(28));
    }
    table
}

/// A kept demo finds its sandbox at other ports.
async fn repoint(client: &Client, sandbox: &Sandbox, token: &str) -> Outcome {
    let push = PUSH.iter().map(|(kind, id, _)| (*kind, *id));
    for (kind, id) in [("smtp", "main"), ("sandbox", "texts")].into_iter().chain(push) {
        let Ok(now) = client.provider(id).await else { continue };
        let fields = match kind {
            // Made by an older demo.
            _ if now.provider != kind => continue,
            "smtp" => smtp_fields(sandbox, token),
            "sandbox" => http_fields(sandbox, token),
            push => push_fields(sandbox, push),
        };
        let write = WriteProvider {
            guard: None,
            fields,
            enabled: Some(true),
            revision: Some(now.revision),
            ..WriteProvider::default()
        };
        client.update_provider(kind, id, &write).await?;
    }
    Ok(())
}

async fn seed(client: &Client, sandbox: &Sandbox, token: &str) -> Outcome {
    let mut smtp = smtp_fields(sandbox, token);
    smtp.extend(fields(json!({"fromName": "Herald demo", "fromEmail": "news@example.com"})));
    let limits = |per_second| Some(Limits { per_second: Some(per_second), ..Limits::default() });
    let write = |id: &str, name: &str, channel, limits, fields| WriteProvider {
        guard: None,
        provider_id: Some(id.into()),
        name: Some(name.into()),
        enabled: Some(true),
        limits,
        channel: Some(channel),
        revision: None,
        unchecked: None,
        preset: None,
        fields,
    };
    let main = WriteProvider {
        // So few people are written to that one complaint would be too many.
        guard: Some(GuardRule { complaint_percent: 5.0, ..GuardRule::default() }),
        ..write("main", "Main (SMTP)", Channel::Email, limits(20.0), smtp)
    };
    client.create_provider("smtp", &main).await?;
    let mut texts = http_fields(sandbox, token);
    texts.insert("from".into(), "Herald".into());
    client.create_provider("sandbox", &write("texts", "Texts", Channel::Sms, limits(5.0), texts)).await?;
    for (kind, id, name) in PUSH {
        let provider = write(id, name, Channel::Push, limits(10.0), push_fields(sandbox, kind));
        client.create_provider(kind, &provider).await?;
    }

    let request = ImportRequest { source: "sample-audience.csv".into(), ..ImportRequest::default() };
    for table in [AUDIENCE.to_vec(), iphones().into_bytes()] {
        let mut steps = client.import(&request, body_from(table)).await?;
        while let Some(step) = steps.next().await? {
            if !step.error.is_empty() {
                return Err(Failure::Failed(step.error));
            }
        }
    }
    messages(client).await
}

async fn messages(client: &Client) -> Outcome {
    let now = client.overview().await?.now;
    let envelope = |id: &str, topic: &str| Envelope {
        message_id: Some(id.into()),
        topics: Some(vec![topic.into()]),
        ..Envelope::default()
    };
    let mail = |envelope: Envelope, subject: &str, content: &str| WriteEmail {
        envelope,
        subject: Some(subject.into()),
        content: Some(content.into()),
        html: Some(true),
        ..WriteEmail::default()
    };
    // Refused for some, and over before anybody looks: causes and retries to see.
    let invoice = mail(
        envelope("welcome", "beta"),
        "Welcome to the beta",
        "<h1>Welcome</h1><p>You are one of the first. Tell us what is missing.</p>",
    );
    client.create_email(&invoice).await?;
    let newsletter = mail(
        Envelope {
            scheduled_at: Some(now.plus(Duration::from_secs(8))),
            variables: Some(true),
            ..envelope("newsletter", "news")
        },
        "November newsletter",
        "<p>Dear {{ user.name | default(\"friend\") }},</p><p>this is what is new.</p>",
    );
    client.create_email(&newsletter).await?;
    let tomorrow = mail(
        Envelope { scheduled_at: Some(Timestamp(now.0 + 24 * 3_600_000)), ..envelope("week-48", "news") },
        "Week 48",
        "<p>The week in five lines.</p>",
    );
    client.create_email(&tomorrow).await?;
    let draft = mail(
        Envelope { draft: Some(true), ..envelope("winter", "news") },
        "Winter sale, first idea",
        "<p>To be written.</p>",
    );
    client.create_email(&draft).await?;
    let code = WriteSms {
        envelope: Envelope {
            scheduled_at: Some(now.plus(Duration::from_secs(20))),
            ..envelope("code", "customers")
        },
        content: Some("Your slot is at 18:00. Reply to change it.".into()),
    };
    client.create_sms(&code).await?;
    let push = WritePush {
        envelope: Envelope {
            scheduled_at: Some(now.plus(Duration::from_mins(2))),
            ..envelope("lunch", "app")
        },
        title: Some("Lunch is ready".into()),
        body: Some("Soup of the day, until 14:00.".into()),
        ..WritePush::default()
    };
    client.create_push(&push).await?;
    Ok(())
}

/// Without a screen: says what happens until the first scheduled message is out.
pub async fn headless(settings: Arc<Settings>, args: &Demo, desk: impl FnOnce(Client) -> Desk) -> Outcome {
    let demo = RunningDemo::start(settings, args).await?;
    let desk = desk(demo.client());
    let shown = watch(&desk, "newsletter").await;
    demo.stop().await?;
    shown
}

async fn watch(desk: &Desk, id: &str) -> Outcome {
    let until = Instant::now() + Duration::from_mins(2);
    let mut last = String::new();
    loop {
        let message = desk.client.message(id).await?;
        let line = format!(
            "{} {}: {}",
            message.headline(),
            message.state.as_str(),
            super::commands::message::counts(&message.progress)
        );
        if line != last {
            desk.out.say(&line)?;
            last = line;
        }
        if message.state.is_over() {
            return if matches!(message.state, State::Sent | State::Failed) && message.progress.accepted > 0 {
                Ok(())
            } else {
                Err(Failure::Failed("nobody was accepted".into()))
            };
        }
        if Instant::now() >= until {
            return Err(Failure::Failed("the demo's message was not sent in two minutes".into()));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
