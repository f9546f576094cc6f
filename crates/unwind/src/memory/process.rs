//! Reads live processes by `process_vm_readv`.
//!
//! # Where this sits
//! Serves [`OtherProcess`], and [`super::own`] for our own. The kernel checks every address, so a stale
//! pointer costs an error return and never a fault in our process.
//!
//! # Contract
//! - Never stops, signals or writes to the target.
//! - A batch is one system call, as long as it has at most [`MAX_VECTORS`] requests and all of
//!   them are mapped. A request that cannot be read ends the call; it is resumed behind it.
//!
//! # Sources
//! `process_vm_readv(2)`; `mm/process_vm_access.c` (order of copying, short counts).

use std::io;

use super::{Batch, Memory};
use crate::error::ReadError;
use crate::ids::{Address, Pid};

/// Requests per system call. The kernel's limit is 1024; a smaller array stays on our stack.
const MAX_VECTORS: usize = 128;

/// Another process of this machine. Needs the right to ptrace it.
#[derive(Clone, Copy, Debug)]
pub struct OtherProcess {
    /// Whose memory is read.
    pub pid: Pid,
}

impl Memory for OtherProcess {
    fn read(&self, address: Address, buffer: &mut [u8]) -> Result<(), ReadError> {
        read_one(address, buffer, |buffer, vectors| {
            readv(self.pid, buffer, vectors)
        })
    }

    fn read_batch(&self, batch: &mut Batch) -> Result<(), ReadError> {
        read_many(batch, |buffer, vectors| readv(self.pid, buffer, vectors))
    }
}

/// Reads one piece by `readv`, which copies vectors end to end and returns how many bytes.
pub(super) fn read_one(
    address: Address,
    buffer: &mut [u8],
    readv: impl Fn(&mut [u8], &[libc::iovec]) -> Result<usize, ReadError>,
) -> Result<(), ReadError> {
    let length = buffer.len();
    let remote = [vector(address, length)];
    match readv(buffer, &remote)? {
        copied if copied == length => Ok(()),
        _ => Err(ReadError::Unmapped),
    }
}

/// Reads a batch by `readv`, as [`read_one`] does.
pub(super) fn read_many(
    batch: &mut Batch,
    readv: impl Fn(&mut [u8], &[libc::iovec]) -> Result<usize, ReadError>,
) -> Result<(), ReadError> {
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
        let copied = match readv(&mut batch.buffer[start..end], &vectors[..issued_len]) {
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
pub(super) fn readv(pid: Pid, buffer: &mut [u8], remote: &[libc::iovec]) -> Result<usize, ReadError> {
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

    #[test]
    fn a_missing_process_is_gone() {
        // Linux caps pids at 2^22, so this one cannot exist.
        let none = OtherProcess { pid: Pid(i32::MAX) };
        assert_eq!(none.read(Address(4096), &mut [0; 8]), Err(ReadError::Gone));
    }
}
