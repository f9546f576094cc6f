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

/// Whether a thread of this process could run, but the calling thread has taken its core: on a busy
/// machine that is where a thread is whose sampler just woke up. Reads `/proc/self/task/TID/stat`:
/// about 6 µs.
///
/// A thread that waits for another core does not count. It was taken off it some time ago, often at
/// the end of a system call, and would count there again and again.
#[must_use]
pub(crate) fn is_displaced(os_thread_id: u32) -> bool {
    let mut buffer = [0_u8; 512];
    let path = format!("/proc/self/task/{os_thread_id}/stat");
    let read = std::fs::File::open(path).and_then(|mut file| file.read(&mut buffer));
    // SAFETY: sched_getcpu has no preconditions; an error is -1, which no thread's core is.
    let own_core = unsafe { libc::sched_getcpu() };
    runnable_core(&buffer[..read.unwrap_or(0)]).is_some_and(|core| core == own_core)
}

/// The core that a runnable thread last ran on, from its `stat` line; `None` for one that waits for
/// an event. proc(5): `TID (name) state` is fields 1 to 3, the core is field 39.
fn runnable_core(stat: &[u8]) -> Option<i32> {
    const FIELDS_FROM_STATE_TO_CORE: usize = 36;
    // The name may hold anything, a parenthesis too; nothing behind it does.
    let after_name = &stat[stat.iter().rposition(|&byte| byte == b')')? + 1..];
    let mut fields = after_name
        .split(|&byte| byte == b' ')
        .filter(|field| !field.is_empty());
    if fields.next()? != b"R" {
        return None;
    }
    std::str::from_utf8(fields.nth(FIELDS_FROM_STATE_TO_CORE - 1)?)
        .ok()?
        .parse()
        .ok()
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
    fn a_running_thread_is_on_its_core_and_a_waiting_one_on_none() {
        let own = std::fs::read("/proc/thread-self/stat").unwrap();
        assert!(runnable_core(&own).is_some_and(|core| core >= 0));
        let line = |state: &str| format!("7 (a) R (b) {state} {} 3 0 0", "1 ".repeat(35).trim());
        assert_eq!(runnable_core(line("R").as_bytes()), Some(3));
        assert_eq!(runnable_core(line("S").as_bytes()), None);
        assert_eq!(runnable_core(b""), None);
        assert_eq!(runnable_core(b"7 (x) R 1 2"), None);
        assert!(!is_displaced(0x03ff_ffff));
    }
}
