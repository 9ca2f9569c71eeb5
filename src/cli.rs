//! The command line: parses it and starts whatever a command needs.

pub mod args;
pub mod backup;
pub mod commands;
pub mod console;
pub mod demo;
pub mod doctor;
pub mod engine;
pub mod failure;
pub mod fault;
pub mod handover;
pub mod instance;
pub mod logging;
pub mod output;
pub mod sandbox;
pub mod serve;
pub mod session;
pub mod signals;

use crate::client::Client;
use crate::domain::time::{Clock as _, SystemClock};
use crate::domain::zone::Zone;
use crate::engine::Mode;
use crate::settings::{Settings, Sources};
use args::{Cli, Command, Global};
use clap::{CommandFactory, Parser};
use commands::Desk;
use engine::Doors;
use etcetera::BaseStrategy;
use failure::{Failure, Outcome};
use instance::Instance;
use output::Output;
use session::Session;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Runs what was typed and says how it went.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no failure.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let out = Output::new(cli.global.json);
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = out.note(format!("herald: {failure}"));
            ExitCode::from(failure.code())
        }
    }
}

fn run(cli: Cli) -> Outcome {
    let Cli { global, command } = cli;
    match command {
        Some(Command::Completions { shell }) => {
            clap_complete::generate(shell, &mut Cli::command(), "herald", &mut std::io::stdout());
            Ok(())
        }
        Some(Command::Openapi) => Ok(Output::new(false).value(&crate::api::openapi::document())?),
        Some(Command::Man) => Ok(clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout())?),
        Some(Command::Sandbox(args)) => {
            let out = Output::new(global.json);
            runtime()?.block_on(sandbox::run(out, args))
        }
        None => console::run(&global),
        Some(Command::Demo(args)) if !args.headless => console::demo(&global, &args),
        Some(command) => runtime()?.block_on(dispatch(global, command)),
    }
}

/// The runtime of the engine and of one-shot commands.
pub(crate) fn runtime() -> Outcome<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Settings from flags, environment and file.
pub(crate) fn settings(
    global: &Global,
    change: impl FnOnce(&mut BTreeMap<String, String>),
) -> Outcome<Arc<Settings>> {
    let mut flags = BTreeMap::new();
    for text in &global.set {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| Failure::Usage(format!("--set: `{text}` is not NAME=VALUE")))?;
        flags.insert(name.to_owned(), value.to_owned());
    }
    if let Some(dir) = &global.data_dir {
        flags.insert("data_dir".into(), dir.display().to_string());
    }
    if global.read_only {
        flags.insert("console.read_only".into(), "true".into());
    }
    change(&mut flags);
    let mut sources = Sources { flags, ..Sources::default() }.with_environment();
    let named = global.config.is_some();
    if let Some(path) = global.config.clone().or_else(default_config) {
        match std::fs::read_to_string(&path) {
            Ok(text) => sources.file = Some((path, text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => {}
            Err(error) => return Err(Failure::Usage(format!("{}: {error}", path.display()))),
        }
    }
    Ok(Arc::new(Settings::load(&sources)?))
}

fn default_config() -> Option<PathBuf> {
    Some(etcetera::choose_base_strategy().ok()?.config_dir().join("herald").join("config.toml"))
}

/// The data directory of the settings, or the platform's.
pub(crate) fn instance(settings: &Settings) -> Outcome<Instance> {
    let dir = match &settings.data_dir {
        Some(dir) => dir.clone(),
        None => etcetera::choose_base_strategy()
            .map_err(|_| Failure::Usage("there is no home directory: name a --data-dir".into()))?
            .data_dir()
            .join("herald"),
    };
    Ok(Instance::open(&dir)?)
}

/// Who acts: `--as`, else the login.
pub(crate) fn operator(global: &Global) -> String {
    let login = || std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok();
    global.operator.clone().or_else(login).unwrap_or_else(|| {
        let uid = rustix::process::getuid().as_raw();
        let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        account(&accounts, uid).unwrap_or_else(|| format!("uid {uid}"))
    })
}

/// The name of the account with this number among the lines of passwd(5).
fn account(lines: &str, uid: u32) -> Option<String> {
    lines.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid) && !name.is_empty()).then(|| name.to_owned())
    })
}

/// The zone of the settings, else that of `TZ`, else UTC: the machine's own zone is that of
/// the server, and says nothing of who sits at the other end of the line.
fn zone(settings: &Settings) -> Zone {
    let said = || std::env::var("TZ").ok()?.trim_start_matches(':').parse().ok();
    settings.operator_zone.or_else(said).unwrap_or(Zone::UTC)
}

