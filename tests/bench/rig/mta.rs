//! Postfix's `smtp-sink`, the cheapest mail server there is, in a process of its own.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running `smtp-sink`, ended with the bench.
pub struct Mta {
    process: Child,
    pub addr: SocketAddr,
}

impl Mta {
    /// Starts it. `None`: Postfix's tools are not in the path.
    pub fn start() -> Option<Self> {
        let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new("smtp-sink");
        // It refuses to run as root.
        if rustix::process::geteuid().is_root() {
            command.args(["-u", "nobody"]);
        }
        let process = command
            .args([&addr.to_string(), "1024"])
            .current_dir("/")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let sink = Self { process, addr };
        let deadline = Instant::now() + Duration::from_secs(5);
        while TcpStream::connect(addr).is_err() {
            assert!(Instant::now() < deadline, "smtp-sink does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(sink)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Mails a second that Postfix's `smtp-source -d` sends to it, which keeps its sessions, too.
    pub fn source(&self, mails: usize, sessions: usize, bytes: usize) -> f64 {
        let begun = Instant::now();
        let status = Command::new("smtp-source")
            .args(["-d", "-s", &sessions.to_string(), "-m", &mails.to_string(), "-l", &bytes.to_string()])
            .args(["-f", "a@example.test", "-t", "u@example.test", &self.addr.to_string()])
            .status()
            .unwrap();
        assert!(status.success(), "smtp-source failed");
        mails as f64 / begun.elapsed().as_secs_f64()
    }
}

impl Drop for Mta {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
