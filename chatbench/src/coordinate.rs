//! `chatbench coordinate`: a run whose generator processes are on other machines.
//!
//! The same as `run --workers HOST:PORT,...`, under a name that is looked for.

use crate::cli::{Output, Run, Workers};
use crate::interrupt::Interrupt;
use crate::{Outcome, run, told};
use schema::exit::Failure;

/// The arguments of `coordinate`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Where `chatbench worker --listen` waits: HOST:PORT,...
    #[arg(value_name = "HOST:PORT,...", value_parser = hosts)]
    hosts: Hosts,
    #[command(flatten)]
    run: Run,
}

/// Workers elsewhere, one or more.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hosts(Vec<String>);

impl Args {
    pub(crate) fn output(&self) -> Output {
        self.run.output
    }

    /// The run that is meant.
    fn meant(&self) -> Result<Run, Failure> {
        if self.run.workers != Workers::Auto {
            let hint = "name the workers before the scenario, and leave --workers out";
            return Err(Failure::usage("coordinate and --workers both name workers", hint));
        }
        Ok(Run { workers: Workers::There(self.hosts.0.clone()), ..self.run.clone() })
    }
}

/// Runs, and prints the report.
pub(crate) async fn run(args: &Args) -> Result<Outcome, Failure> {
    told(&run::run(&args.meant()?, &mut Interrupt::listen()?).await?, args.run.output)
}

fn hosts(text: &str) -> Result<Hosts, String> {
    match crate::cli::workers(text)? {
        Workers::There(hosts) => Ok(Hosts(hosts)),
        Workers::Auto | Workers::Here(_) => {
            Err(format!("'{text}' is not HOST:PORT,...; `run` starts workers here"))
        }
    }
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
    fn workers_come_first_then_what_run_takes() {
        let args = parse("coordinate a:7000,b:7000 burst --users 200").unwrap();
        let run = args.meant().unwrap();
        assert_eq!(run.workers, Workers::There(vec!["a:7000".into(), "b:7000".into()]));
        assert_eq!((run.scenario.as_deref(), run.users), (Some("burst"), Some(200)));
    }

    #[test]
    fn workers_here_are_what_run_is_for() {
        for bad in ["coordinate 4", "coordinate auto", "coordinate host", "coordinate"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse("coordinate a:1 --workers 2").unwrap().meant().is_err());
    }
}
