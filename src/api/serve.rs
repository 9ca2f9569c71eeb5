//! Listening: the Unix socket and TCP.

mod account;
mod certificate;
mod patience;

use super::Api;
use super::auth::Peer;
use crate::settings::Settings;
use account::{Account, Granted};
use certificate::Certificate;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use patience::Patient;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// The most bytes that are held of a connection before a request's headers are whole.
const HEADER_BYTES: usize = 128 << 10;

/// How long to wait when the system gives no more connections (no descriptors).
const SCARCE: Duration = Duration::from_millis(100);

/// Why the API cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Others could reach it in clear text.
    #[error(
        "--listen {0} can be reached from other machines, which needs TLS: give --tls-cert and --tls-key, or --behind-proxy with the address of the proxy that does TLS, or listen on a loopback address such as 127.0.0.1:{port}", port = .0.port()
    )]
    Public(SocketAddr),
    /// One of certificate and key is not given.
    #[error("--tls-cert and --tls-key are needed together")]
    HalfTls,
    /// A certificate or key cannot be used.
    #[error("{path}: {problem}")]
    Certificate {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A setting grants a scope that does not exist.
    #[error(
        "the setting access.users or access.groups grants `{scope}` to {who}: there is no such scope; `herald key create --help` lists them, `read` and `*` stand for many"
    )]
    Grant {
        /// To whom.
        who: String,
        /// The word.
        scope: String,
    },
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
    certificate: Option<Arc<Certificate>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Serving {
    /// Where it listens on TCP; with port 0, the port that was found.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Reads the certificate again, for connections from now on. When it cannot
    /// be used, the one before stays.
    pub fn reload(&self) -> Result<(), ServeError> {
        self.certificate.as_ref().map_or(Ok(()), |certificate| certificate.reload())
    }

    /// Takes no more connections, finishes the requests that were accepted, at
    /// most for this long, and removes the socket. True: all were finished.
    pub async fn close(self, within: Duration) -> bool {
        self.stop.cancel();
        self.tasks.close();
        let done = timeout(within, self.tasks.wait()).await.is_ok();
        if let Some(socket) = &self.socket {
            let _ = std::fs::remove_file(socket);
        }
        done
    }
}

/// Whether the API may listen on this address with these settings.
pub fn check_listen(address: SocketAddr, settings: &Settings) -> Result<(), ServeError> {
    if settings.tls_cert.is_some() != settings.tls_key.is_some() {
        return Err(ServeError::HalfTls);
    }
    let shielded = settings.tls_cert.is_some() || !settings.behind_proxy.0.is_empty();
    if shielded || address.ip().is_loopback() { Ok(()) } else { Err(ServeError::Public(address)) }
}

/// Opens the door on TCP. Beyond loopback only with TLS, or for the proxies of
/// the setting `behind_proxy` alone.
pub async fn serve_tcp(api: &Api, address: SocketAddr) -> Result<Serving, ServeError> {
    let settings = &api.app.settings;
    check_listen(address, settings)?;
    let certificate = match (&settings.tls_cert, &settings.tls_key) {
        (Some(chain), Some(key)) => Some(Arc::new(Certificate::read(chain, key)?)),
        _ => None,
    };
    let bind = |source| ServeError::Bind { address: address.to_string(), source };
    let listener = TcpListener::bind(address).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    let door = Door::new(api);
    let (stop, tasks) = (door.stop.clone(), door.tasks.clone());
    let shown = certificate.clone();
    tasks.spawn(async move {
        while let Some(seat) = door.seat().await {
            let accepted = tokio::select! {
                () = door.stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, from)) => door.tcp(stream, from, shown.as_ref(), seat),
                Err(error) => door.scarce(&error).await,
            }
        }
    });
    Ok(Serving { address: Some(address), socket: None, certificate, stop, tasks })
}

