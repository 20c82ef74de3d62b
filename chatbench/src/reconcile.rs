//! Compares the ledger with the server's history, conversation by conversation, over REST.

use crate::cli::Reconcile;
use crate::ledger::{Class, Ledger};
use crate::payload::mix;
use crate::provision::{Account, root};
use futures_util::{StreamExt, stream};
use reqwest::{Client, StatusCode, header::RETRY_AFTER};
use schema::UserId;
use schema::limits::PAGE_MAX;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Conversations that are read wholly when nothing else is said.
const DEFAULT: usize = 2000;
/// Conversations read at a time.
const AT_ONCE: usize = 8;
/// Attempts at a page, and the longest that a `Retry-After` is followed.
const ATTEMPTS: u32 = 4;
const WAIT_MAX: u64 = 65;
const CALL: Duration = Duration::from_secs(30);

/// What was compared.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reconciled {
    /// `all`, or `sample` (each doubtful conversation is always in it).
    pub(crate) rule: &'static str,
    pub(crate) conversations: usize,
    pub(crate) compared: usize,
    pub(crate) messages: u64,
    /// Could not be read.
    pub(crate) unread: u64,
    pub(crate) errors: Vec<String>,
    pub(crate) rate_limited: u64,
}

/// A message of a page; what is not compared is not read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    pub(crate) sequence: u64,
    pub(crate) sender_id: UserId,
    pub(crate) content: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    messages: Vec<Row>,
    has_more: bool,
}

/// Reads the history of all conversations, or of a sample and each doubtful one, and closes their books.
pub(crate) async fn reconcile(
    client: &Client,
    target: &str,
    accounts: &[Account],
    wanted: Option<Reconcile>,
    seed: u64,
    ledger: &mut Ledger,
) -> Reconciled {
    let pairs = u32::try_from(accounts.len() / 2).unwrap_or(u32::MAX);
    let chosen = choose(pairs, wanted, seed, ledger);
    let rule = if chosen.len() == pairs as usize { "all" } else { "sample" };
    let mut result = Reconciled { rule, conversations: pairs as usize, ..Reconciled::default() };
    for pair in (0..pairs).filter(|pair| chosen.binary_search(pair).is_err()) {
        ledger.leave(pair);
    }
    let reads = stream::iter(chosen).map(|pair| async move {
        let (one, two) = (&accounts[pair as usize * 2], &accounts[pair as usize * 2 + 1]);
        (pair, History { client, target, caller: one, peer: two.id, rate_limited: 0 }.read().await)
    });
    let mut reads = reads.buffer_unordered(AT_ONCE);
    while let Some((pair, (rows, rate_limited))) = reads.next().await {
        result.rate_limited += rate_limited;
        match rows {
            Ok(rows) => {
                let ids = [accounts[pair as usize * 2].id, accounts[pair as usize * 2 + 1].id];
                compare(pair, ids, &rows, ledger);
                result.compared += 1;
                result.messages += rows.len() as u64;
            }
            Err(error) => {
                ledger.leave(pair);
                result.unread += 1;
                if result.errors.len() < 5 {
                    result.errors.push(format!("history of pair {pair}: {error}"));
                }
            }
        }
    }
    result
}

/// Numbers of the pairs to read, ascending.
fn choose(pairs: u32, wanted: Option<Reconcile>, seed: u64, ledger: &Ledger) -> Vec<u32> {
    let wanted = match wanted {
        Some(Reconcile::All) => return (0..pairs).collect(),
        Some(Reconcile::Sample(number)) => number,
        None => DEFAULT,
    };
    let (mut chosen, mut rest): (Vec<u32>, Vec<u32>) = (0..pairs).partition(|pair| ledger.suspect(*pair));
    rest.sort_by_key(|pair| mix(seed ^ mix(u64::from(*pair))));
    rest.truncate(wanted.saturating_sub(chosen.len()));
    chosen.append(&mut rest);
    chosen.sort_unstable();
    chosen
}

/// Enters a whole history into the ledger: dense from 1, each message known, and nothing missing.
fn compare(pair: u32, ids: [UserId; 2], rows: &[Row], ledger: &mut Ledger) {
    for (expected, row) in (1..).zip(rows) {
        if row.sequence != expected {
            let what = || format!("pair {pair} has sequence {} where {expected} belongs", row.sequence);
            ledger.violations.history(Class::Gap, what);
            break;
        }
    }
    for row in rows {
        let sender = (0..).zip(ids).find(|(_, id)| *id == row.sender_id).map(|(side, _)| pair * 2 + side);
        ledger.stored(pair, sender, row.content.as_bytes());
    }
    ledger.close(pair);
}

