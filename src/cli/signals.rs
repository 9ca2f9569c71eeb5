//! Signals that end a process in an orderly way.

use tokio::signal::unix::{SignalKind, signal};

/// Resolves at the first SIGTERM, SIGINT or SIGQUIT. Where signals cannot be
/// listened to, never: the kernel's default then ends the process.
pub async fn ended() {
    let listen = |kind| signal(kind).ok();
    let (Some(mut term), Some(mut int), Some(mut quit)) =
        (listen(SignalKind::terminate()), listen(SignalKind::interrupt()), listen(SignalKind::quit()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
        _ = quit.recv() => {}
    }
}
