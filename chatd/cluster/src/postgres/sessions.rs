//! Sessions and their refresh tokens, as statements.
//!
//! The token that works stands in its session's row, so a trade is the change of one row: of two at once the
//! second waits, looks at the row again and does not find its token there. Traded ones are kept apart until they
//! would have expired, to know them when they come again.

use super::People;
use super::Statement;
use super::news::tell_end;
use super::rows::{get, limit as bound, session, session_ids, session_row};
use schema::limits::{ACCESS_TOKEN_S, REFRESH_TOKEN_S};
use schema::{SessionId, Timestamp, UserId};
use sqlx::query;
use store::Error;
use store::accounts::{NewSession, SecretHash, SessionRow, Which};

/// A live session of the user, which then stays until the end of the transaction.
pub(super) const KEEP: &str =
    "select id from sessions where id = $1 and user_id = $2 and expires_at > $3 for update";

pub(super) const BY_COOKIE: &str =
    concat!("select ", session!(), " from sessions where cookie = $1 and expires_at > $2");

/// Sessions of a user to be ended.
pub(super) struct Ending {
    user: UserId,
    which: Which,
    now: Timestamp,
    live_after: i64,
}

impl Ending {
    /// Those that are alive now.
    pub(super) fn live(user: UserId, which: Which, now: Timestamp) -> Self {
        Self { user, which, now, live_after: now.0 }
    }

    /// Also those that have expired and are still there.
    pub(super) fn every(user: UserId, now: Timestamp) -> Self {
        Self { user, which: Which::All, now, live_after: i64::MIN }
    }
}

/// Ends sessions: their secrets go with them, their ids stay until their access tokens have expired.
pub(super) fn end<'q>(node: &'q str, ending: &Ending) -> Statement<'q> {
    const END: &str = concat!(
        "with doomed as materialized (
             select id as doomed from sessions
             where user_id = $1 and expires_at > $2 and id = coalesce($3, id) and id is distinct from $4
             order by id for update
         ), ended as (
             delete from sessions using doomed where id = doomed returning id, expires_at
         ), remembered as (
             insert into ended_sessions (id, ended_at, forget_at) select id, $5, expires_at + $6 from ended
             on conflict (id) do update set ended_at = excluded.ended_at, forget_at = excluded.forget_at
         )
         select id, ",
        tell_end!("$7"),
        " from ended"
    );
    let (only, but) = match ending.which {
        Which::One(session) => (Some(session.0), None),
        Which::AllBut(session) => (None, Some(session.0)),
        Which::All => (None, None),
    };
    let end = query(END).bind(ending.user.0).bind(ending.live_after).bind(only).bind(but);
    end.bind(ending.now.0).bind(ACCESS_TOKEN_S * 1000).bind(node)
}

/// Starts all sessions or none: whose user is disabled or gone is not among `people`. Who disables or deletes
/// waits for these locks and ends these sessions too, or was first and is seen here.
pub(super) async fn start(people: &People, sessions: &[NewSession]) -> Result<bool, Error> {
    const START: &str = "
        with people as materialized (
            select id from users where id = any($2) and not disabled order by id for share
        ), complete as materialized (
            select (select count(*) from people) = (select count(distinct u) from unnest($2) as u) as yes
        ), started as (
            insert into sessions
                (id, user_id, device_name, created_at, last_used_at, expires_at, refresh, cookie)
            select wanted.* from complete, unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[],
                $5::bigint[], $6::bigint[], $7::bytea[], $8::bytea[]) as wanted
            where yes
        )
        select yes from complete";
    let each = || sessions.iter().map(|session| &session.row);
    let start = query(START)
        .bind(each().map(|row| row.session_id.0).collect::<Vec<_>>())
        .bind(each().map(|row| row.user_id.0).collect::<Vec<_>>())
        .bind(each().map(|row| row.device_name.as_deref()).collect::<Vec<_>>())
        .bind(each().map(|row| row.created_at.0).collect::<Vec<_>>())
        .bind(each().map(|row| row.last_used_at.0).collect::<Vec<_>>())
        .bind(each().map(|row| row.expires_at.0).collect::<Vec<_>>())
        .bind(sessions.iter().map(|session| session.refresh).collect::<Vec<_>>())
        .bind(sessions.iter().map(|session| session.cookie).collect::<Vec<_>>());
    people.write(start).await?.first().map_or(Ok(false), |row| get(row, "yes"))
}

