//! What each package is told of the configuration.

use super::Config;
use schema::api::Limit;

impl Config {
    pub(crate) fn auth(&self) -> auth::Config {
        auth::Config {
            bcrypt_cost: self.auth.bcrypt_cost,
            registrations_per_minute: self.limits.registrations_per_minute,
            login_failures_per_account: self.limits.login_failures_per_account,
            login_failures_per_address: self.limits.login_failures_per_address,
            allowed_origins: self.origins().map(|origins| origins.texts()).unwrap_or_default(),
            ..auth::Config::default()
        }
    }

    pub(crate) fn chat(&self) -> chat::Config {
        chat::Config {
            sequence: chat::Sequence::All,
            content_chars: self.limits.content_chars,
            metadata_bytes: self.limits.metadata_bytes,
            page_max: self.limits.page_max,
        }
    }

    pub(crate) fn user(&self) -> user::Config {
        user::Config { page_max: self.limits.page_max, ..user::Config::default() }
    }

    pub(crate) fn websocket(&self) -> websocket::Config {
        websocket::Config {
            messages_per_second: self.limits.messages_per_second,
            messages_burst: self.limits.messages_burst,
            sockets_per_user: self.limits.sockets_per_user,
            outbox_bytes: self.limits.outbox_bytes,
            connect_deadline_s: self.limits.connect_deadline_s,
            frame_bytes: self.limits.frame_bytes,
            allowed_origins: self.origins().map(|origins| origins.texts()).unwrap_or_default(),
            ..websocket::Config::default()
        }
    }

    /// What `GET /api/limits` lists.
    pub(crate) fn public_limits(&self) -> Vec<Limit> {
        let keys = self.entries().filter(|(key, _)| key.name.starts_with("limits."));
        keys.map(|(key, value)| Limit {
            key: key.name.to_owned(),
            value: value.as_integer().unwrap_or_default(),
            unit: key.unit.to_owned(),
        })
        .collect()
    }
}
