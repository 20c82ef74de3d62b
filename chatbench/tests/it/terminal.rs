//! A terminal of the test's own: a pseudo-terminal, and what a person would see on it.

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcgetattr, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

const ROWS: usize = 34;
const COLUMNS: usize = 120;
/// Time for anything to be seen.
const SEEN: Duration = Duration::from_secs(60);
/// Reads that wait to be looked at, and bytes of each.
const READS: usize = 1024;
const READ: usize = 4096;

pub(crate) struct Terminal {
    keyboard: File,
    /// The end that a program has.
    program: OwnedFd,
    shown: Receiver<Vec<u8>>,
    screen: Vec<Vec<char>>,
    at: (usize, usize),
    /// Everything that was written, and what of it was not yet understood.
    written: Vec<u8>,
    rest: Vec<u8>,
}

impl Terminal {
    pub(crate) fn open() -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let keyboard = openpt(flags).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let program = ioctl_tiocgptpeer(&keyboard, flags).unwrap();
        let size = Winsize { ws_row: ROWS as u16, ws_col: COLUMNS as u16, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&keyboard, size).unwrap();
        let keyboard = File::from(keyboard);
        let mut eyes = keyboard.try_clone().unwrap();
        let (send, shown) = sync_channel(READS);
        std::thread::spawn(move || {
            let mut bytes = [0; READ];
            while let Ok(length) = eyes.read(&mut bytes) {
                if length == 0 || send.send(bytes[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        let screen = vec![vec![' '; COLUMNS]; ROWS];
        Self { keyboard, program, shown, screen, at: (0, 0), written: Vec::new(), rest: Vec::new() }
    }

    /// Starts a program that has this terminal for its own, but for stdout.
    pub(crate) fn start(&self, command: &Command) -> Child {
        let mut own = Command::new("setsid");
        own.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args());
        own.stdin(Stdio::from(self.program.try_clone().unwrap()));
        own.stderr(Stdio::from(self.program.try_clone().unwrap())).stdout(Stdio::piped());
        own.env("TERM", "xterm-256color").spawn().unwrap()
    }

    pub(crate) fn press(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).unwrap();
    }

    /// How it takes input: to be compared.
    pub(crate) fn modes(&self) -> String {
        format!("{:?}", tcgetattr(&self.program).unwrap())
    }

    /// Waits until the screen is as it should be.
    pub(crate) fn until(&mut self, what: &str, is: impl Fn(&str) -> bool) {
        self.wait(what, |terminal| is(&terminal.text()));
    }

    /// Waits until everything that was ever written is as it should be.
    pub(crate) fn until_written(&mut self, what: &str, is: impl Fn(&str) -> bool) {
        self.wait(what, |terminal| is(&String::from_utf8_lossy(&terminal.written)));
    }

    fn wait(&mut self, what: &str, is: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + SEEN;
        while !is(self) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.shown.recv_timeout(left) {
                Ok(bytes) => self.show(&bytes),
                Err(_) => panic!("{what}: not seen in\n{}", self.text()),
            }
        }
    }

    fn text(&self) -> String {
        self.screen.iter().map(|row| row.iter().collect::<String>() + "\n").collect()
    }

    fn show(&mut self, bytes: &[u8]) {
        self.written.extend(bytes);
        self.rest.extend(bytes);
        let rest = std::mem::take(&mut self.rest);
        let valid = rest.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let mut text = valid;
        while let Some(first) = text.chars().next() {
            if first == '\x1b' {
                let Some(end) = text[1..].find(|c: char| c.is_ascii_alphabetic()) else { break };
                self.control(&text[1..=end], &text[end + 1..end + 2]);
                text = &text[end + 2..];
                continue;
            }
            if let Some(cell) = self.screen.get_mut(self.at.0).and_then(|row| row.get_mut(self.at.1)) {
                *cell = first;
            }
            self.at.1 += 1;
            text = &text[first.len_utf8()..];
        }
        self.rest = rest[valid.len() - text.len()..].to_vec();
    }

    /// Only what the view sends: where to write next, and an empty screen.
    fn control(&mut self, numbers: &str, letter: &str) {
        if letter == "H" {
            let mut places = numbers.trim_start_matches('[').split(';').map(|n| n.parse().unwrap_or(1));
            self.at = (places.next().unwrap_or(1) - 1, places.next().unwrap_or(1) - 1);
        } else if letter == "J" {
            self.screen = vec![vec![' '; COLUMNS]; ROWS];
        }
    }
}
