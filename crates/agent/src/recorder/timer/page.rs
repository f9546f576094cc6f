//! The page that the kernel shares for a perf event, and what reads it.
//!
//! [`PageWatch`] maps the page of an event that counts nothing (`PERF_COUNT_SW_DUMMY`). The kernel
//! changes `lock` whenever it puts the event's thread on a core: while it is what it was, the thread was
//! never switched out.
//!
//! [`InstructionPage`] reads a hardware counter without a system call where the page says how.
//!
//! A page belongs to the thread that opened it and is not mapped in a child of a fork: whoever owns a
//! meter forgets it there before the next reading (see [`super::Meter::forget_after_fork`]).
//!
//! # Sources
//! linux `include/uapi/linux/perf_event.h` (`struct perf_event_mmap_page`), perf_event_open(2).

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering, compiler_fence};

use super::anchored::Watch;
use super::counter;

/// Attempts at a reading that the kernel did not interrupt.
const ATTEMPTS: usize = 8;

const PAGE_BYTES: usize = 4096;

/// The first fields of the shared page, as the kernel lays them out.
#[derive(Debug, Default)]
#[repr(C)]
pub(super) struct PageHead {
    version: u32,
    compat_version: u32,
    /// Changes whenever the kernel writes the page.
    lock: AtomicU32,
    /// Number of the hardware counter plus one; 0 while there is none.
    index: AtomicU32,
    /// To be added to the counter.
    offset: i64,
    time_enabled: u64,
    time_running: u64,
    /// Bit 2: the counter may be read by an instruction.
    capabilities: u64,
    /// Number of significant bits of the counter.
    pmc_width: u16,
}

/// An open perf event of the calling thread and its page.
#[derive(Debug)]
pub(super) struct Event {
    descriptor: libc::c_int,
    page: NonNull<PageHead>,
}

impl Event {
    /// Opens an event that counts for the calling thread on any core, in user space only.
    fn open(kind: u32, config: u64) -> io::Result<Self> {
        const FLAG_CLOSE_ON_EXEC: libc::c_ulong = 8;
        // exclude_kernel | exclude_hv
        const FLAGS: u64 = 1 << 5 | 1 << 6;
        // The first version of the structure is all that is needed: 64 bytes.
        let mut attributes = [0_u64; 8];
        attributes[0] = u64::from(kind) | 64 << 32;
        attributes[1] = config;
        attributes[5] = FLAGS;
        // SAFETY: the structure is 64 bytes, as it says itself, and outlives the call.
        let descriptor = unsafe {
            libc::syscall(
                libc::SYS_perf_event_open,
                attributes.as_ptr(),
                0,
                -1,
                -1,
                FLAG_CLOSE_ON_EXEC,
            )
        };
        let descriptor = libc::c_int::try_from(descriptor).unwrap_or(-1);
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a new mapping at an address of the kernel's choice.
        let page = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                PAGE_BYTES,
                libc::PROT_READ,
                libc::MAP_SHARED,
                descriptor,
                0,
            )
        };
        match NonNull::new(page.cast::<PageHead>()) {
            Some(mapped) if page != libc::MAP_FAILED => Ok(Self {
                descriptor,
                page: mapped,
            }),
            _ => {
                let error = io::Error::last_os_error();
                // SAFETY: the descriptor is ours and used nowhere else.
                unsafe { libc::close(descriptor) };
                Err(error)
            }
        }
    }

    #[inline(always)]
    fn head(&self) -> &PageHead {
        // SAFETY: the page is mapped until this is dropped or forgotten; the kernel writes it while we
        // look, which the atomics and volatile reads of the users allow for.
        unsafe { self.page.as_ref() }
    }

    #[inline(always)]
    fn lock(&self) -> u32 {
        self.head().lock.load(Ordering::Relaxed)
    }

    /// Closes the descriptor without touching the page, which a child of a fork has not got.
    pub(super) fn abandon(self) {
        let descriptor = self.descriptor;
        std::mem::forget(self);
        // SAFETY: the descriptor is ours and used nowhere else.
        unsafe { libc::close(descriptor) };
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: both are ours, and nothing refers to them after this.
        unsafe {
            libc::munmap(self.page.as_ptr().cast(), PAGE_BYTES);
            libc::close(self.descriptor);
        }
    }
}

/// Tells by `lock` whether the thread was switched out.
#[derive(Debug)]
pub struct PageWatch {
    event: Event,
    lock: u32,
}

impl PageWatch {
    /// Opens it for the calling thread.
    ///
    /// # Errors
    /// What the kernel says: perf events are denied, or there are none.
    pub fn open() -> io::Result<Self> {
        const SOFTWARE: u32 = 1;
        const DUMMY: u64 = 9;
        Ok(Self {
            event: Event::open(SOFTWARE, DUMMY)?,
            lock: 1,
        })
    }

