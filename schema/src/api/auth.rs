//! Accounts and sessions.

use crate::user::{DisplayName, Phone, Username};
use crate::{SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/auth/register`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Register {
    pub phone_number: Phone,
    pub password: String,
    pub display_name: DisplayName,
    #[serde(default)]
    pub username: Option<Username>,
    #[serde(default)]
    pub device_name: Option<String>,
}

/// `POST /api/auth/login`: a phone number or a username.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Login {
    #[serde(default)]
    pub phone_number: Option<String>,
    #[serde(default)]
    pub username: Option<String>,
    pub password: String,
    #[serde(default)]
    pub device_name: Option<String>,
}

/// `POST /api/auth/refresh`; the token may also come in the Authorization header or the cookie.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refresh {
    #[serde(default)]
    pub refresh_token: Option<String>,
}

/// The answer to register, login and refresh.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    pub access_token: String,
    pub refresh_token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds that the access token lives.
    pub expires_in: i64,
    pub session_id: SessionId,
    pub user_id: UserId,
    pub phone_number: Option<Phone>,
    pub display_name: DisplayName,
}

/// One sign-in, as `GET /api/auth/sessions` lists it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionInfo {
    pub session_id: SessionId,
    pub device_name: Option<String>,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
    /// The session that asks.
    pub current: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sessions {
    pub sessions: Vec<SessionInfo>,
}

/// `POST /api/auth/password`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasswordChange {
    pub current_password: String,
    /// 8-71 bytes, not blank, not among the most common ones.
    pub new_password: String,
}

/// The answer to `POST /api/auth/ticket`: opens one socket, as the CONNECT header `ticket` or as `?ticket=`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ticket {
    pub ticket: String,
    /// Seconds within which it must be used.
    pub expires_in: i64,
}
