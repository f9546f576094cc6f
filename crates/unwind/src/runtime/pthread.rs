//! Where the C library keeps the kernel's id of a thread: in the structure that a `pthread_t` points to.
//!
//! # Where this sits
//! For releases of CPython that know only the `pthread_t` of a thread. The structure is private to the
//! C library, so the place is not assumed: it is where the main thread's own id is found, which is
//! known. Only where that thread is not the process's first (an embedded interpreter) is the place that
//! glibc has had for twenty years taken on trust.
//!
//! # Sources
//! `struct pthread`, glibc `nptl/descr.h`.

use crate::error::ReadError;
use crate::ids::{Address, OsThreadId};
use crate::memory::{Fields, Memory};

/// glibc's place: behind a header of the thread control block, and two pointers.
#[cfg(target_arch = "x86_64")]
const USUAL: u64 = 720;
#[cfg(not(target_arch = "x86_64"))]
const USUAL: u64 = 208;
/// How much of the structure is searched.
const SEARCHED: usize = 1024;
/// Linux gives no higher ids (`PID_MAX_LIMIT`).
const MAX_ID: u32 = 1 << 22;

/// Offset of the id in the structure, by that of the main thread, whose id should be `first_thread`.
pub(crate) fn id_at(memory: &impl Memory, main_thread: Address, first_thread: OsThreadId) -> u64 {
    let is_id = |offset: u64| id(memory, main_thread.plus(offset)) == Ok(first_thread);
    let mut offsets = (0..SEARCHED as u64).step_by(4);
    if first_thread.0 == 0 || is_id(USUAL) {
        return USUAL;
    }
    offsets.find(|offset| is_id(*offset)).unwrap_or(USUAL)
}

/// Reads the id at an address. 0 stands for a thread that has ended, and for what cannot be an id.
pub(crate) fn id(memory: &impl Memory, address: Address) -> Result<OsThreadId, ReadError> {
    let mut bytes = [0; 4];
    memory.read(address, &mut bytes)?;
    Ok(checked(&bytes))
}

/// The id in the bytes that were read, 0 if they cannot be one.
pub(crate) fn checked(bytes: &[u8]) -> OsThreadId {
    OsThreadId(bytes.int(0).filter(|id| *id <= MAX_ID).unwrap_or(0))
}
