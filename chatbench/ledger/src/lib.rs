//! What a run has measured: the book of messages, the histograms, the seconds, the counts beside them.
//!
//! Each thread of a worker keeps its own; [`Harvest::merge`] puts them together, exactly: counts are added, histograms
//! are added bucket by bucket, and books are disjoint because the two of a pair belong to one thread. Everything here
//! can cross to another process.

mod book;
mod harvest;
mod latency;
mod outcomes;
mod second;
mod seconds;
mod violations;

pub use book::Ledger;
pub use harvest::{Connecting, ERRORS, Harvest, Kind, Latencies, Tally};
pub use latency::{Figures, Latency};
pub use outcomes::Outcomes;
pub use second::Second;
pub use seconds::Seconds;
pub use violations::{Class, Counts, Violations};
