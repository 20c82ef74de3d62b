//! One timer for all sessions: a wheel with coarse ticks, and what a session does when it comes by.
//!
//! A session has no timer of its own. It tells the wheel when to wake it next and then decides itself what
//! is due: a beat, a ping, or the end.

use crate::Hub;
use crate::connection::{Close, Connection};
use parking_lot::Mutex;
use schema::limits;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// The unit of all times in this module.
pub(crate) const TICK: Duration = Duration::from_millis(250);
/// How far ahead the wheel reaches; what is later is looked at then and goes round again.
const SLOTS: u32 = 128;

const PINGS_PER_TICK: u32 = limits::PINGS_PER_SECOND * TICK.as_millis() as u32 / 1000;

/// Ticks in a time, at least one.
pub(crate) fn ticks(time: Duration) -> u32 {
    u32::try_from(time.as_millis() / TICK.as_millis()).unwrap_or(u32::MAX / 2).max(1)
}

/// Sessions by the tick at which they want to be woken.
pub(crate) struct Wheel {
    now: AtomicU32,
    /// Pings for marks that may still be written in this tick.
    pings: AtomicU32,
    slots: Box<[Mutex<Vec<Weak<Connection>>>]>,
}

impl Wheel {
    pub(crate) fn new() -> Self {
        Self {
            now: AtomicU32::new(0),
            pings: AtomicU32::new(PINGS_PER_TICK),
            slots: (0..SLOTS).map(|_| Mutex::default()).collect(),
        }
    }

    /// The current tick.
    pub(crate) fn now(&self) -> u32 {
        self.now.load(Ordering::Relaxed)
    }

    /// Wakes a session at a tick, or earlier when that is beyond the wheel. Returns the tick.
    pub(crate) fn schedule(&self, connection: &Arc<Connection>, at: u32) -> u32 {
        let now = self.now();
        let at = at.clamp(now + 1, now + SLOTS - 1);
        self.slots[(at % SLOTS) as usize].lock().push(Arc::downgrade(connection));
        at
    }

    /// Takes one of this tick's pings for marks, if one is left.
    pub(crate) fn take_ping(&self) -> bool {
        self.pings.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    /// Goes on to a tick, waking everybody on the way.
    fn advance(&self, to: u32) {
        while self.now() < to {
            let tick = self.now() + 1;
            self.now.store(tick, Ordering::Relaxed);
            self.pings.store(PINGS_PER_TICK, Ordering::Relaxed);
            let due = std::mem::take(&mut *self.slots[(tick % SLOTS) as usize].lock());
            due.iter().filter_map(Weak::upgrade).for_each(|connection| connection.tick());
        }
    }
}

/// Turns the wheel until the service is gone.
pub(crate) async fn run(hub: Weak<Hub>) {
    let start = Instant::now();
    let mut interval = tokio::time::interval(TICK);
    loop {
        interval.tick().await;
        let Some(hub) = hub.upgrade() else { return };
        hub.wheel.advance(u32::try_from(start.elapsed().as_millis() / TICK.as_millis()).unwrap_or(u32::MAX));
    }
}

/// What is due for a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Due {
    /// A heart-beat must be written.
    pub(crate) beat: bool,
    /// A WebSocket ping must be written, where the client agreed to no heart-beats.
    pub(crate) ping: bool,
    pub(crate) close: Option<Close>,
    /// When to look again.
    pub(crate) next: u32,
}

/// The times of one session, in ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// Until CONNECT came: when it must have come.
    connect_by: Option<u32>,
    read: u32,
    wrote: u32,
    /// Since when the socket takes no more.
    blocked: Option<u32>,
    /// How long the server may be silent.
    send_every: u32,
    /// Whether the silence is broken by heart-beats, else by pings.
    beats: bool,
    /// How long the client may be silent.
    read_within: u32,
}

impl Times {
    pub(crate) fn new(now: u32, connect_deadline: Duration) -> Self {
        let connect_by = Some(now + ticks(connect_deadline));
        let never = u32::MAX / 4;
        Self {
            connect_by,
            read: now,
            wrote: now,
            blocked: None,
            send_every: never,
            beats: false,
            read_within: never,
        }
    }

