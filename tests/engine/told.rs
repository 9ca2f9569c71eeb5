//! Telling others: endpoints when a message ends, and whoever is responsible when something is wrong.

use crate::world::*;
use async_trait::async_trait;
use bytes::Bytes;
use herald::api::{Api, Setup};
use herald::client::{Client, InProcess};
use herald::domain::channel::Channel;
use herald::domain::delivery::Stage;
use herald::domain::ids::{ProviderId, WebhookId};
use herald::domain::state::MessageState;
use herald::engine::Engine;
use herald::providers::adapter::Verdict;
use herald::providers::outgoing::{Outgoing, Post, Posted};
use herald::settings::{Settings, Sources};
use herald::wire::alert::{AlertEvent, AlertKind, AlertNotice};
use herald::wire::overview::{Concern, NeedsYou};
use herald::wire::webhook::{WebhookBody, WebhookEvent, WebhookState, WriteWebhook};
use std::sync::atomic::{AtomicU16, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// An endpoint that answers as it is told to, and a command; both keep a record.
#[derive(Default)]
struct Ear {
    status: AtomicU16,
    posts: Mutex<Vec<Post>>,
    runs: Mutex<Vec<(Vec<String>, AlertNotice)>>,
}

#[async_trait]
impl Outgoing for Ear {
    async fn post(&self, post: Post) -> Result<Posted, String> {
        self.posts.lock().unwrap().push(post);
        match self.status.load(SeqCst) {
            0 => Err("connection refused".into()),
            status => Ok(Posted { status, answer: "thank you".into() }),
        }
    }

    async fn get(&self, _: &url::Url, _: bool) -> Result<Bytes, String> {
        Err("nothing is there".into())
    }

    async fn run(&self, command: &[String], input: Bytes) -> Result<(), String> {
        let notice = serde_json::from_slice(&input).unwrap();
        self.runs.lock().unwrap().push((command.to_vec(), notice));
        Ok(())
    }
}

impl Ear {
    fn bodies(&self) -> Vec<(String, WebhookBody)> {
        let posts = self.posts.lock().unwrap();
        posts
            .iter()
            .map(|post| {
                let id = post.headers.iter().find(|(name, _)| name == "x-herald-delivery").unwrap();
                (id.1.to_str().unwrap().to_owned(), serde_json::from_slice(&post.body).unwrap())
            })
            .collect()
    }
}

fn listening(status: u16) -> (World, Arc<Ear>) {
    let ear = Arc::new(Ear::default());
    ear.status.store(status, SeqCst);
    let mut world = World::default();
    world.config.outgoing = ear.clone();
    (world, ear)
}

const SECRET: &str = "0123456789abcdef";

async fn endpoint(engine: &Engine) -> WebhookId {
    let write = WriteWebhook {
        webhook_id: Some("hook".into()),
        name: Some("Shop".into()),
        url: Some("https://shop.example/ended?from=herald".into()),
        secret: Some(SECRET.into()),
        ..WriteWebhook::default()
    };
    let made = engine.create_webhook(&actor(), write, false).await.unwrap();
    assert_eq!(made.secret, SECRET, "it is said once");
    assert!(!engine.webhook(&made.id).await.unwrap().secret.contains("0123"));
    made.id
}

fn refuse_first(world: &World) {
    world.post.script(|sent| {
        if sent.attempt == 1 && sent.address.starts_with("a0@") {
            refuse(Verdict::Permanent, Stage::Recipient, 550, "no such mailbox")
        } else {
            accept()
        }
    });
}

#[test]
fn an_endpoint_is_told_of_every_run() {
    let (world, ear) = listening(204);
    refuse_first(&world);
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "news", 0..3).await;
        send(&engine, "before", Channel::Email, "news").await;
        ended(&engine, "before").await;
        let hook = endpoint(&engine).await;
        send(&engine, "m", Channel::Email, "news").await;
        assert_eq!(ended(&engine, "m").await.state, MessageState::Failed);
        until("it is told", async || ear.bodies().len() == 1).await;
        engine
            .retry(&message(&engine, "m").await.id, herald::domain::plan::Again::default(), &actor())
            .await
            .unwrap();
        until("it is told again", async || ear.bodies().len() == 2).await;
        let bodies = ear.bodies();
        let said: Vec<_> = bodies
            .iter()
            .map(|(_, body)| {
                let message = body.message.as_ref().unwrap();
                (body.event, message.id.as_str(), message.run, message.progress.accepted)
            })
            .collect();
        assert_eq!(said, [(WebhookEvent::Failed, "m", 1, 2), (WebhookEvent::Sent, "m", 2, 3)]);
        assert_ne!(bodies[0].0, bodies[1].0);

        let post = ear.posts.lock().unwrap()[0].clone();
        let signed = post.headers.iter().find(|(name, _)| name == "x-herald-signature").unwrap();
        let (time, tag) = signed.1.to_str().unwrap().split_once(",v1=").unwrap();
        let tag: Vec<u8> = (0..32).map(|n| u8::from_str_radix(&tag[n * 2..n * 2 + 2], 16).unwrap()).collect();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
        let text = [time.strip_prefix("t=").unwrap().as_bytes(), b".", &post.body].concat();
        ring::hmac::verify(&key, &text, &tag).unwrap();
        assert_eq!(post.url.query(), Some("from=herald"));

        let listed = engine.webhook_deliveries(&hook).await.unwrap().deliveries;
        assert!(listed.iter().all(|told| told.state == WebhookState::Delivered && told.status == 204));
        engine.redeliver(&actor(), &hook, &bodies[0].0).await.unwrap();
        until("it is told once more", async || ear.bodies().len() == 3).await;
        assert_eq!(ear.bodies()[2], bodies[0], "the same id and the same words");
    });
}

