//! The host field: `a;tls://b:2525;ssl://c:465`, tried in order (facts 5.1).

use std::fmt;

/// How a session is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// TLS from the first byte.
    Implicit,
    /// STARTTLS, or nothing is sent.
    StartTls,
    /// STARTTLS where the server offers it.
    Opportunistic,
    /// None, by choice.
    Plain,
}

/// One server to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Name or address; IPv6 without brackets.
    pub name: String,
    /// TCP port.
    pub port: u16,
    /// How the session is encrypted.
    pub encryption: Encryption,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(':') {
            write!(f, "[{}]:{}", self.name, self.port)
        } else {
            write!(f, "{}:{}", self.name, self.port)
        }
    }
}

/// Parses a list of hosts. Each may bear `tls://` (STARTTLS) or `ssl://` (TLS from
/// the first byte) and a port; what is missing comes from the other fields.
pub fn parse(list: &str, port: u16, encryption: Encryption) -> Result<Vec<Host>, String> {
    let hosts: Vec<Host> = list
        .split(';')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| one(entry, port, encryption))
        .collect::<Result<_, _>>()?;
    if hosts.is_empty() { Err("names no host".to_owned()) } else { Ok(hosts) }
}

fn one(entry: &str, port: u16, encryption: Encryption) -> Result<Host, String> {
    let (encryption, rest) = match entry.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("tls") => (Encryption::StartTls, rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("ssl") => (Encryption::Implicit, rest),
        Some((scheme, _)) => {
            return Err(format!("has the prefix {scheme}://; only tls:// and ssl:// are known"));
        }
        None => (encryption, entry),
    };
    let (name, given) = match rest.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, "")) => (name, None),
            Some((name, port)) => (name, Some(port.strip_prefix(':').ok_or("has text behind ]")?)),
            None => return Err("has [ without ]".to_owned()),
        },
        None if rest.matches(':').count() > 1 => (rest, None),
        None => rest.split_once(':').map_or((rest, None), |(name, port)| (name, Some(port))),
    };
    let port = match given {
        None => port,
        Some(text) => text
            .parse()
            .ok()
            .filter(|&port| port > 0)
            .ok_or_else(|| format!("has the port {text:?}, which is none"))?,
    };
    let name = match url::Host::parse(if name.contains(':') { "" } else { name }) {
        Ok(url::Host::Domain(name)) => name,
        Ok(other) => other.to_string(),
        Err(_) if name.parse::<std::net::Ipv6Addr>().is_ok() => name.to_owned(),
        Err(_) => return Err(format!("has {name:?}, which is no host name")),
    };
    Ok(Host { name, port, encryption })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        let parse = |list| parse(list, 587, Encryption::Opportunistic);
        let host = |name: &str, port, encryption| Host { name: name.to_owned(), port, encryption };
        assert_eq!(
            parse("mx1.example.com; tls://mx2.example.com:2525;ssl://mx3.example.com:465;").unwrap(),
            [
                host("mx1.example.com", 587, Encryption::Opportunistic),
                host("mx2.example.com", 2525, Encryption::StartTls),
                host("mx3.example.com", 465, Encryption::Implicit),
            ]
        );
        assert_eq!(parse("[::1]:25").unwrap(), [host("::1", 25, Encryption::Opportunistic)]);
        assert_eq!(parse("::1").unwrap(), [host("::1", 587, Encryption::Opportunistic)]);
        assert_eq!(parse("127.0.0.1:1025").unwrap()[0].to_string(), "127.0.0.1:1025");
        assert_eq!(parse("ssl://[::1]").unwrap()[0].to_string(), "[::1]:587");
        assert_eq!(parse("bücher.example").unwrap()[0].name, "xn--bcher-kva.example");
        for bad in ["", ";", "http://a", "a:0", "a:x", "a:99999", "a b", "[::1", "[::1]x", "a\r\nb"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
