//! What arrives: read into the thread's one buffer, framed, told by the driver, entered into the book.

use super::{Thread, What};
use crate::driver::{Event, Framing, Outbox};
use crate::measure::Book;
use crate::socket::{Connection, Step, Why};
use crate::tls::{self, Stage};
use crate::upgrade::{self, Answer};
use crate::websocket::{self, CLOSE, PING, PONG, TEXT};
use mio::event;
use plan::payload::mix;

/// What a chunk of bytes has brought beside what is in the book already.
struct Heard<'a> {
    book: &'a mut Book,
    user: u32,
    now: u64,
    /// When the connection was to begin, and whether the scenario had cut it before.
    planned_us: u64,
    cut: bool,
    /// Share of received messages that are marked as seen.
    seen_share: f64,
    /// His own messages come too: those that he sends by REST, as to another device.
    echoes: bool,
    ready: bool,
    answered: u32,
    /// To be marked as seen, up to this sequence of the conversation.
    marks: Option<u64>,
    failed: Option<String>,
}

impl Heard<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Ready => {
                self.ready = true;
                self.book.ready(self.user, self.planned_us, self.now, self.cut);
            }
            Event::Acknowledged(sequence) => {
                self.answered += 1;
                self.book.acknowledged(self.user, sequence, self.now);
            }
            Event::Refused { sequence, code, limited } => {
                self.answered += 1;
                self.book.refused(self.user, sequence, code, limited);
            }
            Event::Doubtful { code } => {
                self.answered += 1;
                self.book.doubtful(code);
            }
            Event::Received { found: Ok(own), .. } if self.echoes && own.sender == self.user => {}
            Event::Received { found, sequence } => {
                let payload = self.book.received(self.user, found, self.now);
                if let (Some(payload), Some(sequence)) = (payload, sequence)
                    && chosen(u64::from(payload.sender) << 32 | u64::from(payload.sequence), self.seen_share)
                {
                    self.marks = self.marks.max(Some(sequence));
                    self.book.marks(payload.sender, sequence, payload.planned);
                }
            }
            Event::Seen { up_to } => self.book.seen(self.user, up_to, self.now),
            Event::Noticed => {}
            Event::Failed(words) => self.failed = Some(words),
        }
    }
}

/// Whether something with this number belongs to a share of all.
pub(super) fn chosen(number: u64, share: f64) -> bool {
    share > 0.0
        && (mix(number.wrapping_add(0x9e37_79b9_7f4a_7c15)) >> 11) as f64 / (1_u64 << 53) as f64 <= share
}

impl Thread {
    /// A socket has something to tell.
    pub(super) fn ready(&mut self, index: usize, event: &event::Event) {
        if self.connections[index].step == Step::Connecting {
            return self.connected(index);
        }
        if event.is_writable()
            && let Err(error) = self.connections[index].flush()
        {
            return self.lost(index, error.into());
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.listen(index, event.is_read_closed() || event.is_error());
        }
    }

    /// Reads what there is. A read that does not fill the buffer has emptied the socket, unless that is closed.
    pub(super) fn listen(&mut self, index: usize, to_the_end: bool) {
        let mut read = std::mem::take(&mut self.read);
        loop {
            let connection = &mut self.connections[index];
            if connection.deaf {
                break;
            }
            let got = match connection.read(&mut read) {
                Ok(None) => break,
                Ok(Some(0)) => {
                    let securing = connection.step == Step::Securing;
                    let words = if securing { tls::CLOSED } else { "closed without a word" };
                    self.lost(index, words.to_owned().into());
                    break;
                }
                Ok(Some(bytes)) => bytes,
                Err(error) => {
                    self.lost(index, error.into());
                    break;
                }
            };
            let now = self.now();
            let digested = if self.connections[index].is_sealed() {
                self.unseal(index, &mut read[..got], now)
            } else {
                self.digest(index, &read[..got], now)
            };
            if let Err(why) = digested {
                self.lost(index, why);
                break;
            }
            if got < read.len() && !to_the_end {
                break;
            }
        }
        self.read = read;
    }

    /// Opens what was read over TLS, and digests what it says.
    fn unseal(&mut self, index: usize, got: &mut [u8], now: u64) -> Result<(), Why> {
        let mut opened = std::mem::take(&mut self.opened);
        opened.clear();
        let connection = &mut self.connections[index];
        let stage = connection.open(got, &mut opened);
        if matches!(stage, Ok(Stage::Stands)) && connection.step == Step::Securing {
            self.stands(index);
        }
        let digested = if opened.is_empty() { Ok(()) } else { self.digest(index, &opened, now) };
        self.opened = opened;
        digested?;
        match stage? {
            Stage::Over => Err("closed without a word".to_owned().into()),
            Stage::Shaking | Stage::Stands => Ok(()),
        }
    }

