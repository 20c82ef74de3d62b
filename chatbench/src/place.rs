//! Where the load goes: the addresses of a server, this machine's towards it, and its administrator.

use crate::cli::{Run, Sources, names_a_user};
use crate::provision::{Admin, admin_token};
use crate::scrape;
use crate::spawn::Server;
use crate::trust::Trust;
use plan::{Protocol, Target};
use report::{Process, Source, Where};
use reqwest::Url;
use schema::exit::{Exit, Failure};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Once;

/// Schemes of targets, their ports, and whether they are encrypted.
const SCHEMES: [(&str, u16, bool); 7] = [
    ("http", 80, false),
    ("ws", 80, false),
    ("mqtt", 1883, false),
    ("tcp", 1883, false),
    ("https", 443, true),
    ("wss", 443, true),
    ("mqtts", 8883, true),
];
/// Users for whom one local address has ports, with room for those that still wait after a run before.
const USERS_AN_ADDRESS: u32 = 10_000;
/// The admin listener's distance from the gateway.
const ADMIN: u16 = 10;
/// How an admin listener on another machine's loopback is reached.
const TUNNEL: &str = "name the admin listener with --admin: http://127.0.0.1:8090 behind \
`ssh -L 8090:127.0.0.1:8090 HOST`, or an https:// address";

/// A server, found.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) targets: Vec<Target>,
    /// Base of REST calls.
    pub(crate) api: String,
    /// The admin listener, where one was named.
    pub(crate) admin: Option<String>,
    /// Whom it must be signed by, where it speaks TLS.
    pub(crate) trust: Trust,
    /// Its processes, as far as they are known.
    pub(crate) processes: Vec<Process>,
}

impl Place {
    /// Finds the server of these arguments, or the one that was started for them.
    pub(crate) async fn find(args: &Run, server: Option<&Server>) -> Result<Self, Failure> {
        let trust = match server {
            Some(_) => Trust::default(),
            None => Trust::of(&args.door, args.is_tls())?,
        };
        let urls = server.map_or_else(|| args.door.target.clone(), Server::targets);
        let mut targets = Vec::with_capacity(urls.len());
        for url in &urls {
            targets.push(target(url).await?);
        }
        let first = || targets.first().map(web).unwrap_or_default();
        let api = server.map(Server::api).or_else(|| args.door.api.clone()).unwrap_or_else(first);
        let admin = server.map(Server::admin).or_else(|| args.door.admin.clone());
        let processes = match server {
            Some(server) => server.processes(),
            None => processes(args, &trust).await?,
        };
        Ok(Self { targets, api: api.trim_end_matches('/').to_owned(), admin, trust, processes })
    }

    /// Whether the server runs on this machine, as far as addresses tell.
    pub(crate) fn is_here(&self) -> bool {
        self.targets.iter().all(|target| target.address.ip().is_loopback())
    }

    /// Who may make accounts.
    pub(crate) fn admin(&self, args: &Run, server: Option<&Server>) -> Result<Admin, Failure> {
        let url = admin_listener(self.admin.as_deref(), &self.api)?;
        let token = match server {
            Some(server) => admin_token(None, Some(&server.data()))?,
            None => admin_token(args.door.token_file.as_deref(), args.door.data.as_deref())?,
        };
        Ok(Admin::new(self.trust.client()?, &url, token))
    }

    /// Local addresses for the sockets of so many users: those that were named, or some of 127.0.0.0/8 that no run
    /// before this one is likely to have used.
    pub(crate) fn sources(&self, named: &[Sources], users: u32, workers: u32) -> Vec<IpAddr> {
        if !named.is_empty() {
            return named.iter().flat_map(|sources| sources.addresses()).collect();
        }
        if !self
            .targets
            .iter()
            .all(|target| matches!(target.address.ip(), IpAddr::V4(ip) if ip.is_loopback()))
        {
            return Vec::new();
        }
        let number = users.div_ceil(USERS_AN_ADDRESS).max(1).next_multiple_of(workers.max(1));
        let first = Ipv4Addr::new(127, rand::random_range(16..=250), rand::random(), 1).to_bits();
        (0..number).map(|n| Ipv4Addr::from_bits(first + n).into()).collect()
    }
}

