//! Finds the greenlet library in this process: its class, and its thread-local storage.
//!
//! Nothing is changed in it and nothing called: the sampler reads which greenlet runs.

use std::ffi::{c_int, c_void};

use pyo3::prelude::*;
use pyrometer_agent::tasks::{Address, Greenlets};

/// Where the library is; `None` if it is not imported, or is laid out otherwise.
pub(crate) fn find(module: &Bound<'_, PyAny>) -> Option<Greenlets> {
    let class = module.getattr("greenlet").ok()?;
    let class = Address(class.as_ptr().addr() as u64);
    let mut search = Search { class, found: None };
    // SAFETY: called with the GIL held and no lock; `object` has the right type, and its argument
    // outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(object), (&raw mut search).cast()) };
    search.found
}

struct Search {
    class: Address,
    found: Option<Greenlets>,
}

/// Looks whether the class lies in one loaded object, and takes that object's storage.
unsafe extern "C" fn object(info: *mut libc::dl_phdr_info, size: usize, search: *mut c_void) -> c_int {
    // Older C libraries hand out a shorter record, without the number of the storage.
    if size < size_of::<libc::dl_phdr_info>() {
        return 1;
    }
    // SAFETY: the C library hands out a valid record for the length of the call; `search` is ours.
    let (info, search) = unsafe { (&*info, &mut *search.cast::<Search>()) };
    if info.dlpi_phdr.is_null() {
        return 0;
    }
    // SAFETY: the record says how many headers there are; they are mapped as long as the object is.
    let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
    let holds_class = headers.iter().any(|header| {
        let start = info.dlpi_addr.wrapping_add(header.p_vaddr);
        header.p_type == libc::PT_LOAD && search.class.0.wrapping_sub(start) < header.p_memsz
    });
    if !holds_class {
        return 0;
    }
    let storage = headers.iter().find(|header| header.p_type == libc::PT_TLS);
    search.found = storage.map(|header| Greenlets {
        class: search.class,
        tls_module: info.dlpi_tls_modid as u64,
        tls_bytes: header.p_memsz,
    });
    1
}
