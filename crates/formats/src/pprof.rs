//! pprof: `perftools.profiles.Profile`, gzip'd, as `go tool pprof` and scrapers read it.
//!
//! The messages are written down here from the published schema (profile.proto), so that no
//! compiler of Protocol Buffers is needed. One location per function and line, no mapping.

use std::collections::HashMap;
use std::io::Read;

use flate2::Compression;
use flate2::read::GzEncoder;
use prost::Message;
use pyrometer_model::{ProfileType, Span, StackId};

use crate::recording::{Recording, Values};

/// One stack and its values, as [`write`] takes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Leaf first: function number (into the list given to [`write`]) and line.
    pub frames: Vec<(u32, u32)>,
    /// One value per profile type, in its unit.
    pub values: Vec<i64>,
}

/// A profile as bytes.
///
/// `types` names the columns of `values`; by convention `samples/count` comes first. `period_ns` is
/// the mean distance of two samples of a thread. Frames that name no function are left out.
#[must_use]
pub fn write(
    types: &[ProfileType],
    functions: &[pyrometer_model::Function],
    samples: &[Sample],
    span: Span,
    period_ns: u64,
) -> Vec<u8> {
    let mut strings = Strings::default();
    let mut locations: HashMap<(u32, u32), u64> = HashMap::new();
    let mut profile = Profile {
        sample_type: types.iter().map(|kind| value_type(&mut strings, *kind)).collect(),
        time_nanos: clamp(span.start.0),
        duration_nanos: clamp(span.nanos()),
        period: clamp(period_ns),
        ..Profile::default()
    };
    profile.period_type = Some(ValueType {
        kind: strings.id("cpu"),
        unit: strings.id("nanoseconds"),
    });
    profile.function = functions
        .iter()
        .zip(1..)
        .map(|(function, id)| Function {
            id,
            name: strings.id(&function.name),
            system_name: 0,
            filename: strings.id(&function.file),
            start_line: i64::from(function.line),
        })
        .collect();
    for sample in samples {
        let known = sample
            .frames
            .iter()
            .filter(|(function, _)| (*function as usize) < functions.len());
        let location_id = known
            .map(|&(function, line)| {
                let next = locations.len() as u64 + 1;
                *locations.entry((function, line)).or_insert_with(|| {
                    let line = Line {
                        function_id: u64::from(function) + 1,
                        line: i64::from(line),
                    };
                    profile.location.push(Location {
                        id: next,
                        line: vec![line],
                    });
                    next
                })
            })
            .collect();
        profile.sample.push(WireSample {
            location_id,
            value: sample.values.clone(),
        });
    }
    profile.string_table = strings.by_id;

    let mut bytes = Vec::new();
    GzEncoder::new(profile.encode_to_vec().as_slice(), Compression::new(6))
        .read_to_end(&mut bytes)
        .expect("reading from memory cannot fail");
    bytes
}

/// A recording as bytes: all of its types, samples first.
#[must_use]
pub fn write_recording(recording: &Recording) -> Vec<u8> {
    let types = recording.profile_types();
    let observed = recording
        .values
        .iter()
        .zip(0..)
        .filter(|(values, _)| **values != Values::default());
    let samples: Vec<Sample> = observed
        .map(|(values, id)| {
            let frames = recording.stacks.iter_leaf_to_root(StackId(id));
            Sample {
                frames: frames.map(|node| (node.function.0, node.line)).collect(),
                values: types.iter().map(|kind| clamp(values.of(*kind))).collect(),
            }
        })
        .collect();
    let functions = recording.functions.as_slice();
    write(&types, functions, &samples, recording.span, recording.period_ns)
}

fn value_type(strings: &mut Strings, kind: ProfileType) -> ValueType {
    let name = match kind {
        ProfileType::Cpu => "cpu",
        ProfileType::Wall => "wall",
        ProfileType::Samples => "samples",
        ProfileType::Wait => "wait",
    };
    ValueType {
        kind: strings.id(name),
        unit: strings.id(kind.unit()),
    }
}

fn clamp(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// String table; entry 0 is the empty string, as the format demands.
struct Strings {
    by_id: Vec<String>,
    ids: HashMap<String, i64>,
}

impl Default for Strings {
    fn default() -> Self {
        Self {
            by_id: vec![String::new()],
            ids: HashMap::from([(String::new(), 0)]),
        }
    }
}

impl Strings {
    fn id(&mut self, text: &str) -> i64 {
        if let Some(&id) = self.ids.get(text) {
            return id;
        }
        let id = self.by_id.len() as i64;
        self.by_id.push(text.to_owned());
        self.ids.insert(text.to_owned(), id);
        id
    }
}

#[derive(Clone, PartialEq, Message)]
struct Profile {
    #[prost(message, repeated, tag = "1")]
    sample_type: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    sample: Vec<WireSample>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
    #[prost(int64, tag = "9")]
    time_nanos: i64,
    #[prost(int64, tag = "10")]
    duration_nanos: i64,
    #[prost(message, optional, tag = "11")]
    period_type: Option<ValueType>,
    #[prost(int64, tag = "12")]
    period: i64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct ValueType {
    #[prost(int64, tag = "1")]
    kind: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

#[derive(Clone, PartialEq, Message)]
struct WireSample {
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<Line>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function_id: u64,
    #[prost(int64, tag = "2")]
    line: i64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
    #[prost(int64, tag = "3")]
    system_name: i64,
    #[prost(int64, tag = "4")]
    filename: i64,
    #[prost(int64, tag = "5")]
    start_line: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use pyrometer_model::UnixNanos;

    #[test]
    fn a_profile_names_its_functions_and_shares_locations() {
        let functions = [
            pyrometer_model::Function {
                name: "main".into(),
                file: "a.py".into(),
                line: 1,
            },
            pyrometer_model::Function {
                name: "Klasse.méthode".into(),
                file: "a.py".into(),
                line: 7,
            },
        ];
        let samples = [
            Sample {
                frames: vec![(1, 8), (0, 3)],
                values: vec![2, 20],
            },
            Sample {
                frames: vec![(0, 3), (9, 1)],
                values: vec![1, 10],
            },
        ];
        let span = Span::new(UnixNanos(5), UnixNanos(15));
        let bytes = write(
            &[ProfileType::Samples, ProfileType::Cpu],
            &functions,
            &samples,
            span,
            10_000_000,
        );
        let mut plain = Vec::new();
        GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).unwrap();
        let profile = Profile::decode(plain.as_slice()).unwrap();
        let text = |id: i64| profile.string_table[id as usize].as_str();
        assert_eq!(text(0), "");
        assert_eq!(text(profile.sample_type[1].kind), "cpu");
        assert_eq!(profile.sample[0].location_id, [1, 2]);
        assert_eq!(
            profile.sample[1].location_id,
            [2],
            "a frame of an unknown function is left out"
        );
        assert_eq!(text(profile.function[1].name), "Klasse.méthode");
        assert_eq!(profile.location[0].line[0].function_id, profile.function[1].id);
        assert_eq!((profile.time_nanos, profile.duration_nanos), (5, 10));
    }
}
