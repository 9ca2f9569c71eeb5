//! What can be typed wrong, and what needs no engine at all.

use super::house::{House, until};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

#[test]
fn help_names_every_command_and_exit_code() {
    let house = House::new();
    let help = house.run(["--help"]);
    for code in
        ["0 done", "1 failed", "2 wrong usage", "3 not found", "4 refused", "5 ", "6 no engine", "130 "]
    {
        help.shows(code);
    }
    for command in [
        "serve",
        "demo",
        "send",
        "message",
        "topic",
        "user",
        "target",
        "provider",
        "key",
        "queue",
        "import",
        "export",
        "log",
        "why",
        "find",
        "stop-sending",
        "resume-sending",
        "person",
        "backup",
        "restore",
        "sandbox",
        "doctor",
        "completions",
        "man",
    ] {
        help.shows(command);
        house.run([command, "--help"]).shows("Usage:");
    }
    house.run(["--version"]).shows("herald ");
}

#[test]
fn wrong_usage_is_2_and_says_what_is_wrong() {
    let house = House::new();
    house.run(["frobnicate"]).fails(2, "frobnicate");
    house.run(["send", "email", "--topic", "x", "--body", "y"]).fails(2, "--subject");
    house.run(["queue", "release"]).fails(2, "--filter");
    house.run(["person", "erase", "ada@a.example"]).fails(2, "--yes");
    house.run(["user", "list", "--set", "no.such.setting=1"]).fails(2, "no.such.setting");
    house.run(["user", "list", "--set", "send.window"]).fails(2, "NAME=VALUE");
    house.run(["user", "list", "--config", "not-there.toml"]).fails(2, "not-there.toml");
    let config = house.file("bad.toml", "[send]\nwindw = 3\n");
    house.run(["user", "list", "--config", config.to_str().unwrap()]).fails(2, "windw");
    house.run(["message", "schedule", "m", "--at", "when pigs fly"]).fails(2, "when");
    house.run(["log", "--since", "a while ago"]).fails(2, "a while ago");
    house.run(["import"]).fails(2, "FILE");
    house.run(["provider", "create", "pigeon", "p"]).fails(2, "smtp");
    house.run(["sandbox", "--smtp", "everywhere"]).fails(2, "everywhere");
}

#[test]
fn a_data_directory_that_others_read_is_refused() {
    let house = House::new();
    fs::set_permissions(house.data(), Permissions::from_mode(0o755)).unwrap();
    house.run(["user", "list"]).fails(1, "chmod 700");
    fs::set_permissions(house.data(), Permissions::from_mode(0o700)).unwrap();
    house.run(["user", "list"]).ok();
}

#[test]
fn settings_say_where_they_come_from() {
    let house = House::new().set("send.undo", "7s");
    let config = house.file("herald.toml", "label = \"TEST\"\n");
    let args = ["doctor", "--settings", "--json", "--set", "send.drain=9s", "--config"];
    let said = house.run(args.into_iter().chain([config.to_str().unwrap()])).json();
    let row = |name: &str| {
        said.as_array().unwrap().iter().find(|row| row["name"] == name).cloned().unwrap_or_default()
    };
    assert_eq!(row("send.undo")["value"], "7s");
    assert_eq!(row("send.undo")["origin"], "HERALD_SEND_UNDO");
    assert_eq!(row("label")["value"], "TEST");
    assert!(row("label")["origin"].as_str().unwrap().contains("herald.toml"));
    assert_eq!(row("send.drain")["value"], "9s");
    assert_eq!(row("send.window")["origin"], "default");
    house.run(["doctor", "--settings"]).shows("send.drain");
}

#[test]
fn completions_and_the_manual_page() {
    let house = House::new();
    for (shell, sign) in [("bash", "complete -F"), ("zsh", "#compdef herald"), ("fish", "complete -c herald")]
    {
        house.run(["completions", shell]).shows(sign).shows("stop-sending");
    }
    house.run(["completions", "abacus"]).fails(2, "abacus");
    house.run(["man"]).shows(".TH").shows("Exit codes");
}

#[test]
fn the_sandbox_says_where_it_listens() {
    let house = House::new();
    let mut sandbox =
        house.spawn(["sandbox", "--smtp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--token", "t", "--json"]);
    assert!(until(Duration::from_secs(20), || sandbox.said().contains('\n')), "{}", sandbox.said());
    let said: serde_json::Value = serde_json::from_str(sandbox.said().lines().next().unwrap()).unwrap();
    for door in ["smtp", "http", "control"] {
        let addr: std::net::SocketAddr = said[door].as_str().unwrap().parse().unwrap();
        std::net::TcpStream::connect(addr).unwrap();
    }
    assert_eq!(said["token"], "t");
    sandbox.signal(rustix::process::Signal::TERM);
    assert!(sandbox.ends(Duration::from_secs(20)).success());
    house.run(["sandbox", "--smtp", "0.0.0.0:0"]).fails(1, "loopback");
}

#[test]
fn the_demo_shows_a_message_from_scheduled_to_sent() {
    let house = House::new();
    let said = house.run(["demo", "--headless"]);
    said.shows("November newsletter scheduled").shows("accepted ");
    let left = fs::read_dir(house.path("")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        !left.iter().any(|name| name.to_string_lossy().contains("demo")),
        "the throw-away directory is thrown away: {left:?}"
    );
    assert!(fs::read_dir(house.data()).unwrap().next().is_none(), "the real data directory is left alone");
}
