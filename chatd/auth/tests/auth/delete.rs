//! Deleting a user while that user signs in.

use crate::fixture::{Service, config, parts};
use async_trait::async_trait;
use auth::{Auth, Parts};
use edge::{Metrics, Revocations};
use schema::api::{MintedToken, Session};
use schema::user::{PrivacyChange, PrivacySettings};
use schema::{Code, DisplayName, SessionId, Timestamp, UserId};
use std::sync::{Arc, OnceLock};
use store::Error;
use store::profiles::{Contact, Name, NewPerson, Profile, ProfileChange, Profiles, Put, Updated};

/// People among whom the one that is about to be removed starts a session at the last moment.
struct Late {
    people: embedded::People,
    auth: OnceLock<Auth>,
    token: OnceLock<MintedToken>,
}

#[async_trait]
impl Profiles for Late {
    async fn create(&self, people: Vec<NewPerson>) -> Result<Vec<Result<(), Error>>, Error> {
        self.people.create(people).await
    }

    async fn find(&self, name: &Name) -> Result<Option<Profile>, Error> {
        self.people.find(name).await
    }

    async fn find_all(&self, users: &[UserId]) -> Result<Vec<Option<Profile>>, Error> {
        self.people.find_all(users).await
    }

    async fn update(&self, user: UserId, change: ProfileChange) -> Result<Option<Updated>, Error> {
        self.people.update(user, change).await
    }

    async fn set_privacy(
        &self,
        user: UserId,
        change: &PrivacyChange,
    ) -> Result<Option<PrivacySettings>, Error> {
        self.people.set_privacy(user, change).await
    }

    async fn set_last_seen(&self, seen: &[(UserId, Timestamp)]) -> Result<(), Error> {
        self.people.set_last_seen(seen).await
    }

    async fn set_chosen_status(&self, user: UserId, status: Option<&str>) -> Result<(), Error> {
        self.people.set_chosen_status(user, status).await
    }

    async fn put_contact(&self, owner: UserId, contact: Contact, most: usize) -> Result<Put, Error> {
        self.people.put_contact(owner, contact, most).await
    }

    async fn set_alias(
        &self,
        owner: UserId,
        contact: UserId,
        alias: Option<&DisplayName>,
    ) -> Result<Option<Contact>, Error> {
        self.people.set_alias(owner, contact, alias).await
    }

    async fn remove_contact(&self, owner: UserId, contact: UserId) -> Result<bool, Error> {
        self.people.remove_contact(owner, contact).await
    }

    async fn contacts(
        &self,
        owner: UserId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Contact>, Error> {
        self.people.contacts(owner, after, limit).await
    }

    async fn contacted_by(
        &self,
        person: UserId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, Error> {
        self.people.contacted_by(person, after, limit).await
    }

    async fn are_contacts(&self, pairs: &[(UserId, UserId)]) -> Result<Vec<bool>, Error> {
        self.people.are_contacts(pairs).await
    }

    async fn deleted(&self, users: &[UserId]) -> Result<Vec<bool>, Error> {
        self.people.deleted(users).await
    }

    async fn unerased(&self, limit: usize) -> Result<Vec<UserId>, Error> {
        self.people.unerased(limit).await
    }

    async fn set_erased(&self, user: UserId) -> Result<(), Error> {
        self.people.set_erased(user).await
    }

    async fn list(&self, after: Option<UserId>, limit: usize) -> Result<Vec<Profile>, Error> {
        self.people.list(after, limit).await
    }

    async fn delete(&self, user: UserId) -> Result<Option<Vec<SessionId>>, Error> {
        let auth = self.auth.get().unwrap();
        let token = auth.mint(vec![user], None).await.unwrap().remove(0);
        assert_eq!(auth.verifier().verify(&token.access_token).unwrap().user, user);
        assert!(self.token.set(token).is_ok());
        self.people.delete(user).await
    }
}

#[tokio::test]
async fn a_token_drawn_while_its_user_is_deleted_is_refused() {
    let service = Service::start().await;
    let user = service.register("+10000001").await;
    let late =
        Arc::new(Late { people: service.people.clone(), auth: OnceLock::new(), token: OnceLock::new() });
    let revocations = Arc::new(Revocations::new());
    let parts = Parts { profiles: late.clone(), ..parts(&service.people, &revocations, &service.changes) };
    let auth = Auth::open(parts, &service.keys_dir(), config(), &Metrics::new()).await.unwrap();
    assert!(late.auth.set(auth.clone()).is_ok());
    let mut ends = revocations.subscribe();

    auth.delete_user(user.user_id).await.unwrap();
    let token = late.token.get().unwrap();
    let ended = [ends.try_recv().unwrap(), ends.try_recv().unwrap()];
    assert_eq!(ended, [user.session_id, token.session_id], "the sockets of both close");
    for text in [&user.access_token, &token.access_token] {
        assert_eq!(auth.verifier().verify(text).unwrap_err().code(), Code::Unauthorized);
    }
    // Whoever comes later gets no token at all.
    let refused = auth.mint(vec![user.user_id], None).await.err().unwrap();
    assert_eq!(refused.code(), Code::NotFound);
}

#[tokio::test]
async fn a_deleted_user_is_signed_out_and_cannot_return() {
    let service = Service::start().await;
    let user = service.register("+10000001").await;
    let other: Session = service.login("+10000001").await.expect(200);
    service.auth.delete_user(user.user_id).await.unwrap();
    for session in [&user, &other] {
        assert!(!service.opens(&session.access_token).await);
        service.refresh(&session.refresh_token).await.problem(Code::InvalidRefreshToken);
    }
    service.login("+10000001").await.problem(Code::InvalidCredentials);
    assert_eq!(service.auth.delete_user(user.user_id).await.unwrap_err().code(), Code::NotFound);
    // Nor after a restart, which forgets what was only in memory.
    let service = service.restart().await;
    assert!(!service.opens(&user.access_token).await && !service.opens(&other.access_token).await);
}
