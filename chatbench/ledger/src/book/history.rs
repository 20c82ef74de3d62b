//! The book against the server's history, conversation by conversation, and the last word on what is missing.

use super::*;

impl Ledger {
    /// Whether history must be read to know what became of a conversation's messages.
    #[must_use]
    pub fn suspect(&self, pair: u32) -> bool {
        let odd = |marks: u8| {
            marks & SENT != 0
                && marks & REFUSED == 0
                && marks & (ACKNOWLEDGED | RECEIVED) != ACKNOWLEDGED | RECEIVED
        };
        both(pair)
            .filter_map(|user| self.direction(user))
            .any(|direction| direction.corrupted > 0 || direction.marks.iter().any(|marks| odd(*marks)))
    }

    /// A row of the history of a pair: who of the pair the server says wrote it, if either did, and its content.
    pub fn stored(&mut self, pair: u32, sender: Option<u32>, content: &[u8]) {
        let Ok(payload) = Payload::read(content) else {
            self.violations.history(Class::Corrupted, || format!("content that nobody wrote, pair {pair}"));
            return;
        };
        if self.is_earlier(&payload) && sender.is_some() {
            return;
        }
        let sequence = payload.sequence;
        let what = || format!("message {sequence} of user {}, history of pair {pair}", payload.sender);
        if payload.run != self.run || payload.sender / 2 != pair || sender != Some(payload.sender) {
            self.violations.history(Class::Misdelivered, what);
            return;
        }
        let before = self.mark(payload.sender, sequence, IN_HISTORY);
        if before & SENT == 0 || before & REFUSED != 0 {
            self.violations.history(Class::Phantom, what);
        } else if before & IN_HISTORY != 0 {
            self.violations.history(Class::Duplicated, what);
        } else if before & REPEATED == 0 {
            let highest = self.direction(payload.sender).and_then(|direction| direction.history);
            if highest.is_some_and(|highest| sequence < highest) {
                self.violations.history(Class::Reordered, what);
            } else if let Some(direction) = self.direction_mut(payload.sender) {
                direction.history = Some(sequence);
            }
        }
    }

    /// The history of a pair was read wholly: what is missing from it, and what from the sockets?
    pub fn close(&mut self, pair: u32) {
        self.judge(pair, true);
    }

    /// The history of a pair was not read: what stays unknown is counted, what the acknowledgements promised is judged.
    pub fn leave(&mut self, pair: u32) {
        self.judge(pair, false);
    }

    /// Once for each pair. One message is told in one class only: lost where history lacks it, else lost live, or
    /// undelivered.
    fn judge(&mut self, pair: u32, read: bool) {
        for user in both(pair) {
            let Some(direction) = self.direction_mut(user) else {
                continue;
            };
            let marks = std::mem::take(&mut direction.marks);
            let mut corrupted = direction.corrupted;
            for (sequence, marks) in (0..).zip(&marks).filter(|(_, marks)| **marks & SENT != 0) {
                let (marks, there) = (*marks, *marks & IN_HISTORY != 0);
                if marks & (ACKNOWLEDGED | REFUSED) == 0 {
                    *self.ambiguous(read, there) += 1;
                }
                if marks & REFUSED != 0 {
                    continue;
                }
                if read && !there && marks & (ACKNOWLEDGED | RECEIVED) != 0 {
                    self.violations.history(Class::Lost, || format!("message {sequence} of user {user}"));
                } else if marks & RECEIVED == 0 && (there || marks & ACKNOWLEDGED != 0) {
                    self.absent(user, sequence, marks, &mut corrupted);
                }
            }
            if let Some(direction) = self.direction_mut(user) {
                direction.marks = marks;
            }
        }
    }

    /// An accepted message was not received live. Where it went astray, or something corrupted came in its place, that was
    /// told already.
    fn absent(&mut self, user: u32, sequence: u32, marks: u8, corrupted: &mut u32) {
        let told = if self.strays.contains(&(user, sequence)) {
            true
        } else {
            let left = corrupted.checked_sub(1);
            *corrupted = left.unwrap_or(0);
            left.is_some()
        };
        if marks & MISSED != 0 && !told {
            let what = || {
                format!("message {sequence} of user {user}, accepted and never given to user {}", user ^ 1)
            };
            self.violations.live(Class::Lost, what);
        } else {
            self.outcomes.undelivered += 1;
        }
    }

    fn ambiguous(&mut self, read: bool, there: bool) -> &mut u64 {
        match (read, there) {
            (true, true) => &mut self.outcomes.ambiguous_stored,
            (true, false) => &mut self.outcomes.ambiguous_absent,
            (false, _) => &mut self.outcomes.ambiguous_unchecked,
        }
    }
}

/// The two of a pair.
fn both(pair: u32) -> impl Iterator<Item = u32> {
    [pair.saturating_mul(2), pair.saturating_mul(2).saturating_add(1)].into_iter()
}
