//! Who calls, and what they may.

use super::App;
use super::routes::Scope;
use crate::domain::audit::Actor;
use crate::engine::usecases::{Outcome, Refusal};
use crate::settings::Addresses;
use crate::store::catalog::ApiKey;
use crate::wire::{ErrorType, header};
use http::HeaderMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Through which door a connection came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Door {
    /// A client in this process.
    Process,
    /// The Unix socket; the kernel says who is at the other end.
    Socket {
        /// The peer's user id.
        uid: u32,
        /// The peer's login, or its number where it has no name.
        login: String,
    },
    /// TCP: nobody is anybody without a key.
    Tcp(SocketAddr),
    /// TCP from a proxy that is trusted to say for whom.
    Proxy(SocketAddr),
}

/// The other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its door.
    pub door: Door,
    /// Whether the door itself admits it to everything.
    pub owner: bool,
    /// What the settings grant to the user behind the socket.
    pub granted: Arc<[String]>,
}

impl Peer {
    /// A client in this process.
    pub fn process() -> Self {
        Self { door: Door::Process, owner: true, granted: Arc::default() }
    }

    /// A client on the socket. It is admitted to everything when it is the user
    /// that this process runs as, or root; else to what is granted to it.
    pub fn socket(uid: u32, login: String, granted: Arc<[String]>) -> Self {
        let owner = uid == rustix::process::geteuid().as_raw() || uid == 0;
        Self { door: Door::Socket { uid, login }, owner, granted }
    }

    /// A client on TCP.
    pub fn tcp(address: SocketAddr) -> Self {
        Self { door: Door::Tcp(address), owner: false, granted: Arc::default() }
    }

    /// A trusted proxy on TCP.
    pub fn proxy(address: SocketAddr) -> Self {
        Self { door: Door::Proxy(address), owner: false, granted: Arc::default() }
    }

    /// Whether it came over the network.
    pub fn is_remote(&self) -> bool {
        matches!(self.door, Door::Tcp(_) | Door::Proxy(_))
    }

    fn from(&self, headers: &HeaderMap, proxies: &Addresses) -> String {
        match &self.door {
            Door::Process => "process".into(),
            Door::Socket { uid, .. } => format!("socket, user {uid}"),
            Door::Tcp(address) => address.ip().to_canonical().to_string(),
            Door::Proxy(address) => {
                forwarded(headers, proxies).unwrap_or_else(|| address.ip().to_canonical()).to_string()
            }
        }
    }
}

/// For whom a trusted proxy asks: the last address of `X-Forwarded-For` that is
/// no proxy itself. What stands before it was written by whoever asked.
fn forwarded(headers: &HeaderMap, proxies: &Addresses) -> Option<IpAddr> {
    let hops: Vec<_> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    for hop in hops.into_iter().rev() {
        let bare = hop.trim_start_matches('[').split(']').next().unwrap_or_default();
        let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
        // What cannot be read ends the chain: nothing before it can be believed.
        let address = bare.parse::<IpAddr>().ok().or_else(with_port)?.to_canonical();
        if !proxies.contains(address) {
            return Some(address);
        }
    }
    None
}

/// What a caller may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everything.
    Owner,
    /// What a key's scopes say.
    Key(Arc<ApiKey>),
    /// What is granted to a user of the socket.
    Scopes(Arc<[String]>),
    /// Only what is open to everybody.
    Guest,
}

impl Access {
    /// The scopes; `None`: it is no matter of scopes.
    pub(crate) fn scopes(&self) -> Option<&[String]> {
        match self {
            Self::Key(key) => Some(&key.scopes),
            Self::Scopes(scopes) => Some(scopes),
            Self::Owner | Self::Guest => None,
        }
    }
}

/// Who calls.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// For the audit.
    pub(crate) actor: Actor,
    /// What it may.
    pub(crate) access: Access,
    /// Whether it came over the network.
    pub(crate) remote: bool,
}

/// An operator's name for the audit: printable, one line, at most 64 characters.
fn operator_name(headers: &HeaderMap) -> Option<String> {
    let name = headers.get(header::OPERATOR)?.to_str().ok()?.trim();
    let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    (!name.is_empty()).then_some(name)
}