#[test]
fn what_an_endpoint_does_not_take_is_tried_again_with_growing_waits() {
    let (world, ear) = listening(503);
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "news", 0..1).await;
        let hook = endpoint(&engine).await;
        send(&engine, "m", Channel::Email, "news").await;
        ended(&engine, "m").await;
        sleep(110.0).await;
        let count = ear.bodies().len();
        assert_eq!(count, 4, "at once, after 5, 20 and 80 seconds");
        assert!(engine.webhook(&hook).await.unwrap().failing_since.is_some());
        let listed = engine.webhook_deliveries(&hook).await.unwrap().deliveries;
        assert_eq!((listed[0].state, listed[0].attempts, listed[0].status), (WebhookState::Waiting, 4, 503));
        let busy = engine.redeliver(&actor(), &hook, &listed[0].id).await.unwrap_err();
        assert!(busy.message.contains("already"), "{busy}");
        ear.status.store(200, SeqCst);
        sleep(330.0).await;
        let bodies = ear.bodies();
        assert_eq!(bodies.len(), 5);
        assert!(bodies.iter().all(|told| *told == bodies[0]), "one id");
        assert!(engine.webhook(&hook).await.unwrap().failing_since.is_none());
    });
}

#[test]
fn a_crash_loses_no_end() {
    let (world, ear) = listening(0);
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "news", 0..1).await;
        endpoint(&engine).await;
        for n in 0..5 {
            send(&engine, &format!("m{n}"), Channel::Email, "news").await;
        }
        ended(&engine, "m4").await;
    });
    ear.status.store(200, SeqCst);
    world.live(async |engine| {
        for n in 0..5 {
            ended(&engine, &format!("m{n}")).await;
        }
        let hook = WebhookId::new("hook").unwrap();
        until("all are told", async || {
            let listed = engine.webhook_deliveries(&hook).await.unwrap().deliveries;
            listed.len() == 5 && listed.iter().all(|told| told.state == WebhookState::Delivered)
        })
        .await;
        let ids: std::collections::BTreeSet<_> = ear.bodies().into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids.len(), 5, "each end is one delivery");
    });
}

/// What the first screen says needs somebody.
async fn needs(engine: &Engine) -> Vec<NeedsYou> {
    let settings = Settings::load(&Sources::default()).unwrap();
    let api = Api::new(Setup { engine: engine.clone(), settings: Arc::new(settings), running: true });
    Client::new(InProcess::new(api.in_process())).overview().await.unwrap().needs_you
}

#[test]
fn an_endpoint_that_fails_for_long_is_disabled_and_that_is_an_alert() {
    let (mut world, ear) = listening(0);
    world.config.upkeep = Some(Duration::from_mins(5));
    world.config.webhook_patience = Duration::from_hours(2);
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "news", 0..1).await;
        let hook = endpoint(&engine).await;
        send(&engine, "m", Channel::Email, "news").await;
        until("it is disabled", async || !engine.webhook(&hook).await.unwrap().enabled).await;
        sleep(600.0).await;
        let alerts = engine.alerts().await.unwrap().alerts;
        assert_eq!(alerts.iter().map(|alert| alert.kind).collect::<Vec<_>>(), [AlertKind::WebhookDisabled]);
        let [need] = &needs(&engine).await[..] else { panic!("{:?}", needs(&engine).await) };
        assert_eq!((need.concern, &need.text), (Concern::Alert, &alerts[0].text));
        assert_eq!((need.since, need.provider_id.as_ref()), (Some(alerts[0].since), None));
        let listed = engine.webhook_deliveries(&hook).await.unwrap().deliveries;
        assert_eq!(listed[0].state, WebhookState::Failed);
        assert!(listed[0].answer.contains("refused") || listed[0].answer.contains("disabled"));
        let tried = ear.bodies().len();
        sleep(14_400.0).await;
        assert_eq!(ear.bodies().len(), tried, "it is left alone");
        let again = WriteWebhook { enabled: Some(true), ..WriteWebhook::default() };
        engine.update_webhook(&actor(), &hook, again, false).await.unwrap();
        sleep(900.0).await;
        assert!(engine.alerts().await.unwrap().alerts.is_empty());
        assert_eq!(needs(&engine).await, []);
    });
}

