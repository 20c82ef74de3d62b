//! The interval of a relative difference, by drawing blocks of seconds, and runs, again and again.
//!
//! Drawing from few gives intervals that are too narrow: they are widened as Student's distribution is wider than the
//! normal one, for as many runs as there are.

use super::RUNS;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// Numerator and denominator of each second of a run.
pub(super) type Run = Vec<(f64, f64)>;

/// Times that everything is drawn again.
const DRAWS: usize = 2000;
/// Shortest block: a second resembles its neighbours.
const BLOCK: usize = 2;

/// A relative difference.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interval {
    pub(super) a: f64,
    pub(super) b: f64,
    /// `b / a - 1`, and its bounds.
    pub(super) share: f64,
    pub(super) from: f64,
    pub(super) to: f64,
    /// What each side lies in by itself.
    pub(super) a_bounds: (f64, f64),
    pub(super) b_bounds: (f64, f64),
    /// Whether the bounds mean anything.
    pub(super) known: bool,
}

/// None where a side has nothing, or nothing above zero. `level`: share of intervals that may be wrong.
pub(super) fn interval(a: &[Run], b: &[Run], level: f64, seed: u64) -> Option<Interval> {
    let (mean_a, mean_b) = (mean(a.iter().map(|run| ratio(run)))?, mean(b.iter().map(|run| ratio(run)))?);
    if mean_a <= 0.0 || mean_b <= 0.0 {
        return None;
    }
    let mut rng = SmallRng::seed_from_u64(seed);
    let blocks = block(a.iter().chain(b));
    let sums = |runs: &[Run]| -> Vec<Vec<(f64, f64)>> { runs.iter().map(sums).collect() };
    let (sums_a, sums_b) = (sums(a), sums(b));
    let draws: Vec<(f64, f64)> = (0..DRAWS)
        .filter_map(|_| {
            let (a, b) = (draw(&sums_a, blocks, &mut rng)?, draw(&sums_b, blocks, &mut rng)?);
            (a > 0.0 && b > 0.0).then_some((a, b))
        })
        .collect();
    let least = a.len().min(b.len());
    let known = least >= RUNS && draws.len() > DRAWS / 2;
    let wider = if known { widen(least, a.len() + b.len() - 2, level) } else { 1.0 };
    let bounds = |centre: f64, of: fn(&(f64, f64)) -> f64| {
        bounds(centre, draws.iter().map(of).collect(), level, wider)
    };
    let (from, to) = bounds(mean_b / mean_a, |(a, b)| b / a);
    Some(Interval {
        a: mean_a,
        b: mean_b,
        share: mean_b / mean_a - 1.0,
        from: from - 1.0,
        to: to - 1.0,
        a_bounds: bounds(mean_a, |(a, _)| *a),
        b_bounds: bounds(mean_b, |(_, b)| *b),
        known,
    })
}

/// The quantiles of what was drawn (above zero), so many times as far from the centre; distances are ratios.
fn bounds(centre: f64, mut draws: Vec<f64>, level: f64, wider: f64) -> (f64, f64) {
    draws.sort_by(f64::total_cmp);
    let at = |quantile: f64| {
        let rank = (quantile * draws.len() as f64) as usize;
        draws.get(rank.min(draws.len().saturating_sub(1))).copied().unwrap_or(centre)
    };
    let bound = |quantile| centre * (at(quantile) / centre).powf(wider);
    (bound(level / 2.0), bound(1.0 - level / 2.0))
}

/// Of all seconds together; none where nothing was measured.
pub(super) fn ratio(run: &[(f64, f64)]) -> Option<f64> {
    let (part, whole) = run.iter().fold((0.0, 0.0), |sum, second| (sum.0 + second.0, sum.1 + second.1));
    (whole > 0.0).then(|| part / whole)
}

fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let (sum, count) = values.flatten().fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

/// Sums of a run from its begin to before each second, gone round twice, so that a block is the difference of two.
fn sums(run: &Run) -> Vec<(f64, f64)> {
    let round = run.iter().chain(run).scan((0.0, 0.0), |sum, second| {
        *sum = (sum.0 + second.0, sum.1 + second.1);
        Some(*sum)
    });
    std::iter::once((0.0, 0.0)).chain(round).collect()
}

