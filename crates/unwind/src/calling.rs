//! The frames of the calling thread, for code that Python itself has called.
//!
//! # Where this sits
//! The one reader that loads memory directly instead of asking the kernel, for hooks that run
//! thousands of times a second: 10 frames cost about 0.1 µs. [`crate::walker`] reads everybody else.
//!
//! # Contract
//! Only inside a call from Python, with the GIL held: then the frames of this thread stand still, and
//! every pointer in them is the interpreter's own, alive until the call returns.

use std::ops::ControlFlow;

use crate::activation::{RawFrame, Read};
use crate::code::constant_fields;
use crate::ids::Address;
use crate::layout::asyncio::AsyncioLayout;
use crate::layout::{EntryMark, FrameLink, OWNER_GENERATOR, OWNER_THREAD};
use crate::memory::own::OwnProcess;
use crate::target::Target;
use crate::walker::Frame;

/// Most links followed.
const MAX_LINKS: usize = 512;

/// One caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Where it stands.
    pub frame: Frame,
    /// Which of the code objects at that address it is: see [`crate::Fingerprint::fields`].
    pub fingerprint: u64,
    /// The coroutine or generator that the frame lies in, if it does.
    pub coroutine: Option<Address>,
}

/// Tells the frames of the calling thread, youngest first, until `each` breaks.
///
/// # Safety
/// The GIL is held, Python code has called the caller, and `tstate` is the current thread's state.
pub unsafe fn callers(
    target: &Target<OwnProcess>,
    tstate: Address,
    mut each: impl FnMut(Caller) -> ControlFlow<()>,
) {
    let layout = &target.layout;
    let generator = AsyncioLayout::of(target.version()).map_or(0, |layout| layout.generator.frame as u64);
    // SAFETY: the thread state and what it links to are alive; see the contract.
    let mut address = unsafe {
        match layout.thread.frame_link {
            FrameLink::CFrame {
                cframe,
                current_frame,
                ..
            } => load(load(tstate.plus(cframe as u64)).plus(current_frame as u64)),
            FrameLink::Thread { current_frame } => load(tstate.plus(current_frame as u64)),
        }
    };
    for _ in 0..MAX_LINKS {
        if address.is_null() {
            return;
        }
        // SAFETY: a linked frame of this thread, at least `head` bytes long.
        let frame = unsafe { bytes(address, layout.frame.head) };
        let Some(Read { raw, previous, .. }) = Read::new(layout, address, frame, 0) else {
            return;
        };
        let is_shim = matches!(layout.frame.entry, EntryMark::Shim { first, last } if (first..=last).contains(&raw.owner));
        if !is_shim && (raw.owner == OWNER_THREAD || raw.owner == OWNER_GENERATOR) {
            // SAFETY: the frame is no shim, so its executable is a live object.
            let caller = unsafe { caller(target, &raw) };
            let caller = caller.map(|caller| Caller {
                coroutine: (raw.owner == OWNER_GENERATOR).then(|| Address(address.0 - generator)),
                ..caller
            });
            if let Some(caller) = caller
                && each(caller).is_break()
            {
                return;
            }
        }
        address = previous;
    }
}

/// # Safety
/// `frame` is a live frame that is no shim.
unsafe fn caller(target: &Target<OwnProcess>, frame: &RawFrame) -> Option<Caller> {
    let layout = &target.layout;
    // SAFETY: it is an object, so it has a type; only code objects have more than that read.
    let header = unsafe {
        if load(frame.code.plus(layout.object.ob_type as u64)) != target.code_type {
            return None;
        }
        bytes(frame.code, layout.code.size)
    };
    Some(Caller {
        frame: Frame::at(layout, frame.code, frame.instruction)?,
        fingerprint: constant_fields(layout, header)?,
        coroutine: None,
    })
}

/// The coroutine of a live task. `None` where the release's tasks are not known.
///
/// # Safety
/// `task` is a live `_asyncio.Task`, and the GIL is held.
#[must_use]
pub unsafe fn load_coroutine(target: &Target<OwnProcess>, task: Address) -> Option<Address> {
    let layout = AsyncioLayout::of(target.version())?;
    // SAFETY: a task is longer than the offset of its coroutine.
    Some(unsafe { load(task.plus(layout.task.coroutine as u64)) })
}

/// # Safety
/// Eight readable bytes are at `address`.
unsafe fn load(address: Address) -> Address {
    let pointer: *const u64 = std::ptr::with_exposed_provenance(address.0 as usize);
    // SAFETY: by the contract of this function; unaligned reads are fine.
    Address(unsafe { pointer.read_unaligned() })
}

/// # Safety
/// `length` readable bytes are at `address`, and nobody writes them during the call of the hook.
unsafe fn bytes<'a>(address: Address, length: usize) -> &'a [u8] {
    let pointer: *const u8 = std::ptr::with_exposed_provenance(address.0 as usize);
    // SAFETY: by the contract of this function.
    unsafe { std::slice::from_raw_parts(pointer, length) }
}
