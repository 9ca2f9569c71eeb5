//! `herald import`: people from a spreadsheet's export.

use super::Desk;
use crate::cli::args::Import;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{Table, grouped};
use crate::client::{Body, body_of, lines_of};
use crate::domain::import::ColumnMap;
use crate::wire::transfer::{ImportCounts, ImportProgress, ImportRequest};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Imports, lists imports, or takes one back.
pub async fn run(desk: &Desk, import: Import) -> Outcome {
    if import.list {
        return list(desk).await;
    }
    if let Some(id) = import.undo {
        let undone = desk.client.undo_import(&id).await?;
        desk.out.either(&undone, |undone| {
            format!("import {} is taken back, as far as nobody has used it since", undone.id)
        })?;
        return Ok(());
    }
    let Some(file) = import.file else {
        return Err(Failure::Usage("name a file, or `-` for standard input".into()));
    };
    let request = ImportRequest {
        source: file
            .file_name()
            .map_or_else(|| "standard input".into(), |name| name.to_string_lossy().into_owned()),
        topic: None,
        map: import.map.join("\n"),
        country: import.country.or_else(|| desk.country.clone()),
        dry_run: import.dry_run,
        skip_lines: 0,
    };
    let mut map = ColumnMap::default();
    for entry in &import.map {
        map.add(entry).map_err(|error| Failure::Usage(format!("--map {entry}: {error}")))?;
    }
    let stop = stop_on_ctrl_c();
    let (body, size) = body(&file, &stop).await?;
    let mut topics = import.topics.into_iter();
    let request = ImportRequest { topic: topics.next().map(|id| id.parse()).transpose()?, ..request };
    if topics.next().is_some() {
        return Err(Failure::Usage(
            "one --topic for the whole file; for several name them in a column `topics`, with `;` between"
                .into(),
        ));
    }
    let rejects = import.rejects.unwrap_or_else(|| rejects_of(&file));
    let mut steps = desk.client.import(&request, body).await?;
    let mut last = ImportProgress::default();
    let mut writer: Option<BufWriter<File>> = None;
    let mut told = false;
    loop {
        let step = match steps.next().await {
            // The line to the engine went with the file: what is in is asked for below.
            Err(_) if stop.is_cancelled() => break,
            step => step?,
        };
        let Some(step) = step else { break };
        if !told && !step.detected.is_empty() {
            desk.out.note(&step.detected)?;
            told = true;
        }
        if writer.is_none() && !step.rejects.is_empty() {
            let failed = |error| Failure::Failed(format!("{}: {error}", rejects.display()));
            let mut file = BufWriter::new(File::create(&rejects).map_err(failed)?);
            file.write_all(step.rejects_header.as_bytes())?;
            writer = Some(file);
        }
        if let Some(file) = &mut writer {
            for reject in &step.rejects {
                file.write_all(reject.record.as_bytes())?;
            }
        }
        if desk.out.is_terminal() {
            progress(&step, size)?;
        }
        last = step;
    }
    if let Some(mut file) = writer {
        file.flush()?;
    }
    if desk.out.is_terminal() {
        let mut err = std::io::stderr().lock();
        write!(err, "\r\x1b[K")?;
    }
    last.rejects.clear();
    let stopped = stop.is_cancelled() && !last.done;
    if stopped {
        last.error = say_stopped(desk, &file, &mut last).await;
    }
    desk.out.either(&last, |last| summary(last, import.dry_run, &rejects))?;
    if last.error.is_empty() {
        Ok(())
    } else if stopped {
        Err(Failure::Stopped(last.error))
    } else if last.error.contains("--map ") && last.rows == 0 {
        // A header that the file does not have: what was typed is wrong, not the file.
        Err(Failure::Usage(last.error))
    } else {
        Err(Failure::Failed(last.error))
    }
}

/// Told to stop by the first ctrl-c. The second ends the process at once.
fn stop_on_ctrl_c() -> CancellationToken {
    let stop = CancellationToken::new();
    let Ok(mut presses) = signal(SignalKind::interrupt()) else { return stop };
    let told = stop.clone();
    tokio::spawn(async move {
        presses.recv().await;
        told.cancel();
        let mut err = std::io::stderr();
        let _ = writeln!(err, "\r\x1b[Kstopping: what is read is written; ctrl-c again ends at once");
        presses.recv().await;
        std::process::exit(i32::from(Failure::Interrupted.code()));
    });
    stop
}

