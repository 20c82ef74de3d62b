use super::*;
use crate::{Behaviour, Phases, Protocol, Step, Target, Transport};
use std::collections::HashSet;

fn plan(users: u32, arrivals: Arrivals, pairing: Pairing) -> Plan {
    Plan {
        run: 1,
        reused: false,
        seed: 7,
        users,
        pairing,
        arrivals,
        phases: Phases { ramp_us: 0, warmup_us: 1_000_000, hold_us: 2_000_000, drain_us: 0 },
        message_bytes: 128,
        protocol: Protocol::Chatd { transport: Transport::Websocket },
        targets: vec![Target { address: ([127, 0, 0, 1], 1).into(), authority: "x:1".into(), tls: None }],
        api: None,
        ca: None,
        behaviour: Behaviour::default(),
    }
}

fn trace() -> Arrivals {
    let steps = [(0, 500.0), (700_000, 3000.0), (1_300_000, 0.0), (1_500_000, 77.7)];
    Arrivals::Trace { steps: steps.map(|(at_us, rate)| Step { at_us, rate }).to_vec() }
}

fn every_kind() -> Vec<(Arrivals, Pairing)> {
    let arrivals =
        [Arrivals::Constant { rate: 1234.5 }, Arrivals::Poisson { rate: 1234.5 }, trace(), Arrivals::None];
    let pairings = [Pairing::Uniform, Pairing::Zipf { exponent: 1.1 }];
    arrivals.into_iter().flat_map(|arrivals| pairings.map(|pairing| (arrivals.clone(), pairing))).collect()
}

fn all(plan: &Plan) -> Vec<Planned> {
    Schedule::new(plan, 0..plan.users).collect()
}

#[test]
fn the_workers_together_send_what_one_would() {
    let mut rng = SmallRng::seed_from_u64(11);
    for (arrivals, pairing) in every_kind() {
        for _ in 0..20 {
            let mut plan = plan(2 * rng.random_range(1..60), arrivals.clone(), pairing);
            plan.seed = rng.random();
            let mut cuts: Vec<u32> =
                (0..rng.random_range(0..5)).map(|_| rng.random_range(0..=plan.users)).collect();
            cuts.extend([0, plan.users]);
            cuts.sort_unstable();
            let mut parts: Vec<Planned> = Vec::new();
            for cut in cuts.windows(2) {
                let part: Vec<_> = Schedule::new(&plan, cut[0]..cut[1]).collect();
                assert!(part.is_sorted_by_key(|send| send.at_us), "{plan:?}");
                assert!(part.iter().all(|send| (cut[0]..cut[1]).contains(&send.user)), "{plan:?}");
                parts.extend(part);
            }
            let mut whole = all(&plan);
            let key = |send: &Planned| (send.user, send.sequence);
            parts.sort_unstable_by_key(key);
            whole.sort_unstable_by_key(key);
            assert_eq!(parts, whole, "{plan:?}");
        }
    }
}

#[test]
fn each_users_sequences_count_up_from_nought() {
    for (arrivals, pairing) in every_kind() {
        let mut next = [0; 50];
        for send in all(&plan(50, arrivals, pairing)) {
            assert_eq!(send.sequence, next[send.user as usize]);
            assert!(send.at_us < 3_000_000);
            next[send.user as usize] += 1;
        }
    }
}

#[test]
fn a_constant_rate_is_even_and_everybody_sends_once_a_round() {
    let sends = all(&plan(10, Arrivals::Constant { rate: 1000.0 }, Pairing::Uniform));
    assert_eq!(sends.len(), 3000);
    for (number, send) in sends.iter().enumerate() {
        assert_eq!(send.at_us, number as u64 * 1000);
    }
    for round in sends.chunks(10) {
        assert_eq!(round.iter().map(|send| send.user).collect::<HashSet<_>>().len(), 10);
    }
    let drawn = all(&plan(10, Arrivals::Constant { rate: 1000.0 }, Pairing::Zipf { exponent: 1.0 }));
    assert!(drawn.iter().map(|send| send.at_us).eq(sends.iter().map(|send| send.at_us)));
}

#[test]
fn poisson_gaps_scatter_around_the_rate() {
    let sends = all(&plan(100, Arrivals::Poisson { rate: 10_000.0 }, Pairing::Uniform));
    // 30,000 planned; five standard deviations are 866.
    assert!((29_134..30_866).contains(&sends.len()), "{}", sends.len());
    let gaps: Vec<f64> = sends.windows(2).map(|two| (two[1].at_us - two[0].at_us) as f64).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let deviation = (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt();
    // Of an exponential distribution they are the same, of an even one the deviation is 0.
    assert!((deviation / mean - 1.0).abs() < 0.05, "{mean} {deviation}");
}

#[test]
fn a_trace_sends_as_many_as_its_area() {
    let plan = plan(20, trace(), Pairing::Uniform);
    let sends = all(&plan);
    let within = |from, to| sends.iter().filter(|send| (from..to).contains(&send.at_us)).count();
    assert_eq!(within(0, 700_000), 350);
    assert_eq!(within(700_000, 1_300_000), 1800);
    assert_eq!(within(1_300_000, 1_500_000), 0);
    let mean = plan.arrivals.rate(0, 3_000_000).unwrap() * 3.0;
    assert!((sends.len() as f64 - mean).abs() <= 1.0, "{} {mean}", sends.len());
}

#[test]
fn the_busiest_pairs_send_the_most() {
    let plan = plan(200, Arrivals::Constant { rate: 20_000.0 }, Pairing::Zipf { exponent: 1.0 });
    let mut pairs = vec![0.0_f64; 100];
    let mut even = 0.0_f64;
    let sends = all(&plan);
    for send in &sends {
        pairs[send.user as usize / 2] += 1.0;
        even += f64::from(1 - send.user % 2);
    }
    let ranked: Vec<f64> = {
        pairs.sort_by(|a, b| b.total_cmp(a));
        pairs
    };
    // The harmonic number of 100 is 5.19: the first gets 19 %, the second half of that, the tenth a tenth.
    let first = sends.len() as f64 / 5.187;
    for (rank, share) in [(1, 1.0), (2, 2.0), (10, 10.0)] {
        let got = ranked[rank - 1] / (first / share);
        assert!((0.9..1.1).contains(&got), "rank {rank}: {got}");
    }
    assert!((even / sends.len() as f64 - 0.5).abs() < 0.02, "both of a pair send");
}

#[test]
fn the_seed_makes_the_order() {
    for (arrivals, pairing) in every_kind().into_iter().filter(|(arrivals, _)| *arrivals != Arrivals::None) {
        let one = plan(10, arrivals, pairing);
        let other = Plan { seed: 8, ..one.clone() };
        assert_eq!(all(&one), all(&one));
        assert_ne!(all(&one), all(&other), "{one:?}");
    }
}

#[test]
fn a_plan_without_people_is_empty() {
    for (arrivals, pairing) in every_kind() {
        assert_eq!(all(&plan(0, arrivals, pairing)), []);
    }
}

#[test]
fn client_ids_are_version_7_unique_and_repeatable() {
    let send = |user, sequence| Planned { user, sequence, at_us: 5 };
    let id = |user, sequence| client_id(7, 1_700_000_000_000, send(user, sequence));
    let ids: HashSet<_> = (0..10).flat_map(|u| (0..100).map(move |s| id(u, s))).collect();
    assert_eq!(ids.len(), 1000);
    assert!(ids.iter().all(|id| id.get_version_num() == 7));
    assert_eq!(id(3, 4), id(3, 4));
}
