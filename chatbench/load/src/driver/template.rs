//! Texts with a place for the user's number, the peer's, and the run.

/// A text such as `bench/{run}/{user}`, taken apart once for all users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    User,
    Peer,
}

impl Template {
    /// Reads the text of a setting; the run is 8 hexadecimal digits, the others are decimal. `spell` is how the protocol
    /// writes its literal parts.
    pub(super) fn read(
        setting: &str,
        text: &str,
        run: u32,
        spell: impl Fn(&str) -> String,
    ) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            let name = after.split_once('}').map(|(name, after)| {
                rest = after;
                name
            });
            parts.push(Part::Text(spell(literal)));
            parts.push(match name {
                Some("user") => Part::User,
                Some("peer") => Part::Peer,
                Some("run") => Part::Text(format!("{run:08x}")),
                other => {
                    let what =
                        other.map_or("a brace that does not close".to_owned(), |name| format!("{{{name}}}"));
                    return Err(format!(
                        "{setting}: {what} in {text:?}; there are {{user}}, {{peer}} and {{run}}"
                    ));
                }
            });
        }
        parts.push(Part::Text(spell(rest)));
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        Ok(Self(parts))
    }

    /// Whether it differs from user to user.
    pub(super) fn is_personal(&self) -> bool {
        self.0.iter().any(|part| !matches!(part, Part::Text(_)))
    }

    pub(super) fn write(&self, user: u32, into: &mut Vec<u8>) {
        for part in &self.0 {
            match part {
                Part::Text(text) => into.extend_from_slice(text.as_bytes()),
                Part::User => into.extend_from_slice(user.to_string().as_bytes()),
                Part::Peer => into.extend_from_slice((user ^ 1).to_string().as_bytes()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        let mut bytes = Vec::new();
        Template::read("send", text, 0xab, str::to_owned).unwrap().write(6, &mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn places_are_filled() {
        assert_eq!(filled("/topic/bench-{run}-{user}"), "/topic/bench-000000ab-6");
        assert_eq!(filled("{peer}{peer}/x"), "77/x");
        assert_eq!(filled("plain"), "plain");
        assert_eq!(filled(""), "");
    }

    #[test]
    fn what_is_no_place_is_named() {
        for (text, what) in [("a/{usr}", "{usr}"), ("a/{user", "does not close")] {
            let error = Template::read("send", text, 1, str::to_owned).unwrap_err();
            assert!(error.starts_with("send: ") && error.contains(what), "{error}");
        }
    }

    #[test]
    fn only_literal_parts_are_spelled() {
        let template = Template::read("send", "a:{user}:", 1, |text| text.replace(':', "\\c")).unwrap();
        let mut bytes = Vec::new();
        template.write(2, &mut bytes);
        assert_eq!(bytes, b"a\\c2\\c");
        assert!(template.is_personal());
        assert!(!Template::read("send", "{run}", 1, str::to_owned).unwrap().is_personal());
    }
}
