//! Keys while a run lasts. None changes the load, so that the line of a run repeats it.

use super::terminal;
use crate::interrupt::Trigger;
use std::io::stdin;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// Time between two looks at the keyboard.
const LOOK: Duration = Duration::from_millis(100);
/// Keys that wait to be acted on, and bytes of them that are read at once.
const WAITING: usize = 64;

/// A key that does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Quit,
    Pause,
    Next,
    Back,
    Help,
}

/// What `?` says.
pub(super) const HELP: [&str; 7] = [
    "q, Ctrl-C   end in order: no more sends, wait for what is on its way, report (marked interrupted)",
    "Ctrl-C      once more: quit at once, without a report",
    "p           hold the picture still, or let it go on; the run goes on meanwhile",
    "g, Tab      next page of gates and workers, where there is more than one; Shift-Tab: the one before",
    "?           this, or the picture",
    "",
    "No key changes the load: the line of a run repeats it.",
];

/// The keyboard, while the view has the terminal.
#[derive(Debug)]
pub(super) struct Keys {
    pressed: Receiver<Key>,
    looking: JoinHandle<()>,
}

impl Keys {
    /// None where stdin is no terminal, or one that listens to somebody else.
    pub(super) fn take(quit: Trigger) -> Option<Self> {
        if !terminal::take_keys() {
            return None;
        }
        let (send, pressed) = channel(WAITING);
        Some(Self { pressed, looking: tokio::spawn(look(send, quit)) })
    }

    /// Keys since the last call.
    pub(super) fn pressed(&mut self) -> impl Iterator<Item = Key> {
        std::iter::from_fn(|| self.pressed.try_recv().ok())
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

/// Looks until the terminal is gone. `q` is acted on here: the picture may be busy with something else.
async fn look(send: Sender<Key>, quit: Trigger) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut bytes = [0; WAITING];
    loop {
        looks.tick().await;
        // Somebody may have sent this process to the background.
        if !terminal::foreground() {
            continue;
        }
        let Ok(length) = rustix::io::read(stdin(), &mut bytes) else { return };
        for key in keys(&bytes[..length]) {
            if key == Key::Quit {
                quit.pull();
            }
            // Who types faster than the picture is drawn has said enough.
            let _full = send.try_send(key);
        }
    }
}

/// What was pressed; whatever else a terminal sends (arrows, a mouse) is passed over whole.
fn keys(mut bytes: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    while let Some((first, rest)) = bytes.split_first() {
        bytes = rest;
        keys.extend(match first {
            b'q' | b'Q' => Some(Key::Quit),
            b'p' | b'P' => Some(Key::Pause),
            b'g' | b'G' | b'\t' => Some(Key::Next),
            b'?' => Some(Key::Help),
            0x1b => {
                let (key, rest) = escape(rest);
                bytes = rest;
                key
            }
            _ => None,
        });
    }
    keys
}

/// What stands behind an escape, and what is left.
fn escape(rest: &[u8]) -> (Option<Key>, &[u8]) {
    match rest {
        [b'[', tail @ ..] => {
            let end =
                tail.iter().position(|byte| (0x40..=0x7e).contains(byte)).map_or(tail.len(), |at| at + 1);
            let (sequence, rest) = tail.split_at(end);
            ((sequence == b"Z").then_some(Key::Back), rest)
        }
        [b'O', _, rest @ ..] => (None, rest),
        // Alt with a key is another key.
        [_, rest @ ..] => (None, rest),
        [] => (None, rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_from_what_a_terminal_sends_else() {
        use Key::{Back, Help, Next, Pause, Quit};
        for (bytes, pressed) in [
            (&b"qp?g\t"[..], &[Quit, Pause, Help, Next, Next][..]),
            (b"QPG", &[Quit, Pause, Next]),
            (b"\x1b[Z\x1b[Z", &[Back, Back]),
            (b"\x1b[A\x1b[1;5Cp\x1bOPq", &[Pause, Quit]),
            (b"\x1bq\x1b", &[]),
            (b"\x1b[<0;10;10M\x1b[3", &[]),
            (b"xyz \r\n\x00\xff", &[]),
        ] {
            assert_eq!(keys(bytes), pressed, "{bytes:?}");
        }
    }

    #[test]
    fn help_names_every_key_and_what_none_does() {
        let help = HELP.join("\n");
        for words in ["q, Ctrl-C", "\np ", "g, Tab", "Shift-Tab", "\n? ", "No key changes the load"] {
            assert!(help.contains(words), "{words}");
        }
    }
}
