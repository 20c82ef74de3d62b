//! What is wrong with a scenario: the field, the bound, the fix.

use super::bounds::{ASIDE, CHAOS, DURATION, HABIT, MOMENTS, RATE, SIZE, THINK, USERS};
use super::{Habits, Scenario, Trace, VERSION, When};
use crate::duration::show;
use crate::pairing::EXPONENT_MAX;
use crate::{Pairing, Protocol};
use std::fmt::{self, Display};
use std::ops::RangeInclusive;
use std::time::Duration;

/// Something that can't be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// As the file names it, such as `behaviour.churn.rate`.
    pub field: String,
    pub what: String,
    pub fix: String,
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.field, self.what, self.fix)
    }
}

/// Collects problems.
#[derive(Default)]
struct Checked(Vec<Problem>);

impl Checked {
    fn problem(&mut self, field: &str, what: String, fix: impl Into<String>) {
        self.0.push(Problem { field: field.to_owned(), what, fix: fix.into() });
    }

    fn within<T: PartialOrd + Copy>(
        &mut self,
        field: &str,
        value: T,
        bounds: &RangeInclusive<T>,
        show: impl Fn(T) -> String,
    ) {
        if !bounds.contains(&value) {
            let (low, high) = (show(*bounds.start()), show(*bounds.end()));
            self.problem(
                field,
                format!("{} is out of bounds", show(value)),
                format!("write {low} to {high}"),
            );
        }
    }

    /// A rate that may be 0 for never.
    fn habit(&mut self, field: &str, value: f64) {
        if value != 0.0 {
            self.within(field, value, &HABIT, |rate| rate.to_string());
        }
    }

    fn time(&mut self, field: &str, value: Duration, bounds: &RangeInclusive<Duration>) {
        self.within(field, value, bounds, show);
    }

    /// A share of the users of whom some, and not all, are meant.
    fn some(&mut self, field: &str, value: f64) {
        if !(value > 0.0 && value < 1.0) {
            self.problem(
                field,
                format!("{value} is no share of the users"),
                "write 0.01 for one in a hundred",
            );
        }
    }

    fn before(&mut self, field: &str, value: Duration, end: Duration) {
        if value >= end {
            let what = format!("{} is after the end of the hold", show(value));
            self.problem(field, what, format!("write less than {}, or a longer duration", show(end)));
        }
    }
}

impl Scenario {
    /// Everything that is wrong; empty when it can be run.
    #[must_use]
    pub fn validate(&self) -> Vec<Problem> {
        let mut checked = Checked::default();
        let c = &mut checked;
        if self.version != VERSION {
            let what = format!("{} is not known", self.version);
            c.problem("version", what, format!("this chatbench reads {VERSION}"));
        }
        c.within("users", self.users, &USERS, |users| users.to_string());
        if !self.users.is_multiple_of(2) {
            let what = format!("{} is odd, and people talk in pairs", self.users);
            c.problem("users", what, format!("write {}", self.users.saturating_add(1)));
        }
        c.within("size", self.size, &SIZE, |size| size.to_string());
        c.time("ramp", self.ramp(), &ASIDE);
        c.time("warmup", self.warmup, &ASIDE);
        c.time("duration", self.duration, &DURATION);
        c.time("drain", self.drain, &ASIDE);
        if let Pairing::Zipf { exponent } = self.pairing {
            c.within("pairing", exponent, &(0.0..=EXPONENT_MAX), |exponent| format!("zipf:{exponent}"));
        }
        self.check_arrivals(c);
        self.check_chaos(c);
        check_habits(c, &self.behaviour, self);
        check_needs(c, self);
        checked.0
    }

    fn check_arrivals(&self, c: &mut Checked) {
        if let Some(trace) = &self.trace {
            if self.rate.is_some() || self.arrivals != When::Constant {
                let what = "there is a trace beside a rate or arrivals".to_owned();
                c.problem("trace", what, "leave out rate and arrivals, or the trace");
            }
            check_trace(c, trace);
            return;
        }
        if let Some(rate) = self.rate {
            c.within("rate", rate, &RATE, |rate| rate.to_string());
            if matches!(self.arrivals, When::Closed | When::None) {
                let what = "a rate is said, but answers set the pace or nobody sends".to_owned();
                c.problem("rate", what, "leave it out, or write arrivals = \"constant\" or \"poisson\"");
            }
        }
        if let Some(think) = self.think {
            c.time("think", think, &THINK);
            if self.arrivals != When::Closed {
                let what = "people do not wait for an answer here".to_owned();
                c.problem("think", what, "leave it out, or write arrivals = \"closed\"");
            }
        }
        if self.arrivals == When::Closed && self.pairing != Pairing::Uniform {
            let what = "with closed arrivals everybody sends in his own time".to_owned();
            c.problem("pairing", what, "leave it out");
        }
    }

