use super::*;

fn lives(of: &[(u8, i32)]) -> Lives {
    of.iter().map(|(host, life)| (Uuid::from_bytes([*host; 16]), *life)).collect()
}

#[test]
fn a_start_raises_the_generation_and_a_pause_does_not() {
    let mut known = Known::default();
    let begin = Instant::now();
    let at = |seconds| begin + Duration::from_secs(seconds);
    known.learn(lives(&[(1, 10), (2, 20), (3, 30)]), at(0));
    assert_eq!((known.generation, known.complete), (0, Some(at(0))));
    known.learn(lives(&[(1, 10), (3, 30)]), at(1));
    assert_eq!((known.generation, known.complete), (0, Some(at(0))), "a node is missing");
    known.learn(lives(&[(1, 10), (2, 20), (3, 30)]), at(2));
    assert_eq!((known.generation, known.complete), (0, Some(at(2))), "it was only out of reach");
    known.learn(lives(&[(1, 10), (2, 21), (3, 30)]), at(3));
    assert_eq!((known.generation, known.complete), (1, Some(at(3))), "it was started again");
}

#[test]
fn a_node_that_stays_away_is_lost_once() {
    let mut known = Known::default();
    let begin = Instant::now();
    known.learn(lives(&[(1, 10), (2, 20)]), begin);
    known.learn(lives(&[(1, 10)]), begin);
    let later = begin + CASSANDRA_GONE + Duration::from_secs(1);
    known.learn(lives(&[(1, 10)]), later);
    assert_eq!((known.generation, known.complete), (1, Some(later)), "the rest goes on without it");
    known.learn(lives(&[(1, 10)]), later);
    assert_eq!(known.generation, 1);
    known.learn(lives(&[(1, 10), (2, 20)]), later);
    assert_eq!(known.generation, 2, "who comes back from there is another");
}
