//! Decoded lines equal `co_lines()` for every code unit of real modules.

use pyrometer_unwind::{Address, CodeError, ReadError};

use crate::each_release;

#[test]
fn decoded_lines_equal_co_lines() {
    each_release("tables.py", &[], |version, running, target| {
        let told = running.ready.as_array().unwrap();
        assert!(told.len() > 200, "{version}: {} code objects", told.len());
        let mut addresses = Vec::new();
        for object in told {
            let number = |value: &serde_json::Value| u32::try_from(value.as_u64().unwrap()).unwrap();
            let address = Address(object["address"].as_u64().unwrap());
            let code = target.code(address).unwrap();
            let name = object["name"].as_str().unwrap();
            assert_eq!(
                (code.name.as_str(), code.file.as_str()),
                (name, object["file"].as_str().unwrap())
            );
            assert_eq!(code.first_line, number(&object["first"]), "{version} {name}");
            for run in object["lines"].as_array().unwrap() {
                let line = Some(number(&run[2])).filter(|line| *line != 0);
                for unit in number(&run[0])..number(&run[1]) {
                    assert_eq!(code.lines.line_at(unit), line, "{version} {name} unit {unit}");
                }
            }
            addresses.push((address, code.fingerprint));
        }
        let mut same = Vec::new();
        // The fingerprint of one object is not that of another, nor of what is no object.
        let (first, second) = (addresses[0], addresses[1]);
        addresses.extend([(first.0, second.1), (Address(8), first.1)]);
        target.are_same(&addresses, &mut same);
        let (others, own) = (same.split_off(same.len() - 2), same);
        assert_eq!(others, [false, false], "{version}");
        assert!(own.iter().all(|same| *same), "{version}: fingerprints");
        assert_eq!(target.code(Address(8)), Err(CodeError::Read(ReadError::Unmapped)));
        // A str is not a code object.
        let not_code = Address(first.0.0 + 16);
        assert_eq!(target.code(not_code), Err(CodeError::NotCode));
    });
}
