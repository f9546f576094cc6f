//! `otlp`: `ProfilesData` of OpenTelemetry, `v1development` as of 1.11: one profile per type.
//!
//! The messages are written down here from the published schema. Element 0 of each table is the
//! zero value, as the format demands, and 0 means none.

use std::collections::HashMap;

use prost::Message;
use pyrometer_model::{ProfileType, StackId};

use crate::recording::{Recording, Values};

/// Writes all profile types of a recording, uncompressed.
#[must_use]
pub(crate) fn write(recording: &Recording) -> Vec<u8> {
    let mut dictionary = Dictionary::new(recording);
    let samples: Vec<(i32, &Values)> = recording
        .values
        .iter()
        .zip(0..)
        .filter(|(values, _)| **values != Values::default())
        .map(|(values, id)| (dictionary.stack(recording, StackId(id)), values))
        .collect();
    let types = recording.profile_types();
    let profiles = types.into_iter().zip(1_u64..).map(|(kind, number)| Profile {
        sample_type: Some(dictionary.value_type(kind)),
        samples: samples
            .iter()
            .filter(|(_, values)| values.of(kind) > 0)
            .map(|(stack, values)| Sample {
                stack_index: *stack,
                values: vec![i64::try_from(values.of(kind)).unwrap_or(i64::MAX)],
            })
            .collect(),
        time_unix_nano: recording.span.start.0,
        duration_nano: recording.span.nanos(),
        period_type: Some(dictionary.value_type(ProfileType::Wall)),
        period: i64::try_from(recording.period_ns).unwrap_or(i64::MAX),
        profile_id: profile_id(recording, number),
    });
    let profiles = profiles.collect();
    let service = Attribute {
        key: "service.name".to_owned(),
        value: Some(Text {
            text: recording.title.clone(),
        }),
    };
    let data = ProfilesData {
        resource_profiles: vec![ResourceProfiles {
            resource: Some(Resource {
                attributes: vec![service],
            }),
            scope_profiles: vec![ScopeProfiles {
                scope: Some(Scope {
                    name: "pyrometer".to_owned(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                }),
                profiles,
            }],
        }],
        dictionary: Some(dictionary.wire),
    };
    data.encode_to_vec()
}

/// 16 bytes that differ between recordings: when it began, and which of its profiles it is.
fn profile_id(recording: &Recording, number: u64) -> Vec<u8> {
    let mut id = recording.span.start.0.to_be_bytes().to_vec();
    id.extend((recording.span.end.0.rotate_left(32) ^ number).to_be_bytes());
    id
}

struct Dictionary {
    wire: WireDictionary,
    strings: HashMap<String, i32>,
    locations: HashMap<(u32, u32), i32>,
}

impl Dictionary {
    fn new(recording: &Recording) -> Self {
        let mut dictionary = Self {
            wire: WireDictionary {
                mapping_table: vec![Mapping {}],
                location_table: vec![Location::default()],
                function_table: vec![Function::default()],
                link_table: vec![Link {
                    trace_id: vec![0; 16],
                    span_id: vec![0; 8],
                }],
                string_table: vec![String::new()],
                attribute_table: vec![KeyValueAndUnit {}],
                stack_table: vec![Stack::default()],
            },
            strings: HashMap::from([(String::new(), 0)]),
            locations: HashMap::new(),
        };
        for function in recording.functions.as_slice() {
            let function = Function {
                name: dictionary.string(&function.name),
                filename: dictionary.string(&function.file),
                start_line: i64::from(function.line),
            };
            dictionary.wire.function_table.push(function);
        }
        dictionary
    }

    fn string(&mut self, text: &str) -> i32 {
        let next = self.wire.string_table.len() as i32;
        *self.strings.entry(text.to_owned()).or_insert_with(|| {
            self.wire.string_table.push(text.to_owned());
            next
        })
    }

    fn value_type(&mut self, kind: ProfileType) -> ValueType {
        let name = match kind {
            ProfileType::Cpu => "cpu",
            ProfileType::Wall => "wall",
            ProfileType::Wait => "wait",
            ProfileType::Samples => "samples",
        };
        ValueType {
            kind: self.string(name),
            unit: self.string(kind.unit()),
        }
    }

    fn stack(&mut self, recording: &Recording, stack: StackId) -> i32 {
        let frames: Vec<_> = recording.stacks.iter_leaf_to_root(stack).collect();
        let location_indices = frames.into_iter().map(|node| {
            let next = self.wire.location_table.len() as i32;
            *self
                .locations
                .entry((node.function.0, node.line))
                .or_insert_with(|| {
                    let line = Line {
                        function_index: node.function.0 as i32 + 1,
                        line: i64::from(node.line),
                    };
                    self.wire.location_table.push(Location { lines: vec![line] });
                    next
                })
        });
        let location_indices = location_indices.collect();
        self.wire.stack_table.push(Stack { location_indices });
        (self.wire.stack_table.len() - 1) as i32
    }
}

#[derive(Clone, PartialEq, Message)]
struct ProfilesData {
    #[prost(message, repeated, tag = "1")]
    resource_profiles: Vec<ResourceProfiles>,
    #[prost(message, optional, tag = "2")]
    dictionary: Option<WireDictionary>,
}

#[derive(Clone, PartialEq, Message)]
struct WireDictionary {
    #[prost(message, repeated, tag = "1")]
    mapping_table: Vec<Mapping>,
    #[prost(message, repeated, tag = "2")]
    location_table: Vec<Location>,
    #[prost(message, repeated, tag = "3")]
    function_table: Vec<Function>,
    #[prost(message, repeated, tag = "4")]
    link_table: Vec<Link>,
    #[prost(string, repeated, tag = "5")]
    string_table: Vec<String>,
    #[prost(message, repeated, tag = "6")]
    attribute_table: Vec<KeyValueAndUnit>,
    #[prost(message, repeated, tag = "7")]
    stack_table: Vec<Stack>,
}

/// Its zero value only.
#[derive(Clone, Copy, PartialEq, Message)]
struct Mapping {}

/// Its zero value only.
#[derive(Clone, Copy, PartialEq, Message)]
struct KeyValueAndUnit {}

#[derive(Clone, PartialEq, Message)]
struct Link {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(message, repeated, tag = "3")]
    lines: Vec<Line>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Line {
    #[prost(int32, tag = "1")]
    function_index: i32,
    #[prost(int64, tag = "2")]
    line: i64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Function {
    #[prost(int32, tag = "1")]
    name: i32,
    #[prost(int32, tag = "3")]
    filename: i32,
    #[prost(int64, tag = "4")]
    start_line: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Stack {
    #[prost(int32, repeated, tag = "1")]
    location_indices: Vec<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceProfiles {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_profiles: Vec<ScopeProfiles>,
}

#[derive(Clone, PartialEq, Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<Attribute>,
}

#[derive(Clone, PartialEq, Message)]
struct Attribute {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<Text>,
}

/// `AnyValue` that holds a string.
#[derive(Clone, PartialEq, Message)]
struct Text {
    #[prost(string, tag = "1")]
    text: String,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeProfiles {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    profiles: Vec<Profile>,
}

#[derive(Clone, PartialEq, Message)]
struct Scope {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    version: String,
}

#[derive(Clone, PartialEq, Message)]
struct Profile {
    #[prost(message, optional, tag = "1")]
    sample_type: Option<ValueType>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(fixed64, tag = "3")]
    time_unix_nano: u64,
    #[prost(uint64, tag = "4")]
    duration_nano: u64,
    #[prost(message, optional, tag = "5")]
    period_type: Option<ValueType>,
    #[prost(int64, tag = "6")]
    period: i64,
    #[prost(bytes = "vec", tag = "7")]
    profile_id: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct ValueType {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(int32, tag = "2")]
    unit: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(int32, tag = "1")]
    stack_index: i32,
    #[prost(int64, repeated, tag = "4")]
    values: Vec<i64>,
}