fn desk(client: Client, global: &Global, settings: &Settings) -> Desk {
    Desk {
        client: client.operator(&operator(global)),
        own: None,
        out: Output::new(global.json),
        zone: zone(settings),
        country: settings.import_country.as_ref().map(|country| country.0.clone()),
        undo: settings.undo,
        now: SystemClock.now(),
    }
}

async fn dispatch(global: Global, command: Command) -> Outcome {
    if let Command::Demo(args) = command {
        let settings = settings(&global, demo::flags)?;
        logging::to_stderr(&settings);
        return demo::headless(Arc::clone(&settings), &args, |client| desk(client, &global, &settings)).await;
    }
    let settings = settings(&global, |flags| {
        if let Command::Serve(args) = &command {
            flags.extend(args.settings().map(|(name, value)| (name.to_owned(), value.clone())));
        }
    })?;
    let instance = instance(&settings)?;
    let out = Output::new(global.json);
    match command {
        Command::Serve(args) => {
            logging::to_stderr(&settings);
            serve::run(instance, settings, args, None).await
        }
        Command::Doctor { settings: true } => doctor::settings(out, &settings),
        Command::Doctor { settings: false } => doctor::run(out, &instance, &settings).await,
        Command::Restore { dir } => backup::restore(out, &instance, &dir).await,
        command => {
            // Only `send --wait` runs the machinery of its own engine, for its message alone.
            let waits = matches!(&command, Command::Send { what } if what.common().wait);
            let mode = if waits { Mode::Only } else { Mode::Idle };
            // It may take long, and others want to look meanwhile.
            let doors = if waits { Doors::Open } else { Doors::Closed };
            let session = Session::open(&instance, &settings, mode, doors).await?;
            let mut desk = desk(session.client(), &global, &settings);
            if let (true, Session::Own(own)) = (waits, &session) {
                desk.own = Some(own.engine().clone());
            }
            let done = command_with(&desk, command).await;
            let closed = session.close().await;
            done.and(closed)
        }
    }
}

async fn command_with(desk: &Desk, command: Command) -> Outcome {
    match command {
        Command::Send { what } => commands::send::run(desk, what).await,
        Command::Message { action } => commands::message::run(desk, action).await,
        Command::Topic { action } => commands::topic::run(desk, action).await,
        Command::User { action } => commands::user::run(desk, action).await,
        Command::Target { action } => commands::target::run(desk, action).await,
        Command::Suppression { action } => commands::suppression::run(desk, action).await,
        Command::Provider { action } => commands::provider::run(desk, action).await,
        Command::Key { action } => commands::key::run(desk, action).await,
        Command::Queue { action } => commands::queue::run(desk, action).await,
        Command::Import(args) => commands::import::run(desk, args).await,
        Command::Export(args) => commands::export::run(desk, args).await,
        Command::Log(args) => commands::log::run(desk, args).await,
        Command::Errors(args) => commands::errors::run(desk, args).await,
        Command::Webhook { action } => commands::webhook::run(desk, action).await,
        Command::Alert { action } => commands::alert::run(desk, action).await,
        Command::Draft { action } => commands::draft::run(desk, action).await,
        Command::Why { id } => commands::why::why(desk, &id).await,
        Command::Find { text } => commands::why::find(desk, &text).await,
        Command::StopSending => commands::why::stop_sending(desk).await,
        Command::ResumeSending => commands::why::resume_sending(desk).await,
        Command::Person { action } => commands::person::run(desk, action).await,
        Command::Backup(args) => backup::backup(desk, args).await,
        Command::Serve(_)
        | Command::Demo(_)
        | Command::Restore { .. }
        | Command::Sandbox(_)
        | Command::Doctor { .. }
        | Command::Completions { .. }
        | Command::Openapi
        | Command::Man => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::account;

    #[test]
    fn an_account_is_named_by_its_number() {
        let lines = "root:x:0:0:root:/root:/bin/sh\n\nbroken\n+::::::\nops:x:1000:1000::/home/ops:/bin/sh\n";
        assert_eq!(account(lines, 0).as_deref(), Some("root"));
        assert_eq!(account(lines, 1000).as_deref(), Some("ops"));
        assert_eq!(account(lines, 7), None);
        assert_eq!(account("", 0), None);
    }
}