/// What is in, where it stopped, and how to go on.
async fn say_stopped(desk: &Desk, file: &Path, last: &mut ImportProgress) -> String {
    desk.client.recount(last).await;
    let read = grouped(last.lines);
    if file.as_os_str() == "-" {
        return format!("stopped after line {read}; the same again goes on: who is there is not made twice");
    }
    let left = match lines_of(file.to_owned()).await {
        Some(all) => format!(", about {} are left", grouped(all.saturating_sub(last.lines))),
        None => String::new(),
    };
    format!(
        "stopped after line {read}{left}; `herald import {}` with the same options goes on: who is there is not made twice",
        file.display()
    )
}

async fn body(file: &Path, stop: &CancellationToken) -> Outcome<(Body, Option<u64>)> {
    if file.as_os_str() == "-" {
        let stdin = std::io::stdin().as_fd().try_clone_to_owned()?;
        return Ok((body_of(tokio::fs::File::from_std(File::from(stdin)), stop), None));
    }
    let named = |error| Failure::Failed(format!("{}: {error}", file.display()));
    let open = tokio::fs::File::open(file).await.map_err(named)?;
    let about = open.metadata().await.map_err(named)?;
    if about.is_dir() {
        return Err(Failure::Usage(format!("{} is a directory: name a file", file.display())));
    }
    Ok((body_of(open, stop), Some(about.len())))
}

fn rejects_of(file: &Path) -> PathBuf {
    if file.as_os_str() == "-" {
        return PathBuf::from("import.rejects.csv");
    }
    crate::client::rejects_of(file)
}

fn progress(step: &ImportProgress, size: Option<u64>) -> std::io::Result<()> {
    let mut err = std::io::stderr().lock();
    match size.filter(|size| *size > 0) {
        Some(size) => {
            let share = (step.bytes as f64 / size as f64).clamp(0.0, 1.0);
            let full = (share * 24.0) as usize;
            write!(
                err,
                "\r\x1b[K{}{} {:>3.0}%  {} lines, {} refused",
                "▓".repeat(full),
                "░".repeat(24 - full),
                share * 100.0,
                grouped(step.lines),
                grouped(step.refused)
            )?;
        }
        None => write!(err, "\r\x1b[K{} lines, {} refused", grouped(step.lines), grouped(step.refused))?,
    }
    err.flush()
}

fn made(counts: &ImportCounts) -> String {
    format!(
        "{} users, {} targets, {} subscriptions, {} topics; {} renamed, {} already there",
        grouped(counts.users),
        grouped(counts.targets),
        grouped(counts.subscriptions),
        grouped(counts.topics),
        grouped(counts.renamed),
        grouped(counts.unchanged)
    )
}

fn summary(last: &ImportProgress, dry_run: bool, rejects: &Path) -> String {
    let mut text = format!("{} lines, {} people", grouped(last.lines), grouped(last.rows));
    if dry_run {
        text.push_str("; nothing was written (--dry-run)");
    } else {
        let _ = write!(text, "\nmade: {}", made(&last.counts));
    }
    for (kind, count) in &last.repaired {
        let _ = write!(text, "\nrepaired: {kind}: {}", grouped(*count));
    }
    if last.refused > 0 {
        let _ = write!(
            text,
            "\nrefused: {}, each with its reason in {}",
            grouped(last.refused),
            rejects.display()
        );
    }
    if !last.id.is_empty() && !dry_run {
        let _ = write!(text, "\n`herald import --undo {}` takes it back", last.id);
    }
    text
}

async fn list(desk: &Desk) -> Outcome {
    let list = desk.client.imports().await?;
    desk.out.either(&list, |list| {
        let mut table = Table::new(&["Id", "When", "By", "File", "#Users", "#Targets", "Undone"]);
        for import in &list.imports {
            table.row([
                import.id.as_str(),
                &desk.show(import.at),
                &import.by,
                &import.source,
                &grouped(import.counts.users),
                &grouped(import.counts.targets),
                &desk.show_maybe(import.undone),
            ]);
        }
        if table.is_empty() { "no imports".into() } else { table.render() }
    })?;
    Ok(())
}
