//! The cookie of a sign-in: a secret of its own, taken on refresh and on the socket only.

use crate::Auth;
use crate::tokens::{Secret, secret_hash};
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use edge::{Problem, Secure};
use schema::Timestamp;
use schema::limits::REFRESH_TOKEN_S;
use store::accounts::SessionRow;

const NAME: &str = "chatd_session";

/// Sets the cookie.
pub(crate) fn set(secret: Secret, secure: Secure) -> HeaderValue {
    write(&secret.into_text(), REFRESH_TOKEN_S, secure)
}

/// Sets the cookie that a request came with anew, so that it lives as long as the session that was refreshed.
/// `None` when it came with none.
pub(crate) fn renew(headers: &HeaderMap, secure: Secure) -> Option<HeaderValue> {
    of(headers).map(|secret| write(secret, REFRESH_TOKEN_S, secure))
}

/// Takes the cookie away.
pub(crate) fn clear(secure: Secure) -> HeaderValue {
    write("", 0, secure)
}

fn write(value: &str, max_age_s: i64, secure: Secure) -> HeaderValue {
    let secure = if secure.0 { "; Secure" } else { "" };
    let text = format!("{NAME}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={max_age_s}{secure}");
    // The value is base64url, the rest is above: no byte that a header may not hold.
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The cookie's secret, if the request has one.
pub(crate) fn of(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == NAME && !value.is_empty()).then_some(value))
}

impl Auth {
    /// The live session behind a request's cookie. `None`: no cookie, or of a session that has ended.
    pub(crate) async fn session_by_cookie(&self, headers: &HeaderMap) -> Result<Option<SessionRow>, Problem> {
        let Some(secret) = of(headers) else { return Ok(None) };
        let row = self.0.accounts.by_cookie(secret_hash(secret), Timestamp::now()).await?;
        Ok(row.filter(|row| !self.0.revocations.is_ended(row.session_id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "a=b; chatd_session_x=no".parse().unwrap());
        headers.append(COOKIE, "c; chatd_session=yes; d=".parse().unwrap());
        assert_eq!(of(&headers), Some("yes"));
        assert_eq!(of(&HeaderMap::new()), None);
    }

    #[test]
    fn the_cookie_is_for_the_server_alone() {
        let text = set(Secret::draw().unwrap(), Secure(true));
        let text = text.to_str().unwrap();
        for part in ["HttpOnly", "SameSite=Lax", "Path=/", "; Secure"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(!set(Secret::draw().unwrap(), Secure(false)).to_str().unwrap().contains("Secure"));
    }
}
