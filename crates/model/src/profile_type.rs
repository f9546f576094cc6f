//! What is counted: profile types as Pyroscope and Parca write them, and the columns of a block.

use std::fmt;
use std::str::FromStr;

/// The full name of a kind of profile: `name:sample_type:sample_unit:period_type:period_unit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProfileType {
    /// CPU time of the thread since its previous sample, nanoseconds.
    Cpu,
    /// Wall time since the thread's previous sample, nanoseconds.
    Wall,
    /// Number of samples.
    Samples,
    /// Wall time that suspended asyncio tasks have waited, nanoseconds: tasks × time.
    Wait,
}

impl ProfileType {
    /// Every profile type, in the order in which a person is offered them.
    pub const ALL: [Self; 4] = [Self::Cpu, Self::Wall, Self::Wait, Self::Samples];

    /// The name on the wire and in queries.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Cpu => "process_cpu:cpu:nanoseconds:cpu:nanoseconds",
            Self::Wall => "wall:wall:nanoseconds:wall:nanoseconds",
            Self::Samples => "wall:samples:count:wall:nanoseconds",
            Self::Wait => "wall:wait:nanoseconds:wall:nanoseconds",
        }
    }

    /// The name for a person.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Cpu => "CPU time",
            Self::Wall => "Wall time",
            Self::Samples => "Samples",
            Self::Wait => "Waiting tasks",
        }
    }

    /// Unit of the values: `nanoseconds` or `count`.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Cpu | Self::Wall | Self::Wait => "nanoseconds",
            Self::Samples => "count",
        }
    }
}

impl fmt::Display for ProfileType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.id())
    }
}

/// The text is not a profile type that this version knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownProfileType(pub String);

impl fmt::Display for UnknownProfileType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "unknown profile type {:?}", self.0)
    }
}

impl std::error::Error for UnknownProfileType {}

impl FromStr for ProfileType {
    type Err = UnknownProfileType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.id() == text)
            .ok_or_else(|| UnknownProfileType(text.to_owned()))
    }
}

/// One column of values in a [`Block`](crate::Block).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// What the values are, once multiplied by the quantum.
    pub profile_type: ProfileType,
    /// Units of the profile type per stored count. Values travel and rest in quanta, so that they
    /// stay short; whoever produces them carries the remainder over to the next window.
    pub quantum: u64,
}

/// The recorder that made a block, which fixes its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProfileKind {
    /// The always-on sampler.
    Sampler,
    /// The always-on sampler's look at suspended tasks.
    Tasks,
}

/// Precision of stored sampler times: 100 µs, a hundredth of the default sampling period.
pub const SAMPLER_QUANTUM_NS: u64 = 100_000;

impl ProfileKind {
    /// The columns of a block of this kind, in order.
    #[must_use]
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Sampler => &[
                Column {
                    profile_type: ProfileType::Samples,
                    quantum: 1,
                },
                Column {
                    profile_type: ProfileType::Wall,
                    quantum: SAMPLER_QUANTUM_NS,
                },
                Column {
                    profile_type: ProfileType::Cpu,
                    quantum: SAMPLER_QUANTUM_NS,
                },
            ],
            Self::Tasks => &[Column {
                profile_type: ProfileType::Wait,
                quantum: SAMPLER_QUANTUM_NS,
            }],
        }
    }

    /// Number on the wire and on disk; never reused.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Sampler => 1,
            Self::Tasks => 2,
        }
    }

    /// The kind with this number, if this version knows it.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Sampler, Self::Tasks]
            .into_iter()
            .find(|kind| kind.code() == code)
    }

    /// Position of the column that holds `profile_type`, if this kind has it.
    #[must_use]
    pub fn column_of(self, profile_type: ProfileType) -> Option<usize> {
        self.columns()
            .iter()
            .position(|column| column.profile_type == profile_type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_strangers_are_refused() {
        for kind in ProfileType::ALL {
            assert_eq!(kind.id().parse(), Ok(kind));
            assert_eq!(kind.id().split(':').count(), 5);
        }
        assert!(
            "memory:alloc_space:bytes:space:bytes"
                .parse::<ProfileType>()
                .is_err()
        );
    }

    #[test]
    fn codes_round_trip() {
        for kind in [ProfileKind::Sampler, ProfileKind::Tasks] {
            assert_eq!(ProfileKind::from_code(kind.code()), Some(kind));
        }
        assert_eq!(ProfileKind::from_code(0), None);
        assert_eq!(ProfileKind::Sampler.column_of(ProfileType::Cpu), Some(2));
    }
}
