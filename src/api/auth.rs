//! Who calls, and what they may.

use super::App;
use super::routes::Scope;
use crate::domain::audit::Actor;
use crate::engine::usecases::{Outcome, Refusal};
use crate::wire::{ErrorType, header};
use http::HeaderMap;
use std::net::SocketAddr;

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
}

/// The other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its door.
    pub door: Door,
    /// Whether the door itself admits it to everything.
    pub owner: bool,
}

impl Peer {
    /// A client in this process.
    pub fn process() -> Self {
        Self { door: Door::Process, owner: true }
    }

    /// A client on the socket. It is admitted when it is the user that this
    /// process runs as, or root.
    pub fn socket(uid: u32, login: String) -> Self {
        let owner = uid == rustix::process::geteuid().as_raw() || uid == 0;
        Self { door: Door::Socket { uid, login }, owner }
    }

    /// A client on TCP.
    pub fn tcp(address: SocketAddr) -> Self {
        Self { door: Door::Tcp(address), owner: false }
    }

    fn from(&self) -> String {
        match &self.door {
            Door::Process => "process".into(),
            Door::Socket { uid, .. } => format!("socket, user {uid}"),
            Door::Tcp(address) => address.ip().to_string(),
        }
    }
}

/// What a caller may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everything.
    Owner,
    /// What the key's scopes say.
    Key(Vec<String>),
    /// Only what is open to everybody.
    Guest,
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
    pub(crate) async fn of(app: &App, peer: &Peer, headers: &HeaderMap, request: &str) -> Outcome<Self> {
        let text = |name: &str| {
            headers.get(name).and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty())
        };
        let actor = |name: String, key: Option<String>| Actor {
            name,
            key,
            request: Some(request.into()),
            from: peer.from(),
        };
        let remote = matches!(peer.door, Door::Tcp(_));
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
            return Ok(Self {
                actor: actor(key.name, Some(key.id.to_string())),
                access: Access::Key(key.scopes),
                remote,
            });
        }
        if !peer.owner {
            return Ok(Self { actor: actor("guest".into(), None), access: Access::Guest, remote });
        }
        let login = match &peer.door {
            Door::Socket { login, .. } => login.clone(),
            _ => "operator".into(),
        };
        let name = operator_name(headers).unwrap_or(login);
        Ok(Self { actor: actor(name, None), access: Access::Owner, remote })
    }

    /// Whether this caller may use a route.
    pub(crate) fn admit(&self, scope: Scope) -> Outcome<()> {
        let wanted = match (scope, &self.access) {
            (Scope::Open, _) | (_, Access::Owner) | (Scope::Any, Access::Key(_)) => return Ok(()),
            (Scope::Owner, _) => {
                return Err(Refusal::new(
                    ErrorType::OwnerOnly,
                    "Only who owns the engine's socket may do this: call it on its machine, as its user",
                ));
            }
            (Scope::Needs(scope), Access::Key(scopes)) if scopes.iter().any(|held| held == scope) => {
                return Ok(());
            }
            (Scope::Needs(scope), _) => scope,
            (Scope::Any, Access::Guest) => "any",
        };
        let (name, role) = match self.access {
            Access::Guest => ("User", "guests"),
            _ => (self.actor.name.as_str(), "applications"),
        };
        Err(Refusal::new(
            ErrorType::UnauthorizedScope,
            format!("{name} (role: {role}) missing scopes ([\"{wanted}\"])"),
        ))
    }
}
