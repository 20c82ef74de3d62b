//! From where a request comes: the other end of the connection, or what a trusted proxy says of it.

use axum::extract::FromRequestParts;
use axum::extract::connect_info::ConnectInfo;
use axum::http::header::{FORWARDED, HeaderName};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};
use schema::limits::PROXY_HOPS;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// An address as bounds count it: IPv6 by /64, because one household has that many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer(pub IpAddr);

impl Peer {
    /// The client behind a request: as the door found it, else the other end of the connection.
    pub fn of_connection(extensions: &Extensions) -> Self {
        let found = extensions.get::<Self>().copied();
        found.unwrap_or_else(|| Self::of(connection(extensions)))
    }

    /// The peer behind this address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                Self(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
            v4 => Self(v4),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of_connection(&parts.extensions))
    }
}

/// The other end of the connection; a request that came over none has the unspecified address.
pub(crate) fn connection(extensions: &Extensions) -> IpAddr {
    let info = extensions.get::<ConnectInfo<SocketAddr>>();
    info.map_or(Ipv4Addr::UNSPECIFIED.into(), |ConnectInfo(address)| address.ip())
}

/// Whether the client's side of the connection is encrypted: by this listener, or by a trusted proxy that
/// says so. Cookies are `Secure` then, and HSTS is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Secure(pub bool);

impl<S: Sync> FromRequestParts<S> for Secure {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or_default())
    }
}

/// A range of addresses, such as `10.0.0.0/8`, or a single one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    fn holds(&self, address: IpAddr) -> bool {
        fn same(a: u128, b: u128, bits: u32, prefix: u32) -> bool {
            (a ^ b).checked_shr(bits - prefix).unwrap_or(0) == 0
        }
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32, self.prefix),
            (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128, self.prefix),
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let address = address.parse::<IpAddr>().map_err(|_| "is no IP address")?.to_canonical();
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => most,
            Some(text) => {
                text.parse().ok().filter(|bits| *bits <= most).ok_or("has no good prefix length")?
            }
        };
        Ok(Self { address, prefix })
    }
}

/// The header in which the proxies say for whom they speak. One of the two, and not both: a proxy passes on
/// what it does not know, so a client could write the other itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Via {
    /// `X-Forwarded-For` and `X-Forwarded-Proto`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// The proxies that are believed.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    pub networks: Vec<Network>,
    pub via: Via,
}

impl Proxies {
    /// The client's address: the rightmost hop that is no trusted proxy. Without a trusted proxy at the other
    /// end of the connection no header is looked at.
    pub(crate) fn client(&self, connection: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = connection;
        if !self.trusts(client) {
            return client;
        }
        for hop in self.hops(headers).into_iter().take(PROXY_HOPS) {
            // What is no address was written by nobody whom the proxy would know: it stays the proxy's call.
            let Some(address) = hop.and_then(address) else { return client };
            client = address;
            if !self.trusts(client) {
                return client;
            }
        }
        client
    }

    /// Whether the nearest proxy was called over TLS.
    pub(crate) fn secure(&self, connection: IpAddr, headers: &HeaderMap) -> bool {
        if !self.trusts(connection) {
            return false;
        }
        let scheme = match self.via {
            Via::XForwardedFor => lines(headers, &X_FORWARDED_PROTO).next(),
            Via::Forwarded => {
                lines(headers, &FORWARDED).next().and_then(|element| parameter(element, "proto"))
            }
        };
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.holds(address))
    }

    /// The hops from the nearest on.
    fn hops<'a>(&self, headers: &'a HeaderMap) -> Vec<Option<&'a str>> {
        match self.via {
            Via::XForwardedFor => lines(headers, &X_FORWARDED_FOR).map(Some).collect(),
            Via::Forwarded => lines(headers, &FORWARDED).map(|element| parameter(element, "for")).collect(),
        }
    }
}

/// The elements of a list header, over all its lines, last first.
fn lines<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines: Vec<_> =
        headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect();
    lines.into_iter().rev().flat_map(|line| line.rsplit(',')).map(str::trim)
}

/// A parameter of one `Forwarded` element.
fn parameter<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs
        .into_iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim_matches('"'))
}