/// Those that were named, once it is known that they can be measured.
async fn processes(args: &Run, trust: &Trust) -> Result<Vec<Process>, Failure> {
    let client = trust.client()?;
    for url in &args.server_metrics {
        scrape::probe(&client, url.as_str()).await?;
    }
    let gone = args.server_pid.iter().find(|pid| report::process::usage(**pid).is_none());
    if let Some(pid) = gone {
        return Err(Failure::usage(
            format!("--server-pid {pid}: there is no such process"),
            "see `pgrep chatd`; a server on another machine is measured by --server-metrics",
        ));
    }
    let process = |source, name| Process { source, name, side: Where::Server };
    let here = args.server_pid.iter().map(|pid| process(Source::Pid(*pid), name_of(*pid)));
    let there = args.server_metrics.iter().map(|url| {
        let name =
            format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80));
        process(Source::Metrics(url.to_string()), name)
    });
    Ok(here.chain(there).collect())
}

async fn target(text: &str) -> Result<Target, Failure> {
    let bad = |why: &str| {
        Failure::usage(format!("--target {text}: {why}"), "write http://HOST:PORT or https://HOST[:PORT]")
    };
    if names_a_user(text) {
        // It is not repeated: the password would be.
        let what = "--target: an address takes no user and password, which reports would show";
        return Err(Failure::usage(what, "leave out what ends with @"));
    }
    let url = Url::parse(text).map_err(|error| bad(&error.to_string()))?;
    let known = SCHEMES.iter().find(|(scheme, ..)| *scheme == url.scheme());
    let (Some(host), Some((_, port, sealed))) = (url.host_str(), known) else {
        return Err(bad("not an address of http, https, ws, wss, mqtt or mqtts"));
    };
    // A certificate is for an IPv6 address without its brackets.
    let name = host.trim_start_matches('[').trim_end_matches(']');
    if *sealed && !load::tls::is_name(name) {
        return Err(bad("no certificate can be for this name"));
    }
    let authority = format!("{host}:{}", url.port().unwrap_or(*port));
    let unreachable =
        |why: String| Failure::new(Exit::Unreachable, format!("{text}: {why}"), "check the name");
    let mut found =
        tokio::net::lookup_host(authority.clone()).await.map_err(|e| unreachable(e.to_string()))?;
    let address = found.next().ok_or_else(|| unreachable("no address".into()))?;
    Ok(Target { address, authority, tls: sealed.then(|| name.to_owned()) })
}

/// Base of REST calls of a target.
fn web(target: &Target) -> String {
    format!("http{}://{}", if target.tls.is_some() { "s" } else { "" }, target.authority)
}

/// The admin listener: the one that was named, else the one beside the gateway of this machine.
///
/// # Errors
/// None was named, and the one beside the gateway is another machine's: it speaks plain HTTP, and nobody has said that the
/// administrator's token may cross the network like that.
pub(crate) fn admin_listener(named: Option<&str>, api: &str) -> Result<String, Failure> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let url = Url::parse(api)
        .map_err(|error| Failure::usage(format!("--api {api}: {error}"), "write http://HOST:PORT"))?;
    let host = url.host_str().unwrap_or("127.0.0.1");
    if !is_loopback(host) {
        let what =
            format!("no --admin is named, and the administrator's token is not sent to {host} in clear");
        return Err(Failure::usage(what, TUNNEL));
    }
    let port = url.port_or_known_default().unwrap_or(80).saturating_add(ADMIN);
    Ok(format!("http://{host}:{port}"))
}

/// Says, once, that an admin listener was named to which the token goes in clear.
pub(crate) fn caution(admin: Option<&str>) {
    static SAID: Once = Once::new();
    if let Some(words) = admin.and_then(in_clear) {
        SAID.call_once(|| {
            let _nobody_reads = writeln!(std::io::stderr(), "chatbench: {words}");
        });
    }
}

