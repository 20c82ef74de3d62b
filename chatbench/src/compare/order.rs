//! Which side runs when: interleaved, so that what changes on the machine meanwhile hits both alike.

/// A side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    A,
    B,
}

/// `repeats` runs of each side that runs at all: A B, B A, A B, … with the number of the repeat.
pub(super) fn order(repeats: u32, a_runs: bool, b_runs: bool) -> Vec<(u32, Which)> {
    let pair = |n: u32| {
        let both = if n.is_multiple_of(2) { [Which::A, Which::B] } else { [Which::B, Which::A] };
        both.map(|which| (n, which))
    };
    let runs = |which: &(u32, Which)| if which.1 == Which::A { a_runs } else { b_runs };
    (0..repeats).flat_map(pair).filter(runs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Which::{A, B};

    #[test]
    fn sides_take_turns_at_being_first() {
        assert_eq!(order(3, true, true), [(0, A), (0, B), (1, B), (1, A), (2, A), (2, B)]);
        assert_eq!(order(2, false, true), [(0, B), (1, B)]);
        assert_eq!(order(2, false, false), []);
    }

    #[test]
    fn neither_side_is_earlier_on_average() {
        let runs = order(4, true, true);
        let place = |which| {
            runs.iter().enumerate().filter(|(_, run)| run.1 == which).map(|(at, _)| at).sum::<usize>()
        };
        assert_eq!(place(A), place(B));
    }
}
