//! Readers of live processes, ours and others', by `process_vm_readv`.
//!
//! # Where this sits
//! The only place of the crate that asks the kernel for target bytes. The kernel checks every
//! address, so a stale pointer costs an error return and never a fault in our process.
//!
//! # Contract
//! - Never stops, signals or writes to the target.
//! - A batch is one system call, as long as it has at most [`MAX_VECTORS`] requests and all of
//!   them are mapped. A request that cannot be read ends the call; it is resumed behind it.
//! - Reading our own process needs no rights. The pid is asked for once: attach anew after a fork.
//!
//! # Sources
//! `process_vm_readv(2)`; `mm/process_vm_access.c` (order of copying, short counts).

use std::io;

use super::{Batch, Memory};
use crate::error::ReadError;
use crate::ids::{Address, Pid};

/// Requests per system call. The kernel's limit is 1024; a smaller array stays on our stack.
const MAX_VECTORS: usize = 128;

/// The process this code runs in.
#[derive(Clone, Copy, Debug)]
pub struct OwnProcess {
    pid: Pid,
}

impl OwnProcess {
    /// This process. Not its children: a fork gives them another pid.
    #[must_use]
    pub fn new() -> Self {
        Self { pid: own_pid() }
    }
}

impl Default for OwnProcess {
    fn default() -> Self {
        Self::new()
    }
}

/// Another process of this machine. Needs the right to ptrace it.
#[derive(Clone, Copy, Debug)]
pub struct OtherProcess {
    /// Whose memory is read.
    pub pid: Pid,
}

impl Memory for OwnProcess {
    fn read(&self, address: Address, buffer: &mut [u8]) -> Result<(), ReadError> {
        read_one(self.pid, address, buffer)
    }

    fn read_batch(&self, batch: &mut Batch) -> Result<(), ReadError> {
        read_many(self.pid, batch)
    }
}

impl Memory for OtherProcess {
    fn read(&self, address: Address, buffer: &mut [u8]) -> Result<(), ReadError> {
        read_one(self.pid, address, buffer)
    }

    fn read_batch(&self, batch: &mut Batch) -> Result<(), ReadError> {
        read_many(self.pid, batch)
    }
}

pub(crate) fn own_pid() -> Pid {
    // SAFETY: getpid has no preconditions and cannot fail.
    Pid(unsafe { libc::getpid() })
}

fn read_one(pid: Pid, address: Address, buffer: &mut [u8]) -> Result<(), ReadError> {
    let length = buffer.len();
    let remote = [vector(address, length)];
    match readv(pid, buffer, &remote)? {
        copied if copied == length => Ok(()),
        _ => Err(ReadError::Unmapped),
    }
}

fn read_many(pid: Pid, batch: &mut Batch) -> Result<(), ReadError> {
    let empty = libc::iovec {
        iov_base: std::ptr::null_mut(),
        iov_len: 0,
    };
    let mut vectors = [empty; MAX_VECTORS];
    let mut next = 0;
    while next < batch.requests.len() {
        let issued = &mut batch.requests[next..];
        let issued_len = issued.len().min(MAX_VECTORS);
        let issued = &mut issued[..issued_len];
        for (vector_, request) in vectors.iter_mut().zip(issued.iter()) {
            *vector_ = vector(request.address, request.range.len());
        }
        let start = issued[0].range.start;
        let end = issued[issued_len - 1].range.end;
        let copied = match readv(pid, &mut batch.buffer[start..end], &vectors[..issued_len]) {
            Ok(copied) => copied,
            Err(ReadError::Unmapped) => 0,
            Err(error) => return Err(error),
        };
        // The requests lie end to end in the buffer, so a short count says which were filled.
        let mut filled = 0;
        for request in issued
            .iter_mut()
            .take_while(|request| request.range.end - start <= copied)
        {
            request.filled = true;
            filled += 1;
        }
        // The one behind them could not be read: go on after it.
        next += if filled == issued_len { filled } else { filled + 1 };
    }
    Ok(())
}

/// A remote vector. An address that does not fit a pointer cannot occur: both are 64 bits.
fn vector(address: Address, length: usize) -> libc::iovec {
    libc::iovec {
        iov_base: std::ptr::without_provenance_mut(address.0 as usize),
        iov_len: length,
    }
}

/// One system call. Returns the bytes copied, which may be fewer than asked for.
fn readv(pid: Pid, buffer: &mut [u8], remote: &[libc::iovec]) -> Result<usize, ReadError> {
    let local = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: `local` describes `buffer`, which is ours, writable, and not touched by others while
    // borrowed here; the kernel writes at most `iov_len` bytes into it. `remote` is only read by
    // the kernel, which checks every address in it. The counts match the arrays.
    let copied = unsafe {
        libc::process_vm_readv(
            pid.0,
            &local,
            1,
            remote.as_ptr(),
            remote.len() as libc::c_ulong,
            0,
        )
    };
    usize::try_from(copied).map_err(|_| match io::Error::last_os_error().raw_os_error() {
        Some(libc::ESRCH) => ReadError::Gone,
        Some(libc::EPERM | libc::EACCES | libc::ENOSYS) => ReadError::Denied,
        // EFAULT, and EINVAL for a length that overflows: bad addresses. ENOMEM: try next time.
        _ => ReadError::Unmapped,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        OwnProcess::new().read_batch(&mut batch).unwrap();
        assert_eq!(batch.bytes(a), Some(&first[..]));
        assert_eq!(batch.bytes(bad), None);
        assert_eq!(batch.bytes(b), Some(&second[..]));
        assert_eq!(batch.bytes(wild), None);
    }

    #[test]
    fn a_batch_longer_than_one_call_is_filled() {
        let values: Vec<u64> = (0..1000).collect();
        let mut batch = Batch::new();
        let slots: Vec<_> = values
            .iter()
            .map(|value| batch.push(address_of(value), 8))
            .collect();
        OwnProcess::new().read_batch(&mut batch).unwrap();
        for (slot, value) in slots.into_iter().zip(&values) {
            assert_eq!(batch.bytes(slot), Some(&value.to_le_bytes()[..]));
        }
    }

    #[test]
    fn an_unmapped_address_is_an_error() {
        assert_eq!(
            OwnProcess::new().read(Address::NULL, &mut [0; 8]),
            Err(ReadError::Unmapped)
        );
        assert_eq!(
            OwnProcess::new().read(Address(u64::MAX), &mut [0; 8]),
            Err(ReadError::Unmapped)
        );
    }

    #[test]
    fn a_missing_process_is_gone() {
        // Linux caps pids at 2^22, so this one cannot exist.
        let none = OtherProcess { pid: Pid(i32::MAX) };
        assert_eq!(none.read(Address(4096), &mut [0; 8]), Err(ReadError::Gone));
    }
}
