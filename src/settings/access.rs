//! Who is let in beside the owner: grants of scopes, and proxies that are trusted.

use super::value::{SettingValue, Shape};
use std::net::IpAddr;

/// Scopes for somebody on the socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// A login or a user's number; for groups a name or a group's number.
    pub who: String,
    /// Scopes, as they stand: `messages.read`, `read` for every reading one, `*` for all.
    pub scopes: Vec<String>,
}

/// Grants: `mira=messages.read+topics.read, 1001=*`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants(pub Vec<Grant>);

impl SettingValue for Grants {
    const SHAPE: Shape = Shape::Grants;
    fn read(text: &str) -> Option<Self> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        let grant = |word: &str| {
            let (who, scopes) = word.split_once('=')?;
            let scopes: Vec<_> = scopes.split('+').map(|scope| scope.trim().to_owned()).collect();
            let good = !who.trim().is_empty() && scopes.iter().all(|scope| !scope.is_empty());
            good.then(|| Grant { who: who.trim().to_owned(), scopes })
        };
        words.map(grant).collect::<Option<_>>().map(Self)
    }
    fn write(&self) -> String {
        let grants: Vec<_> =
            self.0.iter().map(|grant| format!("{}={}", grant.who, grant.scopes.join("+"))).collect();
        grants.join(", ")
    }
}

/// Addresses of machines: `10.0.0.2, 10.0.0.3`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses(pub Vec<IpAddr>);

impl Addresses {
    /// Whether this is one of them; an IPv4 address that is written as IPv6 is the same.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl SettingValue for Addresses {
    const SHAPE: Shape = Shape::Addresses;
    fn read(text: &str) -> Option<Self> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        let address = |word: &str| word.parse().ok().map(|ip: IpAddr| ip.to_canonical());
        words.map(address).collect::<Option<_>>().map(Self)
    }
    fn write(&self) -> String {
        self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_name_somebody_and_scopes() {
        let grants = Grants::read("mira = messages.read + topics.read,1001=*").unwrap();
        assert_eq!(grants.write(), "mira=messages.read+topics.read, 1001=*");
        assert_eq!(Grants::read(&grants.write()), Some(grants));
        assert_eq!(Grants::read(""), Some(Grants::default()));
        for bad in ["mira", "=messages.read", "mira=", "mira=a++b"] {
            assert_eq!(Grants::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_proxy_is_known_in_both_forms() {
        let proxies = Addresses::read("10.0.0.2, ::1").unwrap();
        assert!(proxies.contains("::ffff:10.0.0.2".parse().unwrap()));
        assert!(!proxies.contains("10.0.0.3".parse().unwrap()));
        assert_eq!(proxies.write(), "10.0.0.2, ::1");
        assert_eq!(Addresses::read("proxy.example.com"), None);
    }
}
