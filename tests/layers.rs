//! The layers are walls: a module imports only from those above it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Which modules of the crate each layer may import from. `cli` sees everything.
const MAY: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("wire", &["domain"]),
    ("settings", &["domain"]),
    ("store", &["domain", "settings", "wire"]),
    ("providers", &["domain", "settings", "wire"]),
    ("sandbox", &["domain", "settings", "wire", "providers"]),
    ("engine", &["domain", "settings", "wire", "store", "providers"]),
    ("api", &["domain", "settings", "wire", "store", "providers", "engine"]),
    ("client", &["domain", "wire"]),
    ("tui", &["domain", "settings", "wire", "client"]),
    (
        "cli",
        &["domain", "settings", "wire", "store", "providers", "sandbox", "engine", "api", "client", "tui"],
    ),
];

/// Crates that only some layers may name.
const ONLY: &[(&str, &[&str])] = &[
    ("redb", &["store"]),
    ("lettre", &["providers"]),
    ("axum", &["api", "cli"]),
    ("reqwest", &["providers", "cli", "engine"]),
    ("ratatui", &["tui"]),
    ("crossterm", &["tui"]),
    ("clap", &["cli", "settings"]),
    ("anyhow", &["cli"]),
    ("smtp_proto", &["sandbox"]),
];

fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            out.push(path);
        }
    }
}

/// The layer of a file: the first component below `src`.
fn layer(path: &Path) -> String {
    let first = path.strip_prefix(src()).unwrap().components().next().unwrap();
    first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The code of a file without comments and without its inline tests, which
/// may use whatever they like.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or("").to_owned();
    text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// The first path segments that follow `prefix` in the code, also inside braces.
fn named_after(code: &str, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        let word = |text: &str| -> String {
            text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
        };
        if let Some(inner) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut item = String::new();
            for c in inner.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        found.push(word(&item));
                        item.clear();
                        continue;
                    }
                    _ => {}
                }
                item.push(c);
            }
            found.push(word(&item));
        } else {
            found.push(word(rest));
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

#[test]
fn a_module_imports_only_from_the_layers_above() {
    let may: BTreeMap<_, _> = MAY.iter().copied().collect();
    let mut files = Vec::new();
    sources(&src(), &mut files);
    let mut broken = Vec::new();
    let mut looked_at = 0;
    for path in files {
        let here = layer(&path);
        if matches!(here.as_str(), "lib" | "main") {
            continue;
        }
        let allowed =
            may.get(here.as_str()).unwrap_or_else(|| panic!("{here} is no layer: add it to the list"));
        let code = code(&path);
        for prefix in ["crate::", "herald::"] {
            for name in named_after(&code, prefix) {
                looked_at += 1;
                let known = may.contains_key(name.as_str());
                if known && name != here && !allowed.contains(&name.as_str()) {
                    broken.push(format!("{}: {here} must not know {name}", path.display()));
                }
            }
        }
        for (library, layers) in ONLY {
            let names = format!("{library}::");
            let uses = code
                .match_indices(&names)
                .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'));
            if uses && !layers.contains(&here.as_str()) {
                broken.push(format!("{}: only {layers:?} may use {library}", path.display()));
            }
        }
    }
    assert!(looked_at > 20, "the test must see the imports");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn update_and_view_touch_no_machine() {
    let mut files = Vec::new();
    sources(&src().join("tui"), &mut files);
    let mut broken = Vec::new();
    for path in files {
        let text = path.to_string_lossy().into_owned();
        let io = ["/tui/term", "/tui/runtime", "/tui/effects", "/tui/console.rs"];
        if io.iter().any(|place| text.contains(place)) {
            continue;
        }
        let code = code(&path);
        for forbidden in ["tokio::", "std::fs", "std::net", "SystemTime::now", "Instant::now", "Utc::now"] {
            if code.contains(forbidden) {
                broken.push(format!("{text}: {forbidden}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn there_is_no_mod_rs_and_no_bag_of_helpers() {
    let mut files = Vec::new();
    sources(&src(), &mut files);
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(
            !matches!(name, "mod" | "utils" | "util" | "helpers" | "helper" | "manager" | "misc"),
            "{path:?}"
        );
    }
}

#[test]
fn imports_are_read_in_braces_too() {
    assert_eq!(
        named_after("use crate::{store::X, engine::{a, b}, tui};", "crate::"),
        ["store", "engine", "tui"]
    );
    assert_eq!(named_after("crate::api::f()", "crate::"), ["api"]);
}
