//! The configuration in text: what is in force, and the sample file.

use super::Config;
use super::stores::masked;
use std::fmt::Write as _;

/// The effective configuration, as a file that would give the same.
pub(crate) fn show(config: &Config) -> String {
    render(config, false)
}

/// A sample file: every key commented out at its default, with meaning, unit and bound.
pub(crate) fn sample() -> String {
    let head = "\
# The configuration of chatd: every key at its default.
# Defaults < this file (--config FILE) < environment (CHATD_LIMITS__REQUESTS_PER_MINUTE) < flags (--set KEY=VALUE).
# Written by `chatd config doc`; a test compares it with the code.
";
    format!("{head}{}", render(&Config::default(), true))
}

fn render(config: &Config, documented: bool) -> String {
    let mut text = String::new();
    for section in config.sections() {
        if !text.is_empty() || documented {
            text.push('\n');
        }
        if documented {
            let _ = writeln!(text, "#{}", section.about());
        }
        let _ = writeln!(text, "[{}]", section.prefix());
        for (key, value) in section.keys().iter().zip(section.show()) {
            let field = key.name.rsplit('.').next().unwrap_or(key.name);
            if documented {
                let _ = writeln!(
                    text,
                    "#{} Unit: {}; {}.\n# {field} = {value}",
                    key.doc,
                    key.unit,
                    key.bound.text()
                );
            } else {
                let value = match value.as_str() {
                    Some(url) if key.unit == "URL" => toml::Value::String(masked(url)),
                    _ => value,
                };
                let _ = writeln!(text, "{field} = {value}");
            }
        }
    }
    text
}
