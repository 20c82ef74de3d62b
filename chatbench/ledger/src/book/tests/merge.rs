//! Books of ranges of users come together, whatever the order, to the book that one would have kept of all.

use super::*;

/// Ends of the ranges that the run is cut into.
const CUTS: [u32; 5] = [0, 2, 8, 10, 16];

/// A small generator, so that each seed is the same run everywhere.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        (plan::payload::mix(self.0) % u64::from(end)) as u32
    }
}

/// One thing that happens to one of the users of a range.
fn happen(ledger: &mut Ledger, user: u32, what: u32, sequence: u32, other: u32) {
    let payload = Payload { run: RUN, sender: user, sequence, planned: 0 };
    match what {
        0..=9 => ledger.sent(user, sequence),
        10..=17 => _ = ledger.acknowledged(user, sequence),
        18..=25 => _ = ledger.received(user ^ 1, Ok(payload)),
        26 => _ = ledger.refused(user, sequence),
        27 => ledger.repeated(user, sequence),
        28 => _ = ledger.received(user, Err(Corrupt)),
        29 => _ = ledger.received(user, Ok(Payload { sender: other, ..payload })),
        _ => ledger.ready(user),
    }
}

fn finish(ledger: &mut Ledger, draw: &mut Draw) {
    for pair in 0..8 {
        for user in [pair * 2, pair * 2 + 1] {
            for sequence in (0..12).filter(|_| draw.below(3) > 0) {
                let payload = Payload { run: RUN, sender: user, sequence, planned: 0 };
                ledger.stored(pair, Some(user), &content(payload));
            }
        }
        if draw.below(4) > 0 { ledger.close(pair) } else { ledger.leave(pair) }
    }
}

/// The counts, and what each conversation still knows.
fn facts(ledger: &Ledger) -> String {
    let users = ledger.users();
    let open: Vec<Vec<u32>> = users.clone().map(|user| ledger.unanswered(user)).collect();
    let suspects: Vec<bool> = (users.start / 2..users.end / 2).map(|pair| ledger.suspect(pair)).collect();
    let (live, history) = (ledger.violations.live, ledger.violations.history);
    format!("{users:?} {:?} {live:?} {history:?} {open:?} {suspects:?}", ledger.outcomes)
}

#[test]
fn the_parts_are_the_whole_in_any_order_and_over_process_borders() {
    for seed in 0..200 {
        let mut draw = Draw(seed);
        let mut whole = Ledger::new(RUN, 0..16);
        let mut parts: Vec<Ledger> = CUTS.windows(2).map(|cut| Ledger::new(RUN, cut[0]..cut[1])).collect();
        for _ in 0..400 {
            let (user, what, sequence) = (draw.below(16), draw.below(31), draw.below(12));
            let other = draw.below(16);
            happen(&mut whole, user, what, sequence, other);
            let part = parts.iter_mut().find(|part| part.users().contains(&user)).unwrap();
            happen(part, user, what, sequence, other);
        }
        let connected = |user: u32| !user.is_multiple_of(5);
        whole.settle(connected, seed % 2 == 0);
        let mut merged = Ledger::new(RUN, 0..0);
        while !parts.is_empty() {
            let mut part = parts.swap_remove(draw.below(parts.len() as u32) as usize);
            part.settle(connected, seed % 2 == 0);
            let bytes = postcard::to_allocvec(&part).unwrap();
            merged.merge(postcard::from_bytes(&bytes).unwrap());
        }
        assert_eq!(facts(&merged), facts(&whole), "seed {seed}");
        finish(&mut whole, &mut Draw(seed));
        finish(&mut merged, &mut Draw(seed));
        assert_eq!(facts(&merged), facts(&whole), "seed {seed}, with history");
        assert!(
            whole.violations.total() > 0 && whole.violations.live.of(Class::Lost) > 0,
            "a dull seed: {seed}"
        );
    }
}

#[test]
fn a_book_of_everybody_takes_in_the_parts() {
    let mut all = Ledger::new(RUN, 0..6);
    let mut part = Ledger::new(RUN, 2..4);
    part.sent(2, 0);
    all.merge(part);
    assert_eq!(all.users(), 0..6);
    assert_eq!(all.unanswered(2), [0]);
    all.merge(Ledger::new(RUN, 0..0));
    assert_eq!(all.users(), 0..6);
}

#[test]
fn users_of_other_books_are_strangers() {
    let mut ledger = Ledger::new(RUN, 10..14);
    ledger.sent(2, 0);
    ledger.sent(14, 0);
    ledger.ready(3);
    assert!(!ledger.acknowledged(2, 0));
    assert_eq!((ledger.outcomes.sent, ledger.unanswered(2)), (0, Vec::new()));
    assert!(!ledger.suspect(1) && !ledger.suspect(u32::MAX));
    ledger.received(3, Ok(Payload { run: RUN, sender: 2, sequence: 0, planned: 0 }));
    only(&ledger, &[(Class::Misdelivered, 1)], &[]);
    ledger.close(1);
    ledger.leave(u32::MAX);
    only(&ledger, &[(Class::Misdelivered, 1)], &[]);
}

#[test]
fn an_idle_user_takes_64_bytes_at_most() {
    assert!(size_of::<Direction>() <= 64, "{}", size_of::<Direction>());
}