/// A side drawn anew: as many runs, each of as many seconds, in blocks that begin anywhere and go on at the beginning.
fn draw(runs: &[Vec<(f64, f64)>], block: usize, rng: &mut SmallRng) -> Option<f64> {
    mean((0..runs.len()).map(|_| {
        let sums = &runs[rng.random_range(0..runs.len())];
        let seconds = sums.len() / 2;
        let (mut part, mut whole, mut left) = (0.0, 0.0, seconds);
        while left > 0 {
            let length = block.min(left);
            let begin = rng.random_range(0..seconds);
            let (from, to) = (sums[begin], sums[begin + length]);
            (part, whole) = (part + to.0 - from.0, whole + to.1 - from.1);
            left -= length;
        }
        (whole > 0.0).then(|| part / whole)
    }))
}

/// Length of a block by how much a second resembles the next (Politis and White for a first-order process), at most a quarter
/// of the shortest run.
fn block<'a>(runs: impl Iterator<Item = &'a Run>) -> usize {
    let (mut products, mut squares, mut shortest, mut longest) = (0.0, 0.0, usize::MAX, 0_usize);
    for run in runs {
        let values: Vec<f64> =
            run.iter().filter(|(_, whole)| *whole > 0.0).map(|(part, whole)| part / whole).collect();
        let centre = values.iter().sum::<f64>() / values.len().max(1) as f64;
        products += values.windows(2).map(|pair| (pair[0] - centre) * (pair[1] - centre)).sum::<f64>();
        squares += values.iter().map(|value| (value - centre).powi(2)).sum::<f64>();
        (shortest, longest) = (shortest.min(run.len()), longest.max(run.len()));
    }
    let alike: f64 = if squares > 0.0 { (products / squares).clamp(0.0, 0.95) } else { 0.0 };
    let length = (6.0_f64.sqrt() * alike / (1.0 - alike * alike)).powf(2.0 / 3.0) * (longest as f64).cbrt();
    (length.ceil() as usize).max(BLOCK).min((shortest / 4).max(1))
}

/// How much wider Student's interval is than the normal one, and a variance drawn from so few than the true one.
fn widen(least: usize, freedom: usize, level: f64) -> f64 {
    let (least, v) = (least as f64, freedom.max(1) as f64);
    let z = normal(1.0 - level / 2.0);
    // Cornish and Fisher's expansion of Student's quantile.
    let student = z
        + (z.powi(3) + z) / (4.0 * v)
        + (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * v.powi(2))
        + (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / (384.0 * v.powi(3));
    student / z * (least / (least - 1.0).max(1.0)).sqrt()
}

/// Quantile of the normal distribution above its middle (Abramowitz and Stegun 26.2.23, to 0.00045).
fn normal(quantile: f64) -> f64 {
    let t = (-2.0 * (1.0 - quantile).ln()).sqrt();
    t - (2.515_517 + 0.802_853 * t + 0.010_328 * t * t)
        / (1.0 + 1.432_788 * t + 0.189_269 * t * t + 0.001_308 * t.powi(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        assert!((normal(0.975) - 1.960).abs() < 0.001);
        assert!((normal(0.995) - 2.576).abs() < 0.001);
        // Student's 99.5 % with 8 degrees of freedom is 3.355, and 5 runs a side.
        assert!((widen(5, 8, 0.01) - 3.355 / 2.576 * 1.25_f64.sqrt()).abs() < 0.01);
    }

    #[test]
    fn blocks_grow_with_how_much_a_second_resembles_the_next() {
        let steps: Run = (0..100_u8).map(|n| (if n % 20 < 10 { 1.0 } else { 2.0 }, 1.0)).collect();
        let flicker: Run = (0..100_u8).map(|n| (f64::from(1 + n % 2), 1.0)).collect();
        assert!(block([steps].iter()) > 10);
        assert_eq!(block([flicker].iter()), BLOCK);
    }

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let run = |base: u8| -> Vec<Run> {
            (0..3).map(|r| (0..20).map(|n| (f64::from(base + (n * 7 + r) % 5), 1.0)).collect()).collect()
        };
        let of = |seed| interval(&run(10), &run(20), 0.01, seed).unwrap();
        assert_eq!((of(1).from, of(1).to), (of(1).from, of(1).to));
        assert!(of(1).known && of(1).from < of(1).share && of(1).share < of(1).to);
        let (found, (low, high)) = (of(1), of(1).a_bounds);
        assert!(low < found.a && found.a < high && high < found.b_bounds.0, "{found:?}");
        assert!(interval(&run(10), &[], 0.01, 1).is_none());
    }
}
