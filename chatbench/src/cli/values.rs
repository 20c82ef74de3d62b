//! What a flag's text can be.

use clap::builder::{StringValueParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Command, ValueEnum};
use plan::Transport;
use reqwest::Url;
use std::ffi::OsStr;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Text,
    Json,
}

/// What is shown on stderr while a run lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Live {
    /// A view of the whole terminal.
    Tui,
    /// A line now and then.
    Line,
    Off,
}

/// How many conversations are compared with history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reconcile {
    All,
    Sample(usize),
}

/// Which generator processes carry the load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Workers {
    /// As many here as the limit of open files asks for.
    Auto,
    Here(u32),
    /// `chatbench worker --listen` at these addresses.
    There(Vec<String>),
}

/// How many socket processes are started beside the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Processes {
    #[default]
    Auto,
    Number(u32),
}

/// Most threads of a generator process.
const THREADS: u32 = 64;

/// How many threads a generator process has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Threads {
    #[default]
    Auto,
    Number(u32),
}

impl Threads {
    /// For one of so many processes on a machine of so many CPUs: together one a CPU, or one for every two where the
    /// server runs there too.
    pub(crate) fn of(self, cpus: u32, with_server: bool, processes: u32) -> u32 {
        let free = if with_server { cpus / 2 } else { cpus };
        match self {
            Threads::Number(number) => number,
            Threads::Auto => (free / processes.max(1)).clamp(1, THREADS),
        }
    }
}

impl fmt::Display for Threads {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Threads::Auto => to.write_str("auto"),
            Threads::Number(number) => number.fmt(to),
        }
    }
}

/// When messages are due, where the rate does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arrivals {
    /// Evenly spaced.
    Constant,
    /// Independent of each other.
    Poisson,
    /// Each user sends --think after his last answer: not an open model.
    Closed,
    /// Nobody sends.
    None,
}

/// Which protocol the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Adapter {
    Chatd,
    /// STOMP 1.2 over WebSocket of any broker.
    Stomp,
    /// MQTT 3.1.1 over TCP, QoS 1.
    Mqtt,
    /// A bare WebSocket relay, as `chatbench null-server` is one.
    Relay,
}

/// Local addresses of sockets: one, or the first and last of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sources {
    first: IpAddr,
    count: u32,
}

/// Addresses of a range at most.
const SOURCES_MAX: u32 = 1024;

impl Sources {
    /// As it is written on the command line.
    pub(crate) fn text(self) -> String {
        match self.addresses()[..] {
            [first, .., last] => format!("{first}-{last}"),
            _ => self.first.to_string(),
        }
    }

    pub(crate) fn addresses(self) -> Vec<IpAddr> {
        match self.first {
            IpAddr::V4(first) => {
                (0..self.count).map(|n| Ipv4Addr::from_bits(first.to_bits() + n).into()).collect()
            }
            IpAddr::V6(_) => vec![self.first],
        }
    }
}

/// An address, or `10.0.0.1-10.0.0.9`.
pub(super) fn sources(text: &str) -> Result<Sources, String> {
    let bad = || format!("'{text}' is no address; write 10.0.0.5 or 10.0.0.5-10.0.0.20");
    let Some((first, last)) = text.split_once('-') else {
        return Ok(Sources { first: text.parse().map_err(|_| bad())?, count: 1 });
    };
    let first: Ipv4Addr = first.parse().map_err(|_| bad())?;
    let last: Ipv4Addr = last.parse().map_err(|_| bad())?;
    match last.to_bits().checked_sub(first.to_bits()) {
        Some(more) if more < SOURCES_MAX => Ok(Sources { first: first.into(), count: more + 1 }),
        Some(_) => Err(format!("'{text}' has more than {SOURCES_MAX} addresses")),
        None => Err(bad()),
    }
}

pub(crate) fn workers(text: &str) -> Result<Workers, String> {
    let bad = || format!("'{text}' is neither 'auto', a number nor HOST:PORT,...");
    if text == "auto" {
        return Ok(Workers::Auto);
    }
    if let Ok(number) = text.parse::<u32>() {
        return if (1..=256).contains(&number) { Ok(Workers::Here(number)) } else { Err(bad()) };
    }
    let hosts: Vec<String> = text.split(',').map(str::to_owned).collect();
    let sound = |host: &String| {
        host.rsplit_once(':').is_some_and(|(name, port)| !name.is_empty() && port.parse::<u16>().is_ok())
    };
    if hosts.iter().all(sound) { Ok(Workers::There(hosts)) } else { Err(bad()) }
}

pub(crate) fn threads(text: &str) -> Result<Threads, String> {
    match text.parse::<u32>() {
        Ok(number) if (1..=THREADS).contains(&number) => Ok(Threads::Number(number)),
        _ if text == "auto" => Ok(Threads::Auto),
        _ => Err(format!("'{text}' is neither 'auto' nor 1 to {THREADS} threads")),
    }
}

pub(super) fn processes(text: &str) -> Result<Processes, String> {
    match text.parse::<u32>() {
        Ok(number) if number <= 64 => Ok(Processes::Number(number)),
        _ if text == "auto" => Ok(Processes::Auto),
        _ => Err(format!("'{text}' is neither 'auto' nor a number up to 64")),
    }
}

