//! A pseudo-terminal with a program on it, and somebody who reads and types.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

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

/// Ends a program, and the shell above it, that should have ended by itself.
pub fn kill(child: &dyn Child) {
    let leader = child.process_id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    if let Some(leader) = leader {
        let _ = kill_process_group(leader, Signal::KILL);
    }
}

struct Seen {
    screen: vt100::Parser,
    bytes: Vec<u8>,
}

/// One end of a line; the program is at the other.
pub struct Line {
    master: Box<dyn MasterPty + Send>,
    slave: Option<Box<dyn SlavePty + Send>>,
    writer: Option<Box<dyn Write + Send>>,
    child: Option<Box<dyn Child + Send + Sync>>,
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
    /// The terminal's settings before the program ran.
    pub termios_before: String,
}

impl Line {
    /// The program is the leader of the terminal's session.
    pub fn direct(program: &str, env: &[(&str, &str)]) -> Self {
        Self::start(program, env, None)
    }

    /// The program has the hang-up signal ignored, under a shell that ends when it
    /// does. (A session's leader would also be continued by the hang-up, and
    /// notice by that.)
    pub fn ignoring_hup(program: &str) -> Self {
        Self::start(program, &[], Some("trap '' HUP; \"$0\" \"$@\"; exit $?"))
    }

    /// The program runs under a shell that stays, so that the terminal's settings
    /// can be read when the program has ended (the system resets them when the
    /// session's leader ends).
    pub fn under_shell(program: &str, env: &[(&str, &str)]) -> Self {
        Self::start(program, env, Some("echo typed before; \"$0\" \"$@\"; echo \"status=$?\"; read -r line"))
    }

    fn start(program: &str, env: &[(&str, &str)], script: Option<&str>) -> Self {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let exe = std::env::current_exe().unwrap();
        let mut command = match script {
            Some(script) => {
                let mut command = CommandBuilder::new("/bin/sh");
                command.args(["-c", script]);
                command.arg(&exe);
                command
            }
            None => CommandBuilder::new(&exe),
        };
        command.args(["program::seat_program", "--exact", "--ignored", "--nocapture"]);
        command.env("HERALD_PTY_PROGRAM", program);
        command.env("RUST_BACKTRACE", "0");
        for (name, value) in env {
            command.env(name, value);
        }
        let termios_before = format!("{:?}", pair.master.get_termios().unwrap());
        let child = pair.slave.spawn_command(command).unwrap();
        let seen = Arc::new(Mutex::new(Seen {
            screen: vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0),
            bytes: Vec::new(),
        }));
        let stop = Arc::new(AtomicBool::new(false));
        let mut from = pair.master.try_clone_reader().unwrap();
        let (to, stopped) = (Arc::clone(&seen), Arc::clone(&stop));
        let reader = std::thread::spawn(move || {
            let mut bytes = vec![0; 65536];
            while !stopped.load(Ordering::SeqCst) {
                match from.read(&mut bytes) {
                    Ok(0) | Err(_) => return,
                    Ok(n) => {
                        let mut seen = to.lock().unwrap();
                        seen.screen.process(&bytes[..n]);
                        seen.bytes.extend_from_slice(&bytes[..n]);
                    }
                }
            }
        });
        let writer = pair.master.take_writer().unwrap();
        Self {
            master: pair.master,
            slave: Some(pair.slave),
            writer: Some(writer),
            child: Some(child),
            seen,
            stop,
            reader: Some(reader),
            termios_before,
        }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.writer.as_mut().unwrap().write_all(bytes).unwrap();
    }

    /// Waits until the screen contains a text.
    pub fn shows(&self, text: &str) {
        let found = until(PATIENCE, || self.text().contains(text));
        assert!(found, "“{text}” does not come; the screen shows:\n{}", self.text());
    }

    pub fn wait_for(&self, condition: impl Fn(&vt100::Screen) -> bool) {
        assert!(
            until(PATIENCE, || self.screen(&condition)),
            "it does not come; the screen shows:\n{}",
            self.text()
        );
    }

    pub fn text(&self) -> String {
        self.screen(vt100::Screen::contents)
    }

    pub fn screen<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(self.seen.lock().unwrap().screen.screen())
    }

    /// The bytes that came so far.
    pub fn bytes(&self) -> usize {
        self.seen.lock().unwrap().bytes.len()
    }

    /// The bytes that came after the first `from`.
    pub fn since(&self, from: usize) -> Vec<u8> {
        self.seen.lock().unwrap().bytes[from..].to_vec()
    }

    /// Waits until nothing has come for a while; the bytes that came so far.
    pub fn quiet(&self) -> usize {
        let (mut last, mut since) = (self.bytes(), Instant::now());
        let quiet = until(PATIENCE, || {
            let now = self.bytes();
            if now != last {
                (last, since) = (now, Instant::now());
            }
            since.elapsed() > Duration::from_millis(500)
        });
        assert!(quiet, "it goes on writing");
        last
    }

    pub fn termios(&self) -> String {
        format!("{:?}", self.master.get_termios().unwrap())
    }

    pub fn resize(&mut self, cols: u16, rows: u16) {
        let screen = (rows.max(1).try_into().unwrap(), cols.max(1).try_into().unwrap());
        self.seen.lock().unwrap().screen.screen_mut().set_size(screen.0, screen.1);
        self.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
    }

    /// Writes over the whole screen, as another program would.
    pub fn wipe(&self) {
        self.seen.lock().unwrap().screen.process(b"\x1b[2J");
    }

    fn leader(&self) -> Pid {
        let id = self.child.as_ref().unwrap().process_id().unwrap();
        Pid::from_raw(i32::try_from(id).unwrap()).unwrap()
    }

    /// The program itself: the shell's child, or the leader.
    fn program(&self) -> Pid {
        let leader = self.leader().as_raw_nonzero().get();
        let children =
            std::fs::read_to_string(format!("/proc/{leader}/task/{leader}/children")).unwrap_or_default();
        let child = children.split_whitespace().next().and_then(|id| id.parse().ok()).and_then(Pid::from_raw);
        child.unwrap_or_else(|| self.leader())
    }

    pub fn signal_program(&self, signal: Signal) {
        kill_process(self.program(), signal).unwrap();
    }

    pub fn signal_group(&self, signal: Signal) {
        kill_process_group(self.leader(), signal).unwrap();
    }

    pub fn program_is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.program().as_raw_nonzero()))
            .unwrap_or_default();
        stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
    }

    /// How often the program's threads were woken so far; none where the system
    /// does not say.
    pub fn wakes(&self) -> Option<u64> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.program().as_raw_nonzero())).ok()?;
        let count = |status: String| {
            let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
            line.trim().parse::<u64>().ok()
        };
        tasks.map(|task| count(std::fs::read_to_string(task.ok()?.path().join("status")).ok()?)).sum()
    }

    /// Closes this end of the line, as a lost connection does.
    pub fn hang_up(mut self) -> Box<dyn Child + Send + Sync> {
        let child = self.child.take().unwrap();
        // The reader wakes by what this key makes the program write.
        self.stop.store(true, Ordering::SeqCst);
        self.send(b"x");
        self.reader.take().unwrap().join().unwrap();
        child
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.writer = None;
        self.slave = None;
        if self.child.is_some() {
            let _ = kill_process_group(self.leader(), Signal::KILL);
        }
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
    }
}
