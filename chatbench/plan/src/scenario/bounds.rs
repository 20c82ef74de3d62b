//! What a scenario may ask for.

use crate::payload::BYTES_MIN;
use std::ops::RangeInclusive;
use std::time::Duration;

pub(super) const USERS: RangeInclusive<u32> = 2..=1_000_000;
/// Messages a second.
pub(super) const RATE: RangeInclusive<f64> = 0.1..=1_000_000.0;
/// Other deeds a second, and messages in a stretch of a trace, where they are not 0.
pub(super) const HABIT: RangeInclusive<f64> = 0.001..=1_000_000.0;
/// Bytes of a message's content; a server may take less.
pub(super) const SIZE: RangeInclusive<u32> = BYTES_MIN as u32..=4096;
pub(super) const DURATION: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(86_400);
/// Ramp, warm-up and drain.
pub(super) const ASIDE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(7200);
pub(super) const THINK: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(3600);
/// Commands.
pub(super) const CHAOS: usize = 100;
/// Moments of a trace: a day, second by second.
pub(super) const MOMENTS: usize = 100_000;
/// Bytes of a trace's file and of a scenario's.
pub(super) const TRACE_BYTES: u64 = 8 << 20;
pub(super) const SCENARIO_BYTES: u64 = 1 << 20;
