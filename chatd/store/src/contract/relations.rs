//! The promise of [`relations`] on a set of stores, as one function on empty ones.

#![expect(clippy::unwrap_used, reason = "these functions are the bodies of tests")]

use crate::contract::profiles::person;
use crate::messages::{Messages, Write};
use crate::profiles::{Contact, Profiles};
use crate::relation::{relation, relations};
use schema::user::Relation::{Blocked, Contact as Friend, Oneself, Stranger};
use schema::{ConversationId, Position, Timestamp, UserId};

async fn set_block(messages: &dyn Messages, user: UserId, peer: UserId, blocked: bool, offset: u64) {
    let block = Write::Block {
        conversation: ConversationId::between(user, peer),
        user,
        peer,
        blocked,
        position: Position { offset, ..Position::default() },
        at: Timestamp(1),
    };
    messages.write(&[block]).await.unwrap();
}

/// A contact is who stands in the list of the person that is looked at; a block in either direction outweighs
/// that, and nothing outweighs being oneself.
pub async fn tells_relations(profiles: &dyn Profiles, messages: &dyn Messages) {
    let people: Vec<_> = ["anna", "ben", "cleo"].map(person).to_vec();
    let ids: Vec<UserId> = people.iter().map(|person| person.account.user_id).collect();
    profiles.create(people).await.unwrap();
    let (a, b, c) = (ids[0], ids[1], ids[2]);
    for (owner, user_id) in [(a, b), (a, a), (c, b), (b, c)] {
        let contact = Contact { user_id, alias: None, created_at: Timestamp(1) };
        profiles.put_contact(owner, contact, 9).await.unwrap();
    }
    let pairs = [(b, a), (a, b), (a, a), (a, c), (c, a), (b, c), (c, b), (UserId::draw(), a), (b, a)];
    let told = relations(profiles, messages, &pairs).await.unwrap();
    let expected = [Friend, Stranger, Oneself, Stranger, Stranger, Friend, Friend, Stranger, Friend];
    assert_eq!(told, expected);
    assert_eq!(relations(profiles, messages, &[]).await.unwrap(), []);
    assert_eq!(relations(profiles, messages, &[(b, b)]).await.unwrap(), [Oneself]);

    set_block(messages, b, a, true, 1).await;
    let told = relations(profiles, messages, &pairs).await.unwrap();
    let expected = [Blocked, Blocked, Oneself, Stranger, Stranger, Friend, Friend, Stranger, Blocked];
    assert_eq!(told, expected);
    set_block(messages, b, a, false, 2).await;
    assert_eq!(relation(profiles, messages, b, a).await.unwrap(), Friend);
    set_block(messages, a, b, true, 3).await;
    for (viewer, person) in [(a, b), (b, a)] {
        assert_eq!(relation(profiles, messages, viewer, person).await.unwrap(), Blocked);
    }
}