    fn digest(&mut self, index: usize, got: &[u8], now: u64) -> Result<(), Why> {
        let connection = &mut self.connections[index];
        match connection.step {
            Step::Upgrading => match upgrade::answer(connection.inbox.keep(got)) {
                Answer::Partial => Ok(()),
                Answer::Refused(words) => Err(format!("no upgrade: {words}").into()),
                Answer::Upgraded(end) => {
                    let kept = connection.inbox.release();
                    self.open(index);
                    if kept.len() > end { self.take(index, &kept[end..], now) } else { Ok(()) }
                }
            },
            Step::Opening | Step::Ready => self.take(index, got, now),
            _ => Ok(()),
        }
    }

    /// Gives each whole message to the driver, and does what it has told.
    fn take(&mut self, index: usize, got: &[u8], now: u64) -> Result<(), Why> {
        let Self { setup, connections, book, out, calls, .. } = self;
        let Connection { inbox, session, planned_us, cut, .. } = &mut connections[index];
        let (me, driver, framing) = (setup.me(index), &setup.driver, setup.driver.framing());
        let mut heard = Heard {
            book,
            user: me.user,
            now,
            planned_us: *planned_us,
            cut: *cut,
            seen_share: setup.plan.behaviour.seen_share,
            echoes: calls.sends,
            ready: false,
            answered: 0,
            marks: None,
            failed: None,
        };
        out.clear();
        let fed = if framing == Framing::Raw {
            let cut = |bytes: &[u8]| driver.cut(bytes);
            inbox.packets(got, cut, |packet| {
                let mut outbox = Outbox::new(framing, out);
                driver.take(me, packet, session, &mut outbox, &mut |event| heard.event(event));
            })
        } else {
            inbox.feed(got, |opcode, payload| match opcode {
                TEXT => {
                    let mut outbox = Outbox::new(framing, out);
                    driver.take(me, payload, session, &mut outbox, &mut |event| heard.event(event));
                }
                PING => websocket::write(PONG, payload, websocket::mask(), out),
                CLOSE => heard.failed = heard.failed.take().or_else(|| Some(close_words(payload))),
                _ => {}
            })
        };
        let Heard { ready, answered, marks, failed, .. } = heard;
        if let Some(words) = failed {
            return Err(words.into());
        }
        fed.map_err(|words| Why::from(words.to_owned()))?;
        if let Some(up_to) = marks {
            self.scratch.clear();
            let mut outbox = Outbox::new(framing, &mut self.out);
            self.setup.driver.seen(self.setup.me(index), up_to, &mut self.scratch, &mut outbox);
        }
        self.connections[index].write(&self.out)?;
        if ready {
            self.made(index, now);
            self.repeat_of(index);
        }
        for _ in 0..answered {
            self.think(index, now);
        }
        Ok(())
    }

    /// Writes what was put together; a socket that is gone is lost.
    pub(super) fn write(&mut self, index: usize) -> bool {
        match self.connections[index].write(&self.out) {
            Ok(()) => true,
            Err(why) => {
                self.lost(index, why);
                false
            }
        }
    }

    pub(super) fn heartbeat(&mut self, index: usize) {
        if let Some((seconds, bytes)) = self.setup.driver.heartbeat() {
            self.out.clear();
            Outbox::new(self.setup.driver.framing(), &mut self.out).put(bytes);
            if self.write(index) {
                let at = self.now() + u64::from(seconds) * 1_000_000;
                self.set(index, at, What::Heartbeat);
            }
        }
    }

    /// Says good-bye to all.
    pub(super) fn farewell(&mut self) {
        let framing = self.setup.driver.framing();
        self.out.clear();
        self.setup.driver.close(&mut Outbox::new(framing, &mut self.out));
        if framing != Framing::Raw {
            websocket::write(CLOSE, &1000_u16.to_be_bytes(), websocket::mask(), &mut self.out);
        }
        for connection in &mut self.connections {
            if connection.step == Step::Ready {
                // Who is gone already needs no good-bye.
                let _gone = connection.finish(&self.out);
            }
            connection.shut();
            connection.step = Step::Away;
        }
    }
}

fn close_words(payload: &[u8]) -> String {
    match payload {
        [a, b, words @ ..] => {
            format!("close {} {}", u16::from_be_bytes([*a, *b]), String::from_utf8_lossy(words))
        }
        _ => "close without a code".to_owned(),
    }
}