    /// CONNECT came. `send` and `receive` are the periods agreed on; a side without one is kept alive, and
    /// found dead, by pings in the server's own period.
    pub(crate) fn connected(&mut self, send: Option<u32>, receive: Option<u32>, own_ms: u32) {
        let in_ticks = |ms: u32| ticks(Duration::from_millis(ms.into()));
        let period = in_ticks(send.unwrap_or(own_ms).max(1));
        self.connect_by = None;
        self.beats = send.is_some();
        // One tick early, so that coarse ticks do not make a beat late.
        self.send_every = period.saturating_sub(1).max(1);
        let silence = receive.unwrap_or(0).max(send.unwrap_or(own_ms)).max(1);
        self.read_within = in_ticks(silence).saturating_mul(3);
    }

    pub(crate) fn read(&mut self, now: u32) {
        self.read = now;
    }

    pub(crate) fn wrote(&mut self, now: u32) {
        self.wrote = now;
        self.blocked = None;
    }

    /// The socket takes no more; true when that is new.
    pub(crate) fn blocked(&mut self, now: u32) -> bool {
        let new = self.blocked.is_none();
        self.blocked.get_or_insert(now);
        new
    }

    /// It takes something again: that is progress, even if more waits than it takes at once.
    pub(crate) fn unblocked(&mut self) {
        self.blocked = None;
    }

    /// When a blocked socket is given up.
    pub(crate) fn give_up(&self) -> Option<u32> {
        self.blocked.map(|since| since + ticks(limits::SEND_TIME))
    }

    pub(crate) fn due(&self, now: u32) -> Due {
        let mut due = Due { next: u32::MAX, ..Due::default() };
        if let Some(by) = self.connect_by {
            due.next = by;
            if now >= by {
                due.close = Some(Close { reason: "no CONNECT in time", ..Close::PROTOCOL });
            }
        }
        if let Some(by) = self.give_up() {
            due.next = due.next.min(by);
            if now >= by {
                due.close = Some(Close::SLOW);
            }
        }
        let silent = self.read + self.read_within;
        if now >= silent {
            due.close = Some(Close::SILENT);
        }
        let mut beat_at = self.wrote + self.send_every;
        if now >= beat_at && self.blocked.is_none() {
            due.beat = self.beats;
            due.ping = !self.beats;
            beat_at = now + self.send_every;
        }
        due.next = due.next.min(silent).min(beat_at.max(now + 1));
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(send: Option<u32>, receive: Option<u32>) -> Times {
        let mut times = Times::new(0, Duration::from_secs(30));
        times.connected(send, receive, 20_000);
        times
    }

    #[test]
    fn pings_for_marks_are_bounded_in_each_tick() {
        let wheel = Wheel::new();
        for tick in 1..4 {
            assert_eq!((0..PINGS_PER_TICK * 2).filter(|_| wheel.take_ping()).count() as u32, PINGS_PER_TICK);
            wheel.advance(tick);
        }
    }

    #[test]
    fn a_beat_is_due_only_after_silence() {
        let mut times = times(Some(20_000), Some(20_000));
        let quiet = Due { next: 79, ..Due::default() };
        assert_eq!(times.due(10), quiet);
        assert!(times.due(79).beat, "within the 80 ticks of the period");
        times.wrote(79);
        assert!(!times.due(100).beat);
        assert!(times.due(158).beat);
    }

    #[test]
    fn a_client_without_beats_is_pinged_and_a_silent_one_is_closed() {
        let mut times = times(None, None);
        assert_eq!((times.due(79).beat, times.due(79).ping), (false, true));
        times.wrote(79);
        assert_eq!(times.due(239).close, None);
        assert_eq!(times.due(240).close, Some(Close::SILENT));
        times.read(239);
        assert_eq!(times.due(240).close, None);
    }

    #[test]
    fn connect_and_writing_have_deadlines() {
        let mut times = Times::new(0, Duration::from_secs(30));
        assert_eq!(times.due(119).close, None);
        assert_eq!(times.due(120).close.map(|close| close.code), Some(1002));
        times.connected(Some(20_000), Some(20_000), 20_000);
        assert!(times.blocked(10));
        assert!(!times.blocked(20));
        assert_eq!(times.due(49).close, None);
        assert_eq!(times.due(50).close, Some(Close::SLOW));
        times.wrote(50);
        assert_eq!(times.due(51).close, None);
    }
}
