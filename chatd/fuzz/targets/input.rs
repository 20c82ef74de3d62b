//! A fuzzer's bytes as choices: everything that a target decides comes from here, so a finding repeats.
#![allow(dead_code, reason = "each target takes what it needs")]

/// Bytes that are used up from the front; zeros when they are gone.
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(crate) fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// A number below a bound that is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::from(self.word()) % bound
    }

    /// At most so many of the bytes that are left.
    pub(crate) fn take(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Changes bytes as the input says: one to eight replacements, cuts, insertions and repeats.
pub(crate) fn mutate(input: &mut Input<'_>, bytes: &mut Vec<u8>) {
    for _ in 0..=input.byte() % 8 {
        if bytes.is_empty() {
            bytes.push(input.byte());
            continue;
        }
        let at = input.below(bytes.len());
        match input.byte() % 6 {
            0 => bytes[at] ^= 1 << (input.byte() % 8),
            1 => bytes[at] = input.byte(),
            2 => bytes.truncate(at),
            3 => bytes.insert(at, input.byte()),
            4 => {
                let end = (at + 1 + usize::from(input.byte())).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => {
                let end = (at + 1 + usize::from(input.byte())).min(bytes.len());
                bytes.extend_from_within(at..end);
            }
        }
    }
}
