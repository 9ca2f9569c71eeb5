//! Somebody at a terminal: `herald` on a pseudo-terminal, what it shows, and keys for it.

use super::house::{House, PATIENCE, until};
use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

const SIZE: PtySize = PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 };

pub struct Terminal {
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    screen: Arc<Mutex<vt100::Parser>>,
    closing: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Starts a command of a house on a terminal of its own, as its session's leader.
    pub fn open<S: AsRef<OsStr>>(house: &House, args: impl IntoIterator<Item = S>) -> Self {
        let pair = native_pty_system().openpty(SIZE).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_herald"));
        for arg in args {
            command.arg(arg);
        }
        command.env_clear();
        for (name, value) in house.surroundings() {
            command.env(name, value);
        }
        command.cwd(house.path(""));
        let child = pair.slave.spawn_command(command).unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(
            SIZE.rows.try_into().unwrap(),
            SIZE.cols.try_into().unwrap(),
            0,
        )));
        let closing = Arc::new(AtomicBool::new(false));
        let mut from = pair.master.try_clone_reader().unwrap();
        let (to, stop) = (Arc::clone(&screen), Arc::clone(&closing));
        let reader = std::thread::spawn(move || {
            let mut bytes = vec![0; 65536];
            while !stop.load(Ordering::SeqCst) {
                match from.read(&mut bytes) {
                    Ok(0) | Err(_) => return,
                    Ok(n) => to.lock().unwrap().process(&bytes[..n]),
                }
            }
        });
        let writer = pair.master.take_writer().unwrap();
        Self { master: Some(pair.master), writer: Some(writer), child, screen, closing, reader: Some(reader) }
    }

    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    pub fn types(&mut self, keys: &str) {
        // A program that has ended reads nothing more.
        let _ = self.writer.as_mut().unwrap().write_all(keys.as_bytes());
    }

    pub fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen contains a text.
    #[track_caller]
    pub fn shows(&self, text: &str) {
        let found = until(PATIENCE, || self.text().contains(text));
        assert!(found, "“{text}” does not come; the screen shows:\n{}", self.text());
    }

    /// Waits until the program ends by itself.
    #[track_caller]
    pub fn ends(&mut self) -> ExitStatus {
        let mut status = None;
        let ended = until(PATIENCE, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        assert!(ended, "it does not end; the screen shows:\n{}", self.text());
        status.unwrap()
    }

    pub fn lives(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Closes this end, as a lost connection does.
    pub fn hang_up(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        // The reader wakes by what a new size makes the program write.
        let master = self.master.take().unwrap();
        let reader = self.reader.take().unwrap();
        let mut rows = SIZE.rows;
        let let_go = until(PATIENCE, || {
            rows = if rows == SIZE.rows { SIZE.rows - 1 } else { SIZE.rows };
            let _ = master.resize(PtySize { rows, ..SIZE });
            std::thread::sleep(Duration::from_millis(20));
            reader.is_finished()
        });
        assert!(let_go, "the program writes nothing");
        self.writer = None;
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.writer = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the terminal showed at last:\n{}", self.text());
        }
    }
}