/// One conversation's history.
struct History<'a> {
    client: &'a Client,
    target: &'a str,
    caller: &'a Account,
    peer: UserId,
    rate_limited: u64,
}

impl History<'_> {
    async fn read(mut self) -> (Result<Vec<Row>, String>, u64) {
        let mut rows: Vec<Row> = Vec::new();
        let result = loop {
            let after = rows.last().map_or(0, |row| row.sequence);
            match self.page(after).await {
                Ok(page) => {
                    let stuck = page.has_more && page.messages.last().is_none_or(|row| row.sequence <= after);
                    if stuck {
                        break Err(format!("the page after {after} says hasMore and leads nowhere"));
                    }
                    rows.extend(page.messages);
                    if !page.has_more {
                        break Ok(rows);
                    }
                }
                Err(error) => break Err(error),
            }
        };
        (result, self.rate_limited)
    }

    async fn page(&mut self, after: u64) -> Result<Page, String> {
        let url =
            format!("{}/api/chat/conversations/{}/messages", self.target.trim_end_matches('/'), self.peer);
        let mut attempt = 1;
        loop {
            let query = [("after", after.to_string()), ("limit", PAGE_MAX.to_string())];
            let request = self.client.get(&url).query(&query).bearer_auth(&self.caller.token).timeout(CALL);
            let response = request.send().await.map_err(|error| root(&error))?;
            let status = response.status();
            let busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
            self.rate_limited += u64::from(status == StatusCode::TOO_MANY_REQUESTS);
            if status.is_success() {
                let bytes = response.bytes().await.map_err(|error| root(&error))?;
                return serde_json::from_slice(&bytes).map_err(|error| error.to_string());
            }
            if !busy || attempt == ATTEMPTS {
                return Err(format!("{status} {}", response.text().await.unwrap_or_default()));
            }
            let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            let wait = header.and_then(|text| text.parse().ok()).unwrap_or(1).min(WAIT_MAX);
            tokio::time::sleep(Duration::from_secs(wait)).await;
            attempt += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Payload;

    const RUN: u32 = 5;

    fn ledger() -> Ledger {
        let mut ledger = Ledger::new(RUN, 20);
        for user in 0..20 {
            ledger.sent(user, 0);
            ledger.acknowledged(user, 0);
            if user != 9 {
                ledger.received(user ^ 1, Ok(Payload { run: RUN, sender: user, sequence: 0, planned: 0 }));
            }
        }
        ledger
    }

    fn row(sequence: u64, sender_id: UserId, sender: u32, number: u32) -> Row {
        let mut content = Vec::new();
        Payload { run: RUN, sender, sequence: number, planned: 0 }.write(80, &mut content);
        Row { sequence, sender_id, content: String::from_utf8(content).unwrap() }
    }

    #[test]
    fn a_sample_holds_each_doubtful_conversation() {
        let ledger = ledger();
        assert_eq!(choose(10, Some(Reconcile::All), 1, &ledger).len(), 10);
        assert_eq!(choose(10, None, 1, &ledger).len(), 10);
        assert_eq!(choose(10, Some(Reconcile::Sample(0)), 1, &ledger), [4]);
        let three = choose(10, Some(Reconcile::Sample(3)), 1, &ledger);
        assert!(three.len() == 3 && three.contains(&4));
        assert_eq!(choose(10, Some(Reconcile::Sample(3)), 1, &ledger), three);
    }

    #[test]
    fn a_dense_history_with_all_of_both_is_clean() {
        let (mut ledger, ids) = (ledger(), [UserId::draw(), UserId::draw()]);
        compare(0, ids, &[row(1, ids[1], 1, 0), row(2, ids[0], 0, 0)], &mut ledger);
        assert_eq!(ledger.violations.total(), 0);
    }

    #[test]
    fn a_gap_is_a_gap_and_a_missing_row_is_lost() {
        let (mut ledger, ids) = (ledger(), [UserId::draw(), UserId::draw()]);
        compare(0, ids, &[row(2, ids[0], 0, 0)], &mut ledger);
        assert_eq!(ledger.violations.history.of(Class::Gap), 1);
        assert_eq!(ledger.violations.history.of(Class::Lost), 1);
        assert_eq!(ledger.violations.total(), 2);
    }

    #[test]
    fn a_row_under_another_name_is_misdelivered() {
        let (mut ledger, ids) = (ledger(), [UserId::draw(), UserId::draw()]);
        compare(0, ids, &[row(1, ids[1], 1, 0), row(2, UserId::draw(), 0, 0)], &mut ledger);
        assert_eq!(ledger.violations.history.of(Class::Misdelivered), 1);
    }
}
