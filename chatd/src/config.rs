//! The configuration: defaults < file < environment < flags, every key known, bounded and documented.
//!
//! One table, `config/sections.rs`, is the source of the types, `config show`, `config doc` and the
//! messages. No key holds a secret: those are files of mode 0600 in the data folder.

mod doc;
mod door;
mod key;
mod parts;
mod sections;
mod spring;
mod stores;

use crate::cli::{Cli, ConfigCommand};
use crate::exit::{Exit, Failure};
use key::{Key, Section};
use sections::{Auth, Cors, Gateway, Limits, Link, Log, Server, Stores, Tls};
use std::net::IpAddr;
use std::path::PathBuf;
use toml::Value;

use doc::{sample, show};

/// The effective configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Config {
    pub(crate) server: Server,
    pub(crate) stores: Stores,
    pub(crate) gateway: Gateway,
    pub(crate) link: Link,
    pub(crate) tls: Tls,
    pub(crate) log: Log,
    pub(crate) auth: Auth,
    pub(crate) limits: Limits,
    pub(crate) cors: Cors,
}

/// Prefix of environment variables that are keys: `CHATD_LIMITS__REQUESTS_PER_MINUTE`.
const ENVIRONMENT: &str = "CHATD_";

impl Config {
    /// Reads all four sources.
    pub(crate) fn load(
        cli: &Cli,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Failure> {
        let mut config = Self::default();
        if let Some(path) = &cli.config {
            let bytes = std::fs::read(path)
                .map_err(|error| Failure::io(format!("cannot read {}", path.display()), &error))?;
            let text = String::from_utf8(bytes).map_err(|error| {
                let at = error.utf8_error().valid_up_to();
                let hint = "`chatd config doc` prints a file that is well formed";
                let message = format!("{} is no TOML: no UTF-8 from byte {at} on", path.display());
                Failure::new(Exit::BadKey, message, hint)
            })?;
            config.file(&text, &path.display().to_string())?;
        }
        let environment: Vec<_> = environment.collect();
        for (key, text) in spring::keys(&environment)? {
            config.set(key, &Value::String(text), "environment SPRING_*")?;
        }
        for (name, text) in environment {
            let Some(key) = name.strip_prefix(ENVIRONMENT) else { continue };
            config.set(
                &key.to_lowercase().replace("__", "."),
                &value(&text),
                &format!("environment {name}"),
            )?;
        }
        for pair in &cli.set {
            let (key, text) = pair.split_once('=').ok_or_else(|| {
                let hint = "write it as --set limits.requests_per_minute=1000";
                Failure::new(Exit::Usage, format!("--set {pair}: there is no `=`"), hint)
            })?;
            if key.trim().starts_with("stores.") && text.contains('@') && !text.starts_with('@') {
                let hint =
                    "set it in the environment (CHATD_STORES__…), or write @FILE and keep it in a file";
                let message =
                    format!("--set {}: everybody on this machine can read a password in a flag", key.trim());
                return Err(Failure::new(Exit::Usage, message, hint));
            }
            config.set(key.trim(), &value(text), "--set")?;
        }
        config.flags(cli)?;
        config.check()?;
        Ok(config)
    }

    /// What `chatd config` answers.
    pub(crate) fn told(&self, command: ConfigCommand) -> String {
        match command {
            ConfigCommand::Show => show(self),
            ConfigCommand::Check => "the configuration is good\n".to_owned(),
            ConfigCommand::Doc => sample(),
        }
    }

    fn flags(&mut self, cli: &Cli) -> Result<(), Failure> {
        if let Some(data) = &cli.data {
            self.set("server.data", &Value::String(data.display().to_string()), "--data")?;
        }
        if let Some(port) = cli.port {
            self.set("server.port", &Value::Integer(port.into()), "--port")?;
        }
        if let Some(bind) = cli.bind {
            self.set("server.bind", &Value::String(bind.to_string()), "--bind")?;
        }
        if let Some(format) = &cli.log_format {
            self.set("log.format", &Value::String(format.clone()), "--log-format")?;
        }
        Ok(())
    }

    /// Takes every key of a TOML file.
    pub(crate) fn file(&mut self, text: &str, name: &str) -> Result<(), Failure> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let hint = "`chatd config doc` prints a file that is well formed";
            Failure::new(Exit::BadKey, format!("{name} is no TOML: {}", error.message()), hint)
        })?;
        for (prefix, section) in table {
            match section {
                Value::Table(fields) => {
                    for (field, value) in fields {
                        self.set(&format!("{prefix}.{field}"), &value, name)?;
                    }
                }
                other => self.set(&prefix, &other, name)?,
            }
        }
        Ok(())
    }

    /// Sets one key, or says which key is meant or what its bound is.
    fn set(&mut self, key: &str, value: &Value, source: &str) -> Result<(), Failure> {
        for section in self.sections_mut() {
            let Some(field) = key.strip_prefix(section.prefix()).and_then(|rest| rest.strip_prefix('.'))
            else {
                continue;
            };
            match section.set(field, value) {
                None => break,
                Some(Ok(())) => return Ok(()),
                Some(Err(reason)) => return Err(out_of_bounds(key, &reason, source)),
            }
        }
        let hint = match nearest(key, self.entries().map(|(key, _)| key.name)) {
            Some(near) => format!("did you mean {near}? `chatd config doc` lists every key"),
            None => "`chatd config doc` lists every key".to_owned(),
        };
        Err(Failure::new(Exit::BadKey, format!("{source}: there is no key {key}"), hint))
    }

    /// Every key with its value.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'static Key, Value)> {
        self.sections().into_iter().flat_map(|section| section.keys().iter().zip(section.show()))
    }

    /// Where everything is kept.
    pub(crate) fn data(&self) -> Result<PathBuf, Failure> {
        if !self.server.data.is_empty() {
            return Ok(PathBuf::from(&self.server.data));
        }
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty()).ok_or_else(|| {
            Failure::new(
                Exit::CannotCreate,
                "there is no HOME to keep the data in",
                "name a folder with --data DIR",
            )
        })?;
        Ok(PathBuf::from(home).join(".local/share/chatd"))
    }

    /// The address that the services listen on.
    pub(crate) fn bind(&self) -> Result<IpAddr, Failure> {
        self.server.bind.parse().map_err(|_| {
            out_of_bounds("server.bind", &format!("{:?} is no IP address", self.server.bind), "configuration")
        })
    }

    /// What the keys say together, and what a text must be besides short.
    fn check(&self) -> Result<(), Failure> {
        self.bind()?;
        self.proxies()?;
        self.origins()?;
        self.stores()?;
        self.tls_pair().map(|_| ())
    }

    fn sections(&self) -> [&dyn AnySection; 9] {
        [
            &self.server,
            &self.stores,
            &self.gateway,
            &self.link,
            &self.tls,
            &self.log,
            &self.auth,
            &self.limits,
            &self.cors,
        ]
    }

    fn sections_mut(&mut self) -> [&mut dyn AnySection; 9] {
        [
            &mut self.server,
            &mut self.stores,
            &mut self.gateway,
            &mut self.link,
            &mut self.tls,
            &mut self.log,
            &mut self.auth,
            &mut self.limits,
            &mut self.cors,
        ]
    }
}

