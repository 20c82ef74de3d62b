//! Deleting a user while that user signs in.

use crate::fixture::{Service, config};
use async_trait::async_trait;
use auth::Auth;
use edge::{Metrics, Revocations};
use schema::api::{MintedToken, Session};
use schema::{Code, SessionId, UserId};
use std::sync::{Arc, OnceLock};
use store::Error;
use store::profiles::{Name, NewPerson, Profile, Profiles};

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
    let accounts = Arc::new(service.people.clone());
    let (keys, metrics) = (service.keys_dir(), Metrics::new());
    let opened = Auth::open(accounts, late.clone(), &keys, config(), revocations.clone(), &metrics);
    let auth = opened.await.unwrap();
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