    fn check_chaos(&self, c: &mut Checked) {
        if self.chaos.len() > CHAOS {
            let what = format!("{} commands", self.chaos.len());
            c.problem("chaos", what, format!("write {CHAOS} at most, or one script"));
        }
        for (index, chaos) in self.chaos.iter().enumerate() {
            c.before(&format!("chaos[{index}].at"), chaos.at, self.duration);
            if chaos.command.trim().is_empty() {
                let what = "there is no command".to_owned();
                c.problem(&format!("chaos[{index}].command"), what, "write one for the shell");
            }
        }
    }
}

fn check_trace(c: &mut Checked, trace: &Trace) {
    let moments = match trace {
        Trace::File(path) => {
            let what = format!("{} was not read", path.display());
            return c.problem("trace", what, "take the scenario from a file, so that its folder is known");
        }
        Trace::Moments(moments) => moments,
    };
    if moments.is_empty() || moments.len() > MOMENTS {
        let what = format!("it has {} moments", moments.len());
        return c.problem("trace", what, format!("write 1 to {MOMENTS}"));
    }
    if !moments[0].at.is_zero() {
        let what = format!("it begins at {}", show(moments[0].at));
        c.problem("trace[0].at", what, "write 0s, with a rate of 0 if nobody sends yet");
    }
    for (index, two) in moments.windows(2).enumerate() {
        if two[1].at <= two[0].at {
            let what = format!("{} is not after {}", show(two[1].at), show(two[0].at));
            return c.problem(&format!("trace[{}].at", index + 1), what, "sort the moments by time");
        }
    }
    for (index, moment) in moments.iter().enumerate() {
        c.habit(&format!("trace[{index}].rate"), moment.rate);
    }
    if moments.iter().all(|moment| moment.rate == 0.0) {
        let what = "nobody ever sends".to_owned();
        c.problem("trace", what, "write arrivals = \"none\" instead");
    }
}

fn check_habits(c: &mut Checked, habits: &Habits, scenario: &Scenario) {
    c.within("behaviour.seen_share", habits.seen_share, &(0.0..=1.0), |share| share.to_string());
    c.habit("behaviour.typing_rate", habits.typing_rate);
    c.habit("behaviour.presence_rate", habits.presence_rate);
    c.habit("behaviour.history_rate", habits.history_rate);
    if let Some(churn) = habits.churn {
        c.within("behaviour.churn.rate", churn.rate, &HABIT, |rate| rate.to_string());
        c.time("behaviour.churn.away", churn.away, &ASIDE);
        let away = churn.rate * churn.away.as_secs_f64();
        if away > f64::from(scenario.users) / 2.0 {
            let what = format!("about {away:.0} of {} users would be away at a time", scenario.users);
            c.problem("behaviour.churn.rate", what, "let fewer leave, or come back sooner: half at most");
        }
    }
    if let Some(storm) = habits.storm {
        c.before("behaviour.storm.at", storm.at, scenario.duration);
        c.time("behaviour.storm.within", storm.within, &ASIDE);
        if !(storm.share > 0.0 && storm.share <= 1.0) {
            let what = format!("{} is no share of the users", storm.share);
            c.problem("behaviour.storm.share", what, "write 0.5 for every other");
        }
    }
    if let Some(offline) = habits.offline {
        c.some("behaviour.offline.share", offline.share);
    }
    if let Some(slow) = habits.slow {
        c.some("behaviour.slow.share", slow.share);
        c.time("behaviour.slow.pause", slow.pause, &ASIDE);
        c.before("behaviour.slow.pause", slow.pause, scenario.duration);
    }
}

/// What only chatd can do.
fn check_needs(c: &mut Checked, scenario: &Scenario) {
    if matches!(scenario.protocol, Protocol::Chatd { .. }) {
        return;
    }
    let habits = &scenario.behaviour;
    for (field, wanted) in [
        ("login", habits.login),
        ("seen_share", habits.seen_share > 0.0),
        ("typing_rate", habits.typing_rate > 0.0),
        ("presence_rate", habits.presence_rate > 0.0),
        ("history_rate", habits.history_rate > 0.0),
        ("offline", habits.offline.is_some()),
    ] {
        if wanted {
            let what = "the protocol has no such thing".to_owned();
            c.problem(&format!("behaviour.{field}"), what, "leave it out, or take protocol chatd");
        }
    }
}
