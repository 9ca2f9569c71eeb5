//! The table of providers in the README, made from the table in the code.
//!
//! `HERALD_UPDATE=1 cargo test --test providers table` writes it anew.

use herald::domain::provider::{KINDS, Kind, Proof};
use std::fmt::Write as _;
use std::path::Path;

const START: &str = "<!-- The table of providers is made by a test; see tests/providers/table.rs. -->\n";
const END: &str = "<!-- End of the table of providers. -->\n";

fn table() -> String {
    let mut out = String::from(
        "| kind | service | delivers | recipients a request | requests at once | idempotency key | reports by webhook | proved by | credentials are checked by |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for kind in KINDS.iter().filter(|kind| kind.adapter) {
        let _ = writeln!(out, "{}", line(kind));
    }
    out
}

fn line(kind: &Kind) -> String {
    let channels: Vec<_> = kind.channels.iter().map(ToString::to_string).collect();
    let receipts: Vec<_> = kind.receipts.iter().map(|receipt| receipt.as_str()).collect();
    let none = |text: String| if text.is_empty() { "–".to_owned() } else { text };
    let key = kind.idempotency.map_or_else(String::new, |life| format!("{} h", life.as_secs() / 3600));
    let rate = kind.rate.map_or_else(String::new, |rate| format!(", {rate}/s"));
    // The first source, if it is an address.
    let source = kind.source.split(", ").next().unwrap_or_default();
    let service = if source.starts_with("http") {
        format!("[{}]({source})", kind.title)
    } else {
        kind.title.to_owned()
    };
    format!(
        "| `{}` | {service} | {} | {} | {}{rate} | {} | {} | {} | {} |",
        kind.name,
        channels.join(", "),
        kind.batch,
        kind.concurrency,
        none(key),
        none(receipts.join(", ")),
        none(if kind.proof == Proof::None { String::new() } else { kind.proof.title().to_owned() }),
        kind.check,
    )
}

#[test]
fn the_table_in_the_readme_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(START).expect("the README has the table's start");
    let (was, after) = rest.split_once(END).expect("the README has the table's end");
    let now = table();
    if std::env::var_os("HERALD_UPDATE").is_some() {
        std::fs::write(&path, format!("{before}{START}{now}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(now, was, "write the table anew: HERALD_UPDATE=1 cargo test --test providers table");
}
