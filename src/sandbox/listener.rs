//! Accepts connections, and stops to while the faults say that the port is closed.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::faults::{Effect, ServerFaults, Stage};

/// How often an address that was given up is tried again.
const REBIND_EVERY: Duration = Duration::from_millis(20);

/// Serves connections with `serve` until `stop`, then drops them. So does dropping it.
pub(super) async fn run<S, F>(
    listener: TcpListener,
    faults: Arc<ServerFaults>,
    stop: CancellationToken,
    serve: S,
) where
    S: Fn(Connection, Option<Effect>) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let Ok(addr) = listener.local_addr() else {
        return;
    };
    let mut door = faults.door();
    let mut open = Some(listener);
    let mut sessions = JoinSet::new();
    let mut disconnects = door.borrow().disconnects;
    loop {
        let now = *door.borrow_and_update();
        if now.disconnects != disconnects {
            disconnects = now.disconnects;
            sessions.abort_all();
        }
        if now.closed {
            open = None;
        }
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = sessions.join_next() => {}
            changed = door.changed() => {
                if changed.is_err() {
                    break;
                }
            }
            accepted = accept(&mut open, addr, now.closed) => match accepted {
                Ok(stream) => {
                    let connection = Connection::new(stream, Arc::clone(&faults));
                    let fault = faults.at(Stage::Connect);
                    if fault == Some(Effect::Reset) {
                        connection.cut().reset();
                    } else {
                        sessions.spawn(serve(connection, fault));
                    }
                }
                Err(error) => {
                    // Out of descriptors, mostly: what is open must close first.
                    tracing::warn!(%error, "the sandbox cannot accept a connection");
                    tokio::time::sleep(REBIND_EVERY).await;
                }
            },
        }
    }
    drop(open);
    sessions.shutdown().await;
}

/// The next connection. Opens the port again where it was given up; never ends while it is closed.
async fn accept(open: &mut Option<TcpListener>, addr: SocketAddr, closed: bool) -> io::Result<TcpStream> {
    if closed {
        std::future::pending::<()>().await;
    }
    let listener = match open {
        Some(listener) => listener,
        None => open.insert(TcpListener::bind(addr).await?),
    };
    let (stream, _) = listener.accept().await?;
    // Slower if it fails, or gone already.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}
