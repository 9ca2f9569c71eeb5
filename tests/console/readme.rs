//! The README's table of keys is made from the table of actions.

use std::fmt::Write as _;

use herald::tui::action::{Scope, TABLE};
use herald::tui::keymap::{Keymap, Mode};

const FROM: &str =
    "<!-- keys: made from the table of actions; `UPDATE_README=1 cargo test --test console readme` -->";
const TO: &str = "<!-- keys end -->";

fn keys() -> String {
    let keymap = Keymap::shipped("default").unwrap();
    let mut out = "| where | key | what it does |\n| --- | --- | --- |\n".to_owned();
    for scope in Scope::ALL {
        for row in TABLE.iter().filter(|row| row.scopes.contains(&scope)) {
            let mut keys = keymap.keys_in(row.action, scope, Mode::Normal);
            keys.extend(keymap.keys_in(row.action, scope, Mode::Insert));
            keys.sort();
            keys.dedup();
            if keys.is_empty() {
                continue;
            }
            let keys = keys.iter().map(|key| format!("`{}`", key.replace('|', "\\|"))).collect::<Vec<_>>();
            let _ = writeln!(out, "| {scope} | {} | {} |", keys.join(" "), row.help);
        }
    }
    out
}

#[test]
fn the_readme_lists_the_keys_as_they_are() {
    let path = format!("{}/README.md", env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(FROM).expect("the README marks where the keys stand");
    let (_, after) = rest.split_once(TO).expect("the README marks where the keys end");
    let whole = format!("{before}{FROM}\n{}{TO}{after}", keys());
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(path, whole).unwrap();
        return;
    }
    assert!(
        readme == whole,
        "the table of keys is out of date: UPDATE_README=1 cargo test --test console readme"
    );
}
