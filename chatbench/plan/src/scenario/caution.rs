//! What can be run, and may not show what is meant: a server's usual limits, hit by the plan itself.

use super::{Problem, Scenario};
use crate::{Arrivals, Pairing, Protocol, Transport};
use schema::limits::{MESSAGES_PER_SECOND, REQUESTS_PER_MINUTE};

impl Scenario {
    /// Where the busiest user would meet chatd's default limits, so that sends are refused by design. Nothing where there
    /// are no limits that are known.
    #[must_use]
    pub fn cautions(&self) -> Vec<Problem> {
        let Protocol::Chatd { transport } = self.protocol else { return Vec::new() };
        let mut found = Vec::new();
        let mut caution = |field: &str, what: String, fix: &str| {
            found.push(Problem { field: field.to_owned(), what, fix: fix.to_owned() });
        };
        let share = self.busiest_share();
        let busiest = self.highest_rate() * share;
        if transport == Transport::Rest && busiest * 60.0 > f64::from(REQUESTS_PER_MINUTE) {
            let what = format!("the busiest user would make {:.0} calls a minute", busiest * 60.0);
            let fix = format!("chatd takes {REQUESTS_PER_MINUTE} unless told: more users, or a lower rate");
            caution("rate", what, &fix);
        } else if busiest > f64::from(MESSAGES_PER_SECOND) {
            let what = format!("the busiest user would send {busiest:.0} messages a second");
            let fix =
                format!("chatd takes {MESSAGES_PER_SECOND} unless told: more users, or an evener pairing");
            caution(if self.pairing == Pairing::Uniform { "rate" } else { "pairing" }, what, &fix);
        }
        let pages = self.behaviour.history_rate * 60.0 / f64::from(self.users);
        if pages > f64::from(REQUESTS_PER_MINUTE) {
            let what = format!("each user would make {pages:.0} calls a minute");
            let fix = format!("chatd takes {REQUESTS_PER_MINUTE} unless told: more users, or a lower rate");
            caution("behaviour.history_rate", what, &fix);
        }
        found
    }

    /// Messages a second at most, of all together; 0 where answers set the pace.
    fn highest_rate(&self) -> f64 {
        match self.planned_arrivals() {
            Arrivals::None | Arrivals::Closed { .. } => 0.0,
            Arrivals::Constant { rate } | Arrivals::Poisson { rate } => rate,
            Arrivals::Trace { steps } => steps.iter().map(|step| step.rate).fold(0.0, f64::max),
        }
    }

    /// Of all messages, those of the busiest user, on average.
    fn busiest_share(&self) -> f64 {
        match self.pairing {
            Pairing::Uniform => 1.0 / f64::from(self.users),
            Pairing::Zipf { exponent } => {
                let all: f64 = (1..=self.users / 2).map(|rank| f64::from(rank).powf(-exponent)).sum();
                0.5 / all
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cautioned(text: &str) -> Vec<String> {
        let scenario = Scenario::parse("x", &format!("version = 1\n{text}")).unwrap();
        scenario.cautions().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_busiest_user_is_compared_with_the_limits() {
        let found = cautioned("pairing = \"zipf:1\"\nusers = 200\nrate = 1000");
        // The harmonic number of 100 is 5.19: 193 of the busiest pair, half of them his.
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("pairing: the busiest user would send 96 messages a second"),
            "{found:?}"
        );
        assert!(cautioned("users = 10\nrate = 501")[0].starts_with("rate: "));
        assert_eq!(cautioned("users = 10\nrate = 500"), [""; 0]);
        let rest = "users = 100\nprotocol.chatd.transport = \"rest\"";
        assert!(cautioned(&format!("{rest}\nrate = 200"))[0].contains("120 calls a minute"));
        assert_eq!(cautioned(&format!("{rest}\nrate = 100")), [""; 0]);
        assert_eq!(cautioned("protocol = \"relay\"\nusers = 2\nrate = 9000"), [""; 0]);
        assert!(cautioned("users = 2\nrate = 1\nbehaviour.history_rate = 10")[0].contains("history_rate"));
    }

    #[test]
    fn nothing_shipped_is_cautioned() {
        for scenario in Scenario::shipped() {
            assert_eq!(scenario.cautions(), [], "{}", scenario.name);
        }
    }
}
