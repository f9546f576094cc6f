//! Decodes the line table of a code object, in any of three formats, into (code unit -> line).
//!
//! # Where this sits
//! Works on bytes that [`crate::code`] copied. Once per code object, never per sample.
//!
//! # Contract
//! The bytes are input: a truncated or malformed table gives the entries before the fault, and no
//! entry lies beyond the bytecode. The work is linear in the table.
//!
//! # Sources
//! CPython `Objects/locations.md` (3.11 to 3.15), `Objects/lnotab_notes.txt` (3.10, 3.9).

use crate::layout::LineFormat;

/// Lines of one code object. Sorted, one entry per run of code units on one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineTable {
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    /// First code unit of the run.
    start: u32,
    /// Zero where the unit belongs to no line.
    line: u32,
}

/// Kinds of location entries, the middle four bits of an entry's first byte.
mod code {
    pub(super) const SHORT_LAST: u8 = 9;
    pub(super) const ONE_LINE_FIRST: u8 = 10;
    pub(super) const ONE_LINE_LAST: u8 = 12;
    pub(super) const NO_COLUMNS: u8 = 13;
    pub(super) const LONG: u8 = 14;
}

impl LineTable {
    /// Decodes a table. `units` is the length of the bytecode in code units (2 bytes each).
    #[must_use]
    pub(crate) fn decode(format: LineFormat, table: &[u8], first_line: u32, units: u32) -> Self {
        let mut lines = Self::default();
        match format {
            LineFormat::Locations => lines.decode_locations(table, first_line, units),
            LineFormat::Pairs => lines.decode_pairs(table, first_line, units),
            LineFormat::Lnotab => lines.decode_lnotab(table, first_line, units),
        }
        lines.entries.shrink_to_fit();
        lines
    }

    /// 3.11 and later.
    fn decode_locations(&mut self, table: &[u8], first_line: u32, units: u32) {
        let mut bytes = table.iter().copied();
        let mut line = i64::from(first_line);
        let mut start = 0_u32;
        while start < units
            && let Some(head) = bytes.next()
        {
            let Some(delta) = delta(head, &mut bytes) else {
                break;
            };
            line = line.saturating_add(delta.unwrap_or(0));
            self.push(start, delta.map(|_| line));
            start = start.saturating_add(u32::from(head & 7) + 1);
        }
    }

    /// 3.10: pairs of a length in bytes and what to add to the line for it, -128 for no line.
    fn decode_pairs(&mut self, table: &[u8], first_line: u32, units: u32) {
        let mut line = i64::from(first_line);
        let mut start = 0_u32;
        for &[length, delta] in table.as_chunks::<2>().0 {
            let delta = delta.cast_signed();
            if delta != i8::MIN {
                line = line.saturating_add(i64::from(delta));
            }
            if start / 2 >= units {
                break;
            }
            if length != 0 {
                self.push(start / 2, (delta != i8::MIN).then_some(line));
            }
            start = start.saturating_add(u32::from(length));
        }
    }

    /// 3.9: pairs of a distance in bytes and what to add to the line from there on.
    fn decode_lnotab(&mut self, table: &[u8], first_line: u32, units: u32) {
        let mut line = i64::from(first_line);
        let mut start = 0_u32;
        for &[distance, delta] in table.as_chunks::<2>().0 {
            if start / 2 >= units {
                return;
            }
            if distance != 0 {
                self.push(start / 2, Some(line));
                start = start.saturating_add(u32::from(distance));
            }
            line = line.saturating_add(i64::from(delta.cast_signed()));
        }
        if start / 2 < units {
            self.push(start / 2, Some(line));
        }
    }

    /// Begins a run, unless it goes on with the line of the last.
    fn push(&mut self, start: u32, line: Option<i64>) {
        let line = line.and_then(|line| u32::try_from(line).ok()).unwrap_or(0);
        match self.entries.last_mut() {
            Some(last) if last.start == start => last.line = line,
            Some(last) if last.line == line => {}
            _ => self.entries.push(Entry { start, line }),
        }
    }

