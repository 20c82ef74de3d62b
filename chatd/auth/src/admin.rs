//! What the administrators' API does with accounts: create in bulk, mint tokens, end sessions, delete.

use crate::ends::whatever_happens;
use crate::tokens::fault;
use crate::{Auth, passwords};
use edge::Problem;
use schema::api::{ImportResult, MintedToken, NewUser, OnConflict};
use schema::limits::{ACCESS_TOKEN_S, BULK_MAX, MINTED_TOKEN_S_MAX};
use schema::{Code, DisplayName, SessionId, Timestamp, UserId};
use store::accounts::{Account, NewSession, Role, SessionRow, Which};
use store::profiles::{Name, NewPerson};

/// The device of a minted session.
const MINTED: &str = "minted";

impl Auth {
    /// Creates one user.
    ///
    /// # Errors
    /// `invalid` when a field breaks its rule, `user-already-exists` when a name is taken, or when the store
    /// does not answer.
    pub async fn create_user(&self, user: NewUser) -> Result<UserId, Problem> {
        let person = self.person(user).await?;
        let id = person.account.user_id;
        match self.0.profiles.create(vec![person]).await?.pop() {
            Some(outcome) => Ok(outcome.map(|()| id)?),
            None => Err(fault("the store gave no result")),
        }
    }

    /// Creates users, one result for each, in order; a row that fails does not hold up the others.
    pub async fn create_users(&self, users: Vec<NewUser>, on_conflict: OnConflict) -> Vec<ImportResult> {
        let mut people = Vec::with_capacity(users.len());
        let mut results = Vec::with_capacity(users.len());
        for user in users {
            match self.person(user).await {
                Ok(person) => {
                    results.push(None);
                    people.push(person);
                }
                Err(problem) => results.push(Some(failed(in_a_row(&problem)))),
            }
        }
        let mut created = self.create(people, on_conflict).await.into_iter();
        let lost = || failed("the store gave no result for this row".to_owned());
        results.into_iter().map(|result| result.or_else(|| created.next()).unwrap_or_else(lost)).collect()
    }

    async fn create(&self, people: Vec<NewPerson>, on_conflict: OnConflict) -> Vec<ImportResult> {
        if people.is_empty() {
            return Vec::new();
        }
        let outcomes = match self.0.profiles.create(people.clone()).await {
            Ok(outcomes) => outcomes,
            Err(error) => return people.iter().map(|_| failed(error.to_string())).collect(),
        };
        let mut results = Vec::with_capacity(people.len());
        for (person, outcome) in people.iter().zip(outcomes) {
            results.push(match outcome {
                Ok(()) => ImportResult { user_id: Some(person.account.user_id), created: true, error: None },
                Err(store::Error::Conflict(field)) if on_conflict == OnConflict::Skip => {
                    self.existing(&person.account, field).await
                }
                Err(error) => failed(error.to_string()),
            });
        }
        results
    }

    /// The user that has the name which is taken.
    async fn existing(&self, account: &Account, field: &str) -> ImportResult {
        let phone = account.phone_number.clone().map(Name::Phone);
        let username = account.username.clone().map(Name::Username);
        let name = if field == "phoneNumber" { phone.or(username) } else { username.or(phone) };
        let Some(name) = name else { return failed(format!("{field} is taken")) };
        match self.0.profiles.find(&name).await {
            Ok(Some(profile)) => ImportResult { user_id: Some(profile.user_id), created: false, error: None },
            Ok(None) => failed(format!("{field} was taken and is free again: repeat the row")),
            Err(error) => failed(error.to_string()),
        }
    }

    /// Checks a row and hashes its password; bulk work waits for room in the queue.
    async fn person(&self, user: NewUser) -> Result<NewPerson, Problem> {
        let name = user.username.as_ref().map(ToString::to_string);
        let Some(name) = name.or_else(|| user.phone_number.as_ref().map(ToString::to_string)) else {
            return Err(Problem::field("username", "is missing", "a username or a phoneNumber, or both"));
        };
        let display_name = match user.display_name {
            Some(display_name) => display_name,
            None => name
                .parse::<DisplayName>()
                .map_err(|error| Problem::field("displayName", error.reason, error.bound))?,
        };
        let password_hash = match (user.password, user.password_hash) {
            (Some(_), Some(_)) => {
                return Err(Problem::field("passwordHash", "comes with password", "one of them"));
            }
            (None, Some(hash)) => {
                passwords::check_hash(&hash).map_err(|error| {
                    Problem::field("passwordHash", error.reason, error.bound.unwrap_or_default())
                })?;
                Some(hash)
            }
            (Some(password), None) => {
                let mut errors = Vec::new();
                passwords::check("password", &password, &mut errors);
                if !errors.is_empty() {
                    return Err(Problem::invalid(errors));
                }
                Some(self.0.hasher.hash_patiently(password).await?)
            }
            (None, None) => None,
        };
        let account = Account {
            user_id: UserId::draw(),
            phone_number: user.phone_number,
            username: user.username,
            password_hash,
            role: Role::User,
            disabled: false,
            created_at: Timestamp::now(),
        };
        Ok(NewPerson { account, display_name })
    }