#[test]
fn an_alert_is_told_once_and_so_is_its_end() {
    let (mut world, ear) = listening(200);
    world.config.upkeep = Some(Duration::from_secs(15));
    world.config.alerts.command = vec!["page-me".into(), "--team".into()];
    world.live(async |engine| {
        smtp(&engine).await;
        let id = ProviderId::new("mail").unwrap();
        engine.pause_provider(&id, &actor()).await.unwrap();
        sleep(120.0).await;
        let open = engine.alerts().await.unwrap().alerts;
        assert_eq!((open.len(), open[0].kind), (1, AlertKind::ProviderStopped));
        assert_eq!(open[0].provider_id, Some(id.clone()));
        let before: Vec<_> = open[0].changes.iter().map(|entry| entry.event.as_str()).collect();
        assert_eq!(before, ["provider.pause"], "what was changed just before");
        let needs: Vec<_> = needs(&engine).await.iter().map(|need| need.concern).collect();
        assert_eq!(needs, [Concern::ProviderPaused], "what is said already is not said again as an alert");
        assert_eq!(ear.runs.lock().unwrap().len(), 1);
    });
    world.live(async |engine| {
        sleep(120.0).await;
        assert_eq!(ear.runs.lock().unwrap().len(), 1, "a restart repeats nothing");
        engine.resume_provider(&ProviderId::new("mail").unwrap(), &actor()).await.unwrap();
        sleep(120.0).await;
        assert!(engine.alerts().await.unwrap().alerts.is_empty());
        let runs = ear.runs.lock().unwrap();
        let events: Vec<_> = runs.iter().map(|(_, notice)| notice.event).collect();
        assert_eq!(events, [AlertEvent::Opened, AlertEvent::Recovered]);
        assert_eq!(runs[0].0, ["page-me", "--team"]);
    });
}

#[test]
fn who_waits_too_long_and_who_fails_too_often_are_alerts() {
    let (mut world, _) = listening(200);
    world.config.upkeep = Some(Duration::from_secs(15));
    world.post.script(|sent| match sent.headline.as_str() {
        "slow" => refuse(Verdict::Transient, Stage::Recipient, 451, "later"),
        _ if sent.address.as_bytes()[1] % 2 == 0 => refuse(Verdict::Permanent, Stage::Recipient, 550, "no"),
        _ => accept(),
    });
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "news", 0..30).await;
        send(&engine, "bad", Channel::Email, "news").await;
        ended(&engine, "bad").await;
        sleep(20.0).await;
        let kinds = async || -> Vec<AlertKind> {
            engine.alerts().await.unwrap().alerts.iter().map(|alert| alert.kind).collect()
        };
        assert!(kinds().await.contains(&AlertKind::FailureRate), "{:?}", kinds().await);
        let [rate] = &needs(&engine).await[..] else { panic!("{:?}", needs(&engine).await) };
        assert_eq!((rate.concern, rate.waiting), (Concern::Alert, 0));
        assert_eq!(rate.provider_id, Some(ProviderId::new("mail").unwrap()));
        sleep(300.0).await;
        assert_eq!(kinds().await, []);
        assert_eq!(needs(&engine).await, []);
        let mut slow = draft(&engine, "slow", Channel::Email);
        slow.targets = vec![herald::domain::ids::TargetId::new("t1").unwrap()];
        create(&engine, slow).await;
        sleep(960.0).await;
        assert!(kinds().await.contains(&AlertKind::OldestWaiting), "{:?}", kinds().await);
        let late = needs(&engine).await;
        let late = late.iter().find(|need| need.concern == Concern::Alert).unwrap();
        assert_eq!((late.waiting, late.text.contains("mail is late")), (1, true), "{late:?}");
    });
}

#[test]
fn whoever_is_told_of_alerts_can_be_tried() {
    let (mut world, ear) = listening(500);
    world.config.alerts.webhook = Some("https://pager.example/in?token=s3cr3t".parse().unwrap());
    world.config.alerts.command = vec!["page-me".into()];
    world.live(async |engine| {
        let told = engine.test_alerts(&actor()).await.unwrap();
        assert_eq!(told.webhook.unwrap().problem.as_deref(), Some("it answered 500"));
        assert_eq!(told.command.unwrap().problem, None);
        assert_eq!(ear.runs.lock().unwrap()[0].1.event, AlertEvent::Test);
        assert!(engine.alerts().await.unwrap().alerts.is_empty(), "a test is no alert");
    });
    let (world, _) = listening(200);
    world.live(async |engine| {
        let told = engine.test_alerts(&actor()).await.unwrap();
        assert_eq!((told.webhook, told.command), (None, None));
    });
}
