//! Time: the run clock of a worker, and the CPU time of a thread. Microseconds.

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// The machine's monotonic clock, the same for all its processes.
pub(crate) fn monotonic_us() -> i64 {
    micros(clock_gettime(ClockId::Monotonic))
}

/// What the calling thread has used of a CPU so far.
pub(crate) fn thread_cpu_us() -> u64 {
    u64::try_from(micros(clock_gettime(ClockId::ThreadCPUTime))).unwrap_or_default()
}

fn micros(time: Timespec) -> i64 {
    time.tv_sec * 1_000_000 + time.tv_nsec / 1000
}

/// The coordinator's run clock: zero at the begin of the ramp, and zero before it too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) zero_us: i64,
}

impl Clock {
    pub(crate) fn now(self) -> u64 {
        u64::try_from(monotonic_us() - self.zero_us).unwrap_or_default()
    }
}

/// Wakes a loop at a time of the run clock, to the microsecond: the time-out of `epoll_wait` counts milliseconds.
pub(crate) struct Alarm {
    timer: OwnedFd,
    clock: Clock,
    /// What it is set to; `u64::MAX`: nothing.
    set_us: u64,
}

impl Alarm {
    pub(crate) fn new(clock: Clock, registry: &Registry, token: Token) -> io::Result<Self> {
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        registry.register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self { timer, clock, set_us: u64::MAX })
    }

    /// Sets it, or sets it otherwise. What has rung needs no reading: setting forgets it.
    pub(crate) fn set(&mut self, at_us: u64, now_us: u64) -> io::Result<()> {
        if self.set_us == at_us && at_us > now_us {
            return Ok(());
        }
        self.set_us = at_us;
        let monotonic = i64::try_from(at_us).unwrap_or(i64::MAX / 2).saturating_add(self.clock.zero_us);
        // Zero would disarm it; a time that has passed rings at once.
        let at = monotonic.clamp(1, i64::MAX / 2);
        let it_value = Timespec { tv_sec: at / 1_000_000, tv_nsec: at % 1_000_000 * 1000 };
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &Itimerspec { it_interval, it_value })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Events, Poll};
    use std::time::Duration;

    #[test]
    fn an_alarm_rings_at_its_time_however_often_it_is_set() {
        let clock = Clock { zero_us: monotonic_us() };
        let mut poll = Poll::new().unwrap();
        let mut events = Events::with_capacity(4);
        let mut alarm = Alarm::new(clock, poll.registry(), Token(7)).unwrap();
        for _ in 0..3 {
            let at = clock.now() + 3_000;
            alarm.set(at + 60_000_000, clock.now()).unwrap();
            alarm.set(at, clock.now()).unwrap();
            poll.poll(&mut events, Some(Duration::from_secs(10))).unwrap();
            assert_eq!(events.iter().next().unwrap().token(), Token(7));
            assert!(clock.now() >= at);
        }
        alarm.set(0, clock.now()).unwrap();
        poll.poll(&mut events, Some(Duration::from_secs(10))).unwrap();
        assert!(!events.is_empty(), "a time that has passed rings at once");
    }
}
