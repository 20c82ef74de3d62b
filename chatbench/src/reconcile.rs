//! Compares the ledger with the server's history, conversation by conversation, over REST.

use crate::cli::Reconcile;
use crate::provision::root;
use futures_util::{StreamExt, stream};
use ledger::{Class, Ledger};
use plan::Account;
use plan::payload::mix;
use report::model::Reconciled;
use reqwest::{Client, StatusCode, header::RETRY_AFTER};
use schema::UserId;
use schema::limits::PAGE_MAX;
use serde::Deserialize;
use std::cell::RefCell;
use std::time::Duration;

/// Conversations that are read wholly when nothing else is said.
const DEFAULT: usize = 2000;
/// Conversations read at a time.
const AT_ONCE: usize = 8;
/// Attempts at a page, and the longest that a `Retry-After` is followed.
const ATTEMPTS: u32 = 4;
const WAIT_MAX: u64 = 65;
const CALL: Duration = Duration::from_secs(30);

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

/// Reads the history of all conversations, or of a sample and each doubtful one, and closes their books. Pages are entered
/// as they come: what is kept meanwhile is a page for each conversation that is being read.
pub(crate) async fn reconcile(
    client: &Client,
    api: &str,
    accounts: &[Account],
    wanted: Option<Reconcile>,
    seed: u64,
    ledger: &mut Ledger,
) -> Reconciled {
    let pairs = u32::try_from(accounts.len() / 2).unwrap_or(u32::MAX);
    let chosen = choose(pairs, wanted, seed, ledger);
    let rule = if chosen.len() == pairs as usize { "all" } else { "sample" };
    let mut result =
        Reconciled { rule: rule.into(), conversations: u64::from(pairs), ..Reconciled::default() };
    for pair in (0..pairs).filter(|pair| chosen.binary_search(pair).is_err()) {
        ledger.leave(pair);
    }
    let book = RefCell::new(ledger);
    let reads = stream::iter(chosen).map(|pair| {
        let book = &book;
        async move {
            let (one, two) = (&accounts[pair as usize * 2], &accounts[pair as usize * 2 + 1]);
            let mut history = History { client, api, caller: one, peer: two.id, rate_limited: 0 };
            let mut entry = Entry { pair, ids: [one.id, two.id], expected: 1, gap: false };
            let read = history.read(|rows| entry.enter(rows, &mut book.borrow_mut())).await;
            (pair, read, entry.expected - 1, history.rate_limited)
        }
    });
    let mut reads = reads.buffer_unordered(AT_ONCE);
    while let Some((pair, read, rows, rate_limited)) = reads.next().await {
        result.rate_limited += rate_limited;
        match read {
            Ok(()) => {
                book.borrow_mut().close(pair);
                result.compared += 1;
                result.messages += rows;
            }
            Err(error) => {
                book.borrow_mut().leave(pair);
                result.unread += 1;
                if result.errors.len() < ledger::ERRORS {
                    result.errors.push(format!("history of pair {pair}: {error}"));
                }
            }
        }
    }
    result
}

/// The server keeps nothing: what stays unknown is counted.
pub(crate) fn without_history(pairs: u32, ledger: &mut Ledger) -> Reconciled {
    (0..pairs).for_each(|pair| ledger.leave(pair));
    Reconciled { rule: "none".into(), conversations: u64::from(pairs), ..Reconciled::default() }
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

/// Enters a history into the ledger, page by page: dense from 1, and each message known.
struct Entry {
    pair: u32,
    ids: [UserId; 2],
    /// The next row's sequence; rows so far and one.
    expected: u64,
    /// A gap was found: the rest is shifted, and no gap of its own.
    gap: bool,
}

impl Entry {
    fn enter(&mut self, rows: &[Row], ledger: &mut Ledger) {
        let pair = self.pair;
        for row in rows {
            let expected = self.expected;
            if row.sequence != expected && !self.gap {
                self.gap = true;
                let what = || format!("pair {pair} has sequence {} where {expected} belongs", row.sequence);
                ledger.violations.history(Class::Gap, what);
            }
            self.expected += 1;
            let sender = (0..).zip(self.ids).find(|(_, id)| *id == row.sender_id);
            ledger.stored(pair, sender.map(|(side, _)| pair * 2 + side), row.content.as_bytes());
        }
    }
}

/// One conversation's history.
struct History<'a> {
    client: &'a Client,
    /// Base of REST calls, without a slash at its end.
    api: &'a str,
    caller: &'a Account,
    peer: UserId,
    rate_limited: u64,
}

impl History<'_> {
    async fn read(&mut self, mut enter: impl FnMut(&[Row])) -> Result<(), String> {
        let mut after = 0;
        loop {
            let page = self.page(after).await?;
            enter(&page.messages);
            let last = page.messages.last().map_or(0, |row| row.sequence);
            if !page.has_more {
                return Ok(());
            }
            if last <= after {
                return Err(format!("the page after {after} says hasMore and leads nowhere"));
            }
            after = last;
        }
    }

    async fn page(&mut self, after: u64) -> Result<Page, String> {
        let url = format!("{}/api/chat/conversations/{}/messages", self.api, self.peer);
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
    use plan::Payload;

    const RUN: u32 = 5;

    fn ledger() -> Ledger {
        let mut ledger = Ledger::new(RUN, 0..20);
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

    fn compare(pair: u32, ids: [UserId; 2], rows: &[Row], ledger: &mut Ledger) {
        let mut entry = Entry { pair, ids, expected: 1, gap: false };
        rows.chunks(1).for_each(|page| entry.enter(page, ledger));
        ledger.close(pair);
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
    fn rows_of_an_earlier_run_count_in_the_sequence_and_nowhere_else() {
        let (mut ledger, ids) = (ledger().reused(true), [UserId::draw(), UserId::draw()]);
        let earlier = |sequence, side: usize| {
            let mut content = Vec::new();
            Payload { run: RUN + 1, sender: side as u32, sequence: 0, planned: 0 }.write(80, &mut content);
            Row { sequence, sender_id: ids[side], content: String::from_utf8(content).unwrap() }
        };
        let own = |from| [row(from, ids[1], 1, 0), row(from + 1, ids[0], 0, 0)];
        let [first, second] = own(3);
        compare(0, ids, &[earlier(1, 0), earlier(2, 1), first, second], &mut ledger);
        assert_eq!(ledger.violations.total(), 0, "{:?}", ledger.violations);
        let mut ledger = self::ledger().reused(true);
        let [first, second] = own(4);
        compare(0, ids, &[earlier(1, 0), earlier(3, 1), first, second], &mut ledger);
        assert_eq!((ledger.violations.history.of(Class::Gap), ledger.violations.total()), (1, 1));
    }

    #[test]
    fn a_row_under_another_name_is_misdelivered() {
        let (mut ledger, ids) = (ledger(), [UserId::draw(), UserId::draw()]);
        compare(0, ids, &[row(1, ids[1], 1, 0), row(2, UserId::draw(), 0, 0)], &mut ledger);
        assert_eq!(ledger.violations.history.of(Class::Misdelivered), 1);
    }
}
