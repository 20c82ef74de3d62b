//! Heads, now and as they were before a record.

use super::View;
use super::codec::decode_head;
use super::fault::unreadable;
use super::read::position;
use futures_util::{StreamExt, TryStreamExt, stream};
use schema::limits::{CASSANDRA_PAGE, CASSANDRA_REQUESTS};
use schema::{ConversationId, Position, UserId};
use std::collections::{HashMap, HashSet};
use store::Error;
use store::messages::{Head, StoredMessage};
use uuid::Uuid;

/// What a conversation is in the table of heads.
#[derive(Default)]
struct Stored {
    head: Option<Vec<u8>>,
    /// The newest blocks and unblocks, newest first.
    toggles: Vec<Toggle>,
}

/// Somebody blocked the other, or did so no more.
#[derive(Clone, Copy)]
struct Toggle {
    written: i64,
    person: UserId,
    peer: UserId,
    blocked: bool,
}

type Fields = (Option<i64>, Option<Uuid>, Option<Uuid>, Option<bool>);

/// Who has blocked whom at a moment.
struct Blocked {
    members: [UserId; 2],
    blocked: [bool; 2],
}

impl View {
    pub(super) async fn heads(&self, conversations: &[ConversationId]) -> Result<Vec<Option<Head>>, Error> {
        let keys: Vec<Uuid> = conversations.iter().map(|conversation| conversation.0).collect();
        let found: Vec<(Uuid, Option<Vec<u8>>)> = self.many(&self.statements.heads, &keys).await?;
        let found: HashMap<Uuid, Option<Vec<u8>>> = found.into_iter().collect();
        let bytes = |conversation: &ConversationId| found.get(&conversation.0).and_then(Option::as_deref);
        conversations.iter().map(|conversation| head(*conversation, bytes(conversation))).collect()
    }

    /// Heads that the rows and blocks of earlier records make, with what never goes back as it is. A head that
    /// an earlier record changed last is what the rows say: nothing but its blocks is asked.
    pub(super) async fn heads_as_of(
        &self,
        conversations: &[ConversationId],
        at: Position,
    ) -> Result<Vec<Option<Head>>, Error> {
        let stored = self.stored(conversations).await?;
        let headless: Vec<Uuid> = conversations
            .iter()
            .map(|conversation| conversation.0)
            .filter(|key| stored.get(key).is_none_or(|stored| stored.head.is_none()))
            .collect();
        let begun: Vec<(Uuid, i64)> = self.many(&self.statements.first_rows, &headless).await?;
        let begun: HashSet<Uuid> = begun.into_iter().map(|(conversation, _)| conversation).collect();
        let (stored, begun) = (&stored, &begun);
        stream::iter(conversations.to_vec())
            .map(|conversation| async move {
                let none = Stored::default();
                let stored = stored.get(&conversation.0).unwrap_or(&none);
                self.head_as_of(conversation, stored, begun.contains(&conversation.0), at).await
            })
            .buffered(CASSANDRA_REQUESTS)
            .try_collect()
            .await
    }

    async fn head_as_of(
        &self,
        conversation: ConversationId,
        stored: &Stored,
        begun: bool,
        at: Position,
    ) -> Result<Option<Head>, Error> {
        let stored_head = head(conversation, stored.head.as_deref())?;
        let blocks = self.blocked_before(conversation, stored, at).await?;
        let blocked = blocks.as_ref().map_or([false; 2], |blocks| blocks.blocked);
        if let Some(head) = stored_head.as_ref().filter(|head| head.changed.is_before(at)) {
            return Ok(Some(Head { blocked, ..head.clone() }));
        }
        let row = match (&stored_head, begun) {
            (None, false) => None,
            _ => self.newest_before(conversation, at).await?,
        };
        let mut head = match (stored_head, &row, &blocks) {
            (_, None, None) => return Ok(None),
            (Some(head), ..) => head,
            (None, Some(row), _) => self.head_of_rows(row).await?,
            (None, None, Some(blocks)) => Head::empty(conversation, blocks.members),
        };
        (head.last_sequence, head.last_message_at) =
            row.map_or_else(Default::default, |row| (row.sequence, row.timestamp));
        head.blocked = blocked;
        Ok(Some(head))
    }

    async fn stored(&self, conversations: &[ConversationId]) -> Result<HashMap<Uuid, Stored>, Error> {
        let keys: Vec<Uuid> = conversations.iter().map(|conversation| conversation.0).collect();
        type Row = (Uuid, Option<Vec<u8>>, Option<i64>, Option<Uuid>, Option<Uuid>, Option<bool>);
        let rows: Vec<Row> = self.many(&self.statements.heads_and_toggles, &keys).await?;
        let mut all: HashMap<Uuid, Stored> = HashMap::new();
        for (conversation, head, written, person, peer, blocked) in rows {
            let stored = all.entry(conversation).or_default();
            stored.head = head;
            stored.toggles.extend(toggle((written, person, peer, blocked)));
        }
        Ok(all)
    }

