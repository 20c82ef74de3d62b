//! Passwords that everybody guesses first.
//!
//! Two halves: a list of 1,954 that public lists of leaks have in common (`passwords.txt`), and what people
//! build by rule, which is built here by the same rules: one key again and again, runs, walks over the
//! keyboard, a year twice, a season and a year, a name or a favourite word and some digits. Together 4,006.

use std::collections::HashSet;
use std::sync::LazyLock;

use schema::limits::PASSWORD_BYTES_MIN;

/// Lower case, of eight bytes and more: what is shorter is refused for that. The seed's own `password123` is
/// left out on purpose.
static COMMON: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let mut all: HashSet<String> = include_str!("passwords.txt").lines().map(str::to_owned).collect();
    let mut add = |word: String| {
        if word.len() >= PASSWORD_BYTES_MIN {
            all.insert(word);
        }
    };
    repetitions(&mut add);
    walks(&mut add);
    years(&mut add);
    with_digits(&mut add);
    all
});

/// Whether a password is among them, whatever its case.
pub(crate) fn is_common(password: &str) -> bool {
    COMMON.contains(password.to_lowercase().as_str())
}

/// `aaaaaaaa`, `12121212`, `abcabcabc`, `asdfasdf`.
fn repetitions(add: &mut impl FnMut(String)) {
    for key in ('a'..='z').chain('0'..='9') {
        (8..=12).for_each(|times| add(key.to_string().repeat(times)));
    }
    (0..100).for_each(|pair| add(format!("{pair:02}").repeat(4)));
    for unit in
        "012 123 234 345 456 567 678 789 321 654 987 147 258 369 741 852 963 159 357 007 abc xyz qwe asd zxc"
            .split(' ')
    {
        add(unit.repeat(3));
    }
    for unit in
        "abcd qwer asdf zxcv test pass love 1234 4321 2580 1212 1313 6969 blue baby king lion star".split(' ')
    {
        add(unit.repeat(2));
        add(unit.repeat(3));
    }
}

/// Pieces of eight keys and more of rows, columns and runs, in both directions.
fn walks(add: &mut impl FnMut(String)) {
    const RUNS: [&str; 9] = [
        "01234567890123456789",
        "abcdefghijklmnopqrstuvwxyz",
        "qwertyuiopasdfghjklzxcvbnm",
        "qwertzuiopasdfghjklyxcvbnm",
        "azertyuiopqsdfghjklmwxcvbn",
        "1qaz2wsx3edc4rfv5tgb",
        "1q2w3e4r5t6y7u8i9o0p",
        "qazwsxedcrfvtgb",
        "q1w2e3r4t5y6u7i8o9p0",
    ];
    for run in RUNS {
        let backwards: String = run.chars().rev().collect();
        for run in [run, &backwards] {
            for length in 8..=10 {
                // Every key is one byte.
                (0..=run.len() - length).for_each(|from| add(run[from..from + length].to_owned()));
            }
            add(run.to_owned());
        }
    }
}

/// `19801980`, `summer2024`.
fn years(add: &mut impl FnMut(String)) {
    (1950..2030).for_each(|year| add(format!("{year}{year}")));
    for name in "spring summer autumn winter january february october november december welcome".split(' ') {
        (2010..2030).for_each(|year| add(format!("{name}{year}")));
    }
}

/// A name or a favourite word, and the digits that people put behind one.
fn with_digits(add: &mut impl FnMut(String)) {
    const NAMES: &str = "robert michael william richard joseph thomas charles daniel matthew anthony donald \
        steven andrew joshua kenneth george timothy ronald edward jeffrey nicholas jonathan stephen justin \
        brandon benjamin samuel gregory alexander raymond patrick dennis tyler patricia jennifer linda \
        elizabeth barbara jessica sandra margaret ashley kimberly michelle amanda melissa stephanie rebecca \
        nicole samantha katherine rachel";
    const WORDS: &str = "dragon monkey shadow master football baseball superman batman sunshine princess \
        flower chelsea liverpool arsenal barcelona freedom starwars pokemon minecraft computer letmein \
        iloveyou whatever cookie chocolate butterfly chicken cheese banana orange purple yellow silver \
        diamond phoenix thunder hunter killer soccer hockey guitar mustang ferrari harley yankees cowboys";
    const DIGITS: [&str; 12] = ["1", "2", "7", "01", "11", "12", "13", "21", "22", "69", "99", "123"];
    for name in NAMES.split_whitespace().chain(WORDS.split_whitespace()) {
        add(name.to_owned());
        DIGITS.iter().for_each(|digits| add(format!("{name}{digits}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_lower_case_and_without_what_length_refuses_anyway() {
        assert_eq!(COMMON.len(), 4006, "the number is in the documentation");
        assert_eq!(include_str!("passwords.txt").lines().count(), 1954, "so is this one");
        for word in COMMON.iter() {
            assert!(word.len() >= PASSWORD_BYTES_MIN && *word == word.to_lowercase(), "{word:?}");
        }
        assert!(!is_common("password123"), "the seed's own example registers");
    }

    #[test]
    fn what_is_built_by_rule_is_refused_in_any_case_and_what_is_not_is_taken() {
        for bad in [
            "Michael1",
            "SUMMER2024",
            "zzzzzzzzz",
            "19841984",
            "lkjhgfds",
            "1qaz2wsx",
            "7890123456",
            "abcabcabc",
        ] {
            assert!(is_common(bad), "{bad}");
        }
        for good in ["correct horse", "michael1985-x", "summer of 24", "a tree in may", "qpalzmwo"] {
            assert!(!is_common(good), "{good}");
        }
    }
}
