//! Signals that end a process in an orderly way.

use crate::tui::term::HangUps;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Resolves at the first SIGTERM, SIGINT or SIGQUIT after this was called. Where signals
/// cannot be listened to, never: the kernel's default then ends the process.
pub fn ended() -> impl Future<Output = ()> + Send {
    let listen = |kind| signal(kind).ok();
    let all = (listen(SignalKind::terminate()), listen(SignalKind::interrupt()), listen(SignalKind::quit()));
    async move {
        let (mut term, mut int, mut quit) = all;
        tokio::select! {
            () = next(&mut term) => {}
            () = next(&mut int) => {}
            () = next(&mut quit) => {}
        }
    }
}

/// SIGHUPs after this was called.
pub fn hangups() -> Hangups {
    Hangups(signal(SignalKind::hangup()).ok())
}

/// See [`hangups`].
pub struct Hangups(Option<Signal>);

impl Hangups {
    /// Resolves at the next one.
    pub async fn next(&mut self) {
        next(&mut self.0).await;
    }

    /// For a console, which hears those that came before it listened itself.
    pub fn for_console(self) -> HangUps {
        self.0.map_or(HangUps::Listen, HangUps::Heard)
    }

    /// Whether one has come already.
    pub async fn was_heard(&mut self) -> bool {
        tokio::select! {
            biased;
            () = self.next() => true,
            () = std::future::ready(()) => false,
        }
    }
}

async fn next(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}
