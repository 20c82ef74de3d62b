//! What speaks against a comparison: runs that were spoilt, and sides that are not alike.

use super::RUNS;
use crate::model::{Report, Verdict};
use schema::exit::Exit;

/// Something that two runs must have alike, in words.
type Fact = fn(&Report) -> String;

/// Whatever else differs between the two, or speaks against their runs.
pub(super) fn caveats(a: &[Report], b: &[Report]) -> Vec<String> {
    let mut caveats = Vec::new();
    for (side, reports) in [("A", a), ("B", b)] {
        let invalid = reports.iter().filter(|report| report.verdict == Verdict::Invalid).count();
        let incorrect = reports.iter().filter(|report| report.exit == u8::from(Exit::Incorrect)).count();
        let cut = reports.iter().filter(|report| report.interrupted).count();
        for (count, what) in [
            (invalid, "INVALID and left out of the figures: the generator or the machine was the limit"),
            (incorrect, "not correct"),
            (cut, "cut short"),
        ] {
            if count > 0 {
                caveats.push(format!("{count} of {} runs of {side} are {what}", reports.len()));
            }
        }
    }
    let counted = |side: &[Report]| side.iter().filter(|report| report.verdict != Verdict::Invalid).count();
    if counted(a) < RUNS || counted(b) < RUNS {
        caveats.push(
            "one run of a side, or none: how much runs differ among themselves is not seen; compare several"
                .to_owned(),
        );
    }
    let facts: [(&str, Fact); 8] = [
        ("users", |r| r.users.to_string()),
        ("planned rate", |r| format!("{:.0} msg/s", r.rates.planned)),
        ("size", |r| format!("{} bytes", r.message_bytes)),
        ("load", |r| format!("{}, {} arrivals, {}", r.load.protocol, r.load.arrivals, r.load.pairing)),
        ("machine", |r| format!("{} CPUs, {}", r.environment.cpus, r.environment.cpu_model)),
        ("kernel", |r| r.environment.kernel.clone()),
        ("durability", |r| r.environment.durability.clone()),
        ("co-location", |r| r.environment.co_located.to_string()),
    ];
    for (name, of) in facts {
        let mut seen: Vec<String> = a.iter().chain(b).map(of).collect();
        seen.sort_unstable();
        seen.dedup();
        if seen.len() > 1 {
            caveats.push(format!("not the same {name}: {}", seen.join("; ")));
        }
    }
    caveats
}