/// What there is to say of an admin listener on another machine that is asked in clear; nothing of any other.
fn in_clear(admin: &str) -> Option<String> {
    let url = Url::parse(admin).ok()?;
    let host = url.host_str().filter(|host| url.scheme() == "http" && !is_loopback(host))?;
    Some(format!("the administrator's token goes to {host} in clear; without that: {TUNNEL}"))
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.parse::<IpAddr>().map_or(host == "localhost", |ip| ip.to_canonical().is_loopback())
}

/// The program of a process and its first argument, such as `chatd websocket`.
fn name_of(pid: u32) -> String {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut words = line.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let program = words.next().unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or_default().to_owned();
    match words.next().filter(|word| !word.is_empty() && !word.starts_with('-')) {
        Some(service) => format!("{program} {service}"),
        None => program,
    }
}

/// What the server's acknowledgement stands for, as far as it is known.
pub(crate) fn durability(server: Option<&Server>, protocol: &Protocol) -> &'static str {
    match (server, protocol) {
        (Some(_), _) => "embedded, fsync per group commit",
        (None, Protocol::Relay) => "none",
        (None, _) => "as the target is configured",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn targets_are_addresses_plain_or_encrypted() {
        let found = target("http://127.0.0.1:8080").await.unwrap();
        assert_eq!((found.address.port(), found.authority.as_str()), (8080, "127.0.0.1:8080"));
        assert_eq!((web(&found), &found.tls), ("http://127.0.0.1:8080".into(), &None));
        assert_eq!(target("mqtt://127.0.0.1").await.unwrap().address.port(), 1883);
        assert_eq!(target("mqtts://127.0.0.1").await.unwrap().address.port(), 8883);
        let found = target("wss://[::1]").await.unwrap();
        assert_eq!((web(&found), found.tls.as_deref()), ("https://[::1]:443".into(), Some("::1")));
        for bad in ["ftp://127.0.0.1", "127.0.0.1:80", "nothing", "https://a..b", "http://u:p@127.0.0.1"] {
            assert_eq!(target(bad).await.unwrap_err().exit, Exit::Usage, "{bad}");
        }
    }

    #[test]
    fn a_token_of_the_administrator_leaves_in_clear_only_where_that_was_said() {
        for (api, admin) in [
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8090"),
            ("http://localhost:8080", "http://localhost:8090"),
            ("https://[::1]", "http://[::1]:453"),
        ] {
            assert_eq!(admin_listener(None, api).unwrap(), admin);
            assert_eq!(in_clear(admin), None);
        }
        for api in ["https://chat.example", "https://10.0.0.1:8443", "http://chat.example:8080"] {
            let failure = admin_listener(None, api).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage, "{api}");
            assert!(failure.to_string().contains("--admin"), "{failure}");
            assert_eq!(admin_listener(Some("https://a"), api).unwrap(), "https://a");
        }
        assert_eq!(in_clear("https://chat.example:8090"), None);
        assert!(in_clear("http://chat.example:8090").is_some_and(|said| said.contains("in clear")));
    }

    #[tokio::test]
    async fn loopback_targets_are_reached_from_addresses_enough() {
        let targets = vec![target("http://127.0.0.1:8080").await.unwrap()];
        let trust = Trust::default();
        let mut place = Place { targets, api: String::new(), admin: None, trust, processes: Vec::new() };
        let sources = place.sources(&[], 100_000, 6);
        assert_eq!(sources.len(), 12);
        assert!(sources.iter().all(IpAddr::is_loopback));
        let far = Target { address: "10.0.0.1:80".parse().unwrap(), authority: "x".into(), tls: None };
        place.targets.push(far);
        assert!(place.sources(&[], 100_000, 6).is_empty());
    }

    #[test]
    fn a_process_is_named_by_its_program() {
        assert!(name_of(std::process::id()).starts_with("chatbench"));
    }
}
