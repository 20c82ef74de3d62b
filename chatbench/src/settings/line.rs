//! The line that repeats a run.

use super::Settings;
use crate::cli::{Reconcile, Run, Threads, Workers};
use plan::scenario::{Scenario, When};
use plan::{Pairing, Protocol, Transport};
use std::fmt::Display;
use std::time::Duration;

/// Builds a command line.
struct Line(String);

impl Line {
    fn say(&mut self, flag: &str, value: impl Display) {
        self.0.push_str(&format!(" --{flag} {}", quoted(&value.to_string())));
    }

    fn all(&mut self, flag: &str, values: impl IntoIterator<Item = impl Display>) {
        values.into_iter().for_each(|value| self.say(flag, value));
    }

    fn flag(&mut self, flag: &str, set: bool) {
        if set {
            self.0.push_str(&format!(" --{flag}"));
        }
    }
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

fn ms(duration: Duration) -> String {
    format!("{}ms", duration.as_secs_f64() * 1000.0)
}

impl Settings {
    /// Repeats this run: what was resolved where there is no scenario, what was said where there is one, and the seed.
    pub(crate) fn line(&self, args: &Run, seed: u64) -> String {
        let mut line = Line("chatbench run".to_owned());
        if let Some(scenario) = &args.scenario {
            line.0.push_str(&format!(" {}", quoted(scenario)));
        }
        self.server(args, &mut line);
        self.load(args, &mut line);
        match &args.workers {
            Workers::Auto => {}
            Workers::Here(number) => line.say("workers", number),
            Workers::There(hosts) => {
                line.say("workers", hosts.join(","));
                line.all("secret", args.secret.as_ref().map(|path| path.display()));
            }
        }
        line.all("threads", (args.threads != Threads::Auto).then_some(args.threads));
        line.say("connecting", args.connecting);
        let sources = args.source_ip.iter().map(|sources| sources.text());
        line.all("source-ip", sources);
        line.flag("no-latency-gate", args.no_latency_gate);
        line.all("p99", args.p99.map(ms));
        line.all("gate", &args.gate);
        line.all("thresholds", args.thresholds.as_ref().map(|path| path.display()));
        line.all("baseline", args.baseline.as_ref().map(|path| path.display()));
        match args.reconcile {
            Some(Reconcile::All) => line.say("reconcile", "all"),
            Some(Reconcile::Sample(number)) => line.say("reconcile", number),
            None => {}
        }
        line.all("label", args.label.iter().map(|(key, value)| format!("{key}={value}")));
        line.say("seed", seed);
        line.0
    }

    fn server(&self, args: &Run, line: &mut Line) {
        if args.server.spawn {
            line.flag("spawn", true);
            line.all("chatd", args.server.chatd.as_ref().map(|path| path.display()));
            line.all("set", &args.server.set);
            if let crate::cli::Processes::Number(number) = args.server.websocket_processes {
                line.say("websocket-processes", number);
            }
        } else {
            line.all("target", &args.door.target);
            line.all("api", &args.door.api);
            line.all("admin", &args.door.admin);
            line.all("token-file", args.door.token_file.as_ref().map(|path| path.display()));
            line.all("data", args.door.data.as_ref().map(|path| path.display()));
            line.all("ca", args.door.ca.as_ref().map(|path| path.display()));
        }
        line.all("server-pid", &args.server_pid);
        line.all("server-metrics", &args.server_metrics);
        line.all("users-file", args.users_file.as_ref().map(|path| path.display()));
        line.all("adapter", args.adapter.map(|adapter| format!("{adapter:?}").to_lowercase()));
        line.all("adapter-set", args.adapter_set.iter().map(super::adapter::shown));
    }

    fn load(&self, args: &Run, line: &mut Line) {
        let scenario = args.scenario.is_some();
        line.all("scale", args.scale);
        let said = |given: bool| given || !scenario;
        let what = &self.scenario;
        line.all("users", said(args.users.is_some()).then_some(what.users));
        let rated = matches!(what.arrivals, When::Constant | When::Poisson) && what.trace.is_none();
        if rated && said(args.rate.is_some()) {
            line.say("rate", what.rate.unwrap_or(Scenario::RATE));
        }
        line.all("arrivals", args.arrivals.map(|arrivals| format!("{arrivals:?}").to_lowercase()));
        line.all("think", args.think.map(ms));
        line.all("trace", args.trace.as_ref().map(|path| path.display()));
        let phases = [
            ("duration", args.duration.is_some(), what.duration),
            ("warmup", args.warmup.is_some(), what.warmup),
            ("drain", args.drain.is_some(), what.drain),
        ];
        for (name, given, value) in phases {
            line.all(name, said(given).then(|| ms(value)));
        }
        line.all("ramp", args.ramp.map(ms));
        line.all("size", said(args.size.is_some()).then_some(what.size));
        if args.pairing.is_some() {
            match what.pairing {
                Pairing::Uniform => line.say("pairing", "uniform"),
                Pairing::Zipf { exponent } => line.say("pairing", format!("zipf:{exponent}")),
            }
        }
        match (&what.protocol, args.transport) {
            (Protocol::Chatd { transport: Transport::Sockjs }, Some(_)) => line.say("transport", "sockjs"),
            (Protocol::Chatd { transport: Transport::Rest }, Some(_)) => line.say("transport", "rest"),
            (Protocol::Chatd { transport: Transport::Websocket }, Some(_)) => {
                line.say("transport", "websocket")
            }
            _ => {}
        }
        line.all("chaos", args.chaos.iter().map(|(at, command)| format!("{}={command}", ms(*at))));
    }
}