/// The address in `1.2.3.4`, `1.2.3.4:5`, `::1`, `[::1]` or `[::1]:5`.
fn address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return Some(socket.ip());
    }
    text.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(via: Via) -> Proxies {
        let networks = ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"];
        Proxies { networks: networks.iter().map(|text| text.parse().unwrap()).collect(), via }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn client(via: Via, connection: &str, pairs: &[(&'static str, &str)]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers(pairs).iter() {
            map.append(name, value.clone());
        }
        proxies(via).client(connection.parse().unwrap(), &map).to_string()
    }

    #[test]
    fn headers_count_only_from_a_trusted_proxy() {
        let forged = [("x-forwarded-for", "6.6.6.6"), ("forwarded", "for=6.6.6.6")];
        assert_eq!(client(Via::XForwardedFor, "203.0.113.9", &forged), "203.0.113.9");
        assert_eq!(client(Via::XForwardedFor, "192.0.2.8", &forged), "192.0.2.8", "a neighbour of the proxy");
        assert_eq!(client(Via::XForwardedFor, "10.1.2.3", &forged), "6.6.6.6");
        let nobody = Proxies::default();
        assert_eq!(nobody.client("10.1.2.3".parse().unwrap(), &headers(&forged)).to_string(), "10.1.2.3");
    }

    #[test]
    fn what_the_client_wrote_itself_stands_left_of_what_the_proxy_saw() {
        for (chain, expected) in [
            ("6.6.6.6, 203.0.113.9", "203.0.113.9"),
            ("6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
            ("10.0.0.9, 203.0.113.9, 192.0.2.7, 10.0.0.2", "203.0.113.9"),
            ("203.0.113.9:4711", "203.0.113.9"),
            ("[2001:db9::1]:4711, 2001:db8::5", "2001:db9::1"),
            ("nonsense, 10.0.0.2", "10.0.0.2"),
            ("6.6.6.6, unknown", "10.1.2.3"),
            ("", "10.1.2.3"),
            ("10.0.0.3", "10.0.0.3"),
        ] {
            let pairs = [("x-forwarded-for", chain), ("forwarded", "for=7.7.7.7")];
            assert_eq!(client(Via::XForwardedFor, "10.1.2.3", &pairs), expected, "{chain:?}");
        }
        let endless = vec!["10.0.0.1"; PROXY_HOPS + 5].join(", ");
        let pairs = [("x-forwarded-for", format!("6.6.6.6, {endless}"))];
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(client(Via::XForwardedFor, "10.1.2.3", &pairs), "10.0.0.1");
    }

    #[test]
    fn forwarded_is_read_when_the_proxies_write_that() {
        for (chain, expected) in [
            ("for=203.0.113.9;proto=https;by=10.0.0.1", "203.0.113.9"),
            ("For=\"[2001:db9::1]:4711\", for=10.0.0.2", "2001:db9::1"),
            ("for=6.6.6.6, for=_hidden", "10.1.2.3"),
            ("proto=https", "10.1.2.3"),
        ] {
            let pairs = [("forwarded", chain), ("x-forwarded-for", "7.7.7.7")];
            assert_eq!(client(Via::Forwarded, "10.1.2.3", &pairs), expected, "{chain:?}");
        }
    }

    #[test]
    fn only_a_trusted_proxy_can_say_that_the_client_came_over_tls() {
        let says = headers(&[("x-forwarded-proto", "http, https")]);
        assert!(proxies(Via::XForwardedFor).secure("10.0.0.1".parse().unwrap(), &says));
        assert!(!proxies(Via::XForwardedFor).secure("203.0.113.9".parse().unwrap(), &says));
        assert!(!proxies(Via::Forwarded).secure("10.0.0.1".parse().unwrap(), &says));
        let says = headers(&[("forwarded", "for=1.2.3.4;proto=https")]);
        assert!(proxies(Via::Forwarded).secure("10.0.0.1".parse().unwrap(), &says));
    }

    #[test]
    fn networks_are_addresses_with_a_prefix() {
        for bad in ["", "10.0.0.0/33", "10.0.0", "::/129", "10.0.0.0/", "10.0.0.0/-1", "proxy.example"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.holds("255.1.2.3".parse().unwrap()) && !all.holds("::1".parse().unwrap()));
        assert!(all.holds("::ffff:1.2.3.4".parse().unwrap()), "an IPv4 client of an IPv6 socket");
    }

    #[test]
    fn an_ipv6_household_is_one_peer() {
        let peer = |text: &str| Peer::of(text.parse().unwrap());
        assert_eq!(peer("2001:db8:1:2::1"), peer("2001:db8:1:2:ffff::9"));
        assert_ne!(peer("2001:db8:1:2::1"), peer("2001:db8:1:3::1"));
        assert_eq!(peer("::ffff:10.0.0.1"), peer("10.0.0.1"));
    }
}
