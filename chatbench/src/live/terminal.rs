//! The terminal, taken over and given back.

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use ratatui::{Frame, Terminal};
use std::io::{Result, Stderr, stderr};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the terminal shows the view.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal, while the view has it. Keys stay with the shell, so that Ctrl-C does what it always does.
#[derive(Debug)]
pub(super) struct Screen(Terminal<CrosstermBackend<Stderr>>);

impl Screen {
    pub(super) fn enter() -> Result<Self> {
        let mut screen = Self(Terminal::new(CrosstermBackend::new(stderr()))?);
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

/// Gives the terminal back, if it was taken: also for who ends the process at once.
pub(crate) fn restore() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _gone = execute!(stderr(), LeaveAlternateScreen, Show);
    }
}
