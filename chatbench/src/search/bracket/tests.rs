use super::*;

const RULES: Rules = Rules {
    from: 1000.0,
    least: 10.0,
    most: 1_000_000.0,
    factor: 2.0,
    precision: 0.05,
    steps: 40,
    at_least: None,
};

/// A search against something that answers by the rate and the number of the run.
fn search(rules: &Rules, mut server: impl FnMut(f64, usize) -> Found) -> (End, Vec<(f64, Kind)>) {
    let (mut tried, mut kinds) = (Vec::new(), Vec::new());
    loop {
        match next(rules, &tried) {
            Next::End(end) => return (end, kinds),
            Next::Try { rate, kind } => {
                assert!(kinds.len() < rules.steps, "more runs than allowed: {kinds:?}");
                tried.push(Tried { rate, found: server(rate, kinds.len()) });
                kinds.push((rate, kind));
            }
        }
    }
}

fn holds_up_to(most: f64) -> impl FnMut(f64, usize) -> Found {
    move |rate, _| if rate <= most { Found::Held } else { Found::Missed }
}

#[test]
fn it_goes_up_by_the_factor_then_bisects_then_looks_again() {
    let (end, runs) = search(&RULES, holds_up_to(9300.0));
    assert_eq!(runs[..5], [1000.0, 2000.0, 4000.0, 8000.0, 16_000.0].map(|rate| (rate, Kind::Up)));
    assert_eq!(runs[5], (11_300.0, Kind::Bisect));
    let (capacity, above) = (end.capacity.unwrap(), end.above.unwrap());
    assert!(capacity <= 9300.0 && 9300.0 < above && above / capacity <= 1.05, "{end:?}");
    assert_eq!(*runs.last().unwrap(), (capacity, Kind::Again));
    assert_eq!(end.why, Why::Server);
}

#[test]
fn every_limit_is_found_within_the_precision() {
    for limit in [11.0, 37.5, 999.0, 1000.0, 1001.0, 54_321.0, 777_777.0] {
        let (end, runs) = search(&RULES, holds_up_to(limit));
        let (capacity, above) = (end.capacity.unwrap(), end.above.unwrap());
        assert!(capacity <= limit && limit < above && above / capacity <= 1.06, "{limit}: {end:?}");
        assert!(runs.len() <= 20, "{limit}: {} runs", runs.len());
    }
}

#[test]
fn a_first_rate_that_is_too_high_is_left_downwards() {
    let (end, runs) = search(&RULES, holds_up_to(200.0));
    assert_eq!(runs[1], (500.0, Kind::Down));
    assert!(end.capacity.unwrap() <= 200.0 && end.capacity.unwrap() > 185.0, "{end:?}");
}

#[test]
fn a_rate_that_is_asked_for_is_tried_itself() {
    for limit in [1940.0, 1960.0] {
        let plain = search(&RULES, holds_up_to(limit)).0;
        let (capacity, above) = (plain.capacity.unwrap(), plain.above.unwrap());
        assert!(capacity < 1950.0 && 1950.0 < above, "nobody knows of 1950: {plain:?}");
        let (end, runs) = search(&Rules { at_least: Some(1950.0), ..RULES }, holds_up_to(limit));
        let side = if limit < 1950.0 { end.above } else { end.capacity };
        assert_eq!(side, Some(1950.0), "{runs:?}");
    }
}

#[test]
fn nothing_held_is_said_so() {
    let (end, runs) = search(&RULES, |_, _| Found::Missed);
    assert_eq!(end, End { capacity: None, above: Some(10.0), why: Why::Nothing });
    assert!(runs.len() < 12, "{runs:?}");
}

#[test]
fn the_highest_rate_ends_the_search_when_it_holds_twice() {
    let rules = Rules { most: 3000.0, ..RULES };
    let (end, runs) = search(&rules, |_, _| Found::Held);
    assert_eq!(end, End { capacity: Some(3000.0), above: None, why: Why::Most });
    let up = |rate| (rate, Kind::Up);
    assert_eq!(runs, [up(1000.0), up(2000.0), up(3000.0), (3000.0, Kind::Again)]);
}

#[test]
fn a_rate_that_held_only_once_gives_way() {
    let mut at_8000 = 0;
    let (end, _) = search(&RULES, |rate, _| {
        at_8000 += u32::from(rate == 8000.0);
        if rate < 8000.0 || (rate == 8000.0 && at_8000 == 1) { Found::Held } else { Found::Missed }
    });
    let capacity = end.capacity.unwrap();
    assert!((7600.0..8000.0).contains(&capacity), "{end:?}");
    assert_eq!(end.above, Some(8000.0));
}

#[test]
fn one_starved_run_is_repeated_and_forgotten() {
    let (end, runs) = search(&RULES, |rate, run| match run {
        2 => Found::Starved,
        _ => holds_up_to(9300.0)(rate, run),
    });
    assert_eq!(runs[2..4], [(4000.0, Kind::Up), (4000.0, Kind::Again)]);
    assert!(end.capacity.unwrap() > 8800.0 && end.why == Why::Server, "{end:?}");
}

#[test]
fn a_starved_first_run_is_repeated_too() {
    let (end, runs) = search(&RULES, |rate, run| match run {
        0 => Found::Starved,
        _ => holds_up_to(1500.0)(rate, run),
    });
    assert_eq!(runs[..2], [(1000.0, Kind::Up), (1000.0, Kind::Again)]);
    assert!(end.capacity.is_some());
}

#[test]
fn where_the_generator_is_the_limit_the_server_is_not_blamed() {
    let (end, _) = search(&RULES, |rate, _| if rate <= 5000.0 { Found::Held } else { Found::Starved });
    assert_eq!(end.why, Why::Generator);
    assert!(end.capacity.unwrap() <= 5000.0 && end.above.unwrap() > 5000.0, "{end:?}");
    let (end, _) = search(&RULES, |_, _| Found::Starved);
    assert_eq!((end.capacity, end.why), (None, Why::Generator));
}

#[test]
fn the_number_of_runs_is_bounded_whatever_comes() {
    for seed in 0..200_u64 {
        let mut state = seed;
        let (end, runs) = search(&Rules { steps: 15, ..RULES }, |_, _| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            [Found::Held, Found::Missed, Found::Starved][(state >> 33) as usize % 3]
        });
        assert!(runs.len() <= 15);
        if let (Some(capacity), Some(above)) = (end.capacity, end.above) {
            assert!(capacity < above, "{end:?}");
        }
    }
}

#[test]
fn what_is_left_shrinks() {
    let run = |rate, found| Tried { rate, found };
    assert_eq!(left(&RULES, &[run(1000.0, Found::Held)]), None);
    let wide = [run(1000.0, Found::Held), run(2000.0, Found::Missed)];
    let close = [run(1900.0, Found::Held), run(2000.0, Found::Missed)];
    assert!(left(&RULES, &wide).unwrap() > left(&RULES, &close).unwrap());
}

#[test]
fn rates_are_round() {
    for (rate, rounded) in [(12_345.6, 12_300.0), (0.123_456, 0.123), (999.6, 1000.0), (7.0, 7.0)] {
        assert_eq!(round(rate), rounded);
    }
}
