//! Which rate is tried next: up until one does not hold, then in between, then the best one again.
//!
//! A pure function of what was tried so far. A rate is held when it held twice and never failed; it failed when the
//! server missed its gates once, or when the generator was the limit twice in all.

/// Digits of a rate that is tried: nobody needs 3,517.38 msg/s.
const DIGITS: i32 = 3;

/// What bounds a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rules {
    /// The first rate, the lowest and the highest, in messages a second.
    pub(crate) from: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
    /// How much more each step up asks for.
    pub(crate) factor: f64,
    /// How close the lowest rate that failed is to the highest that held, as a share, when that is good enough.
    pub(crate) precision: f64,
    /// Most runs of one search.
    pub(crate) steps: usize,
    /// A rate that is asked for: tried itself where the bracket closes around it.
    pub(crate) at_least: Option<f64>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Every gate was held.
    Held,
    /// The server missed one.
    Missed,
    /// The generator or the machine was the limit: it says nothing about the server.
    Starved,
}

/// A run at a rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tried {
    pub(crate) rate: f64,
    pub(crate) found: Found,
}

/// Why a rate is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Up,
    Down,
    Bisect,
    Again,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Up => "up",
            Kind::Down => "down",
            Kind::Bisect => "bisect",
            Kind::Again => "again",
        }
    }
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Next {
    Try { rate: f64, kind: Kind },
    End(End),
}

/// What a search has found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct End {
    /// The highest rate that held twice.
    pub(crate) capacity: Option<f64>,
    /// The lowest that failed.
    pub(crate) above: Option<f64>,
    pub(crate) why: Why,
}

/// Why a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The server's limit lies between the two rates.
    Server,
    /// The rate above only failed because of the generator or the machine: the server may hold more.
    Generator,
    /// The highest rate that was to be tried held.
    Most,
    /// Not even the lowest rate held.
    Nothing,
    /// There were too many runs.
    Steps,
}

/// What comes after these runs.
pub(crate) fn next(rules: &Rules, tried: &[Tried]) -> Next {
    let Some(last) = tried.last() else {
        return Next::Try { rate: rules.from.clamp(rules.least, rules.most), kind: Kind::Up };
    };
    let above = above(tried);
    let low = low(tried, above);
    if tried.len() >= rules.steps {
        return Next::End(End { capacity: capacity(tried, above), above, why: Why::Steps });
    }
    if last.found == Found::Starved && above.is_none_or(|above| last.rate < above) {
        return Next::Try { rate: last.rate, kind: Kind::Again };
    }
    let end = |capacity, why| Next::End(End { capacity, above, why });
    match (low, above) {
        (None, Some(above)) if above <= rules.least => end(None, limit(tried, above, Why::Nothing)),
        (None, Some(above)) => {
            Next::Try { rate: round(above / rules.factor).max(rules.least), kind: Kind::Down }
        }
        (Some(low), None) if low < rules.most => {
            Next::Try { rate: round(low * rules.factor).min(rules.most), kind: Kind::Up }
        }
        (Some(low), Some(above)) if between(low, above, rules).is_some() => {
            let rate = between(low, above, rules).unwrap_or(low);
            Next::Try { rate, kind: Kind::Bisect }
        }
        (Some(low), _) if held(tried, low) < 2 => Next::Try { rate: low, kind: Kind::Again },
        (Some(low), Some(above)) => end(Some(low), limit(tried, above, Why::Server)),
        (Some(low), None) => end(Some(low), Why::Most),
        // Something was tried and neither held nor failed: one starved run, which is tried again above.
        (None, None) => Next::Try { rate: last.rate, kind: Kind::Again },
    }
}

/// Most runs that may still come before the end, for those who wait: none when there is no telling yet.
pub(crate) fn left(rules: &Rules, tried: &[Tried]) -> Option<usize> {
    let above = above(tried)?;
    let low = low(tried, Some(above))?;
    let halvings = ((above / low).ln() / (1.0 + rules.precision).ln()).log2().ceil().max(0.0);
    Some(halvings as usize + 2_usize.saturating_sub(held(tried, low)))
}

fn held(tried: &[Tried], rate: f64) -> usize {
    tried.iter().filter(|run| run.rate == rate && run.found == Found::Held).count()
}

fn failed(tried: &[Tried], rate: f64) -> bool {
    let of = |found| tried.iter().filter(|run| run.rate == rate && run.found == found).count();
    of(Found::Missed) > 0 || of(Found::Starved) > 1
}

/// The lowest rate that failed.
fn above(tried: &[Tried]) -> Option<f64> {
    tried.iter().map(|run| run.rate).filter(|rate| failed(tried, *rate)).min_by(f64::total_cmp)
}

/// The highest rate that held, below that.
fn low(tried: &[Tried], above: Option<f64>) -> Option<f64> {
    let held = tried.iter().filter(|run| run.found == Found::Held).map(|run| run.rate);
    held.filter(|rate| above.is_none_or(|above| *rate < above)).max_by(f64::total_cmp)
}

/// The highest that held twice, below that.
fn capacity(tried: &[Tried], above: Option<f64>) -> Option<f64> {
    let twice = tried.iter().map(|run| run.rate).filter(|rate| held(tried, *rate) > 1);
    twice.filter(|rate| above.is_none_or(|above| *rate < above)).max_by(f64::total_cmp)
}

/// Who was the limit at the lowest rate that failed.
fn limit(tried: &[Tried], above: f64, server: Why) -> Why {
    let missed = tried.iter().any(|run| run.rate == above && run.found == Found::Missed);
    if missed { server } else { Why::Generator }
}

/// The geometric mean, rounded; none when the two are close enough, and what is asked for does not lie between them.
fn between(low: f64, above: f64, rules: &Rules) -> Option<f64> {
    let inside = |rate: &f64| low < *rate && *rate < above;
    let mean = Some(round((low * above).sqrt())).filter(|_| above / low > 1.0 + rules.precision);
    mean.filter(inside).or(rules.at_least.filter(inside))
}

/// To [`DIGITS`] digits.
fn round(rate: f64) -> f64 {
    if rate <= 0.0 {
        return rate;
    }
    let unit = 10_f64.powi(rate.log10().floor() as i32 + 1 - DIGITS);
    // A unit below one is no binary number: its inverse is.
    if unit < 1.0 {
        (rate * unit.recip().round()).round() / unit.recip().round()
    } else {
        (rate / unit).round() * unit
    }
}

#[cfg(test)]
mod tests;
