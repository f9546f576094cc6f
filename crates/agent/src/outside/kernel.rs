//! What the kernel says of another process: state and CPU time of threads, children, names.
//!
//! # Contract
//! Reads `/proc` only. Files that are read every tick stay open, up to [`MAX_OPEN`] of them in all,
//! and cost one `pread` each; a file of a thread that has ended reads as `None`, also when its id
//! has been given to another.
//!
//! # Sources
//! proc(5); linux `Documentation/scheduler/sched-stats.rst` for `schedstat`.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pyrometer_unwind::Pid;

/// Most files kept open, well below the usual limit of 1024.
const MAX_OPEN: usize = 512;
/// Unit of the times in `stat`: `sysconf(_SC_CLK_TCK)` is 100 on every Linux.
const CLOCK_TICK_NS: u64 = 10_000_000;
/// Longest file that is read here.
const MAX_BYTES: usize = 1024;

/// Counts the files that are kept open.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenFiles(Arc<AtomicUsize>);

/// A small file that is read again and again.
#[derive(Debug)]
struct ProcFile {
    path: PathBuf,
    file: Option<File>,
    open_files: OpenFiles,
}

impl ProcFile {
    fn new(path: PathBuf, open_files: &OpenFiles) -> Self {
        let count = &open_files.0;
        let has_room = count.fetch_add(1, Ordering::Relaxed) < MAX_OPEN;
        let file = File::open(&path).ok().filter(|_| has_room);
        if file.is_none() {
            count.fetch_sub(1, Ordering::Relaxed);
        }
        Self {
            path,
            file,
            open_files: open_files.clone(),
        }
    }

    fn read<'b>(&self, buffer: &'b mut [u8; MAX_BYTES]) -> Option<&'b [u8]> {
        let length = match &self.file {
            Some(file) => file.read_at(buffer, 0),
            None => File::open(&self.path).and_then(|file| file.read_at(buffer, 0)),
        };
        length
            .ok()
            .filter(|&length| length > 0)
            .map(|length| &buffer[..length])
    }
}

impl Drop for ProcFile {
    fn drop(&mut self) {
        if self.file.is_some() {
            self.open_files.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// What a thread has had of the processor, from `schedstat`. Equal values mean that it has not run
/// in between, provided that it was off the processor the first time: the time of one that runs is
/// brought up to date by the kernel's timer only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Scheduled {
    /// Time on a processor.
    pub(super) run_ns: u64,
    /// Time spent waiting for one.
    pub(super) delay_ns: u64,
    times: u64,
}

/// What `stat` says of a thread or process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// `R` for one that runs or could; `Z` for one that has ended.
    pub(super) state: u8,
    /// CPU time, in steps of 10 ms.
    pub(super) cpu_ns: u64,
    /// When it was started, clock ticks since boot: with the id it names one incarnation.
    pub(super) started: u64,
}

/// The files of one thread.
#[derive(Debug)]
pub(super) struct ThreadFiles {
    stat: ProcFile,
    schedstat: ProcFile,
}

impl ThreadFiles {
    pub(super) fn new(pid: Pid, os_thread_id: u32, open_files: &OpenFiles) -> Self {
        let file = |name: &str| {
            ProcFile::new(
                format!("/proc/{pid}/task/{os_thread_id}/{name}").into(),
                open_files,
            )
        };
        Self {
            stat: file("stat"),
            schedstat: file("schedstat"),
        }
    }

    pub(super) fn stat(&self) -> Option<Stat> {
        parse_stat(self.stat.read(&mut [0; MAX_BYTES])?)
    }

    pub(super) fn scheduled(&self) -> Option<Scheduled> {
        parse_schedstat(self.schedstat.read(&mut [0; MAX_BYTES])?)
    }
}

/// The file of a whole process that is asked again and again whether it lives.
#[derive(Debug)]
pub(super) struct ProcessFile(ProcFile);

impl ProcessFile {
    pub(super) fn new(pid: Pid, open_files: &OpenFiles) -> Self {
        Self(ProcFile::new(format!("/proc/{pid}/stat").into(), open_files))
    }

