//! What processes tell each other of their changes: `<node> e <session>` and `<node> p <user>[=<username>]` on a
//! channel, sent by the statement that makes the change, so told exactly if it is there.

use schema::{SessionId, UserId, Username};
use store::News;

/// Where changes are told.
pub(super) const CHANNEL: &str = "chatd_news";

/// Tells that the session `id` of a row has ended; the parameter is this process.
macro_rules! tell_end {
    ($node:literal) => {
        concat!("pg_notify('chatd_news', ", $node, "::text || ' e ' || id::text)")
    };
}

/// Tells that the person `id` of a row has changed, who was known as `username`; the parameter is this process.
macro_rules! tell_person {
    ($node:literal) => {
        concat!(
            "pg_notify('chatd_news', ",
            $node,
            "::text || ' p ' || id::text || coalesce('=' || username, ''))"
        )
    };
}

pub(super) use {tell_end, tell_person};

/// What a notification tells this process; `None`: its own change. What is not understood comes from another
/// version, and may mean anything.
pub(super) fn heard(node: &str, payload: &str) -> Option<News> {
    let mut words = payload.splitn(3, ' ');
    let (teller, kind, what) = (words.next(), words.next(), words.next().unwrap_or_default());
    if teller == Some(node) {
        return None;
    }
    let news = match kind {
        Some("e") => what.parse::<SessionId>().ok().map(News::SessionEnded),
        Some("p") => person(what),
        _ => None,
    };
    Some(news.unwrap_or(News::Missed))
}

fn person(what: &str) -> Option<News> {
    let (user, username) = what.split_once('=').map_or((what, None), |(user, name)| (user, Some(name)));
    let user = user.parse::<UserId>().ok()?;
    let former_username = username.map(str::parse::<Username>).transpose().ok()?;
    Some(News::PersonChanged { user, former_username })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_is_of_others_and_what_is_not_understood_is_missed() {
        let (user, session) = (UserId::draw(), SessionId::draw());
        let changed = |name: Option<&str>| News::PersonChanged {
            user,
            former_username: name.map(|n| n.parse().unwrap()),
        };
        assert_eq!(heard("a", &format!("a e {session}")), None);
        assert_eq!(heard("a", &format!("b e {session}")), Some(News::SessionEnded(session)));
        assert_eq!(heard("a", &format!("b p {user}")), Some(changed(None)));
        assert_eq!(heard("a", &format!("b p {user}=anna.1")), Some(changed(Some("anna.1"))));
        for odd in ["", "b", "b e", "b e x", "b p", &format!("b p {user}=?"), "b z 1", "b e 1 2 3"] {
            assert_eq!(heard("a", odd), Some(News::Missed), "{odd}");
        }
    }
}
