//! What a caller's own value stack says of its callee.
//!
//! # Where this sits
//! Evidence for [`crate::calls`] on releases whose frames lie apart on the heap. There the frames of a
//! stack cannot be copied at one instant; but a frame and its value stack are one piece, and hold what is
//! being called: the function, the method or the generator.
//!
//! # Contract
//! Some ten reads per question, so to be asked once per call that is new. The target may run on: what
//! moved away is no answer, and memory that was freed is at worst a proof not found.
//!
//! # Sources
//! CPython `Python/ceval.c` (`call_function`, `FOR_ITER`, `YIELD_FROM`) of 3.9 and 3.10.

use crate::activation::{Life, RawFrame, Read};
use crate::ids::Address;
use crate::layout::ValueStackLink;
use crate::memory::{Batch, Fields, Memory};
use crate::target::Target;

/// Most values looked at.
const MAX_VALUES: usize = 32;
/// Longest distance of the value stack from the start of its frame: 400 local variables.
const MAX_DISTANCE: usize = 4096;
/// Bytes read of each value: a function names its code, a generator its frame, within them.
const OBJECT: usize = 64;
/// Where methods, partial functions, and iterators over calls name what they call.
const CALLED: [usize; 2] = [16, 24];

/// Whether the value stack of `caller`, at its instruction, holds something that leads to `callee`.
/// `None` where the caller is no longer there, or the release has no such stack.
pub(crate) fn calls<M: Memory>(
    target: &Target<M>,
    caller: &RawFrame,
    callee: &RawFrame,
    batch: &mut Batch,
) -> Option<bool> {
    let values = values(target, caller)?;
    let named = [callee.code, callee.address];
    let mut objects = values;
    for step in 0..2 {
        batch.clear();
        for object in &objects {
            batch.push(*object, OBJECT);
        }
        target.memory.read_batch(batch).ok()?;
        objects.clear();
        for bytes in batch.filled() {
            if bytes
                .as_chunks::<8>()
                .0
                .iter()
                .any(|word| named.contains(&Address(u64::from_le_bytes(*word))))
            {
                return Some(true);
            }
            let called = CALLED.iter().filter_map(|offset| bytes.pointer(*offset));
            objects.extend(called.filter(|address| step == 0 && is_object(*address)));
        }
    }
    Some(false)
}

/// The objects on the value stack of a frame that is still where it was.
fn values<M: Memory>(target: &Target<M>, frame: &RawFrame) -> Option<Vec<Address>> {
    let layout = &target.layout;
    let ValueStackLink { pointer, code_depth } = layout.frame.value_stack?;
    let mut depth = [0; 4];
    target
        .memory
        .read(frame.code.plus(code_depth as u64), &mut depth)
        .ok()?;
    let depth = (u32::from_le_bytes(depth) as usize).min(MAX_VALUES);
    let mut start = [0; 8];
    target
        .memory
        .read(frame.address.plus(pointer as u64), &mut start)
        .ok()?;
    let start = u64::from_le_bytes(start).checked_sub(frame.address.0)?;
    let start = usize::try_from(start)
        .ok()
        .filter(|start| (layout.frame.head..MAX_DISTANCE).contains(start))?;
    let mut bytes = vec![0; start + depth * 8];
    target.memory.read(frame.address, &mut bytes).ok()?;
    let now = Read::new(layout, frame.address, &bytes, frame.piece)?;
    let is_there = now.life == Life::Lives && now.raw == *frame;
    let (words, _) = bytes.get(start..)?.as_chunks::<8>();
    let words = words.iter().map(|word| Address(u64::from_le_bytes(*word)));
    is_there.then(|| words.filter(|address| is_object(*address)).collect())
}

/// Whether an object may be there: they are aligned, and none is in the first page.
fn is_object(address: Address) -> bool {
    address.0.is_multiple_of(8) && address.0 >= 4096
}
