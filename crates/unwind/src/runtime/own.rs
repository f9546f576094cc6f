//! Finds the interpreter in our own process.
//!
//! # Where this sits
//! The in-process half of [`super`]. Where the global scope does not have the symbols (an
//! interpreter embedded with `RTLD_LOCAL`), the caller falls back to the memory map.

use std::ffi::CStr;

use super::Interpreter;
use crate::error::ReadError;
use crate::ids::{Address, OsThreadId, PythonVersion};
use crate::memory::Memory;

/// Looks the symbols up in the global scope. `None` if one is missing there.
///
/// Before 3.11 there is no `Py_Version`; the version then comes from `Py_GetVersion`, so that the
/// refusal can name it.
pub(crate) fn find(memory: &impl Memory) -> Result<Option<Interpreter>, ReadError> {
    let (Some(runtime), Some(code_type)) = (symbol(c"_PyRuntime"), symbol(c"PyCode_Type")) else {
        return Ok(None);
    };
    let version = match symbol(c"Py_Version") {
        Some(address) => Some(PythonVersion::from_hex(
            crate::memory::read_pointer(memory, address)?.0,
        )),
        None => version_by_call(memory)?,
    };
    Ok(version.map(|version| Interpreter {
        runtime,
        code_type,
        version,
        first_thread: OsThreadId(std::process::id()),
    }))
}

fn symbol(name: &CStr) -> Option<Address> {
    // SAFETY: `name` is a terminated string; RTLD_DEFAULT needs no handle. The result is kept as a
    // number, never dereferenced.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!found.is_null()).then(|| Address(found.addr() as u64))
}

fn version_by_call(memory: &impl Memory) -> Result<Option<PythonVersion>, ReadError> {
    // SAFETY: as in `symbol`.
    let function = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"Py_GetVersion".as_ptr()) };
    if function.is_null() {
        return Ok(None);
    }
    // SAFETY: the symbol is CPython's `const char *Py_GetVersion(void)`, which every release has
    // with this signature, needs no GIL and returns a static buffer.
    let text = unsafe {
        std::mem::transmute::<*mut libc::c_void, extern "C" fn() -> *const libc::c_char>(function)()
    };
    // Long enough for "3.10.13 "; read like any other address.
    let mut bytes = [0; 8];
    memory.read(Address(text.addr() as u64), &mut bytes)?;
    Ok(PythonVersion::from_text(&String::from_utf8_lossy(&bytes)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_process_without_an_interpreter_has_none() {
        assert_eq!(super::find(&crate::OwnProcess::new()), Ok(None));
    }
}
