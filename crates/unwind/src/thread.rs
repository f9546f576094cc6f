//! The threads of every interpreter in the target.
//!
//! # Where this sits
//! Gives [`crate::walker`] the thread states to walk. Knows the list, not the stacks.
//!
//! # Contract
//! - One batched read while no thread has come or gone: the list of last time is read whole and
//!   its links compared. Only when they differ is the list followed link by link.
//! - Bounded by [`MAX_THREADS`] and [`MAX_INTERPRETERS`], whatever the links say.
//! - Thread states that no OS thread has taken yet are left out.

use crate::error::ReadError;
use crate::ids::{Address, OsThreadId};
use crate::layout::OsThreadIdLink;
use crate::memory::{Batch, Fields, Memory, Slot, read_pointer};
use crate::runtime::pthread;
use crate::target::Target;

/// Most threads listed; a process with more is profiled in part.
pub const MAX_THREADS: usize = 16_384;
/// Most interpreters followed in one process.
pub const MAX_INTERPRETERS: usize = 256;
/// How often a list that changes while it is followed is started again.
const MAX_TRIES: usize = 3;

/// One thread, as its thread state described it when the list was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadSnapshot {
    /// Its thread state.
    pub tstate: Address,
    /// The kernel's id of the thread.
    pub os_thread_id: OsThreadId,
    /// `threading.get_ident()`.
    pub python_thread_id: u64,
    /// Unique among the thread states of its interpreter, never reused.
    pub unique_id: u64,
    /// Id of the interpreter it runs; 0 is the main one.
    pub interpreter: u64,
    /// That interpreter's state.
    pub interpreter_state: Address,
}

/// The list of last time, by which the next is predicted.
#[derive(Debug, Default)]
pub(crate) struct ThreadList {
    interpreters: Vec<Interpreter>,
    threads: Vec<Address>,
    /// Where the C library has the kernel ids of `threads`. Empty where the thread states have them.
    ids: Vec<Address>,
}

#[derive(Clone, Copy, Debug)]
struct Interpreter {
    address: Address,
    id: u64,
    /// How many of `threads` are its own.
    threads: usize,
}

impl ThreadList {
    /// Reads the list into `out`, interpreters and threads in CPython's order (youngest first).
    pub(crate) fn refresh<M: Memory>(
        &mut self,
        target: &Target<M>,
        batch: &mut Batch,
        out: &mut Vec<ThreadSnapshot>,
    ) -> Result<(), ReadError> {
        if !self.interpreters.is_empty() && self.read_predicted(target, batch, out)? {
            return Ok(());
        }
        for _ in 1..MAX_TRIES {
            match self.follow(target, out) {
                Err(ReadError::Unmapped | ReadError::Torn) => {}
                result => return result,
            }
        }
        self.follow(target, out)
    }

    /// One batch over the predicted list. False if the list is another by now.
    fn read_predicted<M: Memory>(
        &self,
        target: &Target<M>,
        batch: &mut Batch,
        out: &mut Vec<ThreadSnapshot>,
    ) -> Result<bool, ReadError> {
        let layout = &target.layout;
        batch.clear();
        batch.push(target.runtime.plus(layout.runtime.interpreters_head as u64), 8);
        for interpreter in &self.interpreters {
            batch.push(interpreter.address.plus(layout.interpreter.next as u64), 8);
            batch.push(
                interpreter.address.plus(layout.interpreter.threads_head as u64),
                8,
            );
        }
        let first_thread = batch.len();
        for thread in &self.threads {
            batch.push(*thread, layout.thread.head);
        }
        for address in &self.ids {
            batch.push(*address, 4);
        }
        target.memory.read_batch(batch)?;

        out.clear();
        Ok(self.check(target, batch, first_thread, out).is_some())
    }