impl Caller {
    /// Who is behind a request.
    pub(crate) async fn of(app: &Arc<App>, peer: &Peer, headers: &HeaderMap, request: &str) -> Outcome<Self> {
        let text = |name: &str| {
            headers.get(name).and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty())
        };
        let actor = |name: String, key: Option<String>| Actor {
            name,
            key,
            request: Some(request.into()),
            from: peer.from(headers, &app.settings.behind_proxy),
            once: None,
        };
        let remote = peer.is_remote();
        if let Some(secret) = text(header::KEY) {
            if text("x-appwrite-session").is_some() || text("x-appwrite-jwt").is_some() {
                return Err(Refusal::new(
                    ErrorType::KeyAndSession,
                    "API key and session used in the same request: use one of them",
                ));
            }
            let Some(key) = app.engine.key_of(secret).await? else {
                return Ok(Self { actor: actor("guest".into(), None), access: Access::Guest, remote });
            };
            if key.expires.is_some_and(|at| at <= app.engine.now()) {
                return Err(Refusal::new(
                    ErrorType::KeyExpired,
                    format!("The API key “{}” has expired: create a new one", key.name),
                ));
            }
            app.note_use(&key);
            return Ok(Self {
                actor: actor(key.name.clone(), Some(key.id.to_string())),
                access: Access::Key(key),
                remote,
            });
        }
        let login = match &peer.door {
            Door::Socket { login, .. } => login.clone(),
            _ => "operator".into(),
        };
        if !peer.owner {
            let (name, access) = match &*peer.granted {
                [] => ("guest".into(), Access::Guest),
                // Only the owner may act under another name than the kernel says.
                _ => (login, Access::Scopes(Arc::clone(&peer.granted))),
            };
            return Ok(Self { actor: actor(name, None), access, remote });
        }
        let name = operator_name(headers).unwrap_or(login);
        Ok(Self { actor: actor(name, None), access: Access::Owner, remote })
    }

    /// Who its requests are counted for; `None`: nobody counts them.
    pub(crate) fn counted(&self) -> Option<&str> {
        match (&self.actor.key, self.remote) {
            (Some(key), _) => Some(key),
            (None, true) => Some(&self.actor.from),
            (None, false) => None,
        }
    }

    /// The address that its open requests are counted for; `None`: it did not come over the network. Of
    /// the sixth version of IP the first half: the rest is whatever a household likes.
    pub(crate) fn house(&self) -> Option<String> {
        let house = || match self.actor.from.parse::<IpAddr>() {
            Ok(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}")
            }
            _ => self.actor.from.clone(),
        };
        self.remote.then(house)
    }

    /// Whether this caller was given a scope by name. Who owns the socket was not.
    pub(crate) fn has(&self, scope: &str) -> bool {
        self.access.scopes().is_some_and(|scopes| scopes.iter().any(|held| held == scope))
    }

    /// Whether this caller may use a route.
    pub(crate) fn admit(&self, scope: Scope) -> Outcome<()> {
        let wanted = match (scope, &self.access) {
            (Scope::Open, _) | (_, Access::Owner) | (Scope::Any, Access::Key(_) | Access::Scopes(_)) => {
                return Ok(());
            }
            (Scope::Owner, _) => {
                return Err(Refusal::new(
                    ErrorType::OwnerOnly,
                    "Only who owns the engine's socket may do this: call it on its machine, as its user",
                ));
            }
            (Scope::Needs(scope), _) if self.has(scope) => return Ok(()),
            (Scope::Needs(scope), _) => scope,
            (Scope::Any, Access::Guest) => "any",
        };
        let (name, role) = match self.access {
            Access::Guest => ("User", "guests"),
            _ if self.actor.key.is_some() => (self.actor.name.as_str(), "applications"),
            _ => (self.actor.name.as_str(), "users"),
        };
        Err(Refusal::new(
            ErrorType::UnauthorizedScope,
            format!("{name} (role: {role}) missing scopes ([\"{wanted}\"])"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::SettingValue;

    fn asked(headers: &[&str]) -> Option<String> {
        let proxies = Addresses::read("10.0.0.2, 10.0.0.3").unwrap();
        let mut map = HeaderMap::new();
        for value in headers {
            map.append("x-forwarded-for", value.parse().unwrap());
        }
        forwarded(&map, &proxies).map(|address| address.to_string())
    }

    #[test]
    fn the_last_hop_that_is_no_proxy_asked() {
        assert_eq!(asked(&["203.0.113.9"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(asked(&["1.2.3.4, 203.0.113.9, 10.0.0.3"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(asked(&["1.2.3.4", "203.0.113.9:4711"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(asked(&["[2001:db8::1]:4711"]).as_deref(), Some("2001:db8::1"));
        assert_eq!(asked(&["1.2.3.4, unknown"]), None);
        assert_eq!(asked(&["10.0.0.3"]), None);
        assert_eq!(asked(&[]), None);
    }
}