    pub(super) fn into_event(self) -> Event {
        self.event
    }
}

impl Watch for PageWatch {
    fn arm(&mut self) {
        self.lock = self.event.lock();
    }

    #[inline(always)]
    fn is_armed(&self) -> bool {
        // Odd: the kernel is writing.
        self.event.lock() == self.lock && self.lock & 1 == 0
    }

    fn disarm(&mut self) {
        self.lock = 1;
    }
}

/// A hardware counter of instructions of the calling thread in user space.
#[derive(Debug)]
pub struct InstructionPage {
    event: Event,
}

impl InstructionPage {
    /// Opens it for the calling thread.
    ///
    /// # Errors
    /// What the kernel says: there is no such counter (most virtual machines), or it is denied.
    pub fn open() -> io::Result<Self> {
        const HARDWARE: u32 = 0;
        const INSTRUCTIONS: u64 = 1;
        Ok(Self {
            event: Event::open(HARDWARE, INSTRUCTIONS)?,
        })
    }

    /// Whether the counter is read by an instruction, for now.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        direct(self.event.head(), counter::read_hardware).is_some()
    }

    /// Instructions so far.
    #[inline]
    pub fn read(&mut self) -> u64 {
        direct(self.event.head(), counter::read_hardware).unwrap_or_else(|| self.ask())
    }

    #[cold]
    fn ask(&self) -> u64 {
        let mut value = 0_u64;
        // SAFETY: `value` is eight bytes, which is what this event answers.
        let read = unsafe { libc::read(self.event.descriptor, (&raw mut value).cast(), 8) };
        if read == 8 { value } else { 0 }
    }

    pub(super) fn into_event(self) -> Event {
        self.event
    }
}

/// The count by the page's own protocol; `None` if the counter is not to be read that way now.
#[inline]
pub(super) fn direct(page: &PageHead, read_counter: impl Fn(u32) -> u64) -> Option<u64> {
    const MAY_READ: u64 = 1 << 2;
    for _ in 0..ATTEMPTS {
        let lock = page.lock.load(Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        let index = page.index.load(Ordering::Relaxed);
        // SAFETY: fields of a valid page; volatile, because the kernel may write them meanwhile.
        let (capabilities, offset, width) = unsafe {
            (
                (&raw const page.capabilities).read_volatile(),
                (&raw const page.offset).read_volatile(),
                u32::from((&raw const page.pmc_width).read_volatile()),
            )
        };
        if index == 0 || capabilities & MAY_READ == 0 || !(1..=64).contains(&width) {
            return None;
        }
        // The counter is narrower than 64 bits: its top bit is a sign.
        let unused = 64 - width;
        let count = (read_counter(index - 1) << unused).cast_signed() >> unused;
        compiler_fence(Ordering::SeqCst);
        if lock & 1 == 0 && page.lock.load(Ordering::Relaxed) == lock {
            return Some(offset.wrapping_add(count).cast_unsigned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// A page made up in memory: no hardware counter is read here.
    fn fake_page(index: u32, offset: i64, width: u16) -> PageHead {
        PageHead {
            index: AtomicU32::new(index),
            offset,
            capabilities: 1 << 2,
            pmc_width: width,
            ..PageHead::default()
        }
    }

    #[test]
    fn a_fake_page_is_read_by_its_protocol() {
        let check = |page: &PageHead, counter: u64| direct(page, |_| counter);
        assert_eq!(check(&fake_page(1, 1000, 48), 23), Some(1023));
        assert_eq!(
            check(&fake_page(1, 1 << 47, 48), (1 << 48) - 5),
            Some((1 << 47) - 5)
        );
        assert_eq!(check(&fake_page(0, 1000, 48), 23), None, "not on a counter");
        assert_eq!(check(&fake_page(1, 1000, 0), 23), None, "no width");
        let denied = PageHead {
            capabilities: 0,
            ..fake_page(1, 0, 48)
        };
        assert_eq!(check(&denied, 23), None);
        let writing = fake_page(1, 0, 48);
        writing.lock.store(3, Ordering::Relaxed);
        assert_eq!(check(&writing, 23), None, "the kernel never finished");
    }

    #[test]
    fn a_switch_during_a_reading_repeats_it() {
        let page = fake_page(3, 7, 48);
        let readings = Cell::new(0_u64);
        let value = direct(&page, |counter| {
            assert_eq!(counter, 2);
            readings.set(readings.get() + 1);
            if readings.get() == 1 {
                page.lock.fetch_add(2, Ordering::Relaxed);
            }
            readings.get() * 100
        });
        assert_eq!((value, readings.get()), (Some(207), 2));
    }
}
