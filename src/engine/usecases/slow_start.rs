//! A new mail server on the Internet does not know us: it gets few mails a second until an operator
//! raises the limit.

use crate::domain::provider::{Limits, Provider};
use std::net::IpAddr;

/// Recipients a second at first.
pub const RATE: f64 = 5.0;

/// Whether a provider still has the limit that it began with.
pub fn holds(provider: &Provider) -> bool {
    applies(provider) && provider.limits.per_second == Some(RATE)
}

/// The limits of a new provider.
pub(super) fn begin(provider: &Provider) -> Limits {
    let per_second = provider.limits.per_second.or_else(|| applies(provider).then_some(RATE));
    Limits { per_second, ..provider.limits }
}

fn applies(provider: &Provider) -> bool {
    provider.kind == "smtp"
        && provider
            .credentials
            .get("host")
            .is_some_and(|hosts| hosts.split(';').any(|host| is_public(host.trim())))
}

/// Whether a host is on the Internet, as far as its name tells.
fn is_public(host: &str) -> bool {
    let host = host.rsplit_once("//").map_or(host, |(_, rest)| rest);
    let bare = host.trim_start_matches('[');
    let bare = bare.split_once(']').map_or(bare, |(address, _)| address);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return !is_local(address);
    }
    let name = bare.rsplit_once(':').map_or(bare, |(name, _)| name).to_ascii_lowercase();
    if let Ok(address) = name.parse::<IpAddr>() {
        return !is_local(address);
    }
    let inside = [".localhost", ".local", ".internal", ".lan", ".home.arpa"];
    name.contains('.') && !inside.iter().any(|end| name.ends_with(end))
}

fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified(),
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(ip) => is_local(IpAddr::V4(ip)),
            None => {
                ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local()
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_hosts_are_on_the_internet() {
        for host in [
            "mx.example.com",
            "mx.example.com:587",
            "ssl://mx.example.com:465",
            "8.8.8.8",
            "[2001:db8::1]:25",
        ] {
            assert!(is_public(host), "{host}");
        }
        for host in
            ["localhost", "127.0.0.1", "127.0.0.1:25", "10.0.0.8", "[::1]", "::1", "mail", "mail.lan", ""]
        {
            assert!(!is_public(host), "{host}");
        }
    }
}
