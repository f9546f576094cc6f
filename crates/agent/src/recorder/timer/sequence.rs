//! Whether the thread was switched out, by the area that it shares with the kernel for restartable
//! sequences (rseq).
//!
//! The C library registers the area of every thread. A program that runs a restartable sequence leaves a
//! pointer to its description there; whenever the kernel has switched the thread out, and the thread is not
//! inside the code described, it sets the pointer to null. The description left here is of no code at all.
//! Code of the program that uses sequences overwrites the pointer with its own: then the watch is not armed,
//! and is so again with the next anchor. Nothing is registered or allocated, no kernel is asked.
//!
//! # Sources
//! linux `include/uapi/linux/rseq.h`, `kernel/rseq.c` (what is checked of a description: its version, its
//! addresses, and the signature before `abort_ip`); glibc 2.35 `sys/rseq.h` (`__rseq_offset`).

use std::ffi::CStr;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::anchored::Watch;

/// What the C library registers its areas with.
#[cfg(target_arch = "x86_64")]
const SIGNATURE: u32 = 0x5305_3053;
#[cfg(target_arch = "aarch64")]
const SIGNATURE: u32 = 0xd428_bc00;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const SIGNATURE: u32 = 0;

/// Offset of `rseq_cs`, and the least size of an area that has it.
const POINTER_AT: usize = 8;
const LEAST_SIZE: u32 = 20;

/// `struct rseq_cs`.
#[repr(C, align(32))]
struct Description {
    version: u32,
    flags: u32,
    start: *const Landing,
    length: u64,
    abort: *const u32,
}

/// The signature, and what would be gone to behind it if there were code to be interrupted.
#[repr(C)]
struct Landing {
    signature: u32,
    nothing: u32,
}

// SAFETY: its pointers lead to another constant, and are read by the kernel alone.
unsafe impl Sync for Description {}

static LANDING: Landing = Landing {
    signature: SIGNATURE,
    nothing: 0,
};

/// No instruction lies in a stretch without length.
static NO_CODE: Description = Description {
    version: 0,
    flags: 0,
    start: &raw const LANDING,
    length: 0,
    abort: &raw const LANDING.nothing,
};

/// The area of the thread that found it.
#[derive(Debug)]
pub struct SequenceWatch {
    pointer: NonNull<AtomicPtr<Description>>,
}

impl SequenceWatch {
    /// The calling thread's; `None` where the C library has registered none.
    pub fn find() -> Option<Self> {
        // SAFETY: both are variables of the C library of these types, written before any thread begins.
        let (offset, size) = unsafe {
            (
                *variable::<isize>(c"__rseq_offset")?,
                *variable::<u32>(c"__rseq_size")?,
            )
        };
        if size < LEAST_SIZE || SIGNATURE == 0 {
            return None;
        }
        let thread = thread_pointer()?;
        // SAFETY: the area lies there for as long as the thread lives, by the C library's word.
        let pointer = unsafe { thread.byte_offset(offset).byte_add(POINTER_AT) };
        Some(Self {
            pointer: NonNull::new(pointer.cast())?,
        })
    }

    fn pointer(&self) -> &AtomicPtr<Description> {
        // SAFETY: see `find`; only the thread itself, and the kernel for it, use the area.
        unsafe { self.pointer.as_ref() }
    }
}

impl Watch for SequenceWatch {
    fn arm(&mut self) {
        self.pointer()
            .store((&raw const NO_CODE).cast_mut(), Ordering::Relaxed);
    }

    #[inline(always)]
    fn is_armed(&self) -> bool {
        std::ptr::eq(self.pointer().load(Ordering::Relaxed), &raw const NO_CODE)
    }

    fn disarm(&mut self) {
        if self.is_armed() {
            self.pointer().store(std::ptr::null_mut(), Ordering::Relaxed);
        }
    }
}

/// A variable of the C library, where it has one of this name.
///
/// # Safety
/// Where there is one, it is of this type and never unmapped.
unsafe fn variable<T>(name: &CStr) -> Option<&'static T> {
    // SAFETY: the name is terminated; what is found is checked for null.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    // SAFETY: by the contract of this function.
    unsafe { found.cast::<T>().as_ref() }
}

/// Where the C library keeps what belongs to the calling thread.
fn thread_pointer() -> Option<*mut u8> {
    #[cfg(target_arch = "x86_64")]
    {
        let pointer: *mut u8;
        // SAFETY: by the ABI of x86-64 Linux the word at fs:0 is the thread pointer itself.
        unsafe { std::arch::asm!("mov {}, fs:0", out(reg) pointer, options(nostack, readonly)) };
        Some(pointer)
    }
    #[cfg(target_arch = "aarch64")]
    {
        let pointer: *mut u8;
        // SAFETY: reads the thread pointer.
        unsafe { std::arch::asm!("mrs {}, tpidr_el0", out(reg) pointer, options(nomem, nostack)) };
        Some(pointer)
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    None
}
