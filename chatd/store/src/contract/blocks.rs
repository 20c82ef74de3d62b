//! The promises of `Messages` about blocks and erasures, each as one function on an empty view.

#![expect(clippy::unwrap_used, reason = "these functions are the bodies of tests")]

use super::messages::{Pair, at};
use crate::messages::{Block, Messages, Page, Write};
use schema::{ConversationId, Timestamp, UserId};
use std::sync::Arc;

fn block(pair: &Pair, by: usize, blocked: bool, offset: u64) -> Write {
    Write::Block {
        conversation: pair.conversation,
        user: pair.members[by],
        peer: pair.members[1 - by],
        blocked,
        position: at(offset),
        at: Timestamp(i64::try_from(offset).unwrap()),
    }
}

async fn blocked(view: &dyn Messages, pair: &Pair) -> [bool; 2] {
    let [a, b] = pair.members;
    view.blocked(&[(a, b), (b, a)]).await.unwrap().try_into().unwrap()
}

/// The newest word on a pair counts, in whatever order the words are written.
pub async fn the_latest_word_on_a_pair_counts(view: &dyn Messages) {
    let pair = Pair::draw();
    assert_eq!(blocked(view, &pair).await, [false, false]);
    view.write(&[block(&pair, 0, true, 10)]).await.unwrap();
    assert_eq!(blocked(view, &pair).await, [true, false]);
    view.write(&[block(&pair, 0, false, 30), block(&pair, 1, true, 31)]).await.unwrap();
    assert_eq!(blocked(view, &pair).await, [false, true]);
    view.write(&[block(&pair, 0, true, 20)]).await.unwrap();
    assert_eq!(blocked(view, &pair).await, [false, true], "an earlier record won");
    view.write(&[block(&pair, 0, false, 50), block(&pair, 0, true, 40)]).await.unwrap();
    assert_eq!(blocked(view, &pair).await, [false, true], "an earlier record won in a batch");
}

/// A head as of a position knows the blocks of earlier records, with and without messages.
pub async fn heads_know_the_blocks_of_earlier_records(view: &dyn Messages) {
    let pair = Pair::draw();
    view.write(&[block(&pair, 1, true, 10)]).await.unwrap();
    view.write(&pair.writes(1, at(20))).await.unwrap();
    view.write(&[block(&pair, 1, false, 30), block(&pair, 0, true, 31)]).await.unwrap();
    let as_of = |offset| pair.head_as_of(view, offset);
    assert_eq!(as_of(10).await, None, "both came later");
    let early = as_of(11).await.unwrap();
    assert_eq!((early.members, early.last_sequence, early.blocked), (pair.members, 0, [false, true]));
    for (offset, last, expected) in
        [(20, 0, [false, true]), (21, 1, [false, true]), (31, 1, [false, false]), (32, 1, [true, false])]
    {
        let head = as_of(offset).await.unwrap();
        assert_eq!((head.last_sequence, head.blocked), (last, expected), "as of {offset}");
    }
}

/// Those whom somebody has blocked are listed by id, in pages, without those who no more are.
pub async fn lists_blocks(view: &dyn Messages) {
    let user = UserId::draw();
    let mut peers: Vec<UserId> = (0..7).map(|_| UserId::draw()).collect();
    peers.sort_unstable();
    for (n, peer) in (0..).zip(&peers) {
        let write = |blocked, offset| Write::Block {
            conversation: ConversationId::between(user, *peer),
            user,
            peer: *peer,
            blocked,
            position: at(offset),
            at: Timestamp(n),
        };
        view.write(&[write(true, 10)]).await.unwrap();
        if n == 3 {
            view.write(&[write(false, 11)]).await.unwrap();
        }
    }
    peers.remove(3);
    let mut listed = Vec::new();
    loop {
        let after = listed.last().map(|block: &Block| block.peer);
        let page = view.blocks(user, after, 4).await.unwrap();
        assert!(page.len() <= 4);
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    assert_eq!(listed.iter().map(|block| block.peer).collect::<Vec<_>>(), peers);
    assert_eq!(listed[0].since, Timestamp(0));
    assert_eq!(view.blocks(peers[0], None, 4).await.unwrap(), [], "being blocked is no block");
}

/// Rows of somebody who was erased have no content, whether they were there or are written again, and keep
/// their places. The other's rows stay.
pub async fn an_erasure_lasts(view: &dyn Messages) {
    let pair = Pair::draw();
    let [gone, stays] = pair.members;
    let mine = pair.row(1, at(10));
    let mut theirs = pair.row(2, at(20));
    (theirs.sender_id, theirs.recipient_id) = (stays, gone);
    let again = Write::Message(Arc::new(mine.clone()));
    view.write(&[again.clone(), Write::Message(Arc::new(theirs))]).await.unwrap();
    view.write(&[Write::Erase { user: gone, conversation: pair.conversation }]).await.unwrap();
    view.write(&[again]).await.unwrap();
    view.write(&[
        Write::Message(Arc::new(pair.row(3, at(30)))),
        Write::Erase { user: gone, conversation: pair.conversation },
        Write::Message(Arc::new(pair.row(4, at(40)))),
    ])
    .await
    .unwrap();
    let rows = view.history(pair.conversation, Page::Newest, 10).await.unwrap();
    let shown: Vec<_> = rows.iter().map(|row| (row.sequence, row.content.is_empty(), row.erased)).collect();
    assert_eq!(shown, [(1, true, true), (2, false, false), (3, true, true), (4, true, true)]);
    assert!(rows[0].metadata.is_none());
    assert_eq!(rows[0].message_id, mine.message_id);
    let elsewhere = Pair::draw();
    view.write(&elsewhere.writes(1, at(50))).await.unwrap();
    let row = view.message(elsewhere.conversation, 1).await.unwrap().unwrap();
    assert!(!row.erased && !row.content.is_empty());
}
