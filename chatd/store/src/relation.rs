//! What people are to each other, which decides what of a person anybody is shown.

use crate::{Error, Messages, Profiles};
use schema::UserId;
use schema::user::Relation;

/// What `viewer` is to `person`.
///
/// # Errors
/// When one of the stores does not answer.
pub async fn relation(
    profiles: &dyn Profiles,
    messages: &dyn Messages,
    viewer: UserId,
    person: UserId,
) -> Result<Relation, Error> {
    let relation = relations(profiles, messages, &[(viewer, person)]).await?.pop();
    // One pair asked for, one relation told; a stranger is shown the least that is not a secret in itself.
    Ok(relation.unwrap_or(Relation::Stranger))
}

/// For each `(viewer, person)`, in order, what the viewer is to the person: one question to each store, however
/// many there are. A block in either direction counts before everything else but being the same person.
///
/// # Errors
/// When one of the stores does not answer.
pub async fn relations(
    profiles: &dyn Profiles,
    messages: &dyn Messages,
    pairs: &[(UserId, UserId)],
) -> Result<Vec<Relation>, Error> {
    let others: Vec<(UserId, UserId)> =
        pairs.iter().copied().filter(|(viewer, person)| viewer != person).collect();
    if others.is_empty() {
        return Ok(vec![Relation::Oneself; pairs.len()]);
    }
    // A contact is who stands in the person's list: whom the viewer has in theirs is their own affair.
    let turned: Vec<(UserId, UserId)> = others.iter().map(|(viewer, person)| (*person, *viewer)).collect();
    let both_ways: Vec<(UserId, UserId)> = others.iter().chain(&turned).copied().collect();
    let blocked = messages.blocked(&both_ways).await?;
    let contacts = profiles.are_contacts(&turned).await?;
    let mut facts = (0..others.len()).map(|i| (blocked[i] || blocked[i + others.len()], contacts[i]));
    let relation = |(viewer, person): &(UserId, UserId)| {
        if viewer == person {
            return Relation::Oneself;
        }
        match facts.next() {
            Some((true, _)) => Relation::Blocked,
            Some((false, true)) => Relation::Contact,
            Some((false, false)) | None => Relation::Stranger,
        }
    };
    Ok(pairs.iter().map(relation).collect())
}
