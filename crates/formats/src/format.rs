//! The file formats by name and by the ending of a file.

use pyrometer_model::ProfileType;

use crate::recording::Recording;
use crate::{chrome, collapsed, cpuprofile, firefox, html, json, otlp, pprof, speedscope, svg};

/// A file format that a recording can be written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Self-contained page with a flamegraph.
    #[default]
    Html,
    /// Flamegraph as a picture.
    Svg,
    /// `root;child;leaf COUNT` lines.
    Collapsed,
    /// gzip'd pprof.
    Pprof,
    /// speedscope.
    Speedscope,
    /// Chrome DevTools CPU profile.
    CpuProfile,
    /// Trace events, for Perfetto.
    Chrome,
    /// Firefox Profiler.
    Firefox,
    /// OpenTelemetry profiles, protobuf.
    Otlp,
    /// The flamegraph object of the query API.
    Json,
}

/// Name, endings and writer of a format.
struct Entry {
    format: Format,
    name: &'static str,
    endings: &'static [&'static str],
    write: fn(&Recording, ProfileType) -> Vec<u8>,
}

/// An ending that is a part of another stands behind it.
const ENTRIES: [Entry; 10] = [
    Entry {
        format: Format::Html,
        name: "html",
        endings: &[".html", ".htm"],
        write: html::write,
    },
    Entry {
        format: Format::Svg,
        name: "svg",
        endings: &[".svg"],
        write: svg::write,
    },
    Entry {
        format: Format::Collapsed,
        name: "collapsed",
        endings: &[".collapsed", ".folded", ".txt"],
        write: |recording, kind| collapsed::write(&recording.tree(kind)).into_bytes(),
    },
    Entry {
        format: Format::Pprof,
        name: "pprof",
        endings: &[".pb.gz", ".pprof"],
        write: |recording, _| pprof::write_recording(recording),
    },
    Entry {
        format: Format::Speedscope,
        name: "speedscope",
        endings: &[".speedscope.json", ".speedscope"],
        write: speedscope::write,
    },
    Entry {
        format: Format::CpuProfile,
        name: "cpuprofile",
        endings: &[".cpuprofile"],
        write: cpuprofile::write,
    },
    Entry {
        format: Format::Chrome,
        name: "chrome",
        endings: &[".trace.json", ".trace"],
        write: chrome::write,
    },
    Entry {
        format: Format::Firefox,
        name: "firefox",
        endings: &[".firefox.json"],
        write: firefox::write,
    },
    Entry {
        format: Format::Otlp,
        name: "otlp",
        endings: &[".otlp", ".otlp.pb"],
        write: |recording, _| otlp::write(recording),
    },
    Entry {
        format: Format::Json,
        name: "json",
        endings: &[".json"],
        write: json::write,
    },
];

impl Format {
    /// The names of all formats.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ENTRIES.iter().map(|entry| entry.name)
    }

    /// The format of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        ENTRIES
            .iter()
            .find(|entry| entry.name == name)
            .map(|entry| entry.format)
    }

    /// The format that a file's name ends for.
    #[must_use]
    pub fn of_file(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let fits = |entry: &&Entry| entry.endings.iter().any(|ending| name.ends_with(ending));
        ENTRIES.iter().find(fits).map(|entry| entry.format)
    }

    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// The usual ending of its files, with the dot.
    #[must_use]
    pub fn ending(self) -> &'static str {
        self.entry().endings[0]
    }

    /// Writes a recording. Formats that hold one value per stack take that of `profile_type`.
    #[must_use]
    pub fn write(self, recording: &Recording, profile_type: ProfileType) -> Vec<u8> {
        (self.entry().write)(recording, profile_type)
    }

    fn entry(self) -> &'static Entry {
        ENTRIES
            .iter()
            .find(|entry| entry.format == self)
            .expect("every format has an entry")
    }
}