pub(super) fn transport(text: &str) -> Result<Transport, String> {
    match text {
        "websocket" | "ws" => Ok(Transport::Websocket),
        "sockjs" => Ok(Transport::Sockjs),
        "rest" => Ok(Transport::Rest),
        _ => Err(format!("'{text}' is no transport; there are websocket, sockjs and rest")),
    }
}

/// A time such as `250ms`, `20s`, `2m` or `1h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    plan::duration::parse(text)
}

pub(crate) fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.1..=1_000_000.0).contains(&rate) => Ok(rate),
        _ => Err(format!("'{text}' is no rate; write messages a second, 0.1 to 1000000")),
    }
}

pub(super) fn scale(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(scale) if (0.0001..=100.0).contains(&scale) => Ok(scale),
        _ => Err(format!("'{text}' is no scale; write 0.02 for a fiftieth")),
    }
}

pub(super) fn reconcile(text: &str) -> Result<Reconcile, String> {
    if text == "all" {
        return Ok(Reconcile::All);
    }
    text.parse().map(Reconcile::Sample).map_err(|_| format!("'{text}' is neither 'all' nor a number"))
}

/// An address with no user and password in it, which would stand in every report; one that has them is refused and not
/// repeated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address;

impl TypedValueParser for Address {
    type Value = String;

    fn parse_ref(&self, verb: &Command, flag: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        let text = StringValueParser::new().parse_ref(verb, flag, value)?;
        if !names_a_user(&text) {
            return Ok(text);
        }
        let flag = flag.map(ToString::to_string).unwrap_or_default();
        let why = format!(
            "{flag}: an address takes no user and password, which reports would show; leave out what ends with @"
        );
        Err(verb.clone().error(ErrorKind::ValueValidation, why))
    }
}

/// Whether there is something before the host.
pub(crate) fn names_a_user(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
}

/// The address of a page.
pub(crate) fn page() -> impl TypedValueParser<Value = Url> {
    Address.try_map(|text| url_of_page(&text))
}

fn url_of_page(text: &str) -> Result<Url, String> {
    let url =
        Url::parse(text).map_err(|error| format!("'{text}': {error}; write http://HOST:PORT/metrics"))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        _ => Err(format!("'{text}' is no page; write http://HOST:PORT/metrics")),
    }
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("'{text}' is not KEY=VALUE"))?;
    Ok((key.to_owned(), value.to_owned()))
}

/// `10s=COMMAND`: the time counts from the begin of the hold.
pub(super) fn chaos(text: &str) -> Result<(Duration, String), String> {
    let bad = || format!("'{text}' is not TIME=COMMAND, such as 10s='kill -9 4711'");
    let (at, command) = text.split_once('=').ok_or_else(bad)?;
    Ok((duration(at)?, command.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::Pairing;

    #[test]
    fn there_is_a_thread_for_each_cpu_that_is_free() {
        assert_eq!(Threads::Auto.of(16, false, 1), 16);
        assert_eq!(Threads::Auto.of(16, true, 2), 4);
        assert_eq!(Threads::Auto.of(2, true, 6), 1);
        assert_eq!(Threads::Auto.of(256, false, 1), 64);
        assert_eq!(Threads::Number(3).of(16, true, 2), 3);
        assert_eq!(threads(&Threads::Auto.to_string()), Ok(Threads::Auto));
    }

    #[test]
    fn sources_are_an_address_or_a_range() {
        let range = sources("127.0.0.254-127.0.1.1").unwrap().addresses();
        let words: Vec<String> = range.iter().map(ToString::to_string).collect();
        assert_eq!(words, ["127.0.0.254", "127.0.0.255", "127.0.1.0", "127.0.1.1"]);
        assert_eq!(sources("::1").unwrap().addresses().len(), 1);
        for bad in ["", "x", "1.2.3.4-1.2.3.3", "10.0.0.0-10.1.0.0"] {
            assert!(sources(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn workers_are_auto_a_number_or_addresses() {
        assert_eq!(workers("auto").unwrap(), Workers::Auto);
        assert_eq!(workers("6").unwrap(), Workers::Here(6));
        assert_eq!(workers("a:1,b:2").unwrap(), Workers::There(vec!["a:1".into(), "b:2".into()]));
        for bad in ["", "0", "257", "a", "a:x", "a:1,"] {
            assert!(workers(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_rest() {
        assert_eq!("zipf:1.1".parse::<Pairing>().unwrap(), Pairing::Zipf { exponent: 1.1 });
        assert_eq!(processes("6").unwrap(), Processes::Number(6));
        assert_eq!(threads("64").unwrap(), Threads::Number(64));
        assert!(url_of_page("https://h/metrics").is_ok() && url_of_page("ftp://h/metrics").is_err());
        assert!(threads("0").is_err() && threads("65").is_err() && threads("many").is_err());
        assert_eq!(chaos("10s=a=b").unwrap(), (Duration::from_secs(10), "a=b".to_owned()));
        for bad in ["zipf", "zipf:9", "even"] {
            assert!(bad.parse::<Pairing>().is_err(), "{bad}");
        }
    }
}
