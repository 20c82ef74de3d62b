//! What happens to an account between the check of its password and the start of its session.

use crate::fixture::{Service, config, parts, post};
use async_trait::async_trait;
use auth::{Auth, Parts};
use edge::{Metrics, Revocations};
use schema::{Code, Phone, SessionId, Timestamp, UserId, Username};
use serde_json::json;
use std::sync::Arc;
use store::Error;
use store::accounts::{
    Account, Accounts, NewSession, PasswordChange, Rotation, SecretHash, SessionRow, Which,
};

/// What happens at the last moment.
#[derive(Clone, Copy)]
enum Event {
    /// By the session that goes on.
    PasswordChanged(SessionId),
    Disabled,
}

/// Accounts to one of which something happens just before a session of it starts.
struct Late {
    people: embedded::People,
    event: Event,
}

impl Late {
    async fn happen(&self, user: UserId) {
        let account = self.people.by_id(user).await.unwrap().unwrap();
        let ended = match self.event {
            Event::PasswordChanged(keep) => {
                let change =
                    PasswordChange { from: account.password_hash.unwrap(), to: "another".to_owned(), keep };
                self.people.change_password(user, change, Timestamp::now()).await
            }
            Event::Disabled => self.people.set_disabled(user, true, Timestamp::now()).await,
        };
        assert!(ended.unwrap().is_some(), "it has happened");
    }
}

#[async_trait]
impl Accounts for Late {
    async fn start_sessions(&self, sessions: Vec<NewSession>) -> Result<bool, Error> {
        for session in &sessions {
            self.happen(session.row.user_id).await;
        }
        self.people.start_sessions(sessions).await
    }

    async fn by_phone(&self, phone: &Phone) -> Result<Option<Account>, Error> {
        self.people.by_phone(phone).await
    }

    async fn by_username(&self, username: &Username) -> Result<Option<Account>, Error> {
        self.people.by_username(username).await
    }

    async fn by_id(&self, user: UserId) -> Result<Option<Account>, Error> {
        self.people.by_id(user).await
    }

    async fn change_password(
        &self,
        user: UserId,
        change: PasswordChange,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, Error> {
        self.people.change_password(user, change, now).await
    }

    async fn set_disabled(
        &self,
        user: UserId,
        disabled: bool,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, Error> {
        self.people.set_disabled(user, disabled, now).await
    }

    async fn rotate(&self, old: SecretHash, new: SecretHash, now: Timestamp) -> Result<Rotation, Error> {
        self.people.rotate(old, new, now).await
    }

    async fn by_cookie(&self, cookie: SecretHash, now: Timestamp) -> Result<Option<SessionRow>, Error> {
        self.people.by_cookie(cookie, now).await
    }

    async fn replace_refresh(&self, id: SessionId, new: SecretHash, now: Timestamp) -> Result<bool, Error> {
        self.people.replace_refresh(id, new, now).await
    }

    async fn sessions(&self, user: UserId, now: Timestamp, limit: usize) -> Result<Vec<SessionRow>, Error> {
        self.people.sessions(user, now, limit).await
    }

    async fn end_sessions(
        &self,
        user: UserId,
        which: Which,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, Error> {
        self.people.end_sessions(user, which, now).await
    }

    async fn ended_since(&self, since: Timestamp) -> Result<Vec<SessionId>, Error> {
        self.people.ended_since(since).await
    }

    async fn expire(&self, now: Timestamp, limit: usize) -> Result<Vec<SessionId>, Error> {
        self.people.expire(now, limit).await
    }
}

#[tokio::test]
async fn a_sign_in_whose_password_is_changed_or_whose_account_is_disabled_meanwhile_gets_nothing() {
    for disabled in [false, true] {
        let service = Service::start().await;
        let mine = service.register("+10000001").await;
        let event = if disabled { Event::Disabled } else { Event::PasswordChanged(mine.session_id) };
        let late = Arc::new(Late { people: service.people.clone(), event });
        let revocations = Arc::new(Revocations::new());
        let parts = Parts { accounts: late, ..parts(&service.people, &revocations, &service.changes) };
        let auth = Auth::open(parts, &service.keys_dir(), config(), &Metrics::new()).await.unwrap();
        let service = service.with_auth(auth);

        let body = json!({"phoneNumber": "+10000001", "password": "correct horse"});
        let answer = service.call(post("/api/auth/login").json(body)).await;
        answer.problem(Code::InvalidCredentials);
        assert!(!answer.headers.contains_key("set-cookie"));
        let live = service.people.sessions(mine.user_id, Timestamp::now(), 9).await.unwrap();
        let left: Vec<_> = live.iter().map(|row| row.session_id).collect();
        assert_eq!(left, if disabled { vec![] } else { vec![mine.session_id] });
    }
}