    pub(super) fn stat(&self) -> Option<Stat> {
        parse_stat(self.0.read(&mut [0; MAX_BYTES])?)
    }
}

/// State of a whole process; `None` when there is none. Three system calls.
pub(super) fn process_stat(pid: Pid) -> Option<Stat> {
    parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_stat(text: &[u8]) -> Option<Stat> {
    // The name, field 2, may hold anything, a parenthesis too; nothing behind it does.
    let behind_name = &text[text.iter().rposition(|&byte| byte == b')')? + 1..];
    let fields: Vec<&str> = std::str::from_utf8(behind_name)
        .ok()?
        .split_ascii_whitespace()
        .collect();
    // Fields are counted from 1 in proc(5), and the first here is field 3.
    let field = |number: usize| fields.get(number - 3).copied();
    let number = |place: usize| field(place)?.parse::<u64>().ok();
    Some(Stat {
        state: *field(3)?.as_bytes().first()?,
        cpu_ns: (number(14)? + number(15)?) * CLOCK_TICK_NS,
        started: number(22)?,
    })
}

fn parse_schedstat(text: &[u8]) -> Option<Scheduled> {
    let mut numbers = std::str::from_utf8(text).ok()?.split_ascii_whitespace();
    let mut next = || numbers.next()?.parse().ok();
    let scheduled = Scheduled {
        run_ns: next()?,
        delay_ns: next()?,
        times: next()?,
    };
    // A kernel without scheduler statistics shows zeros.
    (scheduled != Scheduled::default()).then_some(scheduled)
}

/// The processes that a thread of `pid` has forked and that have not been waited for.
pub(super) fn children_of(pid: Pid, os_thread_id: u32) -> Vec<Pid> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{os_thread_id}/children")).unwrap_or_default();
    text.split_ascii_whitespace()
        .filter_map(|pid| pid.parse().ok().map(Pid))
        .collect()
}

/// The threads of a process, in our pid namespace.
pub(super) fn threads_of(pid: Pid) -> Vec<u32> {
    let folder = fs::read_dir(format!("/proc/{pid}/task"));
    let names = folder
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter_map(|name| name.parse().ok()).collect()
}

/// The program that a process runs; it changes by `exec`.
pub(super) fn program_of(pid: Pid) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// The ids that a thread has, ours first, the innermost pid namespace's last.
pub(super) fn ids_in_namespaces(pid: Pid, os_thread_id: u32) -> Vec<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/task/{os_thread_id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    let ids = line.unwrap_or_default().split_ascii_whitespace();
    ids.filter_map(|id| id.parse().ok()).collect()
}

/// The name of a thread, at most 15 bytes.
pub(super) fn thread_name(pid: Pid, os_thread_id: u32) -> String {
    let name = fs::read(format!("/proc/{pid}/task/{os_thread_id}/comm")).unwrap_or_default();
    String::from_utf8_lossy(&name).trim_end().to_owned()
}

/// A name for a process: the script or module that its interpreter runs, else its program.
#[must_use]
pub fn process_name(pid: Pid) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<String> = line
        .split(|&byte| byte == 0)
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    let named = name_of_command(&words);
    if named.is_empty() {
        thread_name(pid, pid.0.cast_unsigned())
    } else {
        named
    }
}

/// The script or module that a command line runs, else its program.
#[must_use]
pub fn name_of_command(words: &[String]) -> String {
    let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let Some((program, rest)) = words.split_first() else {
        return String::new();
    };
    if !base(program).starts_with("python") {
        // A title that a server gives itself, `gunicorn: worker [shop]`, is one word with blanks.
        return base(program.split(' ').next().unwrap_or_default())
            .trim_end_matches(':')
            .to_owned();
    }
    let mut rest = rest.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-m" => return rest.next().cloned().unwrap_or_default(),
            "-c" => break,
            // Options that have a value as their next word.
            "-X" | "-W" => drop(rest.next()),
            option if option.starts_with('-') => {}
            "" => break,
            script => return base(script),
        }
    }
    base(program)
}

/// The user id that a process runs as.
#[must_use]
pub fn process_owner(pid: Pid) -> Option<u32> {
    fs::metadata(format!("/proc/{pid}"))
        .ok()
        .map(|metadata| metadata.uid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_do_not_shift_the_fields() {
        let line = b"7 (a) R 1 (b)) S 1 7 7 0 -1 0 0 0 0 0 33 4 0 0 20 0 8 0 1185562 5 3 1 1 1 1 1 1 0 0 0 0 0 0 0 17 2 0 0";
        let expected = Stat {
            state: b'S',
            cpu_ns: 370_000_000,
            started: 1_185_562,
        };
        assert_eq!(parse_stat(line), Some(expected));
        assert_eq!(parse_stat(b"7 (a R 1"), None);
        assert_eq!(parse_stat(b""), None);
    }

    #[test]
    fn a_kernel_without_scheduler_statistics_is_told_apart() {
        assert_eq!(parse_schedstat(b"0 0 0\n"), None);
        let some = Scheduled {
            run_ns: 5,
            delay_ns: 6,
            times: 7,
        };
        assert_eq!(parse_schedstat(b"5 6 7\n"), Some(some));
    }

    #[test]
    fn a_process_is_called_by_what_it_runs() {
        let check = |line: &str, expected: &str| {
            let words: Vec<String> = line.split('|').map(str::to_owned).collect();
            assert_eq!(name_of_command(&words), expected, "{line}");
        };
        check("/usr/bin/python3.11|-u|/srv/app.py|--x", "app.py");
        check("python3|-m|http.server", "http.server");
        check("python3|-X|dev|-c|import x", "python3");
        check("gunicorn: worker [shop]", "gunicorn");
        check("/usr/bin/uwsgi|--ini", "uwsgi");
        check("python3", "python3");
    }

    #[test]
    fn own_thread_is_seen() {
        let own = Pid(std::process::id().cast_signed());
        let stat = process_stat(own).unwrap();
        assert!(stat.started > 0 && stat.state != b'Z');
        assert!(threads_of(own).contains(&own.0.cast_unsigned()));
        let open_files = OpenFiles::default();
        let files = ThreadFiles::new(own, own.0.cast_unsigned(), &open_files);
        assert_eq!(files.stat().map(|stat| stat.started), Some(stat.started));
        assert_eq!(open_files.0.load(Ordering::Relaxed), 2);
        drop(files);
        assert_eq!(open_files.0.load(Ordering::Relaxed), 0);
    }
}