    /// The line of a code unit, `None` where it belongs to none. Logarithmic.
    #[must_use]
    pub fn line_at(&self, unit: u32) -> Option<u32> {
        let after = self.entries.partition_point(|entry| entry.start <= unit);
        let entry = self.entries.get(after.checked_sub(1)?)?;
        (entry.line != 0).then_some(entry.line)
    }

    /// Bytes of memory that the table takes.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.entries.len() * size_of::<Entry>()
    }

    /// The runs of code units, in order: first unit and line.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Option<u32>)> + '_ {
        self.entries
            .iter()
            .map(|entry| (entry.start, (entry.line != 0).then_some(entry.line)))
    }
}

/// Reads the rest of one entry. The outer `None` means truncated; the inner, that it has no line.
fn delta(head: u8, bytes: &mut impl Iterator<Item = u8>) -> Option<Option<i64>> {
    let kind = (head >> 3) & 15;
    Some(match kind {
        0..=code::SHORT_LAST => {
            bytes.next()?;
            Some(0)
        }
        code::ONE_LINE_FIRST..=code::ONE_LINE_LAST => {
            bytes.next()?;
            bytes.next()?;
            Some(i64::from(kind - code::ONE_LINE_FIRST))
        }
        code::NO_COLUMNS => Some(signed(bytes)?),
        code::LONG => {
            let delta = signed(bytes)?;
            for _ in ["end line", "column", "end column"] {
                unsigned(bytes)?;
            }
            Some(delta)
        }
        _ => None,
    })
}

/// Six bits per byte, lowest first; bit 6 says that more follow.
fn unsigned(bytes: &mut impl Iterator<Item = u8>) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..60).step_by(6) {
        let byte = bytes.next()?;
        value |= u64::from(byte & 63) << shift;
        if byte & 64 == 0 {
            return Some(value);
        }
    }
    None
}

fn signed(bytes: &mut impl Iterator<Item = u8>) -> Option<i64> {
    let value = unsigned(bytes)?;
    let magnitude = (value >> 1).cast_signed();
    Some(if value & 1 == 0 { magnitude } else { -magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(table: &[u8], units: u32, expect: &[(u32, Option<u32>)]) {
        let decoded = LineTable::decode(LineFormat::Locations, table, 10, units);
        assert_eq!(decoded.iter().collect::<Vec<_>>(), expect);
    }

    #[test]
    fn every_kind_of_entry_is_read() {
        let short = [0x80, 0];
        let next_line = [0x80 | 11 << 3 | 1, 0, 0];
        let back_two = [0x80 | 13 << 3, 0b101];
        let far = [0x80 | 14 << 3, 0b100_0000, 1, 0, 0, 0];
        let none = [0x80 | 15 << 3 | 7];
        check(&short, 1, &[(0, Some(10))]);
        check(
            &[&short[..], &next_line].concat(),
            3,
            &[(0, Some(10)), (1, Some(11))],
        );
        check(&[&back_two[..], &far].concat(), 2, &[(0, Some(8)), (1, Some(40))]);
        check(&[&none[..], &short].concat(), 9, &[(0, None), (8, Some(10))]);
    }

    #[test]
    fn lines_are_looked_up_by_unit() {
        let table = LineTable::decode(LineFormat::Locations, &[0x80 | 3, 0, 0x80 | 11 << 3, 0, 0], 5, 5);
        let lines: Vec<_> = (0..6).map(|unit| table.line_at(unit)).collect();
        assert_eq!(lines, [Some(5), Some(5), Some(5), Some(5), Some(6), Some(6)]);
        assert_eq!(LineTable::default().line_at(0), None);
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_sorted_table_within_the_bytecode(
            table in proptest::collection::vec(any::<u8>(), 0..400), first in any::<u32>(), units in 0_u32..500,
        ) {
            for format in [LineFormat::Locations, LineFormat::Pairs, LineFormat::Lnotab] {
                let decoded = LineTable::decode(format, &table, first, units);
                let starts: Vec<_> = decoded.iter().map(|(start, _)| start).collect();
                prop_assert!(starts.is_sorted_by(|a, b| a < b), "{format:?}");
                prop_assert!(starts.iter().all(|start| *start < units), "{format:?}");
                prop_assert!(starts.len() <= table.len() + 1, "{format:?}");
            }
        }
    }
}
