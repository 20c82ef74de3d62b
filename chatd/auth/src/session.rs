//! Starting a session: a row, its secrets, and the body that a client gets.

use crate::Auth;
use crate::tokens::Secret;
use edge::Problem;
use schema::api::Session;
use schema::limits::{ACCESS_TOKEN_S, DEVICE_NAME_CHARS_MAX, REFRESH_TOKEN_S};
use schema::message::FieldError;
use schema::{DisplayName, SessionId, Timestamp};
use store::accounts::{Account, NewSession, SessionRow};

/// A session that has just begun.
pub(crate) struct Started {
    pub(crate) session: Session,
    pub(crate) cookie: Option<Secret>,
}

impl Auth {
    /// Begins a session of this account; with a cookie if one is wanted. `None`: the account is disabled or
    /// gone by now.
    pub(crate) async fn start_session(
        &self,
        account: &Account,
        display_name: DisplayName,
        device_name: Option<String>,
        with_cookie: bool,
    ) -> Result<Option<Started>, Problem> {
        let now = Timestamp::now();
        let refresh = Secret::draw()?;
        let cookie = with_cookie.then(Secret::draw).transpose()?;
        let row = SessionRow {
            session_id: SessionId::draw(),
            user_id: account.user_id,
            device_name,
            created_at: now,
            last_used_at: now,
            expires_at: now.plus_seconds(REFRESH_TOKEN_S),
        };
        let new =
            NewSession { refresh: Some(refresh.hash()), cookie: cookie.as_ref().map(Secret::hash), row };
        let session = self.session_body(account, display_name, new.row.session_id, refresh, now)?;
        let begun = self.0.accounts.start_sessions(vec![new]).await?;
        Ok(begun.then_some(Started { session, cookie }))
    }

    /// The answer to register, login and refresh.
    pub(crate) fn session_body(
        &self,
        account: &Account,
        display_name: DisplayName,
        session_id: SessionId,
        refresh: Secret,
        now: Timestamp,
    ) -> Result<Session, Problem> {
        Ok(Session {
            access_token: self.access_token(
                account.user_id,
                session_id,
                account.role,
                now,
                ACCESS_TOKEN_S,
            )?,
            refresh_token: refresh.into_text(),
            token_type: "Bearer".to_owned(),
            expires_in: ACCESS_TOKEN_S,
            session_id,
            user_id: account.user_id,
            phone_number: account.phone_number.clone(),
            display_name,
        })
    }
}

/// Checks the name that a client gives its device.
pub(crate) fn check_device_name(name: Option<&str>, errors: &mut Vec<FieldError>) {
    let Some(name) = name else { return };
    let bound = format!("{DEVICE_NAME_CHARS_MAX} characters, no control characters");
    if name.chars().count() > DEVICE_NAME_CHARS_MAX {
        errors.push(FieldError::new("deviceName", "is too long", bound));
    } else if name.chars().any(char::is_control) {
        errors.push(FieldError::new("deviceName", "holds a control character", bound));
    }
}
