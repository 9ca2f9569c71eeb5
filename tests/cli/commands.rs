//! Each command on things that stand still: what it does, and how it says no.

use super::house::{House, PATIENCE, until};
use super::sink::{self, Sink};
use herald::client::{Address, Client, Http1};
use secrecy::SecretString;
use serde_json::Value;
use std::net::TcpListener;
use std::time::Duration;

#[test]
fn a_list_is_subscribed_and_who_is_not_is_named() {
    let house = House::new();
    for name in ["ada", "bo", "cy"] {
        house.run(["user", "create", name, "--email", &format!("{name}@a.example")]).ok();
    }
    house.run(["topic", "create", "news"]).ok();
    house.run(["topic", "subscribe", "news"]).fails(2, "WHO");
    house.run(["topic", "subscribe", "nothing", "ada@a.example", "bo"]).fails(3, "nothing");
    // An address, a user's id, somebody twice, and two who are nobody.
    let list =
        ["topic", "subscribe", "news", "ada@a.example", "bo", "ghost@a.example", "ada@a.example", "0171"];
    let said = house.run(list);
    said.fails(5, "2 of 5 were not subscribed");
    assert!(
        said.out.starts_with("2 joined news, 1 was there already, 2 stand for nobody:\n"),
        "{}",
        said.out
    );
    for one in ["  ghost@a.example: ", "  0171: "] {
        assert!(said.out.contains(one), "{}", said.out);
    }
    assert_eq!(house.run(["topic", "show", "news", "--json"]).json()["emailTotal"], 2);
    // From a file and from standard input, whatever stands between; in JSON with the same of each.
    let file = house.path("people.txt");
    std::fs::write(&file, "Email\nCy <cy@a.example>\n").unwrap();
    let from = house.run(["topic", "subscribe", "news", "ada", "--from", file.to_str().unwrap()]);
    from.shows("1 joined news, 1 was there already");
    let input =
        house.run_with(["topic", "subscribe", "news", "--from", "-", "--json"], b"cy@a.example\nnobody\n");
    assert_eq!(input.code, Some(5), "{}", input.err);
    let json: Value = serde_json::from_str(&input.out).unwrap();
    assert_eq!((&json["subscribed"], &json["known"], &json["missing"]), (&0.into(), &1.into(), &1.into()));
    assert_eq!((&json["rows"][0]["who"], &json["rows"][0]["reason"]), (&"cy@a.example".into(), &"".into()));
    assert!(!json["rows"][1]["reason"].as_str().unwrap().is_empty(), "{json}");
    house.run(["topic", "subscribe", "news", "x", "y"]).fails(3, "nobody was subscribed");
    house
        .run_with(["topic", "subscribe", "news", "--from", "-"], b"\n")
        .fails(2, "nobody stands in the list");
    assert_eq!(house.run(["topic", "show", "news", "--json"]).json()["emailTotal"], 3);
}

