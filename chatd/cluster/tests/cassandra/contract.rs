//! The promises of `store::Messages`, unchanged, with buckets as they are and so small that all cross them.

use super::ground::{SMALL, on_a_keyspace, open};
use cluster::cassandra::Settings;
use std::sync::Arc;
use store::contract::{blocks, messages};
use store::messages::Messages;

macro_rules! promises {
    ($view:ident: $($suite:ident::$name:ident)*) => {$(
        eprintln!("{}", stringify!($suite::$name));
        $suite::$name(&$view).await;
    )*};
}

#[tokio::test]
async fn keeps_the_promises() {
    on_a_keyspace(async |cassandra| {
        for settings in [Settings::default(), SMALL, Settings { rows: 1, feed_bits: 0, ..SMALL }] {
            eprintln!("{settings:?}");
            let view = open(&cassandra, settings).await;
            promises! {
                view:
                messages::reads_what_was_written
                messages::lists_conversations
                messages::rewriting_changes_nothing
                messages::a_late_writer_cannot_win
                messages::heads_as_of_a_position
                messages::rows_make_a_head
                messages::pages_have_exact_edges
                messages::a_double_sequence_shows
                messages::a_feed_skips_and_repeats_nothing
                messages::a_feed_is_fair
                messages::a_device_only_moves_on
                blocks::the_latest_word_on_a_pair_counts
                blocks::heads_know_the_blocks_of_earlier_records
                blocks::lists_blocks
                blocks::an_erasure_lasts
            }
        }
    })
    .await;
}

#[tokio::test]
async fn remembers_checkpoints() {
    on_a_keyspace(async |cassandra| {
        let view = open(&cassandra, Settings::default()).await;
        messages::remembers_checkpoints(&view).await;
    })
    .await;
}

#[tokio::test]
async fn a_checkpoint_survives() {
    on_a_keyspace(async |cassandra| {
        let reopen = async |view: Arc<dyn Messages>| {
            drop(view);
            Arc::new(open(&cassandra, Settings::default()).await) as Arc<dyn Messages>
        };
        let view = Arc::new(open(&cassandra, Settings::default()).await);
        messages::a_checkpoint_survives(view, reopen).await;
    })
    .await;
}
