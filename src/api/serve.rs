//! Listening: the Unix socket and TCP.

use super::Api;
use super::auth::Peer;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// The most connections of one door at a time.
const CONNECTIONS: usize = 20_000;

/// How long the headers of a request may take.
const HEADERS: Duration = Duration::from_secs(15);

/// How long to wait when the system gives no more connections (no descriptors).
const SCARCE: Duration = Duration::from_millis(100);

/// Why the API cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Others could reach it.
    #[error(
        "--listen {0} can be reached from other machines, which needs TLS: listen on a loopback address such as 127.0.0.1:{port}, behind a proxy that does TLS", port = .0.port()
    )]
    Public(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// Which.
        address: String,
        /// What the system says.
        source: std::io::Error,
    },
}

/// A door that is open. Dropping it leaves it open; see [`Serving::close`].
#[derive(Debug)]
pub struct Serving {
    address: Option<SocketAddr>,
    socket: Option<PathBuf>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Serving {
    /// Where it listens on TCP; with port 0, the port that was found.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Takes no more connections, finishes the requests that were accepted, at
    /// most for this long, and removes the socket. True: all were finished.
    pub async fn close(self, within: Duration) -> bool {
        self.stop.cancel();
        self.tasks.close();
        let done = tokio::time::timeout(within, self.tasks.wait()).await.is_ok();
        if let Some(socket) = &self.socket {
            let _ = std::fs::remove_file(socket);
        }
        done
    }
}

/// Whether the API may listen on this address.
pub fn check_listen(address: SocketAddr) -> Result<(), ServeError> {
    if address.ip().is_loopback() { Ok(()) } else { Err(ServeError::Public(address)) }
}

/// Opens the door on TCP. Only on loopback: beyond it, TLS is needed.
pub async fn serve_tcp(api: &Api, address: SocketAddr) -> Result<Serving, ServeError> {
    check_listen(address)?;
    let bind = |source| ServeError::Bind { address: address.to_string(), source };
    let listener = TcpListener::bind(address).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let door = Door { api: api.clone(), stop: stop.clone(), tasks: tasks.clone() };
    tasks.spawn(async move {
        let seats = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
            let accepted = tokio::select! {
                () = door.stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, from)) => {
                    // Without it a small answer may wait for the peer's acknowledgement.
                    let _ = stream.set_nodelay(true);
                    door.connection(stream, Peer::tcp(from), seat);
                }
                Err(error) => door.scarce(&error).await,
            }
        }
    });
    Ok(Serving { address: Some(address), socket: None, stop, tasks })
}

/// Opens the door on a Unix socket. A socket that stands there already is
/// removed: whoever holds the engine's lock knows that it is stale.
pub fn serve_socket(api: &Api, path: &Path) -> Result<Serving, ServeError> {
    let bind = |source| ServeError::Bind { address: path.display().to_string(), source };
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(bind(error)),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(bind)?;
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).map_err(bind)?;
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let door = Door { api: api.clone(), stop: stop.clone(), tasks: tasks.clone() };
    tasks.spawn(async move {
        let seats = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
            let accepted = tokio::select! {
                () = door.stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => match peer(&stream) {
                    Ok(peer) => door.connection(stream, peer, seat),
                    Err(error) => tracing::warn!(%error, "a connection without credentials was closed"),
                },
                Err(error) => door.scarce(&error).await,
            }
        }
    });
    Ok(Serving { address: None, socket: Some(path.to_owned()), stop, tasks })
}

/// Who the kernel says is at the other end.
fn peer(stream: &UnixStream) -> std::io::Result<Peer> {
    let uid = stream.peer_cred()?.uid();
    Ok(Peer::socket(uid, login(uid)))
}

/// The login of a user id; its number where it has no name.
fn login(uid: u32) -> String {
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse::<u32>().ok()? == uid).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("user {uid}"))
}

struct Door {
    api: Api,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Door {
    async fn scarce(&self, error: &std::io::Error) {
        tracing::warn!(%error, "a connection was not accepted");
        tokio::select! {
            () = tokio::time::sleep(SCARCE) => {}
            () = self.stop.cancelled() => {}
        }
    }

    fn connection<S>(&self, stream: S, peer: Peer, seat: tokio::sync::OwnedSemaphorePermit)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = self.api.behind(peer, self.stop.clone());
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            let _seat = seat;
            let handler = service_fn(move |request: Request<Incoming>| service.clone().oneshot(request));
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS)
                .half_close(true)
                .serve_connection(TokioIo::new(stream), handler);
            let mut connection = std::pin::pin!(connection);
            let result = tokio::select! {
                result = connection.as_mut() => result,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = result {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
}