#[test]
fn users_targets_and_topics() {
    let house = House::new();
    house.run(["user", "list"]).shows("no users");
    let ada =
        ["user", "create", "ada", "--name", "Ada", "--email", "ada@a.example", "--phone", "+4915112345678"];
    house.run(ada).shows("created user ada").shows("ada@a.example");
    house.run(ada).fails(4, "");
    house.run(["user", "create", "bob", "--email", "not an address"]).fails(4, "");
    let shown = house.run(["user", "show", "ada", "--json"]).json();
    assert_eq!((&shown["$id"], shown["targets"].as_array().unwrap().len()), (&"ada".into(), 2));
    house.run(["user", "show", "nobody"]).fails(3, "nobody");
    house.run(["user", "list", "--filter", "name=Ada"]).shows("ada@a.example");
    house.run(["user", "list", "--filter", "nmae=Ada"]).fails(4, "nmae");
    house.run(["user", "block", "ada"]).ok();
    house.run(["user", "list"]).shows("blocked");
    house.run(["user", "unblock", "ada"]).ok();
    house.run(["user", "block", "nobody"]).fails(3, "");

    let second =
        ["target", "create", "ada-2", "--user", "ada", "--type", "email", "--address", "ada@b.example"];
    house.run(second).shows("ada-2");
    house.run(second).fails(4, "");
    house.run(["target", "list"]).shows("ada@b.example").shows("Last outcome");
    house.run(["target", "show", "ada@b.example"]).shows("ada-2");
    house.run(["target", "show", "ghost@a.example"]).fails(3, "ghost@a.example");

    house.run(["topic", "create", "news", "--name", "News"]).shows("news");
    house.run(["topic", "create", "news"]).fails(4, "");
    house.run(["topic", "subscribe", "news", "ada@a.example"]).shows("joined");
    house.run(["topic", "subscribe", "news", "ada-2"]).ok();
    house.run(["topic", "subscribe", "news", "ghost@a.example"]).fails(3, "ghost@a.example");
    house.run(["topic", "subscribers", "news"]).shows("ada@a.example").shows("ada@b.example");
    house.run(["topic", "subscribe", "news", "ada-2"]).shows("ada-2 is in news already");
    let topic = house.run(["topic", "show", "news", "--json"]).json();
    assert_eq!(topic["emailTotal"], 2);
    house.run(["topic", "rename", "news", "Neues"]).shows("Neues");
    house.run(["topic", "list"]).shows("Neues");
    house.run(["topic", "unsubscribe", "news", "ada-2"]).ok();
    house.run(["topic", "unsubscribe", "news", "ada-2"]).fails(3, "");
    assert_eq!(house.run(["topic", "show", "news", "--json"]).json()["emailTotal"], 1);

    house.run(["find", "ada@b.example"]).shows("ada-2");
    house.run(["find", "nothing-bears-this"]).fails(3, "nothing-bears-this");
    house.run(["target", "delete", "ada-2"]).ok();
    house.run(["target", "delete", "ada-2"]).fails(3, "ada-2");
    house.run(["user", "delete", "ada"]).ok();
    house.run(["user", "delete", "ada"]).fails(3, "ada");
    assert_eq!(house.run(["topic", "show", "news", "--json"]).json()["emailTotal"], 0);
    house.run(["topic", "delete", "news"]).ok();
    house.run(["topic", "delete", "news"]).fails(3, "news");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn providers() {
    let house = House::new();
    let sink = Sink::start(&house).await;
    let addr = sink.sandbox.smtp_addr().unwrap();
    let port = format!("port={}", addr.port());
    house.run(["provider", "list"]).shows("no providers");
    let create = [
        "provider",
        "create",
        "smtp",
        "main",
        "-o",
        "host=127.0.0.1",
        "-o",
        &port,
        "-o",
        "encryption=none",
        "-o",
        "fromEmail=news@sender.example",
        "-o",
        "perSecond=50",
        "-o",
        "window=64",
    ];
    house.run(create).shows("created provider main, enabled");
    house.run(create).fails(4, "");
    house.run(["provider", "create", "smtp", "x", "-o", "password=p"]).fails(2, "--set-from password=");
    house.run(["provider", "create", "smtp", "x", "-o", "hostt=p"]).fails(2, "hostt");
    house.run(["provider", "create", "smtp", "x", "-o", "perSecond=many"]).fails(2, "many");
    let shown = house.run(["provider", "show", "main", "--json"]).json();
    assert_eq!((&shown["limits"]["perSecond"], &shown["limits"]["window"]), (&50.0.into(), &64.into()));
    house.run(["provider", "test", "main"]).shows("220");

    // A secret comes from a file or standard input, and is shown as a mask.
    let secret = house.file("secret", "hunter2-and-more\n");
    let from_file = format!("password={}", secret.display());
    house.run(["provider", "set", "main", "-o", "username=u", "--set-from", &from_file]).ok();
    let shown = house.run(["provider", "show", "main"]);
    shown.shows("••••more");
    assert!(!shown.out.contains("hunter2"), "{}", shown.out);
    // Another one is asked about first; this server takes none.
    let another = ["provider", "set", "main", "--set-from", "password=-"];
    house.run_with(another, b"another-secret\n").fails(4, "the old one stays");
    house.run(["provider", "show", "main"]).shows("••••more");
    let unchecked = ["provider", "set", "main", "--set-from", "password=-", "--unchecked"];
    house.run_with(unchecked, b"another-secret\n").shows("••••cret");

    house.run(["provider", "disable", "main"]).ok();
    assert_eq!(house.run(["provider", "show", "main", "--json"]).json()["enabled"], false);
    house.run(["provider", "enable", "main"]).ok();
    house.run(["provider", "pause", "main"]).shows("paused");
    house.run(["provider", "list"]).shows("paused");
    house.run(["provider", "resume", "main"]).ok();
    house.run(["provider", "pause", "nobody"]).fails(3, "nobody");
    sink.sandbox.shutdown().await;
    house.run(["provider", "test", "main"]).fails(5, "main");
    house.run(["provider", "delete", "main"]).ok();
    house.run(["provider", "delete", "main"]).fails(3, "main");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sandbox_provider_by_command() {
    let house = House::new();
    let sink = Sink::start(&house).await;
    let token = house.file("token", sink::TOKEN);
    let from = format!("token={}", token.display());
    let endpoint = format!("endpoint=http://{}", sink.sandbox.http_addr().unwrap());
    for channel in ["sms", "push"] {
        let create = [
            "provider",
            "create",
            "sandbox",
            channel,
            "--type",
            channel,
            "-o",
            &endpoint,
            "--set-from",
            &from,
        ];
        house.run(create).shows("enabled");
        assert_eq!(house.run(["provider", "show", channel, "--json"]).json()["type"], channel);
        house.run(["provider", "test", channel]).ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_opens_the_api_until_it_is_deleted() {
    let house = House::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut engine = house.spawn(["serve", "--listen", &free]);
    engine.answers(&house.client()).await;
    house.run(["key", "list"]).shows("no keys");
    let said = house.run(["key", "create", "web shop"]);
    let secret = said.ok().lines().last().unwrap().to_owned();
    assert!(
        !secret.contains(char::is_whitespace) && secret.len() >= 32,
        "the secret stands alone: {secret:?}"
    );
    assert_eq!(said.out.matches(&secret).count(), 1);

    let tcp = |secret: &str| {
        Client::new(Http1::new(Address::Tcp(free.clone()))).key(SecretString::from(secret.to_owned()))
    };
    tcp(&secret).messages(&herald::wire::query::ListRequest::newest(1)).await.unwrap();
    let wrong = tcp("standard_0123456789abcdef0123456789abcdef");
    let refused = wrong.messages(&herald::wire::query::ListRequest::newest(1)).await.unwrap_err();
    assert_eq!(refused.status(), Some(401), "{refused}");

    let list = house.run(["key", "list", "--json"]).json();
    assert!(!list.to_string().contains(&secret), "the secret is nowhere else");
    let id = list["keys"][0]["$id"].as_str().unwrap();
    house.run(["key", "delete", id]).ok();
    house.run(["key", "delete", id]).fails(3, "");
    let refused = tcp(&secret).messages(&herald::wire::query::ListRequest::newest(1)).await.unwrap_err();
    assert_eq!(refused.status(), Some(401), "{refused}");

    let limited =
        house.run(["key", "create", "reader", "--scope", "messages.read", "--expires", "in 90d", "--json"]);
    let limited = limited.json();
    assert_eq!(limited["scopes"], serde_json::json!(["messages.read"]));
    let reader = tcp(limited["secret"].as_str().unwrap());
    reader.messages(&herald::wire::query::ListRequest::newest(1)).await.unwrap();
    let refused = reader.users(&herald::wire::query::ListRequest::newest(1)).await.unwrap_err();
    assert!(matches!(refused.status(), Some(401 | 403)), "{refused}");
    house.run(["key", "create", "x", "--scope", "everything"]).fails(4, "everything");
    house.run(["key", "create", "x", "--expires", "some day"]).fails(2, "some");
    assert!(engine.terminate().success());
}

#[test]
fn what_is_held_of_a_person_and_forgetting_it() {
    let house = House::new();
    house.run(["user", "create", "ada", "--name", "Ada", "--email", "ada@a.example"]).ok();
    let held = house.run(["person", "export", "ada@a.example"]).json();
    assert_eq!(held["users"][0]["$id"], "ada");
    house.run(["person", "erase", "ada@a.example", "--yes"]).shows("forgotten");
    house.run(["person", "export", "ada@a.example"]).fails(3, "ada@a.example");
    house.run(["person", "erase", "ada@a.example", "--yes"]).fails(3, "");
    assert!(!house.run(["user", "list", "--json"]).ok().contains("Ada"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_forgotten_is_gone_from_every_place_and_the_counts_stay() {
    let house = House::new();
    let mut engine = house.serve().await;
    let sink = Sink::start(&house).await;
    sink.mail_provider(&house.client(), sink::narrow()).await;
    let addresses = ["ada@a.example".to_owned(), "bo@b.example".to_owned()];
    sink::people(&house.client(), "email", &addresses).await;
    sink::send_mail(&house.client(), "news", None).await;
    sink::is_over(&house.client(), "news", PATIENCE).await;
    house.run(["log", "--to", "ada@a.example"]).shows("ada@a.example");
    house.run(["find", "ada@a.example"]).shows("ada@a.example");
    house.run(["person", "erase", "ada@a.example", "--yes"]).shows("forgotten");
    // The same after a restart, through every door.
    for restarted in [false, true] {
        if restarted {
            assert!(engine.terminate().success());
            engine = house.serve().await;
        }
        house.run(["person", "export", "ada@a.example"]).fails(3, "ada@a.example");
        for command in [
            &["log", "--json"][..],
            &["message", "deliveries", "news", "--json"],
            &["target", "list", "--json"],
            &["user", "list", "--json"],
            &["export", "--format", "ndjson"],
        ] {
            let said = house.run(command);
            assert!(!said.out.contains("ada@a.example"), "{command:?} after a restart: {restarted}");
        }
        house.run(["log"]).shows("bo@b.example");
        let message = house.client().message("news").await.unwrap();
        assert_eq!((message.progress.planned, message.progress.accepted), (2, 2), "counts are kept");
    }
    engine.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_past_its_time_goes_and_the_rest_stays() {
    let house = House::new().set("retention.messages", "2s").set("retention.audit", "2s");
    let engine = house.serve().await;
    let sink = Sink::start(&house).await;
    sink.mail_provider(&house.client(), sink::narrow()).await;
    sink::people(&house.client(), "email", &["ada@a.example".to_owned()]).await;
    sink::send_mail(&house.client(), "news", None).await;
    sink::is_over(&house.client(), "news", PATIENCE).await;
    let draft =
        ["send", "email", "--id", "later", "--topic", "all", "--subject", "s", "--body", "b", "--draft"];
    house.run(draft).ok();
    let of_message =
        async || house.client().audit(Some("message/news"), None, 10).await.unwrap().entries.len();
    assert!(of_message().await > 0);
    assert!(engine.terminate().success());
    // It is looked at after each start.
    let began = std::time::Instant::now();
    loop {
        let engine = house.serve().await;
        let gone = until(Duration::from_secs(1), || house.run(["message", "show", "news"]).code == Some(3));
        if gone && of_message().await == 0 {
            engine.kill();
            break;
        }
        assert!(began.elapsed() < PATIENCE, "it stays");
        engine.kill();
    }
    let engine = house.serve().await;
    house.run(["message", "show", "later"]).ok();
    house.run(["user", "list"]).shows("ada");
    engine.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backup_and_restore() {
    let house = House::new();
    house.run(["user", "create", "ada", "--email", "ada@a.example"]).ok();
    let copy = house.path("copy");
    house.run(["backup", copy.to_str().unwrap()]).shows("without the sealing key");
    assert_ne!(house.run(["backup", copy.to_str().unwrap()]).code, Some(0), "nothing is written over");
    let other = House::new();
    other.run(["restore", copy.to_str().unwrap()]).shows("resume-sending");
    other.run(["user", "show", "ada"]).shows("ada@a.example");
    assert_ne!(other.run(["restore", copy.to_str().unwrap()]).code, Some(0), "the directory is not empty");
    let nowhere = other.path("nowhere");
    assert_ne!(House::new().run(["restore", nowhere.to_str().unwrap()]).code, Some(0));
    let engine = other.serve().await;
    other.run(["restore", copy.to_str().unwrap()]).fails(4, "engine runs");
    engine.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_finds_faults_and_says_what_to_do() {
    let house = House::new();
    let idle = house.run(["doctor", "--json"]);
    let checks: Value = serde_json::from_str(&idle.out).unwrap();
    assert!(checks.as_array().unwrap().len() > 3, "{checks}");
    let faults = |checks: &Value| {
        let bad: Vec<_> =
            checks.as_array().unwrap().iter().filter(|check| check["ok"] == false).cloned().collect();
        assert!(bad.iter().all(|check| !check["remedy"].as_str().unwrap().is_empty()), "{bad:?}");
        bad.len()
    };
    assert_eq!(idle.code, Some(if faults(&checks) == 0 { 0 } else { 5 }));
    let engine = house.serve().await;
    let sink = Sink::start(&house).await;
    sink.mail_provider(&house.client(), sink::narrow()).await;
    house.run(["provider", "pause", "mail"]).ok();
    let paused = house.run(["doctor"]);
    assert!(matches!(paused.code, Some(0 | 5)), "{paused:?}");
    engine.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_alerts_drafts_and_errors() {
    let house = House::new();
    let engine = house.serve().await;
    house.run(["webhook", "list"]).shows("no endpoints");
    let create = ["webhook", "create", "--id", "shop", "--name", "Shop", "--url", "http://127.0.0.1:9/ended"];
    house.run(create).shows("its secret is shown only now");
    house.run(create).fails(4, "");
    house
        .run(["webhook", "create", "--url", "http://127.0.0.1:9", "--event", "message.lost"])
        .fails(2, "message.sent");
    let shown = house.run(["webhook", "show", "shop", "--json"]).json();
    assert_eq!((&shown["name"], &shown["enabled"]), (&"Shop".into(), &true.into()));
    assert!(shown["secret"].as_str().unwrap().starts_with('•'));
    let url = house.file("url", "http://127.0.0.1:9/other\n");
    let set = ["webhook", "set", "shop", "--url-from", url.to_str().unwrap()];
    house.run(set).fails(4, "secret");
    let secret = house.file("secret", "0123456789abcdef0123456789\n");
    house.run(set.into_iter().chain(["--secret-from", secret.to_str().unwrap()])).shows("/other");
    house.run(["webhook", "test", "shop"]).shows("on its way");
    house.run(["webhook", "deliveries", "shop"]).shows("webhook.test");
    house.run(["webhook", "disable", "shop"]).shows("disabled");
    house.run(["webhook", "delete", "shop"]).ok();
    house.run(["webhook", "show", "shop"]).fails(3, "shop");

    house.run(["alert", "list"]).shows("nothing needs you");
    house.run(["alert", "test"]).shows("alerts.webhook");
    assert!(house.run(["alert", "list", "--json"]).json()["alerts"].as_array().unwrap().is_empty());

    house.run(["draft", "list"]).shows("no drafts");
    let draft = house.file("draft.json", r#"{"subject": "Hello"}"#);
    house.run(["draft", "save", "d", draft.to_str().unwrap()]).shows("revision 1");
    house.run(["draft", "save", "d", draft.to_str().unwrap(), "--revision", "7"]).fails(4, "");
    house.run(["draft", "list"]).shows("Hello");
    assert_eq!(house.run(["draft", "show", "d"]).json()["subject"], "Hello");
    house.run(["draft", "delete", "d"]).ok();
    house.run(["draft", "show", "d"]).fails(3, "");

    house.run(["errors"]).shows("no failures in the last 1 h");
    assert_eq!(house.run(["errors", "--hours", "24", "--json"]).json()["rows"], 0);
    house.run(["errors", "--message", "none"]).fails(3, "none");
    assert!(engine.terminate().success());
}
