//! What code objects and functions in C are called. Runs no code of the program.

use std::ffi::CStr;

use pyo3::ffi;
use pyo3::prelude::*;
use pyrometer_model::Function;

/// Longest name that is kept, in bytes.
const MAX_BYTES: usize = 1024;

/// Name, file and first line of a code object.
pub(super) fn of_code(code: &Bound<'_, PyAny>) -> Function {
    let text = |name: &str| -> Option<String> {
        let mut text: String = code.getattr(name).ok()?.extract().ok()?;
        if text.len() > MAX_BYTES {
            text.truncate(text.floor_char_boundary(MAX_BYTES));
        }
        Some(text)
    };
    Function {
        // Qualified names came with 3.11.
        name: text("co_qualname")
            .or_else(|| text("co_name"))
            .unwrap_or_else(|| "?".to_owned()),
        file: text("co_filename").unwrap_or_default(),
        line: code
            .getattr("co_firstlineno")
            .and_then(|line| line.extract())
            .unwrap_or(0),
    }
}

/// What tells a callable apart from others, and stays while `held` is kept alive.
pub(super) struct Callable {
    /// Unique for the function.
    pub(super) key: usize,
    /// The object whose address the key is, if it is one.
    pub(super) held: Option<*mut ffi::PyObject>,
}

/// Types by which callables are told apart; fixed addresses of this interpreter.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallableTypes {
    function: usize,
    method: usize,
    builtin: usize,
    kind: usize,
    descriptors: [usize; 4],
}

impl CallableTypes {
    pub(super) fn find(py: Python<'_>) -> PyResult<Self> {
        let types = py.import("types")?;
        let address = |name: &str| types.getattr(name).map(|found| found.as_ptr().addr());
        Ok(Self {
            function: address("FunctionType")?,
            method: address("MethodType")?,
            builtin: address("BuiltinFunctionType")?,
            kind: py.get_type::<pyo3::types::PyType>().as_ptr().addr(),
            descriptors: [
                address("MethodDescriptorType")?,
                address("ClassMethodDescriptorType")?,
                address("WrapperDescriptorType")?,
                address("MethodWrapperType")?,
            ],
        })
    }

    /// The key of a callable; `None` for a function in Python, which has events of its own.
    pub(super) fn callable(&self, object: *mut ffi::PyObject) -> Option<Callable> {
        // SAFETY: the interpreter hands out a live object.
        let kind = unsafe { ffi::Py_TYPE(object) };
        if kind.addr() == self.method {
            // SAFETY: a method's function is its first field after the head, in every release.
            let function = unsafe { *object.cast::<*mut ffi::PyObject>().add(2) };
            // SAFETY: as above.
            if !function.is_null() && unsafe { ffi::Py_TYPE(function) }.addr() == self.function {
                return None;
            }
        }
        if kind.addr() == self.function {
            None
        } else if kind.addr() == self.builtin {
            // SAFETY: it is of exactly this type. Bound ones are made anew for every call; their
            // implementation is not.
            let implementation = unsafe { ffi::PyCFunction_GetFunction(object) };
            Some(Callable {
                key: implementation.map_or(object.addr(), |function| function as usize),
                held: None,
            })
        } else if self.descriptors[..3].contains(&kind.addr()) || self.is_type(kind) {
            Some(Callable {
                key: object.addr(),
                held: Some(object),
            })
        } else {
            Some(Callable {
                key: kind.addr(),
                held: Some(kind.cast()),
            })
        }
    }

    fn is_type(&self, kind: *mut ffi::PyTypeObject) -> bool {
        // SAFETY: a live type; the flag says that its instances are types.
        kind.addr() == self.kind || unsafe { ffi::PyType_GetFlags(kind) } & (1 << 31) != 0
    }

    /// Name of a callable that [`Self::callable`] gave a key.
    pub(super) fn name(&self, py: Python<'_>, object: *mut ffi::PyObject) -> Function {
        // SAFETY: the interpreter hands out a live object.
        let (kind, object) = unsafe { (ffi::Py_TYPE(object), Bound::from_borrowed_ptr(py, object)) };
        let name = if kind.addr() == self.builtin || self.descriptors[..3].contains(&kind.addr()) {
            builtin_name(&object)
        } else if self.is_type(kind) {
            type_name(object.as_ptr().cast())
        } else {
            format!("{}.__call__", type_name(kind))
        };
        Function {
            name,
            ..Function::default()
        }
    }
}

/// `list.append`, `time.sleep`, `len`. These types have no attributes of a program's own.
fn builtin_name(object: &Bound<'_, PyAny>) -> String {
    let text = |name: &str| object.getattr(name).ok()?.extract::<String>().ok();
    let name = text("__qualname__").unwrap_or_else(|| "?".to_owned());
    match text("__module__") {
        Some(module) if module != "builtins" => format!("{module}.{name}"),
        _ => name,
    }
}

/// Name of a type as it was defined, read from memory: attributes of a type may be code.
fn type_name(kind: *mut ffi::PyTypeObject) -> String {
    // SAFETY: the name is the first field after the head (three words), in every release.
    let name = unsafe { *kind.cast::<*const std::ffi::c_char>().add(3) };
    if name.is_null() {
        return "?".to_owned();
    }
    // SAFETY: a live type's name is a C string that lives as long as it.
    unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
}
