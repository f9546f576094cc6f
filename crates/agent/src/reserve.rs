//! An allocator with a reserve, for when the process has no memory left.
//!
//! A Python program that runs out of memory gets a `MemoryError` and may go on. Rust's own answer is to
//! abort the process, which would be ours to answer for. So a request that the system refuses is served
//! from a reserve, and [`is_drawn_on`] tells the agent's threads to end at their next step. The reserve
//! takes address space only until it is used, and is never given back.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Bytes in reserve: what one tick may ask for while the tables of a generation grow to their bounds.
const RESERVE_BYTES: usize = 8 << 20;

#[repr(align(4096))]
struct Area(UnsafeCell<[u8; RESERVE_BYTES]>);

// SAFETY: each byte is handed out once, by the atomic counter below, to one owner.
unsafe impl Sync for Area {}

static AREA: Area = Area(UnsafeCell::new([0; RESERVE_BYTES]));
static USED: AtomicUsize = AtomicUsize::new(0);
static DRAWN_ON: AtomicBool = AtomicBool::new(false);

/// Whether the system has refused memory. It stays so for the life of the process.
pub(crate) fn is_drawn_on() -> bool {
    DRAWN_ON.load(Ordering::Relaxed)
}

/// The system's allocator with the reserve behind it. Takes no lock of its own.
#[derive(Debug)]
pub struct Reserve;

impl Reserve {
    fn take(layout: Layout) -> *mut u8 {
        DRAWN_ON.store(true, Ordering::Relaxed);
        let place = |used: usize| used.checked_next_multiple_of(layout.align());
        let end = |used: usize| {
            place(used)?
                .checked_add(layout.size())
                .filter(|&end| end <= RESERVE_BYTES)
        };
        match USED.fetch_update(Ordering::Relaxed, Ordering::Relaxed, end) {
            // SAFETY: the range from there on is within the area, and nobody else gets it. The area is
            // aligned to a page, which no layout here exceeds: larger ones are refused below.
            Ok(used) if layout.align() <= 4096 => unsafe {
                AREA.0.get().cast::<u8>().add(place(used).unwrap_or(0))
            },
            _ => std::ptr::null_mut(),
        }
    }

    fn owns(pointer: *mut u8) -> bool {
        let start = AREA.0.get().addr();
        (start..start + RESERVE_BYTES).contains(&pointer.addr())
    }
}

// SAFETY: memory comes from the system's allocator or from a part of the area that is handed out once;
// each is given back to where it came from, the area's to nobody.
unsafe impl GlobalAlloc for Reserve {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is passed on.
        let pointer = unsafe { System.alloc(layout) };
        if pointer.is_null() {
            return Self::take(layout);
        }
        pointer
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if !Self::owns(pointer) {
            // SAFETY: it came from the system with this layout, as the caller promises.
            unsafe { System.dealloc(pointer, layout) };
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is passed on.
        let pointer = unsafe { System.alloc_zeroed(layout) };
        if pointer.is_null() {
            // The area was zero at the start, and each part of it is handed out once.
            return Self::take(layout);
        }
        pointer
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !Self::owns(pointer) {
            // SAFETY: it came from the system with this layout, as the caller promises.
            let moved = unsafe { System.realloc(pointer, layout, size) };
            if !moved.is_null() {
                return moved;
            }
        }
        // SAFETY: the caller promises that `size` is valid for this alignment.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        let moved = Self::take(wanted);
        if !moved.is_null() {
            // SAFETY: both are at least that long, and the new one overlaps nothing. The old one is
            // given back with the layout that it was made with.
            unsafe {
                std::ptr::copy_nonoverlapping(pointer, moved, layout.size().min(size));
                self.dealloc(pointer, layout);
            }
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_request_is_served_from_the_reserve_until_it_is_used_up() {
        // More than any address space has: the system refuses, and so must the reserve.
        let huge = Layout::from_size_align(1 << 50, 8).unwrap();
        // SAFETY: the layout has a size; what is allocated is given back with its layout.
        unsafe {
            assert!(Reserve.alloc(huge).is_null());
            let layout = Layout::from_size_align(100, 64).unwrap();
            let first = Reserve::take(layout);
            assert!(Reserve::owns(first) && first.addr().is_multiple_of(64) && is_drawn_on());
            first.write_bytes(7, 100);
            let larger = Reserve.realloc(first, layout, 5000);
            assert!(Reserve::owns(larger) && larger != first && larger.add(99).read() == 7);
            Reserve.dealloc(larger, Layout::from_size_align(5000, 64).unwrap());
            assert!(Reserve::take(Layout::from_size_align(RESERVE_BYTES, 1).unwrap()).is_null());
            let plain = Reserve.alloc(layout);
            assert!(!plain.is_null() && !Reserve::owns(plain));
            Reserve.dealloc(plain, layout);
        }
    }
}