/// Opens the door on a Unix socket. A socket that stands there already is
/// removed: whoever holds the engine's lock knows that it is stale. Others than
/// the owner can connect only if the settings grant somebody something.
pub fn serve_socket(api: &Api, path: &Path) -> Result<Serving, ServeError> {
    let granted = Granted::of(&api.app.settings)?;
    let bind = |source| ServeError::Bind { address: path.display().to_string(), source };
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(bind(error)),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(bind)?;
    // Who may do what is said by the kernel's word on who it is, not by the file's mode.
    let mode = if granted.is_empty() { 0o600 } else { 0o666 };
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).map_err(bind)?;
    let door = Door::new(api);
    let (stop, tasks) = (door.stop.clone(), door.tasks.clone());
    tasks.spawn(async move {
        while let Some(seat) = door.seat().await {
            let accepted = tokio::select! {
                () = door.stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => match peer(&stream, &granted) {
                    Ok(peer) => door.connection(stream, peer, seat),
                    Err(error) => tracing::warn!(%error, "a connection without credentials was closed"),
                },
                Err(error) => door.scarce(&error).await,
            }
        }
    });
    Ok(Serving { address: None, socket: Some(path.to_owned()), certificate: None, stop, tasks })
}

/// Who the kernel says is at the other end.
fn peer(stream: &UnixStream, granted: &Granted) -> std::io::Result<Peer> {
    let credentials = stream.peer_cred()?;
    let account = Account::of(credentials.uid(), credentials.gid());
    let scopes = granted.to(&account);
    Ok(Peer::socket(account.uid, account.login, scopes))
}

#[derive(Clone)]
struct Door {
    api: Api,
    stop: CancellationToken,
    tasks: TaskTracker,
    seats: Arc<Semaphore>,
}

impl Door {
    fn new(api: &Api) -> Self {
        let seats = api.app.settings.api_connections.max(1) as usize;
        Self {
            api: api.clone(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            seats: Arc::new(Semaphore::new(seats.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// Room for one more connection; `None`: the door closes.
    async fn seat(&self) -> Option<OwnedSemaphorePermit> {
        tokio::select! {
            () = self.stop.cancelled() => None,
            seat = Arc::clone(&self.seats).acquire_owned() => seat.ok(),
        }
    }

    async fn scarce(&self, error: &std::io::Error) {
        tracing::warn!(%error, "a connection was not accepted");
        tokio::select! {
            () = tokio::time::sleep(SCARCE) => {}
            () = self.stop.cancelled() => {}
        }
    }

    fn settings(&self) -> &Settings {
        &self.api.app.settings
    }

    fn tcp(
        &self,
        stream: TcpStream,
        from: SocketAddr,
        certificate: Option<&Arc<Certificate>>,
        seat: OwnedSemaphorePermit,
    ) {
        // Without it a small answer may wait for the peer's acknowledgement.
        let _ = stream.set_nodelay(true);
        let proxied = self.settings().behind_proxy.contains(from.ip());
        let peer = if proxied { Peer::proxy(from) } else { Peer::tcp(from) };
        let Some(certificate) = certificate else {
            if !proxied && !from.ip().to_canonical().is_loopback() {
                tracing::debug!(%from, "a connection that did not come through the proxy was closed");
                return;
            }
            return self.connection(Patient::new(stream, self.settings().api_body_timeout), peer, seat);
        };
        let (acceptor, door) = (certificate.acceptor(), self.clone());
        self.tasks.spawn(async move {
            let settings = door.settings();
            let shaken = tokio::select! {
                shaken = timeout(settings.api_header_timeout, acceptor.accept(stream)) => shaken,
                () = door.stop.cancelled() => return,
            };
            match shaken {
                Ok(Ok(stream)) => {
                    door.connection(Patient::new(stream, settings.api_body_timeout), peer, seat);
                }
                Ok(Err(error)) => tracing::debug!(%from, %error, "no TLS could be agreed on"),
                Err(_) => tracing::debug!(%from, "a connection was closed: its TLS handshake took too long"),
            }
        });
    }

    fn connection<S>(&self, stream: S, peer: Peer, seat: OwnedSemaphorePermit)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = self.api.behind(peer, self.stop.clone());
        let (stop, headers) = (self.stop.clone(), self.settings().api_header_timeout);
        self.tasks.spawn(async move {
            let _seat = seat;
            let handler = service_fn(move |request: Request<Incoming>| service.clone().oneshot(request));
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(headers)
                .max_buf_size(HEADER_BYTES)
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