    /// Follows the links inside the batch. `None` as soon as one leads elsewhere.
    fn check<M: Memory>(
        &self,
        target: &Target<M>,
        batch: &Batch,
        first_thread: usize,
        out: &mut Vec<ThreadSnapshot>,
    ) -> Option<()> {
        let pointer = |slot: usize| batch.bytes(Slot(slot))?.pointer(0);
        let mut thread_slot = first_thread;
        let mut link = pointer(0)?;
        for (index, interpreter) in self.interpreters.iter().enumerate() {
            if link != interpreter.address {
                return None;
            }
            link = pointer(1 + 2 * index)?;
            let mut thread_link = pointer(2 + 2 * index)?;
            for _ in 0..interpreter.threads {
                let slot = Slot(thread_slot);
                if thread_link != batch.address(slot) {
                    return None;
                }
                let head = batch.bytes(slot)?;
                thread_link = head.pointer(target.layout.thread.next)?;
                let id = match target.layout.thread.os_thread_id {
                    OsThreadIdLink::Field { native_thread_id } => field_id(head, native_thread_id)?,
                    OsThreadIdLink::Pthread { .. } => {
                        let slot = Slot(thread_slot + self.threads.len());
                        if batch.address(slot) != pthread_id(target, head)? {
                            return None;
                        }
                        pthread::checked(batch.bytes(slot)?)
                    }
                };
                out.extend(snapshot(target, batch.address(slot), interpreter, head, id)?);
                thread_slot += 1;
            }
            if !thread_link.is_null() && self.threads.len() < MAX_THREADS {
                return None;
            }
        }
        (link.is_null() || self.interpreters.len() == MAX_INTERPRETERS).then_some(())
    }

    /// Follows the list link by link, and remembers it.
    fn follow<M: Memory>(
        &mut self,
        target: &Target<M>,
        out: &mut Vec<ThreadSnapshot>,
    ) -> Result<(), ReadError> {
        let layout = &target.layout;
        let memory = &target.memory;
        self.interpreters.clear();
        self.threads.clear();
        self.ids.clear();
        out.clear();
        let mut head = vec![0; layout.thread.head];
        let mut next = read_pointer(
            memory,
            target.runtime.plus(layout.runtime.interpreters_head as u64),
        )?;
        while !next.is_null() && self.interpreters.len() < MAX_INTERPRETERS {
            let address = next;
            let field = |offset: usize| read_pointer(memory, address.plus(offset as u64));
            next = field(layout.interpreter.next)?;
            let mut interpreter = Interpreter {
                address,
                id: field(layout.interpreter.id)?.0,
                threads: 0,
            };
            let mut thread = field(layout.interpreter.threads_head)?;
            while !thread.is_null() && self.threads.len() < MAX_THREADS {
                memory.read(thread, &mut head)?;
                let id = match layout.thread.os_thread_id {
                    OsThreadIdLink::Field { native_thread_id } => {
                        field_id(&head, native_thread_id).ok_or(ReadError::Torn)?
                    }
                    OsThreadIdLink::Pthread { .. } => {
                        let address = pthread_id(target, &head).ok_or(ReadError::Torn)?;
                        self.ids.push(address);
                        pthread::id(memory, address)?
                    }
                };
                let found = snapshot(target, thread, &interpreter, &head, id).ok_or(ReadError::Torn)?;
                out.extend(found);
                self.threads.push(thread);
                interpreter.threads += 1;
                thread = head.pointer(layout.thread.next).ok_or(ReadError::Torn)?;
            }
            self.interpreters.push(interpreter);
        }
        Ok(())
    }
}

/// Reads one thread state. The outer `None` means that it is not one of this interpreter; the
/// inner, that no OS thread runs it yet.
fn snapshot<M: Memory>(
    target: &Target<M>,
    tstate: Address,
    interpreter: &Interpreter,
    head: &[u8],
    os_thread_id: OsThreadId,
) -> Option<Option<ThreadSnapshot>> {
    let layout = &target.layout.thread;
    if head.pointer(layout.interp)? != interpreter.address {
        return None;
    }
    Some((os_thread_id.0 != 0).then_some(ThreadSnapshot {
        tstate,
        os_thread_id,
        python_thread_id: head.word(layout.thread_id)?,
        unique_id: head.word(layout.id)?,
        interpreter: interpreter.id,
        interpreter_state: interpreter.address,
    }))
}

/// The kernel's id, in the thread state.
fn field_id(head: &[u8], offset: usize) -> Option<OsThreadId> {
    u32::try_from(head.word(offset)?).ok().map(OsThreadId)
}

/// Where the C library has the kernel's id.
fn pthread_id<M: Memory>(target: &Target<M>, head: &[u8]) -> Option<Address> {
    Some(
        head.pointer(target.layout.thread.thread_id)?
            .plus(target.pthread_id_at),
    )
}
