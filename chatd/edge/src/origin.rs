//! Whose page a browser's request comes from (RFC 6454), the one rule for sockets and cookies.

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};

/// Whether the page may come in: as [`is_named`], or every page when `*` is listed.
pub fn is_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    allowed.iter().any(|one| one == "*") || is_named(headers, allowed)
}

/// Whether the request comes from no page, from a page of this very server, or from one that is listed by
/// name. Only then a cookie counts: `*` lets any page in, but none with somebody's cookie.
pub fn is_named(headers: &HeaderMap, allowed: &[String]) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let own = origin.split_once("://").is_some_and(|(_, authority)| host == Some(authority));
    own || allowed.iter().any(|one| one == origin && one != "*")
}

/// The origins of `cors.allowed_origins`, as browsers write them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    any: bool,
    listed: Vec<String>,
}

impl Origins {
    /// Reads a list of `scheme://host[:port]`; `*` alone or among others is any.
    ///
    /// # Errors
    /// The entry that is no origin, and why.
    pub fn read(list: &[String]) -> Result<Self, String> {
        let mut origins = Self::default();
        for entry in list {
            if entry == "*" {
                origins.any = true;
            } else {
                origins.listed.push(origin(entry).map_err(|reason| format!("{entry:?} {reason}"))?);
            }
        }
        Ok(origins)
    }

    /// The entries as browsers write them, `*` included.
    pub fn texts(&self) -> Vec<String> {
        self.listed.iter().cloned().chain(self.any.then(|| "*".to_owned())).collect()
    }

    /// Whether nobody but the server's own pages is let in.
    pub fn none(&self) -> bool {
        !self.any && self.listed.is_empty()
    }

    /// Whether pages of this origin, as the header `Origin` names it, are let in.
    pub fn allows(&self, origin: &str) -> bool {
        self.any || self.lists(origin)
    }

    /// Whether this very origin is listed: such a page may bring credentials.
    pub fn lists(&self, origin: &str) -> bool {
        self.listed.iter().any(|listed| listed == origin)
    }
}

/// The origin as a browser writes it: lower case, without the scheme's own port.
fn origin(text: &str) -> Result<String, &'static str> {
    const SHAPE: &str = "is no origin: write it as https://chat.example.org, without a path";
    let text = text.to_ascii_lowercase();
    let (scheme, authority) = text.split_once("://").ok_or(SHAPE)?;
    let own_port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return Err("has another scheme than http or https"),
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let v6 = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let good_host = match v6 {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(plain),
    };
    if !good_host || port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err(SHAPE);
    }
    Ok(format!("{scheme}://{}", authority.strip_suffix(own_port).unwrap_or(authority)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(origin: &'static str) -> HeaderMap {
        [(ORIGIN, HeaderValue::from_static(origin)), (HOST, HeaderValue::from_static("a.example:8080"))]
            .into_iter()
            .collect()
    }

    #[test]
    fn a_foreign_page_comes_in_only_when_it_is_listed_and_a_star_names_nobody() {
        let listed = ["https://b.example".to_owned()];
        let star = ["*".to_owned()];
        for own in [HeaderMap::new(), headers("http://a.example:8080")] {
            assert!(is_named(&own, &[]) && is_allowed(&own, &[]) && is_named(&own, &star));
        }
        for foreign in
            ["http://a.example", "https://b.example", "null", "*", "http://a.example:8080.b.example"]
        {
            let foreign = headers(foreign);
            assert!(!is_named(&foreign, &[]) && !is_allowed(&foreign, &[]));
            assert!(!is_named(&foreign, &star) && is_allowed(&foreign, &star));
        }
        assert!(is_named(&headers("https://b.example"), &listed));
        assert!(!is_named(&headers("https://b.example.evil"), &listed));
        let mut opaque = headers("null");
        opaque.insert(ORIGIN, HeaderValue::from_bytes(b"http://\xff").unwrap());
        assert!(!is_named(&opaque, &[]));
    }

    fn read(list: &[&str]) -> Result<Origins, String> {
        Origins::read(&list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn origins_are_listed_as_browsers_write_them() {
        let origins =
            read(&["https://Chat.example.org:443", "http://localhost:5173", "http://[::1]:80"]).unwrap();
        for good in ["https://chat.example.org", "http://localhost:5173", "http://[::1]"] {
            assert!(origins.allows(good) && origins.lists(good), "{good}");
        }
        for bad in [
            "http://chat.example.org",
            "https://chat.example.org.evil.example",
            "null",
            "",
            "http://localhost",
        ] {
            assert!(!origins.allows(bad), "{bad}");
        }
        assert!(read(&[]).unwrap().none());
        let any = read(&["*"]).unwrap();
        assert!(any.allows("https://evil.example") && !any.lists("https://evil.example"));
    }

    #[test]
    fn what_is_no_origin_is_named() {
        for bad in [
            "chat.example.org",
            "https://chat.example.org/",
            "https://chat.example.org/x",
            "https://u@chat.example.org",
            "https://*.example.org",
            "ftp://chat.example.org",
            "https://",
            "https://a:99999",
            "null",
            "",
        ] {
            assert!(read(&[bad]).unwrap_err().contains(bad), "{bad}");
        }
    }
}
