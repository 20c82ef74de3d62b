//! What a run comes to: a verdict, and the same report for people, scripts and CI.
//!
//! [`model::Report`] is the result, whole: `report.json` is its JSON and nothing else is kept, so that every other form can be
//! rendered again from it. [`threshold`] says what is asked for, [`assemble`] puts together what was measured, and the
//! verdict says whether it was had and whether that can be believed.

mod assemble;
pub mod calibration;
pub mod compare;
mod cost;
mod csv;
pub mod environment;
pub mod hlog;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
mod measured;
pub mod metric;
pub mod model;
pub mod process;
pub mod schema;
pub mod search;
pub mod text;
pub mod threshold;
mod timeline;
mod validity;
mod value;
mod verdict;
mod write;

pub use assemble::assemble;
pub use measured::{Measured, Process, Sample, Source, Where, Worker};
pub use threshold::Thresholds;
pub use value::{Stat, View, Window};
pub use write::{Format, write};
