//! Times: milliseconds since 1970 inside, RFC 3339 UTC with milliseconds outside.

use chrono::{DateTime, Datelike, SecondsFormat, TimeZone, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, utoipa::ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The wall clock's now. Never called while a record is applied: times come from the record.
    pub fn now() -> Self {
        Self(Utc::now().timestamp_millis())
    }

    /// This moment and `seconds` more.
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Utc.timestamp_millis_opt(self.0).single() {
            Some(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true)),
            None => write!(f, "{}ms", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let time = DateTime::parse_from_rfc3339(&text).map_err(serde::de::Error::custom)?;
        let milliseconds = time.timestamp_millis();
        // A zone, or a leap second, may lead out of the years that RFC 3339 can write; nobody could read it again.
        let utc = Utc.timestamp_millis_opt(milliseconds).single();
        if utc.is_none_or(|utc| !(0..=9999).contains(&utc.year())) {
            return Err(serde::de::Error::custom("year is not 0000-9999 in UTC"));
        }
        Ok(Self(milliseconds))
    }
}

impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }
    fn inline_schema() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_with_milliseconds() {
        let time = Timestamp(1_701_424_800_000);
        let text = serde_json::to_string(&time).unwrap();
        assert_eq!(text, "\"2023-12-01T10:00:00.000Z\"");
        assert_eq!(serde_json::from_str::<Timestamp>(&text).unwrap(), time);
        assert_eq!(
            serde_json::from_str::<Timestamp>("\"2023-12-01T11:00:00.5+01:00\"").unwrap().0,
            1_701_424_800_500
        );
    }
    #[test]
    fn what_could_not_be_written_again_is_not_read() {
        for text in ["9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00+01:00", "9999-12-31T23:59:60.999Z"] {
            let Ok(time) = serde_json::from_str::<Timestamp>(&format!("\"{text}\"")) else { continue };
            let written = serde_json::to_string(&time).unwrap();
            assert_eq!(
                serde_json::from_str::<Timestamp>(&written).unwrap(),
                time,
                "{text} was written as {written}"
            );
        }
    }
}
