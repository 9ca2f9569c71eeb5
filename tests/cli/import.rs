//! People from real spreadsheets' exports, end to end.

use super::house::{self, House};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

/// ISO 8859-1 text, which is Windows-1252 where it matters here.
fn latin(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

fn utf16(text: &str) -> Vec<u8> {
    [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

const KUNDEN: &str = "Kunden, Stand 20.11.\r\n\
    Kundennr.;Vorname;Nachname;E-Mail Adresse;Handy\r\n\
    k1;Jörg;Müller;JOERG@MUELLER.example;0151 12345678\r\n\
    k2;Zoë;Groß;mailto:zoe@gross.example;+49 (151) 234-56789\r\n\
    k3;Ana;Ruiz;Ana Ruiz <ana@ruiz.example>;\r\n\
    k4;Kaputt;Zahl;kaputt@zahl.example;4,9151E+11\r\n\
    k5;Zwei;Adressen;a@zwei.example, b@zwei.example;\r\n\
    k6;Ohne;Alles;;\r\n";

fn import(house: &House, file: &Path, more: &[&str]) -> Value {
    let mut args = vec!["import", file.to_str().unwrap(), "--json"];
    args.extend(more);
    house.run(args).json()
}

fn names(house: &House) -> Vec<String> {
    let list = house.run(["user", "list", "--json", "-n", "100"]).json();
    let mut names: Vec<_> = list["users"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn windows_1252_with_semicolons() {
    let house = House::new();
    let file = house.file("Kunden.csv", latin(KUNDEN));
    let said =
        house.run(["import", file.to_str().unwrap(), "--country", "DE", "--topic", "kunden", "--dry-run"]);
    said.shows("nothing was written");
    assert!(said.err.contains("Windows-1252") && said.err.contains("E-Mail Adresse"), "{}", said.err);
    assert!(names(&house).is_empty(), "a dry run writes nothing");
    house.run(["topic", "show", "kunden"]).fails(3, "kunden");

    let done = import(&house, &file, &["--country", "DE", "--topic", "kunden"]);
    assert_eq!(
        (&done["counts"]["users"], &done["refused"], &done["done"]),
        (&3.into(), &3.into(), &true.into())
    );
    assert_eq!(done["counts"]["topics"], 1);
    assert!(done["repaired"].as_object().unwrap().len() >= 4, "{done}");
    assert_eq!(names(&house), ["Ana Ruiz", "Jörg Müller", "Zoë Groß"]);
    let user = house.run(["user", "show", "k1", "--json"]).json();
    assert_eq!((&user["email"], &user["phone"]), (&"joerg@mueller.example".into(), &"+4915112345678".into()));
    let topic = house.run(["topic", "show", "kunden", "--json"]).json();
    assert_eq!((&topic["emailTotal"], &topic["smsTotal"]), (&3.into(), &2.into()));

    let rejects = std::fs::read_to_string(house.path("Kunden.csv.rejects.csv")).unwrap();
    for (line, words) in [("6", "4,9151E+11"), ("7", "b@zwei.example"), ("8", "k6")] {
        let row = rejects.lines().find(|row| row.contains(words));
        assert!(row.is_some_and(|row| row.contains(line)), "{words} in line {line}:\n{rejects}");
    }
}

#[test]
fn rejects_can_be_mended_and_imported() {
    let house = House::new();
    let file = house.file("k.csv", latin(KUNDEN));
    let rejects = house.path("wrong.csv");
    import(&house, &file, &["--country", "DE", "--rejects", rejects.to_str().unwrap()]);
    let mended = std::fs::read_to_string(&rejects)
        .unwrap()
        .replace("4,9151E+11", "015112345670")
        .replace("a@zwei.example, b@zwei.example", "a@zwei.example");
    let file = house.file("mended.csv", mended);
    let done = import(&house, &file, &["--country", "DE"]);
    assert_eq!((&done["counts"]["users"], &done["refused"]), (&2.into(), &1.into()), "{done}");
    assert_eq!(house.run(["user", "show", "k4", "--json"]).json()["phone"], "+4915112345670");
}

#[test]
fn utf_16_and_named_columns() {
    let house = House::new();
    let text = "Ansprache\tKontakt 1\tKontakt 2\r\nФёдор\tfedor@f.example\t+7 912 345-67-89\r\n李雷\tlilei@l.example\t\r\n";
    let file = house.file("u16.txt", utf16(text));
    let map = ["--map", "name=Ansprache", "--map", "email=Kontakt 1", "--map", "phone=Kontakt 2"];
    let done = import(&house, &file, &map);
    assert_eq!((&done["counts"]["users"], &done["refused"]), (&2.into(), &0.into()), "{done}");
    assert!(done["detected"].as_str().unwrap().contains("UTF-16"), "{done}");
    assert_eq!(names(&house), ["Фёдор", "李雷"]);
    let path = file.to_str().unwrap();
    house.run(["import", path, "--map", "email=Kontakt 9"]).fails(2, "Kontakt 9");
    house.run(["import", path, "--map", "mail=Kontakt 1"]).fails(2, "mail");
    // What cannot be read leaves nothing that could be taken back.
    let archive = house.file("people.xlsx", b"PK\x03\x04rest of an archive");
    let said = house.run(["import", archive.to_str().unwrap()]);
    assert!(said.code == Some(1) && !said.out.contains("--undo"), "{said:?}");
    let empty = house.file("empty.csv", b"");
    assert!(!house.run(["import", empty.to_str().unwrap()]).out.contains("--undo"));
    let list = house.run(["import", "--list", "--json"]).json();
    assert_eq!(list["imports"].as_array().unwrap().len(), 1, "only the one that wrote somebody: {list}");
    house.run(["import", path, "--country", "Atlantis"]).fails(4, "Atlantis");
    house.run(["import", "not-there.csv"]).fails(1, "not-there.csv");
}

#[test]
fn the_same_file_again_changes_nothing() {
    let house = House::new();
    // Without ids: they are derived, stably.
    let mut text = "name,email,topics\n".to_owned();
    for n in 0..500 {
        let _ = writeln!(text, "P{n},p{n}@a.example,news;t{}", n % 3);
    }
    let file = house.file("p.csv", text);
    let first = import(&house, &file, &[]);
    assert_eq!((&first["counts"]["users"], &first["counts"]["topics"]), (&500.into(), &4.into()), "{first}");
    assert_eq!(first["counts"]["subscriptions"], 1000);
    let before = house.run(["export", "-"]);
    let again = import(&house, &file, &[]);
    for what in ["users", "targets", "subscriptions", "topics", "renamed"] {
        assert_eq!(again["counts"][what], 0, "{what}: {again}");
    }
    assert_eq!(again["counts"]["unchanged"], 500);
    assert_eq!(house.run(["export", "-"]).ok(), before.ok());
}

#[test]
fn an_import_can_be_undone() {
    let house = House::new();
    house.run(["user", "create", "old", "--name", "Old", "--email", "p1@a.example"]).ok();
    let file = house.file("p.csv", "name,email\nP1,p1@a.example\nP2,p2@a.example\nP3,p3@a.example\n");
    let done = import(&house, &file, &["--topic", "news"]);
    let id = done["id"].as_str().unwrap().to_owned();
    house.run(["import", "--list"]).shows(&id).shows("p.csv");
    assert_eq!(house.run(["topic", "show", "news", "--json"]).json()["emailTotal"], 3);
    house.run(["import", "--undo", &id]).shows(&id);
    let left = house.run(["user", "list", "--json"]).json();
    let left: Vec<_> = left["users"].as_array().unwrap().iter().map(|user| user["$id"].clone()).collect();
    assert_eq!(left, ["old"], "what was there before is left alone");
    assert_ne!(house.run(["import", "--list", "--json"]).json()["imports"][0]["undone"], Value::Null);
    assert_ne!(house.run(["import", "--undo", &id]).code, Some(0), "once");
    house.run(["import", "--undo", "no-such-import"]).fails(3, "no-such-import");
}

#[test]
fn export_is_what_import_reads() {
    let file = "userId,name,email,phone,push,pushProvider,topics\n\
        ada,\"Ada, Countess\",ada@a.example,+4915112345678,,,news;paper\n\
        bob,Bob \"B\" Bee,bob@b.example,,,,news\n\
        eve,,,+4915112345679,,,\n\
        zoë-less,Zoë,zoe@z.example,,,,paper\n";
    let house = House::new();
    let file = house.file("in.csv", file.replace("zoë-less", "zoe"));
    import(&house, &file, &[]);
    let out = house.path("out.csv");
    house.run(["export", out.to_str().unwrap()]).ok();
    let lines = house.path("out.ndjson");
    house.run(["export", lines.to_str().unwrap()]).ok();
    let printed = house.run(["export"]);
    assert_eq!(printed.ok(), std::fs::read_to_string(&out).unwrap());
    for copy in [&out, &lines] {
        let other = House::new();
        let done = import(&other, copy, &[]);
        assert_eq!((&done["counts"]["users"], &done["refused"]), (&4.into(), &0.into()), "{done}");
        assert_eq!(other.run(["export"]).ok(), printed.ok(), "the round trip loses nothing");
    }
    for row in ["ada@a.example,,,,news", "ada@a.example,,,,paper", "bob@b.example,,,,news"] {
        assert!(printed.out.contains(row), "subscriptions are part of it:\n{}", printed.out);
    }
    house.run(["export", "--topic", "news"]).shows("bob@b.example");
    assert!(!house.run(["export", "--topic", "news"]).ok().contains("eve"));
    house.run(["export", "--topic", "no-such-topic"]).fails(3, "no-such-topic");
    house.run(["export", "/no/such/place.csv"]).fails(1, "/no/such/place.csv");
}

#[test]
fn from_standard_input() {
    let house = House::new();
    let lines = "{\"name\":\"Ada\",\"email\":\"ada@a.example\",\"topics\":[\"news\"]}\n{\"name\":\"Bob\"}\n";
    let said = house.run_with(["import", "-", "--json"], lines.as_bytes());
    let done = said.json();
    assert_eq!((&done["counts"]["users"], &done["refused"]), (&1.into(), &1.into()), "{done}");
    assert_eq!(names(&house), ["Ada"]);
    assert!(house.path("import.rejects.csv").exists());
}

#[test]
fn ctrl_c_ends_an_import_in_order_and_the_same_file_goes_on() {
    let house = House::new();
    let rows: Vec<String> = (0..20_000).map(|n| format!("u{n},reader{n}@example.com\n")).collect();
    let begun = format!("userId,email\nbroken,nowhere\n{}", rows[..15_000].concat());
    let mut child = house
        .command(["import", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // More than a pipe holds: once it is written, the command is reading.
    let mut input = child.stdin.take().unwrap();
    input.write_all(begun.as_bytes()).unwrap();
    house::signal(child.id(), rustix::process::Signal::INT);
    let output = child.wait_with_output().unwrap();
    drop(input);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("ctrl-c again ends at once") && said.contains("stopped after line"), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let made = report["counts"]["users"].as_u64().unwrap();
    assert!(made > 0 && made <= 15_000, "{report}");
    assert_eq!((report["rows"].as_u64(), report["refused"].as_u64()), (Some(made), Some(1)), "{report}");
    let there = house.run(["export", "-"]).ok().lines().count() as u64 - 1;
    assert_eq!(there, made, "what it says is in is in");
    assert!(std::fs::read_to_string(house.path("import.rejects.csv")).unwrap().contains("broken"));
    let file = house.file("all.csv", format!("userId,email\n{}", rows.concat()));
    let again = import(&house, &file, &[]);
    assert_eq!(
        (&again["counts"]["users"], &again["counts"]["unchanged"]),
        (&(20_000 - made).into(), &made.into())
    );
}

#[test]
fn what_is_no_file_is_said_in_a_sentence() {
    let house = House::new();
    house.run(["import", house.data().parent().unwrap().to_str().unwrap()]).fails(2, "is a directory");
    house.run(["import", "nowhere.csv"]).fails(1, "nowhere.csv: No such file");
}
