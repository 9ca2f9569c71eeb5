//! The real binary: a data directory of its own, the engine in it, commands against it.

use herald::cli::instance::Instance;
use herald::client::{Address, Client, Http1};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A place where nothing but the test lives: home, runtime and data directory.
pub struct House {
    place: TempDir,
    data: PathBuf,
    environment: Vec<(String, String)>,
}

impl House {
    pub fn new() -> Self {
        let place = tempfile::Builder::new()
            .prefix("h")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .unwrap();
        let data = place.path().join("data");
        for dir in [data.clone(), place.path().join("run")] {
            fs::create_dir(&dir).unwrap();
            fs::set_permissions(&dir, Permissions::from_mode(0o700)).unwrap();
        }
        Self { place, data, environment: Vec::new() }
            .set("send.retry_cap", "1s")
            // Commands send at once; tests of the undo window say so.
            .set("send.undo", "0s")
    }

    /// A setting, for every process of this house.
    pub fn set(self, name: &str, value: &str) -> Self {
        self.environment(&format!("HERALD_{}", name.to_uppercase().replace('.', "_")), value)
    }

    /// A variable of the environment, for every process of this house.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Another data directory below the same roof.
    pub fn data_at(mut self, dir: PathBuf) -> Self {
        self.data = dir;
        self
    }

    /// A path beside the data directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    /// A file beside the data directory.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    pub fn instance(&self) -> Instance {
        Instance::open(&self.data).unwrap()
    }

    pub fn socket(&self) -> PathBuf {
        // The test's own environment may name another runtime directory than the house's.
        let socket = self.instance().socket().unwrap();
        if socket.starts_with(&self.data) { socket } else { self.runtime().join(socket.file_name().unwrap()) }
    }

    fn runtime(&self) -> PathBuf {
        self.path("run").join("herald")
    }

    pub fn client(&self) -> Client {
        Client::new(Http1::new(Address::Socket(self.socket()))).operator("tess")
    }

    /// What the processes of this house see of the world.
    pub fn surroundings(&self) -> Vec<(String, String)> {
        let mut all = vec![
            ("PATH".to_owned(), std::env::var("PATH").unwrap_or_default()),
            ("HOME".to_owned(), self.place.path().display().to_string()),
            ("XDG_RUNTIME_DIR".to_owned(), self.path("run").display().to_string()),
            ("TMPDIR".to_owned(), self.place.path().display().to_string()),
            ("TERM".to_owned(), "xterm-256color".to_owned()),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("TZ".to_owned(), "UTC".to_owned()),
            ("USER".to_owned(), "tess".to_owned()),
            ("HERALD_API_PUBLIC_URL".to_owned(), "https://herald.example/v1".to_owned()),
            ("HERALD_DATA_DIR".to_owned(), self.data.display().to_string()),
        ];
        all.extend(self.environment.iter().cloned());
        all
    }

    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_herald"));
        command.args(args).env_clear().envs(self.surroundings()).current_dir(self.place.path());
        command
    }

    /// Runs a command to its end.
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Said {
        self.run_with(args, b"")
    }

    /// Runs a command to its end with this on its standard input.
    pub fn run_with<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>, input: &[u8]) -> Said {
        let args: Vec<_> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
        let mut child = self
            .command(&args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read closes its end.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        Said {
            line: args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" "),
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Starts `herald serve`, and waits until it answers.
    pub async fn serve(&self) -> Serve {
        let mut serve = self.spawn(["serve"]);
        serve.answers(&self.client()).await;
        serve
    }

    /// Starts a command that stays; its words go to a file.
    pub fn spawn<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Serve {
        let mut number = 0;
        let log = loop {
            let log = self.path(&format!("process-{number}.log"));
            if !log.exists() {
                break log;
            }
            number += 1;
        };
        let file = File::create(&log).unwrap();
        let child = self
            .command(args)
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Serve { child, log }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // An engine that was started in a session of its own is nobody's child.
        if let Some(pid) = Instance::open(&self.data).ok().and_then(|instance| instance.holder()) {
            signal(pid, Signal::KILL);
        }
    }
}

/// Signals a process, if it still lives.
pub fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid.cast_signed()) {
        let _ = kill_process(pid, signal);
    }
}

/// A process that stays until it is told to end, or until this is dropped.
pub struct Serve {
    child: Child,
    log: PathBuf,
}

impl Serve {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it said so far.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until the API answers.
    pub async fn answers(&mut self, client: &Client) {
        let began = Instant::now();
        while let Err(error) = client.health().await {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the engine ended with {status} before it answered:\n{}", self.said());
            }
            assert!(began.elapsed() < PATIENCE, "no answer ({error}); it said:\n{}", self.said());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn signal(&self, which: Signal) {
        signal(self.pid(), which);
    }

    /// SIGTERM, and how it ends.
    pub fn terminate(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.ends(PATIENCE)
    }

    /// Waits until it ends by itself.
    pub fn ends(&mut self, limit: Duration) -> ExitStatus {
        let mut status = None;
        let ended = until(limit, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        assert!(ended, "it does not end; it said:\n{}", self.said());
        status.unwrap()
    }

    /// Whether it is still there.
    pub fn lives(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let said = self.said();
            let tail: Vec<_> = said.lines().rev().take(40).collect();
            eprintln!("the process said at last:");
            for line in tail.into_iter().rev() {
                eprintln!("  {line}");
            }
        }
    }
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub line: String,
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    /// It did what was asked; what it printed.
    #[track_caller]
    pub fn ok(&self) -> &str {
        assert_eq!(self.code, Some(0), "herald {}\n{}{}", self.line, self.out, self.err);
        &self.out
    }

    /// As [`Said::ok`], and it printed one JSON document.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        let out = self.ok();
        serde_json::from_str(out).unwrap_or_else(|error| panic!("herald {}: {error}\n{out}", self.line))
    }

    /// It ended with this code, and said so on standard error in words that hold these.
    #[track_caller]
    pub fn fails(&self, code: i32, words: &str) {
        assert_eq!(self.code, Some(code), "herald {}\n{}{}", self.line, self.out, self.err);
        assert!(self.err.contains(words), "herald {}: “{words}” is not in\n{}", self.line, self.err);
    }

    /// It printed this.
    #[track_caller]
    pub fn shows(&self, words: &str) -> &Self {
        assert!(self.ok().contains(words), "herald {}: “{words}” is not in\n{}", self.line, self.out);
        self
    }
}

/// Waits for a condition; whether it came true in time.
pub fn until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if began.elapsed() > limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
