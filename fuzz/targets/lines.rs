//! Tables of lines of code objects, in all formats: sorted, within the bytecode, whatever the bytes.
#![no_main]

use layout::LineFormat;
use libfuzzer_sys::fuzz_target;
use lines::LineTable;

mod layout {
    /// As in `crates/unwind/src/layout`, where it is private.
    #[derive(Clone, Copy)]
    pub(crate) enum LineFormat {
        Lnotab,
        Pairs,
        Locations,
    }
}
#[path = "../../crates/unwind/src/lines.rs"]
#[allow(dead_code, unreachable_pub)]
mod lines;

fuzz_target!(|data: (u8, u32, u16, Vec<u8>)| {
    let (format, first_line, units, table) = data;
    let format = match format % 3 {
        0 => LineFormat::Lnotab,
        1 => LineFormat::Pairs,
        _ => LineFormat::Locations,
    };
    let units = u32::from(units);
    let lines = LineTable::decode(format, &table, first_line, units);
    let mut before = None;
    for (start, line) in lines.iter() {
        assert!(start < units && before.is_none_or(|before| before < start));
        assert_eq!(lines.line_at(start), line);
        before = Some(start);
    }
    assert!(lines.memory_bytes() <= 8 * (table.len() + 1));
});
