//! The terminal, taken over and given back.

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use ratatui::{Frame, Terminal};
use rustix::process::getpgrp;
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
};
use std::io::{Result, Stderr, stderr, stdin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};

/// Whether the terminal shows the view.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// How the keyboard was before it was taken.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// The terminal, while the view has it. Ctrl-C stays a signal, so that it ends a run whatever this process is busy with.
#[derive(Debug)]
pub(super) struct Screen(Terminal<CrosstermBackend<Stderr>>);

impl Screen {
    pub(super) fn enter() -> Result<Self> {
        let mut screen = Self(Terminal::new(CrosstermBackend::new(stderr()))?);
        restore_on_panic();
        TAKEN.store(true, Ordering::SeqCst);
        // It is empty, so that there is nothing to clear.
        execute!(stderr(), EnterAlternateScreen)?;
        screen.0.hide_cursor()?;
        Ok(screen)
    }

    /// Draws; a terminal that went away is no reason to end a run.
    pub(super) fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) {
        let _gone = self.0.draw(picture);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Takes keys one by one and unseen from now on; whether it could. A read of stdin returns at once then, also with nothing. What
/// would stop this process or end it with the terminal as it is, Ctrl-Z and Ctrl-\, does nothing meanwhile.
pub(super) fn take_keys() -> bool {
    if !foreground() {
        return false;
    }
    let Ok(before) = tcgetattr(stdin()) else { return false };
    let mut keys = before.clone();
    keys.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
    for code in
        [SpecialCodeIndex::VMIN, SpecialCodeIndex::VTIME, SpecialCodeIndex::VSUSP, SpecialCodeIndex::VQUIT]
    {
        keys.special_codes[code] = 0;
    }
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(before);
    tcsetattr(stdin(), OptionalActions::Now, &keys).is_ok()
}

/// Whether the terminal listens to this process: to read from it, or to set it up, would stop any other.
pub(super) fn foreground() -> bool {
    tcgetpgrp(stdin()).is_ok_and(|group| group == getpgrp())
}

/// Gives the terminal back, if it was taken: also for who ends the process at once.
pub(crate) fn restore() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(before) = before.filter(|_| foreground()) {
        // What was typed meanwhile is not for the shell.
        let _gone = tcsetattr(stdin(), OptionalActions::Flush, &before);
    }
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _gone = execute!(stderr(), LeaveAlternateScreen, Show);
    }
}

/// So that a panic can be read, and the shell be used behind it.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            restore();
            told(info);
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_gives_the_terminal_back_before_it_is_told() {
        restore_on_panic();
        TAKEN.store(true, Ordering::SeqCst);
        std::thread::spawn(|| panic!("planned by a test")).join().unwrap_err();
        assert!(!TAKEN.load(Ordering::SeqCst));
    }
}
