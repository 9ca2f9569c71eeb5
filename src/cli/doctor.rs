//! `herald doctor`: checks, each with its remedy.

use super::engine::socket_path;
use super::failure::{Failure, Outcome};
use super::instance::Instance;
use super::output::{Output, Table};
use super::session::attach;
use crate::settings::Settings;
use crate::store::disk::Room;
use serde::Serialize;
use std::path::Path;

/// A check.
#[derive(Debug, Serialize)]
struct Check {
    what: &'static str,
    ok: bool,
    found: String,
    remedy: String,
}

fn check(what: &'static str, ok: bool, found: impl Into<String>, remedy: &str) -> Check {
    Check { what, ok, found: found.into(), remedy: if ok { String::new() } else { remedy.into() } }
}

/// Runs every check. Fails when one did.
pub async fn run(out: Output, instance: &Instance, settings: &Settings) -> Outcome {
    let mut checks = vec![check("data directory", true, instance.dir().display().to_string(), "")];
    let socket = socket_path(instance, settings)?;
    match (instance.holder(), attach(instance, settings).await?) {
        (Some(pid), Some(client)) => {
            checks.push(check(
                "engine",
                true,
                format!("runs in process {pid}, socket {}", socket.display()),
                "",
            ));
            let overview = client.overview().await?;
            let store = overview.store;
            checks.push(check(
                "store",
                overview.suspended.is_none(),
                overview.suspended.clone().unwrap_or_else(|| {
                    format!(
                        "{} messages, {} targets, {} MiB",
                        store.messages,
                        store.targets,
                        (store.main_bytes + store.segment_bytes) >> 20
                    )
                }),
                "free space or mend the disk; Herald goes on by itself",
            ));
            checks.push(disk(store.disk_free, store.disk_total));
            for need in &overview.needs_you {
                checks.push(check("needs you", false, need.text.clone(), "open `herald`, screen 0"));
            }
            let enabled = overview.providers.iter().filter(|row| row.enabled).count();
            checks.push(check(
                "providers",
                enabled > 0,
                format!("{enabled} enabled"),
                "`herald provider create smtp main -o host=… -o fromEmail=…`",
            ));
        }
        (Some(pid), None) => checks.push(check(
            "engine",
            false,
            format!("process {pid} holds the lock and does not answer on {}", socket.display()),
            "wait a moment; if it stays so, end that process: nothing is lost",
        )),
        (None, _) => {
            checks.push(check(
                "engine",
                true,
                "nobody runs it: scheduled messages wait until somebody does",
                "",
            ));
            let room = Room::of(instance.dir())?;
            checks.push(disk(room.free, room.total));
        }
    }
    checks.push(key(&instance.store_dir()));
    checks.push(lingers());
    out.either(&checks, |checks| {
        let mut table = Table::new(&["", "Check", "Found", "Remedy"]);
        for check in checks {
            table.row([if check.ok { "ok" } else { "▲" }, check.what, &check.found, &check.remedy]);
        }
        table.render()
    })?;
    let faults = checks.iter().filter(|check| !check.ok).count();
    if faults > 0 { Err(Failure::Incomplete(format!("{faults} faults"))) } else { Ok(()) }
}

fn disk(free: u64, total: u64) -> Check {
    let share = (free * 100).checked_div(total).unwrap_or(100);
    check(
        "disk",
        share >= 5 || free > 4 << 30,
        format!("{} MiB free ({share} %)", free >> 20),
        "free space: below that, sending stops within a window and goes on by itself",
    )
}

/// Whether the sealing key is where only we can read it.
fn key(store: &Path) -> Check {
    use std::os::unix::fs::PermissionsExt;
    if std::env::var_os("HERALD_SEALING_KEY").is_some() || std::env::var_os("CREDENTIALS_DIRECTORY").is_some()
    {
        return check("sealing key", true, "from the environment", "");
    }
    match std::fs::metadata(store.join("sealing.key")) {
        Ok(meta) => check(
            "sealing key",
            meta.permissions().mode().trailing_zeros() >= 6,
            "a file in the data directory",
            "chmod 600 it",
        ),
        Err(_) if !store.exists() => check("sealing key", true, "made with the store", ""),
        Err(_) => check("sealing key", false, "not found", "put it back, or enter the credentials anew"),
    }
}

/// Whether a detached engine outlives the logout: systemd may end user processes.
fn lingers() -> Check {
    let kills = std::fs::read_to_string("/etc/systemd/logind.conf").is_ok_and(|text| {
        text.lines().any(|line| line.trim().replace(' ', "").eq_ignore_ascii_case("KillUserProcesses=yes"))
    });
    check(
        "logout",
        !kills,
        if kills {
            "systemd ends your processes at logout"
        } else {
            "an engine that was handed over outlives it; a reboot ends it"
        },
        "`loginctl enable-linger`, or run Herald as a service (assets/herald.service)",
    )
}

/// Every setting, its value and where it comes from.
pub fn settings(out: Output, settings: &Settings) -> Outcome {
    let rows = settings.shown();
    if out.json() {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| serde_json::json!({"name": row.name, "value": row.value, "origin": row.origin.to_string(), "help": row.help}))
            .collect();
        out.value(&rows)?;
        return Ok(());
    }
    let mut table = Table::new(&["Setting", "Value", "From", "What it does"]);
    for row in rows {
        table.row([row.name, &row.value, &row.origin.to_string(), row.help]);
    }
    out.say(table.render().trim_end())?;
    Ok(())
}
