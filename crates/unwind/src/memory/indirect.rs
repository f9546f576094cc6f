//! Reads our own memory where `process_vm_readv` is forbidden: the kernel writes it into a file of
//! memory, and we read it back from there.
//!
//! # Where this sits
//! The second choice of [`super::own`]. Sandboxes forbid `process_vm_readv` by a seccomp filter, since it
//! is a debugger's call; `pwritev` and `pread` are not.
//!
//! # Contract
//! As for every reader: an address that is not mapped is an error, found by the kernel. Vectors are
//! copied in their order. Two system calls and one more copy where the first choice takes one.
//!
//! # Sources
//! `memfd_create(2)`, `pwritev(2)`; `mm/filemap.c`, `generic_perform_write` (order, short counts).

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use crate::error::ReadError;

/// The file is emptied after a read of more than this, so that it never holds much.
const KEPT_BYTES: usize = 1 << 20;

/// The file. It has no name and no size worth speaking of.
#[derive(Debug)]
pub(crate) struct Indirect {
    file: OwnedFd,
}

impl Indirect {
    /// `None` where the system has no such file for us.
    pub(crate) fn open() -> Option<Self> {
        // SAFETY: a terminated name; the flags ask for nothing unusual.
        let fd = unsafe { libc::memfd_create(c"pyrometer".as_ptr(), libc::MFD_CLOEXEC) };
        if fd < 0 {
            return None;
        }
        // SAFETY: `fd` was just opened and is owned by nobody else.
        let file = unsafe { OwnedFd::from_raw_fd(fd) };
        Some(Self { file })
    }

    pub(crate) fn raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }

    /// Copies the vectors end to end into `buffer`, up to the first byte that cannot be read. Returns
    /// the bytes copied.
    pub(crate) fn read(&self, buffer: &mut [u8], vectors: &[libc::iovec]) -> Result<usize, ReadError> {
        let written = match self.write(vectors, 0) {
            // One address beyond user space refuses the call as a whole: find out which.
            Err(ReadError::Unmapped) if vectors.len() > 1 => self.write_one_by_one(vectors)?,
            result => result?,
        };
        let copied = self.read_back(&mut buffer[..written])?;
        if copied > KEPT_BYTES {
            // SAFETY: the file is ours. Failing leaves it as it is, which is only larger.
            unsafe { libc::ftruncate(self.file.as_raw_fd(), 0) };
        }
        Ok(copied)
    }

    fn write_one_by_one(&self, vectors: &[libc::iovec]) -> Result<usize, ReadError> {
        let mut written = 0;
        for vector in vectors {
            match self.write(std::slice::from_ref(vector), written) {
                Ok(count) => {
                    written += count;
                    if count < vector.iov_len {
                        break;
                    }
                }
                Err(ReadError::Unmapped) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }

    fn write(&self, vectors: &[libc::iovec], offset: usize) -> Result<usize, ReadError> {
        let count = libc::c_int::try_from(vectors.len()).unwrap_or(0);
        // SAFETY: `vectors` is an array of `count` entries. The kernel only reads what they describe,
        // checks every address in it, and answers EFAULT for one that is not mapped.
        let written = unsafe {
            libc::pwritev(
                self.file.as_raw_fd(),
                vectors.as_ptr(),
                count,
                offset.cast_signed() as libc::off_t,
            )
        };
        usize::try_from(written).map_err(|_| failure())
    }

    fn read_back(&self, buffer: &mut [u8]) -> Result<usize, ReadError> {
        // SAFETY: `buffer` is ours, writable and as long as it says.
        let read = unsafe { libc::pread(self.file.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0) };
        usize::try_from(read).map_err(|_| failure())
    }
}

fn failure() -> ReadError {
    match io::Error::last_os_error().raw_os_error() {
        Some(libc::EPERM | libc::EACCES | libc::ENOSYS | libc::EBADF) => ReadError::Denied,
        // EFAULT, EINVAL: bad addresses. ENOMEM, ENOSPC, EFBIG, EINTR: try next time.
        _ => ReadError::Unmapped,
    }
}
