//! Who holds the GIL, as far as one thread is concerned.
//!
//! # Where this sits
//! [`crate::plan`] reads the words together with a stack, so they cost no system call of their
//! own and are of the same moment; this module says what they mean.
//!
//! # Contract
//! From 3.12 on each interpreter may have a GIL of its own: "held" and "free" are always meant of the
//! one that the thread needs.
//!
//! # Sources
//! `Include/internal/pycore_{gil,ceval_state,runtime}.h`, `Include/cpython/pystate.h` (3.15).

use crate::error::ReadError;
use crate::ids::Address;
use crate::layout::{GilLayout, Layout};
use crate::memory::{Fields, Memory, read_pointer};
use crate::target::Target;

/// What a thread and the GIL had to do with each other when its stack was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Gil {
    /// The thread holds it.
    Held,
    /// The thread waits for it. Told by 3.15 and later only; earlier releases say [`Gil::Elsewhere`]
    /// for a thread that waits for it and for one that does without.
    Wanted,
    /// Another thread holds it.
    Elsewhere,
    /// Nobody holds it. On 3.15 this also stands for [`Gil::Elsewhere`]: threads speak of themselves
    /// only.
    Free,
    /// It could not be read.
    #[default]
    Unknown,
}

/// Bytes read from [`address`].
pub(crate) fn length(layout: &Layout) -> usize {
    match layout.gil {
        GilLayout::Runtime { .. } => 8,
        GilLayout::Interpreter {
            last_holder, locked, ..
        } => (last_holder + 8).max(locked + 4),
        GilLayout::Thread { .. } => 0,
    }
}

/// Where the words are that tell about the threads of an interpreter. `None` if each thread state
/// tells for itself.
pub(crate) fn address<M: Memory>(
    target: &Target<M>,
    interpreter: Address,
) -> Result<Option<Address>, ReadError> {
    match target.layout.gil {
        GilLayout::Runtime { tstate_current } => Ok(Some(target.runtime.plus(tstate_current as u64))),
        GilLayout::Interpreter { pointer, .. } => {
            read_pointer(&target.memory, interpreter.plus(pointer as u64)).map(Some)
        }
        GilLayout::Thread { .. } => Ok(None),
    }
}

/// What the words say of a thread. `words` are those of [`address`], `thread` its state's head.
pub(crate) fn of(layout: &Layout, tstate: Address, words: Option<&[u8]>, thread: &[u8]) -> Gil {
    let held_by = |holder: Address| match holder {
        Address::NULL => Gil::Free,
        holder if holder == tstate => Gil::Held,
        _ => Gil::Elsewhere,
    };
    let gil = || match layout.gil {
        GilLayout::Runtime { .. } => words?.pointer(0).map(held_by),
        GilLayout::Interpreter {
            last_holder, locked, ..
        } => match words?.int(locked)?.cast_signed() {
            1 => words?.pointer(last_holder).map(held_by),
            _ => Some(Gil::Free),
        },
        GilLayout::Thread { holds, requested } => match (thread.int(holds)?, thread.int(requested)?) {
            (0, 0) => Some(Gil::Free),
            (0, _) => Some(Gil::Wanted),
            _ => Some(Gil::Held),
        },
    };
    gil().unwrap_or_default()
}
