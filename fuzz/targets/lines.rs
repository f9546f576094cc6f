//! Location tables of code objects: sorted, within the bytecode, whatever the bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pyrometer_unwind::LineTable;

fuzz_target!(|data: (u32, u16, Vec<u8>)| {
    let (first_line, units, table) = data;
    let units = u32::from(units);
    let lines = LineTable::decode(&table, first_line, units);
    let mut before = None;
    for (start, line) in lines.iter() {
        assert!(start < units && before.is_none_or(|before| before < start));
        assert_eq!(lines.line_at(start), line);
        before = Some(start);
    }
    assert!(lines.memory_bytes() <= 8 * table.len());
});
