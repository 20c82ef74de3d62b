//! What each package is told of the configuration.

use super::Config;
use gateway::Limit;
use schema::limits;

impl Config {
    pub(crate) fn auth(&self) -> auth::Config {
        auth::Config {
            bcrypt_cost: self.auth.bcrypt_cost,
            registrations_per_minute: self.limits.registrations_per_minute,
            login_failures_per_account: self.limits.login_failures_per_account,
            login_failures_per_address: self.limits.login_failures_per_address,
            ..auth::Config::default()
        }
    }

    pub(crate) fn chat(&self) -> chat::Config {
        chat::Config { content_chars: self.limits.content_chars }
    }

    pub(crate) fn websocket(&self) -> websocket::Config {
        websocket::Config {
            messages_per_second: self.limits.messages_per_second,
            messages_burst: self.limits.messages_burst,
            sockets_per_user: self.limits.sockets_per_user,
            outbox_bytes: self.limits.outbox_bytes,
            connect_deadline_s: self.limits.connect_deadline_s,
            allowed_origins: self.cors.allowed_origins.clone(),
            ..websocket::Config::default()
        }
    }

    /// What `GET /api/limits` lists: the keys, and the bounds that are fixed.
    pub(crate) fn public_limits(&self) -> Vec<Limit> {
        let keys = self.entries().filter(|(key, _)| key.name.starts_with("limits."));
        let fixed = [
            ("limits.frame_bytes", limits::FRAME_BYTES, "bytes"),
            ("limits.json_bytes", limits::JSON_BYTES, "bytes"),
            ("limits.metadata_bytes", limits::METADATA_BYTES, "bytes"),
            ("limits.page_max", limits::PAGE_MAX, "rows"),
        ];
        let fixed = fixed.map(|(key, value, unit)| (key, i64::try_from(value).unwrap_or(i64::MAX), unit));
        keys.map(|(key, value)| (key.name, value.as_integer().unwrap_or_default(), key.unit))
            .chain(fixed)
            .map(|(key, value, unit)| Limit { key: key.to_owned(), value, unit: unit.to_owned() })
            .collect()
    }
}
