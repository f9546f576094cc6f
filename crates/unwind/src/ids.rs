//! The small types that keep numbers apart: addresses, process and thread ids, Python versions.
//!
//! # Where this sits
//! At the bottom of the crate: no module below it, every module uses it. Never reads memory.

use std::fmt;

/// An address in the target's memory. Never a pointer of ours, and never dereferenced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub u64);

impl Address {
    /// The null pointer: the end of every chain.
    pub const NULL: Self = Self(0);

    /// Whether this is the null pointer.
    #[must_use]
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }

    /// The address `bytes` further on. Wraps, since a torn pointer may be anything.
    #[must_use]
    pub const fn plus(self, bytes: u64) -> Self {
        Self(self.0.wrapping_add(bytes))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// A process id, as seen in our own pid namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(pub i32);

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The kernel's thread id, as the target sees it (`threading.get_native_id()`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OsThreadId(pub u32);

impl fmt::Display for OsThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A CPython release, written `3.12.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PythonVersion {
    /// 3 for every supported release.
    pub major: u8,
    /// What decides the layout.
    pub minor: u8,
    /// The patch release.
    pub patch: u8,
}

impl PythonVersion {
    /// Decodes `PY_VERSION_HEX`; the release level in its low byte is dropped.
    #[must_use]
    pub const fn from_hex(hex: u64) -> Self {
        Self {
            major: (hex >> 24) as u8,
            minor: (hex >> 16) as u8,
            patch: (hex >> 8) as u8,
        }
    }

    /// Decodes the text that `Py_GetVersion` returns and that file names carry: `3.9.18 (main, …`, `3.9.so`.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let mut numbers = text
            .split(|c: char| !c.is_ascii_digit())
            .take_while(|digits| !digits.is_empty())
            .map_while(|digits| digits.parse::<u8>().ok());
        let (major, minor) = (numbers.next()?, numbers.next()?);
        Some(Self {
            major,
            minor,
            patch: numbers.next().unwrap_or(0),
        })
    }
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::PythonVersion;

    #[test]
    fn versions_are_read_from_numbers_and_text() {
        assert_eq!(PythonVersion::from_hex(0x030c_01f0).to_string(), "3.12.1");
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(
                PythonVersion::from_text(text).map(|v| v.to_string()).as_deref(),
                expect,
                "{text:?}"
            );
        };
        check("3.9.18 (main, Jan  1 2024)", Some("3.9.18"));
        check("3.13.so.1.0", Some("3.13.0"));
        check("3.14.0a1", Some("3.14.0"));
        check("3", None);
        check("python", None);
        check("999.1", None);
    }
}
