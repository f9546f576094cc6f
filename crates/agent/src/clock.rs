//! The clocks of the agent: monotonic, wall, and the CPU clocks of threads.
//!
//! Each is one `clock_gettime`. Monotonic and wall time come from the vDSO (about 30 ns); the CPU
//! clock of another thread is a system call (about 0.4 µs).

use std::io::Read;

use pyrometer_model::UnixNanos;

/// Nanoseconds of `CLOCK_MONOTONIC`.
#[must_use]
pub(crate) fn monotonic_ns() -> u64 {
    read(libc::CLOCK_MONOTONIC).unwrap_or(0)
}

/// The wall clock, UTC. It may jump.
#[must_use]
pub(crate) fn wall() -> UnixNanos {
    UnixNanos(read(libc::CLOCK_REALTIME).unwrap_or(0))
}

/// CPU time of the calling thread, nanoseconds.
#[must_use]
pub(crate) fn own_cpu_ns() -> u64 {
    read(libc::CLOCK_THREAD_CPUTIME_ID).unwrap_or(0)
}

/// CPU time of a thread of this process, nanoseconds; `None` once the thread has ended.
#[must_use]
pub(crate) fn thread_cpu_ns(os_thread_id: u32) -> Option<u64> {
    read(thread_clock(os_thread_id))
}

/// Whether a thread of this process runs or could run, rather than wait for an event. Reads
/// `/proc/self/task/TID/stat`: about 6 µs.
#[must_use]
pub(crate) fn is_runnable(os_thread_id: u32) -> bool {
    let mut buffer = [0_u8; 256];
    let path = format!("/proc/self/task/{os_thread_id}/stat");
    let read = std::fs::File::open(path).and_then(|mut file| file.read(&mut buffer));
    state(&buffer[..read.unwrap_or(0)]) == Some(b'R')
}

/// The state in a `stat` line: `TID (name) state …`, see proc(5).
fn state(stat: &[u8]) -> Option<u8> {
    // The name may hold anything, a parenthesis too; nothing behind it does.
    let name_end = stat.iter().rposition(|&byte| byte == b')')?;
    stat.get(name_end + 2).copied()
}

/// The id of a thread's CPU clock, as the kernel builds it: `~tid << 3 | CPUCLOCK_PERTHREAD (4) |
/// CPUCLOCK_SCHED (2)` (linux `include/linux/posix-timers.h`).
fn thread_clock(os_thread_id: u32) -> libc::clockid_t {
    const PER_THREAD: i32 = 4;
    const SCHED: i32 = 2;
    !os_thread_id.cast_signed() << 3 | PER_THREAD | SCHED
}

fn read(clock: libc::clockid_t) -> Option<u64> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid timespec that outlives the call; an unknown clock is an error code.
    let done = unsafe { libc::clock_gettime(clock, &raw mut time) } == 0;
    done.then(|| (time.tv_sec.cast_unsigned()) * 1_000_000_000 + time.tv_nsec.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_a_thread_is_its_own_cpu_time() {
        // SAFETY: gettid has no preconditions.
        let me = unsafe { libc::gettid() }.cast_unsigned();
        let before = own_cpu_ns();
        let through_id = thread_cpu_ns(me).unwrap();
        let after = own_cpu_ns();
        assert!(before <= through_id && through_id <= after);
        assert_eq!(thread_cpu_ns(0x03ff_ffff), None);
    }

    #[test]
    fn a_state_is_found_behind_any_name() {
        let own = std::fs::read("/proc/thread-self/stat").unwrap();
        assert_eq!(state(&own), Some(b'R'));
        assert_eq!(state(b"7 (a) R (b) S 3 0 0"), Some(b'S'));
        assert_eq!(state(b"7 (x)"), None);
        assert_eq!(state(b""), None);
        assert!(!is_runnable(0x03ff_ffff));
    }
}
