//! `store::Messages` on fjall.

use embedded::History;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::contract::blocks;
use store::contract::messages as contract;
use store::contract::messages::{EPOCH, PARTITIONS};
use store::messages::Messages;
use tempfile::TempDir;

fn open(folder: &Path) -> History {
    History::open(folder, EPOCH, PARTITIONS).unwrap()
}

macro_rules! promises {
    ($suite:ident: $($name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            let data = TempDir::new().unwrap();
            $suite::$name(&open(&data.path().join("history"))).await;
        }
    )*};
}

promises! {
    contract:
    reads_what_was_written
    lists_conversations
    rewriting_changes_nothing
    a_late_writer_cannot_win
    heads_as_of_a_position
    rows_make_a_head
    pages_have_exact_edges
    a_double_sequence_shows
    a_feed_skips_and_repeats_nothing
    a_feed_is_fair
    a_device_only_moves_on
    remembers_checkpoints
}

promises! {
    blocks:
    the_latest_word_on_a_pair_counts
    heads_know_the_blocks_of_earlier_records
    lists_blocks
    an_erasure_lasts
}

#[tokio::test]
async fn a_checkpoint_survives() {
    let data = TempDir::new().unwrap();
    let reopen = async |view: Arc<dyn Messages>| {
        drop(view);
        Arc::new(open(data.path())) as Arc<dyn Messages>
    };
    contract::a_checkpoint_survives(Arc::new(open(data.path())), reopen).await;
}

/// Without a runtime's blocking threads, as in a tool, scans run where they are called.
#[test]
fn reads_outside_a_runtime() {
    let data = TempDir::new().unwrap();
    let view = open(data.path());
    let mut read = std::pin::pin!(view.conversations(schema::UserId::draw(), 10));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(listed) = read.as_mut().poll(&mut context) else {
        panic!("waits for a runtime")
    };
    assert!(listed.unwrap().is_empty());
}

#[test]
fn a_view_has_one_opener() {
    let data = TempDir::new().unwrap();
    let view = open(data.path());
    let refusal = History::open(data.path(), EPOCH, PARTITIONS).map(drop).unwrap_err();
    assert!(refusal.to_string().contains("open in another process"), "{refusal}");
    drop(view);
    drop(open(data.path()));
}

#[test]
fn the_folder_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let data = TempDir::new().unwrap();
    let folder = data.path().join("history");
    drop(open(&folder));
    assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_damaged_view_is_refused() {
    let data = TempDir::new().unwrap();
    drop(open(data.path()));
    let marker =
        files(data.path()).into_iter().find(|path| path.ends_with("version")).expect("fjall's marker");
    std::fs::write(&marker, b"no such thing").unwrap();
    let refusal = History::open(data.path(), EPOCH, PARTITIONS).map(drop).unwrap_err();
    assert!(matches!(refusal, store::Error::Corrupt(_)), "{refusal}");
    assert!(refusal.to_string().contains(&data.path().display().to_string()), "{refusal}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}
