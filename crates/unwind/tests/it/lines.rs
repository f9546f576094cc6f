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
        let mut fingerprints = Vec::new();
        let asked: Vec<_> = addresses
            .iter()
            .map(|(address, _)| *address)
            .chain([Address(8)])
            .collect();
        target.fingerprint(&asked, &mut fingerprints);
        let expect: Vec<_> = addresses
            .iter()
            .map(|(_, seen)| Some(*seen))
            .chain([None])
            .collect();
        assert_eq!(fingerprints, expect, "{version}: fingerprints");
        assert_eq!(target.code(Address(8)), Err(CodeError::Read(ReadError::Unmapped)));
        // A str is not a code object.
        let not_code = Address(asked[0].0 + 16);
        assert_eq!(target.code(not_code), Err(CodeError::NotCode));
    });
}
