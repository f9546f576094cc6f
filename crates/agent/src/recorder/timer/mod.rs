//! Timers: what a call costs, and in which unit. One [`Meter`] per thread is read at every event.
//!
//! What was asked for and what really runs may differ, since counters and perf events are often
//! denied. [`Opened`] says both and why, and the profile carries it: a fallback is never mistaken for
//! the real thing.

mod anchored;
mod counter;
mod page;
mod sequence;

use std::ffi::c_void;
use std::io;

use crate::clock;
use anchored::{Anchored, Watch};
use counter::Rate;
use page::{InstructionPage, PageWatch};
use sequence::SequenceWatch;

/// What is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timer {
    /// Instructions that the thread executed in user space.
    Instructions,
    /// CPU time of the thread.
    #[default]
    Cpu,
    /// Time that went by.
    Wall,
    /// A function of the caller's.
    External,
}

impl Timer {
    /// The names that users give.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Instructions => "instructions",
            Self::Cpu => "cpu",
            Self::Wall => "wall",
            Self::External => "callable",
        }
    }

    /// The timer of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Instructions, Self::Cpu, Self::Wall]
            .into_iter()
            .find(|timer| timer.name() == name)
    }

    /// Unit of its values.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Instructions | Self::External => "count",
            Self::Cpu | Self::Wall => "nanoseconds",
        }
    }
}

/// How a timer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// Hardware counter, by an instruction where the kernel's page allows it.
    InstructionCounter,
    /// CPU time from a perf page and the processor's counter.
    CpuPage,
    /// CPU time from the area for restartable sequences and the processor's counter.
    CpuSequence,
    /// `CLOCK_THREAD_CPUTIME_ID`, a system call each time.
    CpuClock,
    /// `CLOCK_MONOTONIC`.
    WallClock,
    /// A function of the caller's.
    External,
}

impl Means {
    /// What it is called in a profile.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InstructionCounter => "perf counter",
            Self::CpuPage => "perf page and constant counter",
            Self::CpuSequence => "rseq area and constant counter",
            Self::CpuClock => "CLOCK_THREAD_CPUTIME_ID",
            Self::WallClock => "CLOCK_MONOTONIC",
            Self::External => "callable",
        }
    }
}

/// A timer that was chosen for this process.
#[derive(Clone, Debug)]
pub struct Opened {
    /// What was asked for.
    pub requested: Timer,
    /// What runs.
    pub used: Timer,
    /// How it is read.
    pub means: Means,
    /// Why nothing better runs; `None` when the best does.
    pub why: Option<String>,
    external: Option<External>,
}

/// A function that is read in place of a clock.
#[derive(Clone, Copy, Debug)]
pub struct External {
    /// Returns the count so far.
    pub read: unsafe fn(*mut c_void) -> u64,
    /// Handed to `read`; lives as long as any meter.
    pub context: *mut c_void,
}

impl Opened {
    /// Chooses the best means for a timer by trying it on the calling thread; about 4 ms.
    ///
    /// Instructions that cannot be counted become CPU time, and the reason is kept.
    #[must_use]
    pub fn best(requested: Timer) -> Self {
        let opened = |used, means, why| Self {
            requested,
            used,
            means,
            why,
            external: None,
        };
        let mut reasons: Vec<String> = Vec::new();
        if requested == Timer::Wall {
            return opened(Timer::Wall, Means::WallClock, None);
        }
        if requested == Timer::Instructions {
            match InstructionPage::open() {
                Ok(_) => return opened(Timer::Instructions, Means::InstructionCounter, None),
                Err(error) => reasons.push(format!("no instruction counter: {}", cause(&error))),
            }
        }
        match PageWatch::open().map(is_right) {
            Ok(true) => return opened(Timer::Cpu, Means::CpuPage, joined(reasons)),
            Ok(false) => reasons.push("the perf page failed its self-test".to_owned()),
            Err(error) => reasons.push(format!("no perf page: {}", cause(&error))),
        }
        match SequenceWatch::find().map(is_right) {
            Some(true) => return opened(Timer::Cpu, Means::CpuSequence, joined(reasons)),
            Some(false) => reasons.push("the rseq area failed its self-test".to_owned()),
            None => reasons.push("no rseq area: the C library registers none".to_owned()),
        }
        opened(Timer::Cpu, Means::CpuClock, joined(reasons))
    }

    /// A timer that calls a function of the caller's.
    #[must_use]
    pub fn external(external: External) -> Self {
        Self {
            requested: Timer::External,
            used: Timer::External,
            means: Means::External,
            why: None,
            external: Some(external),
        }
    }

