//! What Herald says of itself: to standard error, or to a file while a console has the terminal.

use crate::cli::failure::{Failure, Outcome};
use crate::settings::{LogLevel, Settings};
use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Mutex;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// A log file is put aside as `herald.log.old` at this size when a process starts.
const ROTATE_AT: u64 = 16 << 20;

fn level(settings: &Settings) -> LevelFilter {
    match settings.log_level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

/// To standard error, for a process without a screen. A second call changes nothing.
pub fn to_stderr(settings: &Settings) {
    let registry = tracing_subscriber::registry().with(level(settings));
    // Already set by an earlier call in this process: the first one stays.
    let _ = if settings.log_json {
        registry.with(fmt::layer().json().with_writer(std::io::stderr)).try_init()
    } else {
        registry.with(fmt::layer().with_ansi(false).with_writer(std::io::stderr)).try_init()
    };
}

/// To `herald.log` in this directory, for a process whose terminal is a screen.
pub fn to_file(settings: &Settings, dir: &Path) -> Outcome {
    let named = |error: std::io::Error| Failure::Failed(format!("{}: {error}", dir.display()));
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(named)?;
    let path = dir.join("herald.log");
    if std::fs::metadata(&path).is_ok_and(|meta| meta.len() > ROTATE_AT) {
        std::fs::rename(&path, dir.join("herald.log.old")).map_err(named)?;
    }
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(named)?;
    let layer = fmt::layer().json().with_writer(Mutex::new(file));
    let _ = tracing_subscriber::registry().with(level(settings)).with(layer).try_init();
    Ok(())
}