/// Trades the token that works; `None` when this one does not.
pub(super) async fn trade(
    people: &People,
    old: SecretHash,
    new: SecretHash,
    now: Timestamp,
) -> Result<Option<SessionRow>, Error> {
    const TRADE: &str = concat!(
        "with before as materialized (
             select id as sid, expires_at as until from sessions
             where refresh = $1 and expires_at > $3 for update
         ), spent as (
             insert into spent_tokens (hash, session_id, expires_at) select $1, sid, until from before
         )
         update sessions set refresh = $2, last_used_at = $3, expires_at = $4 from before where id = sid
         returning ",
        session!()
    );
    let trade = query(TRADE).bind(old).bind(new).bind(now.0).bind(now.plus_seconds(REFRESH_TOKEN_S).0);
    people.write(trade).await?.first().map(session_row).transpose()
}

/// Ends the session whose token was traded before, and answers which it was.
pub(super) async fn end_reused(
    people: &People,
    old: SecretHash,
    now: Timestamp,
) -> Result<Option<SessionRow>, Error> {
    const END: &str = concat!(
        "with ended as (
             delete from sessions
             where id = (select session_id from spent_tokens where hash = $1 and expires_at > $2)
                 and expires_at > $2
             returning ",
        session!(),
        "
         ), remembered as (
             insert into ended_sessions (id, ended_at, forget_at) select id, $2, expires_at + $3 from ended
             on conflict (id) do update set ended_at = excluded.ended_at, forget_at = excluded.forget_at
         )
         select ended.*, ",
        tell_end!("$4"),
        " from ended"
    );
    let end = query(END).bind(old).bind(now.0).bind(ACCESS_TOKEN_S * 1000).bind(people.node());
    people.write(end).await?.first().map(session_row).transpose()
}

/// Trades the token of a session, whichever it is.
pub(super) async fn replace(
    people: &People,
    session: SessionId,
    new: SecretHash,
    now: Timestamp,
) -> Result<bool, Error> {
    const REPLACE: &str = "
        with before as materialized (
            select id as sid, refresh as old, expires_at as until from sessions
            where id = $1 and expires_at > $3 for update
        ), spent as (
            insert into spent_tokens (hash, session_id, expires_at)
            select old, sid, until from before where old is not null
        )
        update sessions set refresh = $2, last_used_at = $3, expires_at = $4 from before where id = sid
        returning id";
    let until = now.plus_seconds(REFRESH_TOKEN_S);
    let replace = query(REPLACE).bind(session.0).bind(new).bind(now.0).bind(until.0);
    Ok(!people.write(replace).await?.is_empty())
}

pub(super) async fn list(
    people: &People,
    user: UserId,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<SessionRow>, Error> {
    const LIST: &str = concat!(
        "select ",
        session!(),
        " from sessions where user_id = $1 and expires_at > $2 order by created_at desc, id desc limit $3"
    );
    let list = query(LIST).bind(user.0).bind(now.0).bind(bound(limit));
    people.read(list).await?.iter().map(session_row).collect()
}

/// Removes what has reached its end, at most so many of each kind. What another process removes just now is
/// left to it. Arrays, because how many a limit lets through is guessed wrongly, and a join of a guessed third of
/// all sessions would read them all.
pub(super) async fn expire(people: &People, now: Timestamp, limit: usize) -> Result<Vec<SessionId>, Error> {
    const EXPIRE: &str = concat!(
        "with due as materialized (
             select id as due from sessions where expires_at <= $1
             order by expires_at limit $2 for update skip locked
         ), expired as (
             delete from sessions where id = any(array(select due from due)) returning id
         ), dead_tokens as (
             delete from spent_tokens where hash = any(array(
                 select hash from spent_tokens where expires_at <= $1
                 order by expires_at limit $2 for update skip locked
             ))
         ), forgotten as (
             delete from ended_sessions where id = any(array(
                 select id from ended_sessions where forget_at <= $1
                 order by forget_at limit $2 for update skip locked
             ))
         )
         select id, ",
        tell_end!("$3"),
        " from expired"
    );
    let expire = query(EXPIRE).bind(now.0).bind(bound(limit)).bind(people.node());
    session_ids(&people.write(expire).await?)
}
