//! Who is the engine: the lock, the socket, and commands with and without one.

use super::certificates::Certificates;
use super::house::{House, PATIENCE, until};
use super::sink::{self, Sink};
use herald::cli::instance::Instance;
use herald::wire::message::State;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_commands_at_once() {
    for running in [true, false] {
        let house = House::new();
        let engine = if running { Some(house.serve().await) } else { None };
        let said: Vec<_> = std::thread::scope(|scope| {
            let house = &house;
            let commands: Vec<_> = (0..8)
                .map(|n| {
                    scope.spawn(move || {
                        house.run(["user", "create", &format!("u{n}"), "--email", &format!("u{n}@a.example")])
                    })
                })
                .collect();
            commands.into_iter().map(|command| command.join().unwrap()).collect()
        });
        for said in &said {
            said.shows("created user");
        }
        let list = house.run(["user", "list", "--json"]).json();
        assert_eq!(list["users"].as_array().unwrap().len(), 8, "with an engine: {running}");
        if let Some(engine) = engine {
            assert!(engine.terminate().success());
        }
        assert_eq!(house.instance().holder(), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_engine_is_refused_and_the_first_goes_on() {
    let house = House::new();
    let mut engine = house.serve().await;
    let second = house.run(["serve"]);
    second.fails(6, &engine.pid().to_string());
    assert!(engine.lives());
    house.client().health().await.unwrap();
    assert_eq!(house.client().overview().await.unwrap().instance.pid, engine.pid());
    assert!(engine.terminate().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_without_a_lock_is_stale() {
    let house = House::new();
    house.serve().await.kill();
    assert!(house.socket().exists(), "a kill leaves the socket behind");
    house.run(["user", "create", "ada"]).ok();
    let engine = house.serve().await;
    house.run(["user", "show", "ada"]).ok();
    assert!(engine.terminate().success());
    assert!(!house.socket().exists());
}

#[test]
fn a_lock_whose_holder_does_not_answer() {
    let house = House::new();
    let lock = Instance::open(house.data()).unwrap().try_lock().unwrap().unwrap();
    let began = Instant::now();
    let said = house.run(["user", "list"]);
    said.fails(6, &format!("process {}", std::process::id()));
    assert!(began.elapsed() < Duration::from_secs(30), "it gives up");
    house.run(["serve"]).fails(6, "already the engine");
    house.run(["restore", "/nowhere"]).fails(4, "engine runs");
    lock.release();
    house.run(["user", "list"]).ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_too_long_for_a_socket() {
    let house = House::new();
    let deep = house.path(&"d".repeat(80)).join("e".repeat(80));
    let house = house.data_at(deep.clone());
    let engine = house.serve().await;
    assert!(!deep.join("engine.sock").exists());
    assert!(house.socket().exists() && house.socket().as_os_str().len() < 108);
    house.run(["user", "create", "ada"]).ok();
    assert_eq!(
        house.client().user("ada").await.unwrap().id.to_string(),
        "ada",
        "both speak to the same engine"
    );
    assert!(engine.terminate().success());
    house.run(["user", "show", "ada"]).ok();
}

async fn people(house: &House) -> Sink {
    let sink = Sink::start(house).await;
    let engine = house.serve().await;
    sink.mail_provider(&house.client(), sink::narrow()).await;
    let addresses: Vec<_> = (0..30).map(sink::address).collect();
    sink::people(&house.client(), "email", &addresses).await;
    assert!(engine.terminate().success());
    sink
}

fn mail<'a>(id: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["send", "email", "--id", id, "--topic", "all", "--subject", "s", "--body", "b"];
    args.extend(more);
    args
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_without_an_engine_sends_nothing_unless_it_waits() {
    let house = House::new();
    let sink = people(&house).await;
    house.run(mail("later", &[])).shows("later scheduled");
    house.run(["why", "later"]).ok();
    assert_eq!(sink.record().arrivals(), 0);
    assert_eq!(house.instance().holder(), None, "nobody is left behind");

    house.run(mail("now", &["--wait"])).shows("accepted 30");
    assert_eq!(sink.record().arrivals(), 30, "that message alone");
    assert_eq!(house.run(["message", "show", "later", "--json"]).json()["message"]["state"], "scheduled");

    let engine = house.serve().await;
    sink::is(&house.client(), "later", State::Sent).await;
    assert_eq!(sink.record().arrivals(), 60);
    assert_eq!(sink.record().summary().surplus, 0);
    assert!(engine.terminate().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_waits_can_be_left_and_looked_at() {
    let house = House::new();
    let sink = people(&house).await;
    sink.mail(|plan| plan.latency.fixed_ms = 300);
    house.run(["provider", "set", "mail", "-o", "concurrency=1", "-o", "window=2"]).ok();
    let mut wait = house.spawn(mail("m", &["--wait"]));
    sink.has(3).await;
    // While it sends, it is the engine, and others speak to it.
    house.run(["message", "show", "m"]).shows("processing");
    wait.signal(rustix::process::Signal::INT);
    assert_eq!(wait.ends(PATIENCE).code(), Some(130), "{}", wait.said());
    assert_eq!(house.instance().holder(), None);
    let before = sink.record().arrivals();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(sink.record().arrivals(), before);
    // The next engine goes on with it.
    sink.mail(|plan| plan.latency.fixed_ms = 0);
    let engine = house.serve().await;
    sink::is(&house.client(), "m", State::Sent).await;
    assert_eq!((sink.record().arrivals(), sink.record().summary().surplus), (30, 0));
    engine.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_across_restarts_of_the_engine() {
    let house = House::new();
    let mut engine = house.serve().await;
    for n in 0..6 {
        let command = std::thread::scope(|scope| {
            let house = &house;
            let command = scope.spawn(move || house.run(["user", "create", &format!("u{n}")]));
            if n % 2 == 0 {
                assert!(engine.terminate().success());
            } else {
                engine.kill();
            }
            command.join().unwrap()
        });
        // Either it was done, or it says that the line broke; never half.
        let there = house.run(["user", "show", &format!("u{n}")]).code == Some(0);
        match command.code {
            Some(0) => assert!(there, "{command:?}"),
            Some(6) => {}
            _ => panic!("{command:?}"),
        }
        engine = house.serve().await;
    }
    assert!(until(PATIENCE, || engine.lives()));
    engine.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hangup_reads_the_certificate_again() {
    let (first, second) = (Certificates::new(), Certificates::new());
    let house = House::new();
    let write = |made: &Certificates| {
        (house.file("cert.pem", made.certificate_pem()), house.file("key.pem", made.key_pem()))
    };
    let (cert, key) = write(&first);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let listen = address.to_string();
    let args = [
        "serve",
        "--listen",
        &listen,
        "--tls-cert",
        cert.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ];
    let mut engine = house.spawn(args);
    engine.answers(&house.client()).await;
    // Whether the server shows a certificate of this authority.
    let shows = async |trusted: &Certificates| {
        // The socket answers a moment before this listener does.
        let begun = std::time::Instant::now();
        let stream = loop {
            match tokio::net::TcpStream::connect(address).await {
                Ok(stream) => break stream,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
        tokio_rustls::TlsConnector::from(trusted.client()).connect(name, stream).await.is_ok()
    };
    assert!(shows(&first).await && !shows(&second).await);
    write(&second);
    engine.signal(rustix::process::Signal::HUP);
    let began = Instant::now();
    while !shows(&second).await {
        assert!(began.elapsed() < PATIENCE, "{}", engine.said());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!shows(&first).await);
    // One that cannot be used leaves the one before, and the engine goes on.
    house.file("key.pem", "not a key");
    engine.signal(rustix::process::Signal::HUP);
    assert!(until(PATIENCE, || engine.said().contains("key.pem")), "{}", engine.said());
    assert!(shows(&second).await);
    assert!(engine.terminate().success());
}
