//! Looks a host up and says which of its addresses may be connected to.
//!
//! The addresses that are checked here are the ones that are connected to, so
//! that a name cannot mean something else a moment later.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Why a host gives no address to connect to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// The name is unknown, or the look-up failed.
    #[error("cannot look up {host}: {problem}")]
    Unknown {
        /// The host.
        host: String,
        /// What the system says.
        problem: String,
    },
    /// It has addresses, and none of them is public.
    #[error(
        "{host} is {address}, which is not a public address: set HERALD_OUTGOING_ALLOW_PRIVATE=true \
         if providers in the own network are wanted"
    )]
    Forbidden {
        /// The host.
        host: String,
        /// One of its addresses.
        address: IpAddr,
    },
}

/// Looks `host` up and keeps the addresses that may be connected to, in the
/// system's order. Unless `allow_private`, only public ones may.
pub async fn resolve(host: &str, port: u16, allow_private: bool) -> Result<Vec<SocketAddr>, ResolveError> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let found: Vec<SocketAddr> = match bare.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) => tokio::net::lookup_host((bare, port))
            .await
            .map_err(|error| ResolveError::Unknown { host: host.to_owned(), problem: error.to_string() })?
            .collect(),
    };
    let Some(first) = found.first().map(SocketAddr::ip) else {
        return Err(ResolveError::Unknown { host: host.to_owned(), problem: "no address".to_owned() });
    };
    let allowed: Vec<_> =
        found.into_iter().filter(|address| allow_private || is_public(address.ip())).collect();
    if allowed.is_empty() {
        return Err(ResolveError::Forbidden { host: host.to_owned(), address: first });
    }
    Ok(allowed)
}

/// Whether an address belongs to the public internet: not loopback, private,
/// link-local (where clouds keep their metadata), shared, multicast or reserved,
/// nor an IPv6 form of such an IPv4 address.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || a == 100 && (64..128).contains(&b)
        || a == 192 && b == 0 && c == 0
        || a == 198 && (18..20).contains(&b)
        || a >= 224)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    match address.segments() {
        // NAT64 and 6to4 carry an IPv4 address.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        // Global unicast is 2000::/3; everything else is local, multicast or unassigned.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_public() {
        for bad in [
            "127.0.0.1",
            "127.8.9.10",
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "192.0.0.192",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
        ] {
            assert!(!is_public(bad.parse().unwrap()), "{bad}");
        }
        for good in [
            "8.8.8.8",
            "100.128.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "2606:4700::1111",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(good.parse().unwrap()), "{good}");
        }
    }

    #[tokio::test]
    async fn private_addresses_need_permission() {
        for host in ["127.0.0.1", "[::1]", "localhost", "169.254.169.254"] {
            assert!(
                matches!(resolve(host, 25, false).await, Err(ResolveError::Forbidden { .. })),
                "{host} must be refused"
            );
        }
        assert_eq!(resolve("127.0.0.1", 25, true).await.unwrap(), ["127.0.0.1:25".parse().unwrap()]);
        assert_eq!(resolve("[::1]", 25, true).await.unwrap(), ["[::1]:25".parse().unwrap()]);
    }
}
