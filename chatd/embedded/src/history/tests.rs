use super::*;
use schema::{MessageType, Timestamp};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

fn open(folder: &Path) -> History {
    History::open(folder, 1, 1).unwrap()
}

fn member() -> Write {
    Write::Member { user: UserId::draw(), conversation: ConversationId::from_bytes([1; 16]) }
}

/// A conversation in which each record is a message.
struct Talk {
    members: [UserId; 2],
    conversation: ConversationId,
}

impl Talk {
    fn begin() -> Self {
        let mut members = [UserId::draw(), UserId::draw()];
        members.sort_unstable();
        Self { members, conversation: ConversationId::between(members[0], members[1]) }
    }

    /// The writes of the record at `offset`, which is message `offset + 1`.
    fn record(&self, offset: u64) -> Vec<Write> {
        let position = Position { epoch: 1, partition: 0, offset };
        let client = format!("c-{offset}");
        let row = StoredMessage {
            message_id: MessageId::derive(self.conversation, self.members[0], &client),
            conversation_id: self.conversation,
            sequence: offset + 1,
            position,
            sender_id: self.members[0],
            recipient_id: self.members[1],
            client_message_id: client,
            content: "x".repeat(300),
            message_type: MessageType::Text,
            timestamp: Timestamp(0),
            reply_to_message_id: None,
            metadata: None,
            hidden: false,
            erased: false,
        };
        let head = Head {
            last_sequence: row.sequence,
            last_message_at: row.timestamp,
            changed: position,
            ..Head::empty(self.conversation, self.members)
        };
        vec![Write::Message(Arc::new(row)), Write::Head(head)]
    }