    /// Opens a meter for the calling thread. Where the means is refused to this thread alone, for
    /// example for want of descriptors, CPU time is read from its clock, and instructions not at all.
    #[must_use]
    pub fn meter(&self) -> Meter {
        match self.means {
            Means::CpuPage => PageWatch::open().map_or(Meter::CpuClock, |watch| {
                Meter::CpuPage(Anchored::new(watch, Rate::measured()))
            }),
            Means::CpuSequence => SequenceWatch::find().map_or(Meter::CpuClock, |watch| {
                Meter::CpuSequence(Anchored::new(watch, Rate::measured()))
            }),
            Means::InstructionCounter => InstructionPage::open().map_or(Meter::Silent, Meter::Instructions),
            Means::WallClock => Meter::WallClock,
            Means::External => self.external.map_or(Meter::Silent, Meter::External),
            Means::CpuClock => Meter::CpuClock,
        }
    }
}

fn is_right(watch: impl Watch) -> bool {
    Anchored::new(watch, Rate::measured()).is_right()
}

fn joined(reasons: Vec<String>) -> Option<String> {
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

fn cause(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENODEV | libc::EOPNOTSUPP) => {
            "this machine has none (most virtual machines do not)".to_owned()
        }
        Some(libc::EACCES | libc::EPERM) => {
            "denied (see /proc/sys/kernel/perf_event_paranoid, seccomp, or add CAP_PERFMON)".to_owned()
        }
        Some(libc::ENOSYS) => "perf_event_open is not there".to_owned(),
        _ => error.to_string(),
    }
}

/// A running count of the thread that opened it.
#[derive(Debug)]
pub enum Meter {
    /// See [`Means::CpuPage`].
    CpuPage(Anchored<PageWatch>),
    /// See [`Means::CpuSequence`].
    CpuSequence(Anchored<SequenceWatch>),
    /// See [`Means::CpuClock`].
    CpuClock,
    /// See [`Means::WallClock`].
    WallClock,
    /// See [`Means::InstructionCounter`].
    Instructions(InstructionPage),
    /// See [`Means::External`].
    External(External),
    /// Always 0: this thread could not be given what the others have.
    Silent,
}

impl Meter {
    /// The count so far. Never blocks, allocates or fails; may go back by less than a microsecond
    /// where a new anchor corrects the one before.
    #[inline(always)]
    pub fn read(&mut self) -> u64 {
        match self {
            Self::CpuPage(page) => page.read(),
            Self::CpuSequence(sequence) => sequence.read(),
            other => other.read_slowly(),
        }
    }

    #[inline(never)]
    fn read_slowly(&mut self) -> u64 {
        match self {
            Self::CpuPage(page) => page.read(),
            Self::CpuSequence(sequence) => sequence.read(),
            Self::CpuClock => clock::own_cpu_ns(),
            Self::WallClock => clock::monotonic_ns(),
            Self::Instructions(page) => page.read(),
            // SAFETY: whoever made it keeps the context alive; see `External`.
            Self::External(external) => unsafe { (external.read)(external.context) },
            Self::Silent => 0,
        }
    }

    /// Stops reading a page, which a child of a fork has not got, and touches nothing of it. Safe to
    /// call in a `pthread_atfork` handler.
    pub fn forget_after_fork(&mut self) {
        match std::mem::replace(self, Self::Silent) {
            Self::CpuPage(page) => page.into_watch().into_event().abandon(),
            // Armed in the parent, and the clock of the child began at 0.
            Self::CpuSequence(sequence) => sequence.into_watch().disarm(),
            Self::Instructions(page) => page.into_event().abandon(),
            other => *self = other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_timer_opens_and_says_what_runs() {
        for timer in [Timer::Instructions, Timer::Cpu, Timer::Wall] {
            assert_eq!(Timer::of_name(timer.name()), Some(timer));
            let opened = Opened::best(timer);
            assert_eq!(opened.requested, timer);
            assert!(opened.used == timer || opened.why.is_some());
            let mut meter = opened.meter();
            let start = meter.read();
            (0..1_000_000_u64).for_each(|number| {
                std::hint::black_box(number);
            });
            assert!(meter.read() > start);
        }
        assert_eq!(Timer::of_name("callable"), None);
    }

    #[test]
    fn a_forgotten_page_is_not_read() {
        let mut meter = Opened::best(Timer::Cpu).meter();
        let had_page = matches!(meter, Meter::CpuPage(_));
        meter.forget_after_fork();
        assert_eq!(matches!(meter, Meter::Silent), had_page);
    }
}