    /// One access token, in a session of its own, for each user. They cannot be refreshed.
    ///
    /// # Errors
    /// When a bound is broken or a user is unknown or disabled: then no session is started.
    pub async fn mint(
        &self,
        users: Vec<UserId>,
        expires_in: Option<i64>,
    ) -> Result<Vec<MintedToken>, Problem> {
        let lifetime_s = expires_in.unwrap_or(ACCESS_TOKEN_S);
        if !(1..=MINTED_TOKEN_S_MAX).contains(&lifetime_s) {
            let bound = format!("1-{MINTED_TOKEN_S_MAX} seconds");
            return Err(Problem::field("expiresIn", "is out of bounds", bound));
        }
        if users.len() > BULK_MAX {
            let reason = format!("has {} rows", users.len());
            return Err(Problem::field("users", reason, format!("{BULK_MAX} rows")));
        }
        let mut wanted = Vec::with_capacity(users.len());
        for (row, user) in users.into_iter().enumerate() {
            match self.0.accounts.by_id(user).await? {
                Some(account) if !account.disabled => wanted.push((user, account.role)),
                Some(_) => return Err(bad_row(Code::Invalid, row, "is disabled")),
                None => return Err(bad_row(Code::NotFound, row, "is no user")),
            }
        }
        let auth = self.clone();
        // Thousands of signatures take a second: not on an async thread.
        let signed = tokio::task::spawn_blocking(move || auth.sign_all(wanted, lifetime_s));
        let (sessions, tokens) = signed.await.map_err(fault)??;
        if !self.0.accounts.start_sessions(sessions).await? {
            let detail = "one of the users was disabled or deleted meanwhile; no token was made";
            return Err(Problem::new(Code::NotFound, detail));
        }
        Ok(tokens)
    }

    fn sign_all(
        &self,
        users: Vec<(UserId, Role)>,
        lifetime_s: i64,
    ) -> Result<(Vec<NewSession>, Vec<MintedToken>), Problem> {
        let now = Timestamp::now();
        let mut sessions = Vec::with_capacity(users.len());
        let mut tokens = Vec::with_capacity(users.len());
        for (user_id, role) in users {
            let session_id = SessionId::draw();
            let access_token = self.access_token(user_id, session_id, role, now, lifetime_s)?;
            tokens.push(MintedToken { user_id, session_id, access_token, expires_in: lifetime_s });
            let row = SessionRow {
                session_id,
                user_id,
                device_name: Some(MINTED.to_owned()),
                created_at: now,
                last_used_at: now,
                expires_at: now.plus_seconds(lifetime_s),
            };
            sessions.push(NewSession { row, refresh: None, cookie: None });
        }
        Ok((sessions, tokens))
    }

    /// Ends every session of a user, and answers which.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn end_all_sessions(&self, user: UserId) -> Result<Vec<SessionId>, Problem> {
        self.end_sessions(user, Which::All).await
    }

    /// Removes a user with credentials and sessions; their tokens are refused from then on.
    ///
    /// # Errors
    /// `not-found`, or when the store does not answer.
    pub async fn delete_user(&self, user: UserId) -> Result<(), Problem> {
        let auth = self.clone();
        whatever_happens(async move { auth.remove(user).await }).await
    }

    async fn remove(&self, user: UserId) -> Result<(), Problem> {
        let account = self.0.accounts.by_id(user).await?;
        // First, so that these tokens are dead even if the outcome of the removal stays unknown.
        self.end_all_sessions(user).await?;
        let deleted = self.0.profiles.delete(user).await;
        // Whatever came of it: who remembers the person looks again.
        self.0.changes.person(user, account.and_then(|account| account.username).as_ref());
        let Some(late) = deleted? else {
            return Err(Problem::new(Code::NotFound, "there is no such user"));
        };
        // Somebody signed in between the two steps. After the second the store starts no session of theirs.
        for session in late {
            self.0.revocations.end(session);
        }
        Ok(())
    }

    /// Disables an account, which ends every session of it, or enables it, which starts none. Both may be
    /// repeated.
    ///
    /// # Errors
    /// `not-found`, or when the store does not answer.
    pub async fn set_disabled(&self, user: UserId, disabled: bool) -> Result<(), Problem> {
        let auth = self.clone();
        whatever_happens(async move {
            let account = auth.0.accounts.by_id(user).await?;
            let ended = auth.0.accounts.set_disabled(user, disabled, Timestamp::now()).await;
            auth.0.changes.person(user, account.and_then(|account| account.username).as_ref());
            let ended = ended?.ok_or_else(|| Problem::new(Code::NotFound, "there is no such user"))?;
            ended.into_iter().for_each(|session| auth.0.revocations.end(session));
            Ok(())
        })
        .await
    }

    /// The BCrypt hash of a new password.
    ///
    /// # Errors
    /// When the password breaks a rule or the queue is full.
    pub async fn hash(&self, password: String) -> Result<String, Problem> {
        let mut errors = Vec::new();
        passwords::check("password", &password, &mut errors);
        if errors.is_empty() { self.0.hasher.hash(password).await } else { Err(Problem::invalid(errors)) }
    }
}

fn bad_row(code: Code, row: usize, reason: &str) -> Problem {
    let field = format!("users[{row}]");
    let error = schema::message::FieldError::new(&field, reason, "the id of a user who may sign in");
    Problem::new(code, format!("{field} {reason}")).with_errors(vec![error])
}

/// What a row's answer says of a problem.
fn in_a_row(problem: &Problem) -> String {
    match problem.body("").errors.pop() {
        Some(error) => format!("{} {} ({})", error.field, error.reason, error.bound.unwrap_or_default()),
        None => problem.detail().to_owned(),
    }
}

fn failed(why: String) -> ImportResult {
    ImportResult { user_id: None, created: false, error: Some(why) }
}
