//! How many messages a second the history view takes, in batches as the sequencer writes them: one row, one
//! id, one head and two feed entries for each message. Run with `--release`.

use embedded::History;
use schema::{ConversationId, MessageId, MessageType, Position, Timestamp, UserId};
use std::sync::Arc;
use std::time::Instant;
use store::messages::{Applied, Change, FeedEntry, Head, IdEntry, Messages, StoredMessage, Write};

const MESSAGES: u64 = 1_000_000;
const BATCH: u64 = 100;
const PAIRS: u64 = 5_000;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "the numbers are the output")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: history_bench <empty folder>")?;
    let view = History::open(folder.as_ref(), 1, 1)?;
    let pairs: Vec<[UserId; 2]> = (0..PAIRS)
        .map(|_| {
            let mut pair = [UserId::draw(), UserId::draw()];
            pair.sort_unstable();
            pair
        })
        .collect();
    let start = Instant::now();
    let mut slowest = 0.0_f64;
    for first in (0..MESSAGES).step_by(usize::try_from(BATCH)?) {
        let batch: Vec<_> = (first..first + BATCH)
            .flat_map(|offset| writes(pairs[usize::try_from(offset % PAIRS).unwrap_or(0)], offset))
            .collect();
        let begun = Instant::now();
        view.write(&batch).await?;
        slowest = slowest.max(begun.elapsed().as_secs_f64());
        if (first + BATCH).is_multiple_of(100_000) {
            let applied = Applied { epoch: 1, next: first + BATCH, last_event: None };
            view.checkpoint(0, applied).await?;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{MESSAGES} messages in {seconds:.1} s: {:.0}/s, slowest batch {:.1} ms",
        MESSAGES as f64 / seconds,
        slowest * 1e3
    );
    Ok(())
}

/// The writes of the record at `offset`.
fn writes(members: [UserId; 2], offset: u64) -> Vec<Write> {
    let conversation_id = ConversationId::between(members[0], members[1]);
    let sequence = offset / PAIRS + 1;
    let position = Position { epoch: 1, partition: 0, offset };
    let client_message_id = format!("client-{offset}");
    let message_id = MessageId::derive(conversation_id, members[0], &client_message_id);
    let row = StoredMessage {
        message_id,
        conversation_id,
        sequence,
        position,
        sender_id: members[0],
        recipient_id: members[1],
        client_message_id,
        content: "a message of middling length, as people write them to each other all day".into(),
        message_type: MessageType::Text,
        timestamp: Timestamp(0),
        reply_to_message_id: None,
        metadata: None,
        hidden: false,
        erased: false,
    };
    let head = Head { last_sequence: sequence, changed: position, ..Head::empty(conversation_id, members) };
    let entry = FeedEntry { position, conversation_id, change: Change::Message { sequence } };
    vec![
        Write::Message(Arc::new(row)),
        Write::Id(IdEntry { message_id, conversation_id, sequence, position, request_hash: [0; 16] }),
        Write::Head(head),
        Write::Feed { user: members[0], entry: entry.clone() },
        Write::Feed { user: members[1], entry },
    ]
}
