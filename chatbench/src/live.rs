//! What a person sees while a run lasts, on stderr only: a view of the whole terminal, a few plain lines elsewhere.

mod heat;
mod keys;
mod lines;
mod panel;
mod terminal;
mod view;

pub(crate) use terminal::restore;

use crate::cli;
use crate::interrupt::Trigger;
use keys::Keys;
use ledger::{Second, Seconds};
use lines::Lines;
use load::control::Tick;
use plan::Phases;
use report::Thresholds;
use report::threshold::Watch;
use std::borrow::Cow;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};
use terminal::Screen;
use view::View;

/// Time between two pictures: the generator has better things to do.
const PICTURE: Duration = Duration::from_millis(500);

/// How the run stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State<'a> {
    /// Run clock, and when the plan began, once it did.
    pub(crate) now_us: u64,
    pub(crate) begin_us: Option<u64>,
    /// How much of the phase is done, 0 to 1.
    pub(crate) share: f64,
    pub(crate) connected: u64,
    pub(crate) sent: u64,
    pub(crate) acknowledged: u64,
    pub(crate) received: u64,
    pub(crate) violations: u64,
    /// The busiest generator thread's share of a CPU.
    pub(crate) busy: f64,
    /// Seconds that have ended.
    pub(crate) seconds: &'a Seconds,
    pub(crate) workers: &'a [Worker],
    /// CPUs in use, where they are seen.
    pub(crate) server_cpus: Option<f64>,
    pub(crate) generator_cpus: Option<f64>,
}

/// A generator process.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    /// Where it runs, and its number there.
    pub(crate) name: String,
    pub(crate) users: u32,
    /// What it has told last.
    pub(crate) last: Tick,
}

impl State<'_> {
    /// The latest second that all workers have told of.
    fn whole(&self) -> Option<Cow<'_, Second>> {
        const TOLD_S: u64 = 2;
        let whole = u32::try_from((self.now_us / 1_000_000).saturating_sub(TOLD_S)).ok()?;
        self.seconds.until(whole)
    }
}

/// The view.
#[derive(Debug)]
pub(crate) struct Live {
    form: Form,
    /// What is asked for, until the plan begins and it can be followed.
    asked: Option<(Thresholds, Phases)>,
    gates: Option<Watch>,
    phase: (String, String),
    drawn: Option<Instant>,
}

#[derive(Debug)]
enum Form {
    Off,
    Lines(Lines),
    /// The keyboard, where there is one, is given back before the screen.
    Whole(Box<(Option<Keys>, Screen, View)>),
}

impl Live {
    /// The whole terminal where stderr is one, unless something else is wanted.
    /// Keys that end the run pull `quit`.
    pub(crate) fn new(wanted: Option<cli::Live>, quit: Trigger) -> Self {
        let on_terminal = stderr().is_terminal();
        let form = match wanted.unwrap_or(if on_terminal { cli::Live::Tui } else { cli::Live::Line }) {
            cli::Live::Off => Form::Off,
            cli::Live::Tui if on_terminal => match Screen::enter() {
                Ok(screen) => {
                    let keys = Keys::take(quit);
                    let view = View::new(keys.is_some());
                    Form::Whole(Box::new((keys, screen, view)))
                }
                // A terminal that cannot be drawn on can still be written to.
                Err(_) => Form::Lines(Lines::new()),
            },
            cli::Live::Tui | cli::Live::Line => Form::Lines(Lines::new()),
        };
        Self { form, asked: None, gates: None, phase: <(String, String)>::default(), drawn: None }
    }

    /// What the run is judged by.
    pub(crate) fn asked(&mut self, thresholds: &Thresholds, phases: &Phases) {
        self.asked = Some((thresholds.clone(), *phases));
    }

    /// A phase begins.
    pub(crate) fn phase(&mut self, name: &str, what: &str) {
        self.phase = (name.to_owned(), what.to_owned());
        match &mut self.form {
            Form::Off => {}
            Form::Lines(lines) => lines.say(&format!("{name}: {what}")),
            Form::Whole(whole) => {
                let (_, screen, view) = whole.as_mut();
                view.phase(name, what);
                screen.draw(|frame| view.draw(frame));
            }
        }
    }

    pub(crate) fn tick(&mut self, state: &State<'_>) {
        let pressed = self.press();
        let lately = self.drawn.is_some_and(|drawn| drawn.elapsed() < PICTURE);
        if matches!(self.form, Form::Off) || (lately && !pressed) {
            return;
        }
        self.drawn = Some(Instant::now());
        if let (Some(begin), Some((thresholds, phases))) = (state.begin_us, &self.asked)
            && self.gates.is_none()
        {
            self.gates = Some(Watch::new(thresholds, phases, begin));
        }
        match &mut self.form {
            Form::Off => {}
            Form::Lines(lines) => lines.tick(state),
            Form::Whole(whole) => {
                let (_, screen, view) = whole.as_mut();
                if let Some(gates) = &mut self.gates {
                    // Whether the run ends early is the coordinator's to say.
                    let _stop = gates.follow(state.seconds, state.now_us);
                    view.judged(gates.standing());
                }
                view.tick(state);
                screen.draw(|frame| view.draw(frame));
            }
        }
    }

    /// Acts on keys; whether there was one.
    fn press(&mut self) -> bool {
        let Form::Whole(whole) = &mut self.form else { return false };
        let (Some(keys), _, view) = whole.as_mut() else { return false };
        keys.pressed().map(|key| view.press(key)).count() > 0
    }

    /// The run is over: the terminal is as it was before.
    pub(crate) fn end(&mut self) {
        self.form = Form::Off;
    }
}
