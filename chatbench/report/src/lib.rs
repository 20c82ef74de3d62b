//! What a run comes to: a verdict, and the same report for people, scripts and CI.
//!
//! [`model::Report`] is the result, whole: `report.json` is its JSON and nothing else is kept, so that every other form can be
//! rendered again from it. [`threshold`] says what is asked for, [`verdict`] whether it was had and whether that can be
//! believed.

mod measured;
pub mod model;
pub mod process;

pub use measured::{Measured, Process, Sample, Where, Worker};
