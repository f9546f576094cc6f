//! The frames of suspended tasks: a task's coroutine, what that awaits, and so on to the innermost.
//!
//! # Contract
//! A coroutine that runs or has ended ends the chain. Many chains are followed together: one system
//! call per link of the longest and 128 of them.
//!
//! # Sources
//! CPython `Objects/genobject.c` (`_PyGen_yf`), `Include/internal/pycore_frame.h`.

use super::TaskReader;
use super::kinds::Kind;
use crate::activation::Read;
use crate::ids::Address;
use crate::layout::asyncio::fixed;
use crate::memory::{Fields, Memory, Slot, read_pointer};
use crate::target::Target;
use crate::walker::Frame;

/// Most links followed from one task.
const MAX_LINKS: usize = 256;
/// Bytes read of an awaitable at once: a coroutine with about 30 locals and stack places.
const USUAL: usize = 400;
/// Most places in a frame that are believed.
const MAX_PLACES: u32 = 1 << 16;

impl TaskReader {
    /// Appends the frames of a suspended coroutine, leaf first. Returns how many.
    pub fn frames<M: Memory>(
        &mut self,
        target: &Target<M>,
        coroutine: Address,
        out: &mut Vec<Frame>,
    ) -> usize {
        let chain = self.chains(target, &[coroutine]).pop().unwrap_or_default();
        out.extend_from_slice(&chain);
        chain.len()
    }

    /// The frames of many suspended coroutines, each leaf first; none for one that is not suspended.
    pub fn chains<M: Memory>(&mut self, target: &Target<M>, coroutines: &[Address]) -> Vec<Vec<Frame>> {
        let mut chains = vec![Vec::new(); coroutines.len()];
        let mut links: Vec<(usize, Address)> = coroutines.iter().copied().enumerate().collect();
        let mut batch = std::mem::take(&mut self.batch);
        for _ in 0..MAX_LINKS {
            links.retain(|(_, awaitable)| !awaitable.is_null());
            if links.is_empty() {
                break;
            }
            batch.clear();
            for (_, awaitable) in &links {
                batch.push(*awaitable, USUAL);
            }
            let _gone = target.memory.read_batch(&mut batch);
            for (slot, (chain, awaitable)) in links.iter_mut().enumerate() {
                let short = match batch.bytes(Slot(slot)) {
                    Some(_) => None,
                    None => self.short(target, *awaitable),
                };
                let bytes = short.as_deref().or_else(|| batch.bytes(Slot(slot)));
                let next = bytes.and_then(|bytes| self.link(target, *awaitable, bytes));
                let (frame, behind) = next.unwrap_or((None, Address::NULL));
                chains[*chain].extend(frame);
                *awaitable = behind;
            }
        }
        self.batch = batch;
        chains.iter_mut().for_each(|chain| chain.reverse());
        chains
    }

    /// What one awaitable contributes, and what it awaits in turn; null where the chain ends.
    fn link<M: Memory>(
        &mut self,
        target: &Target<M>,
        address: Address,
        bytes: &[u8],
    ) -> Option<(Option<Frame>, Address)> {
        let class = bytes.pointer(target.layout.object.ob_type)?;
        match self.kinds.of_type(target, self.layout, class) {
            Kind::Generator => {
                let (frame, awaited) = self.suspended(target, address, bytes)?;
                Some((Some(frame), awaited))
            }
            Kind::Proxy => Some((None, bytes.pointer(fixed::CONTENT)?)),
            _ => None,
        }
    }

    /// An awaitable at the end of its mapping, as much of it as there is.
    fn short<M: Memory>(&self, target: &Target<M>, address: Address) -> Option<Vec<u8>> {
        let lengths = [
            self.layout.generator.frame + target.layout.frame.head,
            fixed::CONTENT + 8,
        ];
        lengths.into_iter().find_map(|length| {
            let mut bytes = vec![0; length];
            target.memory.read(address, &mut bytes).ok().map(|()| bytes)
        })
    }

    /// The frame of a suspended coroutine, and what lies on top of its stack.
    fn suspended<M: Memory>(
        &self,
        target: &Target<M>,
        coroutine: Address,
        bytes: &[u8],
    ) -> Option<(Frame, Address)> {
        let generator = &self.layout.generator;
        if bytes.byte(generator.state)?.cast_signed() >= 0 {
            return None;
        }
        let bytes = bytes.get(generator.frame..)?;
        let raw = Read::new(&target.layout, coroutine, bytes, 0)?.raw;
        let place = Frame::at(&target.layout, raw.code, raw.instruction)?;
        let depth = bytes.int(generator.depth).filter(|depth| *depth <= MAX_PLACES)?;
        let Some(top) = depth.checked_sub(1) else {
            return Some((place, Address::NULL));
        };
        let top = generator.locals + 8 * top as usize;
        let awaited = bytes.pointer(top).or_else(|| {
            let at = coroutine.plus((generator.frame + top) as u64);
            read_pointer(&target.memory, at).ok()
        });
        Some((place, awaited.unwrap_or(Address::NULL)))
    }
}