/// [`Section`] without its type, so that the sections can be walked.
trait AnySection {
    fn about(&self) -> &'static str;
    fn prefix(&self) -> &'static str;
    fn keys(&self) -> &'static [Key];
    fn set(&mut self, field: &str, value: &Value) -> Option<Result<(), String>>;
    fn show(&self) -> Vec<Value>;
}

impl<S: Section> AnySection for S {
    fn about(&self) -> &'static str {
        S::ABOUT
    }
    fn prefix(&self) -> &'static str {
        S::PREFIX
    }
    fn keys(&self) -> &'static [Key] {
        S::KEYS
    }
    fn set(&mut self, field: &str, value: &Value) -> Option<Result<(), String>> {
        Section::set(self, field, value)
    }
    fn show(&self) -> Vec<Value> {
        Section::show(self)
    }
}

/// The environment, as far as it is text.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// A TOML value; what is none is taken as a plain text, so that paths need no quotes.
fn value(text: &str) -> Value {
    format!("v = {text}")
        .parse::<toml::Table>()
        .ok()
        .filter(|table| table.len() == 1)
        .and_then(|mut table| table.remove("v"))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

fn out_of_bounds(key: &str, reason: &str, source: &str) -> Failure {
    let hint = "`chatd config doc` prints each key's unit and bound";
    Failure::new(Exit::BadKey, format!("{source}: {key}: {reason}"), hint)
}

/// The known word that is nearest to one that is not known, if any is near.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.9)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests;