    /// How many messages there are, and that head and rows agree on it.
    async fn length(&self, view: &History) -> u64 {
        let rows = view.history(self.conversation, Page::After(0), 10_000).await.unwrap();
        let sequences: Vec<u64> = rows.iter().map(|row| row.sequence).collect();
        let head = view.heads(&[self.conversation], None).await.unwrap().remove(0);
        let length = head.map_or(0, |head| head.last_sequence);
        assert_eq!(sequences, (1..=length).collect::<Vec<_>>(), "head and rows differ");
        length
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// The newest journal, with the bytes that hold something.
fn journal(folder: &Path) -> (PathBuf, usize) {
    let mut journals: Vec<PathBuf> =
        walk(folder).into_iter().filter(|path| path.extension().is_some_and(|e| e == "jnl")).collect();
    journals.sort();
    let path = journals.pop().unwrap();
    let bytes = fs::read(&path).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    (path, used)
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

/// Power loss of the view alone: whatever part of the journal behind the checkpoint is lost, the checkpoint
/// and everything before it stand, head and rows agree, and replaying from the checkpoint repairs the rest.
#[tokio::test]
async fn a_lost_tail_is_repaired_by_replay() {
    let data = TempDir::new().unwrap();
    let (live, lost) = (data.path().join("live"), data.path().join("lost"));
    let talk = Talk::begin();
    let view = open(&live);
    for offset in 0..30 {
        view.write(&talk.record(offset)).await.unwrap();
    }
    let applied = Applied { epoch: 1, next: 30, last_event: Some(MessageId::draw()) };
    view.checkpoint(0, applied.clone()).await.unwrap();
    let (_, synced) = journal(&live);
    for offset in 30..60 {
        view.write(&talk.record(offset)).await.unwrap();
    }
    let (_, written) = journal(&live);
    assert!(written > synced);
    for cut in [synced, synced + 1, (synced + written) / 2, written - 1, written] {
        let _ = fs::remove_dir_all(&lost);
        copy(&live, &lost);
        let file = fs::OpenOptions::new().write(true).open(journal(&lost).0).unwrap();
        file.set_len(cut as u64).unwrap(); // what was behind it never reached the disk
        drop(file);
        let view = open(&lost);
        assert_eq!(view.applied(0).await.unwrap().as_ref(), Some(&applied), "cut at {cut}");
        let length = talk.length(&view).await;
        assert!((30..=60).contains(&length), "cut at {cut} left {length}");
        assert!(cut != synced || length == 30, "a tail that was lost came back");
        for offset in 30..60 {
            view.write(&talk.record(offset)).await.unwrap();
        }
        assert_eq!(talk.length(&view).await, 60);
        drop(view);
        assert_eq!(talk.length(&open(&lost)).await, 60);
    }
}

/// An older copy of the folder is the view as it was then, with its own checkpoint.
#[tokio::test]
async fn an_older_copy_is_whole() {
    let data = TempDir::new().unwrap();
    let (live, old) = (data.path().join("live"), data.path().join("old"));
    let talk = Talk::begin();
    let view = open(&live);
    for offset in 0..5 {
        view.write(&talk.record(offset)).await.unwrap();
    }
    view.checkpoint(0, Applied { epoch: 1, next: 5, last_event: None }).await.unwrap();
    copy(&live, &old);
    for offset in 5..9 {
        view.write(&talk.record(offset)).await.unwrap();
    }
    view.checkpoint(0, Applied { epoch: 1, next: 9, last_event: None }).await.unwrap();
    let view = open(&old);
    assert_eq!(view.applied(0).await.unwrap().map(|applied| applied.next), Some(5));
    assert_eq!(talk.length(&view).await, 5);
}

/// After one failed write nothing is written, not even what would succeed; reads go on.
#[tokio::test]
async fn a_failed_write_is_the_end_of_writing() {
    let data = TempDir::new().unwrap();
    let view = open(data.path());
    view.write(&[member()]).await.unwrap();
    let told = view.0.fatal(&fjall::Error::Io(std::io::Error::other("no space left")));
    assert!(matches!(told, Error::Unavailable(_)));
    for refusal in [
        view.write(&[member()]).await,
        view.checkpoint(0, Applied { epoch: 1, next: 1, last_event: None }).await,
        view.health(),
    ] {
        let Err(Error::Unavailable(told)) = refusal else { panic!("{refusal:?}") };
        assert!(told.contains("no space left") && told.contains("restart"), "{told}");
    }
    assert_eq!(view.applied(0).await.unwrap(), None);
}

#[test]
fn another_format_is_refused() {
    let data = TempDir::new().unwrap();
    let view = open(data.path());
    view.0.meta.insert(keys::FORMAT, [FORMAT + 1]).unwrap();
    drop(view);
    let refusal = History::open(data.path(), 1, 1).map(drop).unwrap_err();
    assert!(matches!(refusal, Error::Corrupt(_)) && refusal.to_string().contains("format"), "{refusal}");
}

/// A write that fjall never ends is told too: it waits for a flush, and on a full disk nobody flushes.
#[test]
fn a_stuck_write_is_told() {
    let data = TempDir::new().unwrap();
    let view = open(data.path());
    view.0.health().unwrap();
    let begun = view.0.begin();
    view.0.health().unwrap();
    view.0.writing_since.store(1, Ordering::Relaxed);
    view.0.check_stuck(STUCK + Duration::from_millis(1)).unwrap();
    let refusal = view.0.check_stuck(STUCK + Duration::from_millis(2)).unwrap_err();
    assert!(refusal.to_string().contains("restart"), "{refusal}");
    drop(begun);
    view.0.check_stuck(STUCK * 2).unwrap();
}

/// A value that is not what was written is told, not skipped.
#[tokio::test]
async fn unreadable_values_are_told() {
    let data = TempDir::new().unwrap();
    let view = open(data.path());
    let talk = Talk::begin();
    view.write(&talk.record(0)).await.unwrap();
    view.0.rows.insert(keys::row(talk.conversation, 1, 1 << 44), [1, 2, 3]).unwrap();
    view.0.heads.insert(keys::head(talk.conversation), [1, 2, 3]).unwrap();
    let refusal = view.history(talk.conversation, Page::Newest, 9).await.unwrap_err();
    assert!(refusal.to_string().contains(&talk.conversation.to_string()), "{refusal}");
    assert!(matches!(refusal, Error::Corrupt(_)));
    assert!(matches!(view.heads(&[talk.conversation], None).await, Err(Error::Corrupt(_))));
}

/// A device that spoke in an earlier life of the log starts anew in this one.
#[tokio::test]
async fn device_positions_belong_to_an_epoch() {
    let data = TempDir::new().unwrap();
    let (user, session) = (UserId::draw(), SessionId::draw());
    let device = |partition, next| vec![Write::Device { user, session, partition, next }];
    let view = History::open(data.path(), 1, 3).unwrap();
    for partition in 0..3 {
        view.write(&device(partition, 500)).await.unwrap();
    }
    drop(view);
    let view = History::open(data.path(), 2, 3).unwrap();
    assert_eq!(view.device(user, session).await.unwrap(), Some(Cursor { epoch: 1, next: vec![500; 3] }));
    view.write(&device(1, 3)).await.unwrap();
    assert_eq!(view.device(user, session).await.unwrap(), Some(Cursor { epoch: 2, next: vec![0, 3, 0] }));
}
