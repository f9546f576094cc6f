//! The files mapped into a process, from `/proc/PID/maps`.
//!
//! # Where this sits
//! Used by [`super::remote`] only. Parsing is apart from reading, so that it is tested on text.
//!
//! # Sources
//! `proc_pid_maps(5)`.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::ids::Pid;

/// One file of the map: where its first page lies, and what the kernel calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MappedFile {
    /// Start of the mapping of file offset 0.
    pub(crate) start: u64,
    /// First mapping's range as written in the map, the name of its `map_files` link.
    pub(crate) range: String,
    /// Device and inode as written in the map.
    pub(crate) identity: String,
    /// The path that the target knows.
    pub(crate) path: PathBuf,
}

/// Lists the files of which some part is mapped executable, in address order.
///
/// Anonymous memory and pseudo files such as `[vdso]` are left out; no file name is preferred,
/// since an interpreter may be embedded in any program.
pub(crate) fn executable_files(maps: &str) -> Vec<MappedFile> {
    let mut files: Vec<(MappedFile, bool)> = Vec::new();
    for line in maps.lines() {
        let Some((range, permissions, offset, identity, path)) = split(line) else {
            continue;
        };
        let executable = permissions.contains('x');
        match files
            .iter_mut()
            .rev()
            .find(|(file, _)| file.identity == identity && offset != 0)
        {
            Some((_, any)) => *any |= executable,
            None if offset == 0 => {
                let start = range
                    .split('-')
                    .next()
                    .and_then(|hex| u64::from_str_radix(hex, 16).ok());
                let Some(start) = start else { continue };
                let file = MappedFile {
                    start,
                    range: range.to_owned(),
                    identity: identity.to_owned(),
                    path: PathBuf::from(path.strip_suffix(" (deleted)").unwrap_or(path)),
                };
                files.push((file, executable));
            }
            None => {}
        }
    }
    files
        .into_iter()
        .filter(|(_, executable)| *executable)
        .map(|(file, _)| file)
        .collect()
}

/// Range, permissions, offset, "device inode", path.
fn split(line: &str) -> Option<(&str, &str, u64, &str, &str)> {
    let (range, rest) = line.split_once(' ')?;
    let (permissions, rest) = rest.split_once(' ')?;
    let (offset, rest) = rest.split_once(' ')?;
    let path_at = rest.find('/')?;
    let identity = rest[..path_at].trim_end();
    Some((
        range,
        permissions,
        u64::from_str_radix(offset, 16).ok()?,
        identity,
        &rest[path_at..],
    ))
}

impl MappedFile {
    /// Opens the file that is mapped: by the kernel's own link (right for deleted files), in the
    /// target's root (containers), or at the path as it stands (chroot targets). A file that was put
    /// in its place since, as an upgrade does, is not taken.
    pub(crate) fn open(&self, pid: Pid) -> Option<File> {
        self.candidates(pid).into_iter().find_map(|path| {
            let file = File::open(path).ok()?;
            (file.metadata().ok()?.ino() == self.inode()?).then_some(file)
        })
    }

    fn inode(&self) -> Option<u64> {
        self.identity.split_whitespace().nth(1)?.parse().ok()
    }

    fn candidates(&self, pid: Pid) -> [PathBuf; 3] {
        let process = Path::new("/proc").join(pid.to_string());
        let inside = self.path.strip_prefix("/").unwrap_or(&self.path);
        [
            process.join("map_files").join(unpadded(&self.range)),
            process.join("root").join(inside),
            self.path.clone(),
        ]
    }
}

/// `maps` pads addresses with zeros, `map_files` does not.
fn unpadded(range: &str) -> String {
    let trim = |hex: &str| match hex.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits => digits.to_owned(),
    };
    range.split('-').map(trim).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
00400000-00401000 r--p 00000000 fe:01 12 /opt/with space/python3.13
00401000-00500000 r-xp 00001000 fe:01 12 /opt/with space/python3.13
7f0000000000-7f0000021000 rw-p 00000000 00:00 0
7f1000000000-7f1000100000 r--p 00000000 fe:01 77                         /lib/libdata.so (deleted)
7f2000000000-7f2000100000 r--p 00000000 fe:01 78                         /lib/libc.so (deleted)
7f2000100000-7f2000200000 r-xp 00100000 fe:01 78                         /lib/libc.so (deleted)
7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                          [stack]
garbage
";

    #[test]
    fn executable_files_are_listed_with_their_first_page() {
        let files = executable_files(MAPS);
        let seen: Vec<_> = files
            .iter()
            .map(|file| (file.start, file.path.to_str().unwrap()))
            .collect();
        assert_eq!(
            seen,
            [
                (0x40_0000, "/opt/with space/python3.13"),
                (0x7f20_0000_0000, "/lib/libc.so")
            ]
        );
        assert_eq!(files[0].inode(), Some(12));
        let candidates = files[0].candidates(Pid(7));
        assert_eq!(candidates[0], Path::new("/proc/7/map_files/400000-401000"));
        assert_eq!(candidates[1], Path::new("/proc/7/root/opt/with space/python3.13"));
    }
}
