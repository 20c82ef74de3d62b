use super::*;
use crate::assemble::tests::{measured, report};
use crate::model::Verdict;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand_distr::{Distribution, StandardNormal};
use schema::exit::Exit;

const SECONDS: u32 = 30;
/// How much runs differ among themselves, and a second from the next.
const BETWEEN: f64 = 0.03;
const WITHIN: f64 = 0.10;
/// How much of a second's noise the next one has.
const KEPT: f64 = 0.6;

/// A run whose latency, cost and rate waver as those of a machine in use do; `factor` makes it slower and dearer.
fn noisy(rng: &mut SmallRng, factor: f64) -> Report {
    let mut run = report(&measured());
    (run.begin_s, run.phases.warmup_s, run.duration_s) = (0.0, 0.0, f64::from(SECONDS));
    let mut draw = || -> f64 { StandardNormal.sample(rng) };
    let level = factor * (BETWEEN * draw()).exp();
    let mut noise = 0.0;
    let mut wavering = || {
        noise = KEPT * noise + (1.0 - KEPT * KEPT).sqrt() * draw();
        (WITHIN * noise).exp()
    };
    run.timeline = (0..SECONDS)
        .map(|at_s| Point {
            at_s,
            delivered: (1000.0 * wavering()) as u64,
            p50_ms: Some(5.0 * level * wavering()),
            p99_ms: Some(20.0 * level * wavering() * wavering()),
            server_cpus: Some(0.04 * level * wavering()),
            ..Point::default()
        })
        .collect();
    if let Some(server) = &mut run.server {
        server.rss_per_user_bytes = Some(8000.0 * level);
    }
    run
}

fn runs(rng: &mut SmallRng, count: usize, factor: f64) -> Vec<Report> {
    (0..count).map(|_| noisy(rng, factor)).collect()
}

/// The bar: of the same against itself, no difference in any figure at least 19 times in 20. (Of 200 trials with this noise 8 show
/// one with 2 runs a side, 2 with 3, 5 and 8.)
#[test]
fn the_same_against_itself_shows_no_difference() {
    for count in [2, 5] {
        let seen = (0..20).filter(|trial| {
            let rng = &mut SmallRng::seed_from_u64(100 + trial);
            compare(&runs(rng, count, 1.0), &runs(rng, count, 1.0), *trial).unwrap().differs()
        });
        assert!(seen.count() <= 1, "{count} runs a side");
    }
}

#[test]
fn a_real_difference_is_seen_with_its_direction_and_size() {
    for trial in 0..10 {
        let rng = &mut SmallRng::seed_from_u64(trial);
        let found = compare(&runs(rng, 5, 1.0), &runs(rng, 5, 1.25), trial).unwrap();
        let p50 = &found.figures[0];
        assert_eq!((p50.outcome, p50.better), (Outcome::Higher, Some(false)), "{p50:?}");
        assert!(p50.from.unwrap() < 25.0 && p50.to.unwrap() > 25.0, "{p50:?}");
        let (a, b) = (p50.a_interval.unwrap(), p50.b_interval.unwrap());
        assert!(a.0 < p50.a.unwrap() && p50.a.unwrap() < a.1 && b.0 < p50.b.unwrap(), "{p50:?}");
        let rate = &found.figures[3];
        assert_eq!((rate.name.as_str(), rate.outcome), ("delivered rate", Outcome::None), "{rate:?}");
        assert!(found.regressed());
        let back = compare(&runs(rng, 5, 1.25), &runs(rng, 5, 1.0), trial).unwrap();
        assert_eq!((back.figures[0].outcome, back.regressed()), (Outcome::Lower, false));
    }
}

#[test]
fn one_run_a_side_shows_its_figures_and_says_nothing() {
    let rng = &mut SmallRng::seed_from_u64(1);
    let found = compare(&runs(rng, 1, 1.0), &runs(rng, 1, 2.0), 1).unwrap();
    assert!(found.figures.iter().all(|figure| figure.outcome == Outcome::Unknown && figure.from.is_none()));
    assert!(found.figures[0].percent.is_some_and(|percent| percent > 50.0), "{found:?}");
    assert!(found.caveats.iter().any(|caveat| caveat.starts_with("one run of a side")));
    assert!(compare(&[], &runs(rng, 1, 1.0), 1).is_err());
    let sides: Vec<_> = found.repeats.iter().map(|repeat| (repeat.side, repeat.values[0])).collect();
    assert_eq!(
        sides,
        [(Side::A, found.figures[0].a), (Side::B, found.figures[0].b)],
        "a run is its side's mean"
    );
}

#[test]
fn what_is_not_the_same_load_is_said() {
    let rng = &mut SmallRng::seed_from_u64(1);
    let (a, mut b) = (runs(rng, 2, 1.0), runs(rng, 2, 1.0));
    b[1].users = 8;
    b[0].verdict = Verdict::Invalid;
    let caveats = compare(&a, &b, 1).unwrap().caveats;
    assert!(caveats.iter().any(|caveat| caveat == "not the same users: 4; 8"), "{caveats:?}");
    assert!(
        caveats.iter().any(|caveat| caveat.starts_with("1 of 2 runs of B are INVALID and left out")),
        "{caveats:?}"
    );
}

#[test]
fn runs_that_the_generator_spoilt_are_in_no_figure() {
    let rng = &mut SmallRng::seed_from_u64(3);
    let (a, good) = (runs(rng, 5, 1.0), runs(rng, 3, 1.0));
    let mut starved = runs(rng, 2, 9.0);
    starved.iter_mut().for_each(|run| (run.verdict, run.exit) = (Verdict::Invalid, 8));
    let b = [good.clone(), starved.clone()].concat();
    let found = compare(&a, &b, 1).unwrap();
    assert_eq!(found.figures, compare(&a, &good, 1).unwrap().figures);
    assert_eq!((found.runs, found.repeats.len(), found.exit()), ((5, 5), 10, Exit::Ok));
    let few = compare(&a, &[&good[..1], &starved[..1]].concat(), 1).unwrap();
    assert_eq!(few.exit(), Exit::INVALID, "one is left");
    assert!(few.caveats.iter().any(|caveat| caveat.starts_with("one run of a side")), "{:?}", few.caveats);
}

#[test]
fn the_words_say_what_was_found() {
    let rng = &mut SmallRng::seed_from_u64(1);
    let found = compare(&runs(rng, 5, 1.0), &runs(rng, 5, 2.0), 1).unwrap();
    let (text, markdown) = (text(&found), markdown(&found));
    assert!(text.contains("B is higher by ") && text.contains("worse"), "{text}");
    assert!(text.contains("no difference seen") && markdown.contains("| **worse** |"), "{markdown}");
}
