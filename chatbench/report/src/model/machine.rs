//! What processes have used, and where the run took place.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What processes have used during the hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    /// Microseconds of CPU per delivered message.
    pub cpu_us_per_message: Option<f64>,
    /// CPUs in use, on average.
    pub cpus: f64,
    pub rss_bytes: u64,
    pub rss_peak_bytes: u64,
    /// Growth of memory from before the ramp to its end, by user.
    pub rss_per_user_bytes: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessUse {
    /// None of one whose metrics are read (`--server-metrics`).
    pub pid: Option<u32>,
    /// `chatd`, `chatd websocket`, …
    pub name: String,
    #[serde(flatten)]
    pub used: Side,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkerUse {
    pub host: String,
    pub pid: u32,
    pub users: u32,
    pub connected: u64,
    /// How wrong its clock may have been against the coordinator's at any time of the run, in microseconds; 0 on the same
    /// machine. So far its seconds may lie beside the others' in the timeline; no latency spans two clocks.
    pub clock_bound_us: u64,
    /// How far its clock ran ahead of the coordinator's from before the run to its end, in microseconds; none on the same
    /// machine, and where it could not be read at the end.
    #[serde(default)]
    pub clock_drift_us: Option<i64>,
    #[serde(flatten)]
    pub used: Side,
}

/// Where the run took place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Environment {
    pub cpus: u32,
    pub cpu_model: String,
    /// The frequency governor, where there is one to read.
    pub governor: Option<String>,
    pub kernel: String,
    pub memory_mib: u64,
    /// Of the control group, where it is limited.
    pub memory_limit_mib: Option<u64>,
    pub cpu_limit: Option<f64>,
    /// Hard limit of open files of a process.
    pub files: u64,
    pub local_ports: u32,
    pub listen_backlog: u64,
    pub clock_source: String,
    /// Load average over a minute before the run.
    pub load_before: f64,
    /// Whether the server runs on this machine too.
    pub co_located: bool,
    /// What the server's acknowledgement stands for, where it is known.
    pub durability: String,
    /// What the server says it is: version and build.
    pub server: Option<String>,
}
