//! Reads the process that this code runs in.
//!
//! # Where this sits
//! What the agent reads with: [`super::process`] where the kernel lets us, [`super::indirect`] where a
//! seccomp filter forbids `process_vm_readv`. A filter may come at any time, so the change is made when
//! the first read is refused, and for good.
//!
//! # Contract
//! Reading our own process needs no rights. The pid is asked for once: attach anew after a fork.

use std::os::fd::RawFd;
use std::sync::OnceLock;

use super::indirect::Indirect;
use super::process::{read_many, read_one, readv};
use super::{Batch, Memory};
use crate::error::ReadError;
use crate::ids::{Address, Pid};

/// The process this code runs in.
#[derive(Debug)]
pub struct OwnProcess {
    pid: Pid,
    /// Set once `process_vm_readv` was refused; `None` inside where there is no other way either.
    indirect: OnceLock<Option<Indirect>>,
}

impl OwnProcess {
    /// This process. Not its children: a fork gives them another pid.
    #[must_use]
    pub fn new() -> Self {
        Self {
            pid: own_pid(),
            indirect: OnceLock::new(),
        }
    }

    /// The file that memory is read through, where the direct way is forbidden; `None` where it is not.
    /// A forked child inherits it and should close it.
    #[must_use]
    pub fn indirect_fd(&self) -> Option<RawFd> {
        self.indirect.get()?.as_ref().map(Indirect::raw_fd)
    }

    fn readv(&self, buffer: &mut [u8], vectors: &[libc::iovec]) -> Result<usize, ReadError> {
        let indirect = match self.indirect.get() {
            Some(indirect) => indirect,
            None => match readv(self.pid, buffer, vectors) {
                Err(ReadError::Denied) => self.indirect.get_or_init(Indirect::open),
                result => return result,
            },
        };
        let indirect = indirect.as_ref().ok_or(ReadError::Denied)?;
        indirect.read(buffer, vectors)
    }
}

impl Default for OwnProcess {
    fn default() -> Self {
        Self::new()
    }
}

impl Memory for OwnProcess {
    fn read(&self, address: Address, buffer: &mut [u8]) -> Result<(), ReadError> {
        read_one(address, buffer, |buffer, vectors| self.readv(buffer, vectors))
    }

    fn read_batch(&self, batch: &mut Batch) -> Result<(), ReadError> {
        read_many(batch, |buffer, vectors| self.readv(buffer, vectors))
    }
}

pub(crate) fn own_pid() -> Pid {
    // SAFETY: getpid has no preconditions and cannot fail.
    Pid(unsafe { libc::getpid() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ways of reading: a filter is a matter of the kernel, so the second is set here by hand.
    fn both() -> [OwnProcess; 2] {
        let second = OwnProcess::new();
        assert!(second.indirect.set(Indirect::open()).is_ok());
        assert!(second.indirect_fd().is_some());
        [OwnProcess::new(), second]
    }

    fn address_of<T: ?Sized>(value: &T) -> Address {
        Address((value as *const T).cast::<u8>().addr() as u64)
    }

    #[test]
    fn own_bytes_are_read_in_order_and_faults_are_exact() {
        let first = [1_u8; 300];
        let second = [2_u8; 20];
        let mut batch = Batch::new();
        let a = batch.push(address_of(&first), first.len());
        let bad = batch.push(Address(16), 8);
        let b = batch.push(address_of(&second), second.len());
        let wild = batch.push(Address(u64::MAX - 3), 64);
        for process in both() {
            process.read_batch(&mut batch).unwrap();
            assert_eq!(batch.bytes(a), Some(&first[..]));
            assert_eq!(batch.bytes(bad), None);
            assert_eq!(batch.bytes(b), Some(&second[..]));
            assert_eq!(batch.bytes(wild), None);
            batch
                .requests
                .iter_mut()
                .for_each(|request| request.filled = false);
            batch.buffer.fill(0);
        }
    }

    #[test]
    fn a_batch_longer_than_one_call_is_filled() {
        let values: Vec<u64> = (0..1000).collect();
        let mut batch = Batch::new();
        let slots: Vec<_> = values
            .iter()
            .map(|value| batch.push(address_of(value), 8))
            .collect();
        for process in both() {
            process.read_batch(&mut batch).unwrap();
            for (slot, value) in slots.iter().zip(&values) {
                assert_eq!(batch.bytes(*slot), Some(&value.to_le_bytes()[..]));
            }
            batch.buffer.fill(0);
        }
    }

    #[test]
    fn an_unmapped_address_is_an_error() {
        for process in both() {
            for address in [Address::NULL, Address(u64::MAX), Address(1 << 62)] {
                assert_eq!(process.read(address, &mut [0; 8]), Err(ReadError::Unmapped));
            }
        }
    }

    #[test]
    fn a_read_up_to_the_end_of_a_mapping_is_exact() {
        const PAGE: usize = 4096;
        // SAFETY: a fresh private mapping of two pages, of which the second is given back.
        let base = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let base = libc::mmap(std::ptr::null_mut(), 2 * PAGE, libc::PROT_READ, flags, -1, 0);
            assert_ne!(base, libc::MAP_FAILED);
            libc::munmap(base.byte_add(PAGE), PAGE);
            base.addr() as u64
        };
        for process in both() {
            let mut batch = Batch::new();
            let whole = batch.push(Address(base + PAGE as u64 - 24), 24);
            let beyond = batch.push(Address(base + PAGE as u64 - 24), 25);
            let after = batch.push(Address(base), 100);
            process.read_batch(&mut batch).unwrap();
            let read = [whole, beyond, after].map(|slot| batch.bytes(slot).is_some());
            assert_eq!(read, [true, false, true]);
        }
        // SAFETY: what is left of the mapping above; nothing refers to it.
        unsafe { libc::munmap(std::ptr::without_provenance_mut(base as usize), PAGE) };
    }
}
