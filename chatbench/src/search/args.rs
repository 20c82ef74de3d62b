//! The arguments of `search`.

use super::bracket::Rules;
use crate::cli::{Arrivals, Output, Run, rate};
use crate::settings::{self, Settings};
use schema::exit::Failure;
use std::time::Duration;

/// The first rate, and how long each is held, unless told.
const FROM: f64 = 1000.0;
const HOLD: Duration = Duration::from_secs(10);
/// The lowest rate that is worth a run.
const LEAST: f64 = 1.0;

/// Takes what `run` takes; each step is such a run.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// `--rate` is where the search begins, `--duration` how long each rate is held [default: 10s].
    #[command(flatten)]
    pub(super) run: Run,
    /// Highest rate to try.
    #[arg(long, value_name = "RATE", default_value = "1000000", value_parser = rate)]
    most: f64,
    /// How much more each step up asks for.
    #[arg(long, default_value_t = 2.0, value_parser = factor)]
    factor: f64,
    /// How close the lowest rate that fails is to the highest that holds in the end.
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = percent)]
    precision: f64,
    /// Runs at most.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=1000))]
    steps: u16,
    /// Fail when less than this holds; tried itself where the search closes around it. At most --most.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub(super) at_least: Option<f64>,
    /// Do not measure what the generator itself can do.
    #[arg(long)]
    pub(super) no_ceiling: bool,
}

impl Args {
    pub(crate) fn output(&self) -> Output {
        self.run.output
    }

    pub(super) fn rules(&self) -> Rules {
        Rules {
            from: self.run.rate.unwrap_or(FROM),
            least: LEAST,
            most: self.most,
            factor: self.factor,
            precision: self.precision,
            steps: self.steps.into(),
            at_least: self.at_least,
        }
    }

    /// A step, but for its rate.
    pub(super) fn each(&self) -> Run {
        let duration = self.run.duration.or_else(|| self.run.scenario.is_none().then_some(HOLD));
        Run { duration, ..self.run.clone() }
    }

    /// Refuses what has no rate to vary.
    pub(super) fn sound(&self) -> Result<(), Failure> {
        let rateless = matches!(self.run.arrivals, Some(Arrivals::Closed | Arrivals::None));
        if rateless || self.run.trace.is_some() {
            let hint = "leave --trace and --arrivals closed|none out; constant and poisson have a rate";
            return Err(Failure::usage("a search varies the rate, and this load has none", hint));
        }
        if self.run.rate.is_some_and(|rate| rate > self.most) {
            return Err(Failure::usage("--rate is above --most", "raise --most, or begin lower"));
        }
        if self.at_least.is_some_and(|least| least > self.most) {
            return Err(Failure::usage(
                "--at-least is above --most, and would never be tried",
                "raise --most, or ask for less",
            ));
        }
        Settings::of(&Run { rate: Some(self.rules().from), ..self.each() })?.judged()
    }
}

/// `5%`, or `0.05`.
pub(crate) fn percent(text: &str) -> Result<f64, String> {
    let share = match text.strip_suffix('%') {
        Some(percent) => percent.parse::<f64>().map(|percent| percent / 100.0),
        None => text.parse::<f64>(),
    };
    match share {
        Ok(share) if (0.001..=1.0).contains(&share) => Ok(share),
        _ => Err(format!("'{text}' is no precision; write 5%, 0.1% to 100%")),
    }
}

fn factor(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if (1.1..=10.0).contains(&factor) => Ok(factor),
        _ => Err(format!("'{text}' is no factor; write 1.1 to 10")),
    }
}

/// The command line again, quoted for a shell, without its secrets; the path of the program is left out.
pub(crate) fn spoken(args: impl Iterator<Item = String>) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,%+@".contains(c);
    let quoted = settings::veiled(args.skip(1)).map(|arg| {
        if !arg.is_empty() && arg.chars().all(plain) {
            arg
        } else {
            format!("'{}'", arg.replace('\'', r"'\''"))
        }
    });
    ["chatbench".to_owned()].into_iter().chain(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Ok(Line::try_parse_from(line.split(' '))?.args)
    }

    #[test]
    fn a_step_is_a_run_with_its_own_time() {
        let args = parse("search --spawn --rate 500 --precision 10% --factor 3").unwrap();
        args.sound().unwrap();
        let rules = args.rules();
        assert_eq!((rules.from, rules.factor, rules.precision), (500.0, 3.0, 0.1));
        let each = args.each();
        assert_eq!(each.duration, Some(HOLD));
        assert_eq!(parse("search burst --spawn").unwrap().each().duration, None, "the scenario's own");
        assert_eq!(parse("search").unwrap().rules().from, FROM);
    }

    #[test]
    fn what_has_no_rate_is_refused() {
        for bad in [
            "search --arrivals closed",
            "search --trace x.csv",
            "search --rate 5000 --most 4000",
            "search --at-least 5000 --most 4000",
            "search --duration 1s",
            "search --users 3",
        ] {
            assert!(parse(bad).unwrap().sound().is_err(), "{bad}");
        }
        for bad in ["search --precision 0%", "search --precision x", "search --factor 1", "search --steps 0"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_line_survives_a_shell() {
        let args = ["/usr/bin/chatbench", "search", "--set", "a b='c'", "--rate", "5"].map(str::to_owned);
        assert_eq!(spoken(args.into_iter()), r"chatbench search --set 'a b='\''c'\''' --rate 5");
    }

    #[test]
    fn the_line_has_no_secret() {
        let line = "x compare a b --adapter-set passcode=hunter2 --adapter-set=password=hunter2 --adapter-set \
                    passcode=@file --adapter-set login=guest --label passcode=7";
        let said = spoken(line.split_whitespace().map(str::to_owned));
        assert!(!said.contains("hunter2"), "{said}");
        for kept in
            ["passcode=***", "--adapter-set=password=***", "passcode=@file", "login=guest", "passcode=7"]
        {
            assert!(said.replace('\'', "").contains(kept), "{kept}: {said}");
        }
    }
}
