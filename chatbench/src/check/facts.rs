//! What a preflight knows: what is asked for, what this machine has, what the server says.

use std::collections::BTreeMap;

/// The run that is to be made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) users: u64,
    /// Messages a second, of all together.
    pub(crate) rate: f64,
    pub(crate) message_bytes: u64,
    /// Over which the connections are spread.
    pub(crate) ramp_s: f64,
    /// Users log in with a password instead of a minted token.
    pub(crate) logins: bool,
    /// Messages go by REST.
    pub(crate) rest: bool,
    /// Target addresses (with their ports) and local addresses that sockets are spread over.
    pub(crate) targets: u64,
    pub(crate) sources: u64,
    /// Sockets are encrypted.
    pub(crate) tls: bool,
    /// Whether more local addresses can be had without setting anything up: the target is on loopback.
    pub(crate) loopback: bool,
    /// The server runs on this machine, in as many processes as it needs.
    pub(crate) server_here: bool,
    /// Worker processes; none: as many as it takes.
    pub(crate) workers: Option<u64>,
    /// The workers run on other machines, which this one can't look into.
    pub(crate) elsewhere: bool,
}

/// What this machine has. Zero or none where it does not say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Machine {
    pub(crate) cpus: u64,
    /// Of the control group, where it is limited.
    pub(crate) cpu_limit: Option<f64>,
    pub(crate) governor: Option<String>,
    pub(crate) clock_source: String,
    /// Load average over a minute.
    pub(crate) load: f64,
    /// Share of the CPUs that other guests took while the check looked.
    pub(crate) steal: f64,
    /// Hard limit of open files of a process.
    pub(crate) files: u64,
    /// Open files of the whole machine, and their bound.
    pub(crate) files_open: u64,
    pub(crate) files_max: u64,
    /// Local ports of one address towards one target, those reserved taken off.
    pub(crate) ports: u64,
    /// Sockets of the kernel that wait for late packets, and their bound.
    pub(crate) time_wait: u64,
    pub(crate) time_wait_max: u64,
    /// Bytes that can be had without swapping, by the machine and by the control group.
    pub(crate) memory: u64,
    pub(crate) memory_in_group: Option<u64>,
    /// Bytes that the kernel lends to TCP in all, and has lent.
    pub(crate) tcp_memory_max: Option<u64>,
    pub(crate) tcp_memory: u64,
    /// Connections that the firewall tracks, and their bound; none without such a firewall.
    pub(crate) tracked: Option<(u64, u64)>,
    /// Connections that may wait to be accepted, and half-open ones.
    pub(crate) backlog: u64,
    pub(crate) syn_backlog: u64,
    /// How long one BCrypt hash of the given cost takes here, in milliseconds.
    pub(crate) hash_ms: Option<f64>,
}

/// What the server says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Server {
    /// It is not running yet: chatbench starts it.
    Later,
    /// No answer, or one that is none of chatd's.
    Silent(String),
    Answers {
        /// Its limits by key; empty where it has no such list.
        limits: BTreeMap<String, i64>,
        /// How far its wall clock is ahead of ours, in seconds, to a second.
        ahead_s: Option<f64>,
    },
}

/// Everything that a verdict needs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Facts {
    pub(crate) asked: Asked,
    pub(crate) machine: Machine,
    pub(crate) server: Server,
}