    /// Who of a conversation had blocked the other before the record at `at`.
    async fn blocked_before(
        &self,
        conversation: ConversationId,
        stored: &Stored,
        at: Position,
    ) -> Result<Option<Blocked>, Error> {
        let mut found = Words::default();
        let Some(oldest) = stored.toggles.last() else { return Ok(None) };
        let before = at.write_timestamp().cast_signed();
        if found.take(stored.toggles.iter().filter(|toggle| toggle.written < before)) {
            return Ok(found.blocked());
        }
        let mut behind = oldest.written.min(before);
        loop {
            let rows: Vec<Fields> =
                self.all(&self.statements.toggles_before, (conversation.0, behind)).await?;
            let toggles: Vec<Toggle> = rows.into_iter().filter_map(toggle).collect();
            let Some(oldest) = toggles.last() else { return Ok(found.blocked()) };
            behind = oldest.written;
            if found.take(toggles.iter()) {
                return Ok(found.blocked());
            }
        }
    }

    /// The newest row that an earlier record made.
    async fn newest_before(
        &self,
        conversation: ConversationId,
        at: Position,
    ) -> Result<Option<StoredMessage>, Error> {
        let mut bucket = self.last_bucket(conversation, i64::MAX).await?;
        let mut last = i64::MAX;
        loop {
            let limit = i32::try_from(CASSANDRA_PAGE).map_err(unreadable)?;
            let places = self.places(conversation, bucket, last, limit).await?;
            let earlier = places.iter().find(|(_, written)| position(at.partition, *written).is_before(at));
            if let Some((sequence, written)) = earlier {
                let rows = self.from(conversation, sequence.cast_unsigned(), 1).await?;
                let row =
                    rows.into_iter().find(|row| row.position == position(row.position.partition, *written));
                return Ok(row.map(|row| StoredMessage::clone(&row)));
            }
            match places.last() {
                Some((oldest, _)) if places.len() == CASSANDRA_PAGE => last = *oldest - 1,
                _ if bucket == 0 => return Ok(None),
                _ => bucket -= 1,
            }
        }
    }

    /// A head that was never written. Its newest client time must not be too low, or a repeat would be taken
    /// for new, so every row is asked.
    async fn head_of_rows(&self, newest: &StoredMessage) -> Result<Head, Error> {
        let mut members = [newest.sender_id, newest.recipient_id];
        members.sort_unstable();
        let (mut newest_client_ms, mut next) = (0, 0);
        loop {
            let rows = self.from(newest.conversation_id, next, CASSANDRA_PAGE - 1).await?;
            let Some(last) = rows.last() else { break };
            next = last.sequence + 1;
            let times = rows.iter().map(|row| client_ms(&row.client_message_id));
            newest_client_ms = times.fold(newest_client_ms, u64::max);
        }
        Ok(Head {
            changed: newest.position,
            newest_client_ms,
            ..Head::empty(newest.conversation_id, members)
        })
    }
}

/// The newest word of each of the two, from the newest on.
#[derive(Default)]
struct Words(Vec<Toggle>);

impl Words {
    /// Takes older ones in; whether both have spoken.
    fn take<'a>(&mut self, toggles: impl Iterator<Item = &'a Toggle>) -> bool {
        for toggle in toggles {
            if !self.0.iter().any(|said| said.person == toggle.person) {
                self.0.push(*toggle);
            }
        }
        self.0.len() > 1
    }

    fn blocked(&self) -> Option<Blocked> {
        let first = self.0.first()?;
        let mut members = [first.person, first.peer];
        members.sort_unstable();
        let mut blocked = [false; 2];
        for toggle in &self.0 {
            blocked[usize::from(toggle.person != members[0])] = toggle.blocked;
        }
        Some(Blocked { members, blocked })
    }
}

fn toggle((written, person, peer, blocked): Fields) -> Option<Toggle> {
    Some(Toggle { written: written?, person: UserId(person?), peer: UserId(peer?), blocked: blocked? })
}

fn head(conversation: ConversationId, bytes: Option<&[u8]>) -> Result<Option<Head>, Error> {
    let Some(bytes) = bytes else { return Ok(None) };
    decode_head(conversation, bytes).map(Some).ok_or_else(|| {
        Error::Corrupt(format!("cassandra: head of conversation {conversation} can't be read"))
    })
}

/// The time in a client id that is a UUIDv7; zero for others, which are always looked up.
fn client_ms(client_message_id: &str) -> u64 {
    let Ok(id) = Uuid::try_parse(client_message_id) else { return 0 };
    if id.get_version_num() == 7 { id.as_u64_pair().0 >> 16 } else { 0 }
}
