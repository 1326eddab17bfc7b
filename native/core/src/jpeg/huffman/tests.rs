//! Tests of the Huffman tables.

use super::*;

/// Codes of 2 to 16 bits, with room for a few more.
fn table() -> Table {
    let counts = [0, 2, 1, 2, 2, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 5];
    Table::new(&counts, &[1, 2, 3, 0, 4, 0x11, 5, 0x12, 0x21, 0x31, 0x41, 6, 0x13, 0x51, 0x61])
        .unwrap()
}

#[test]
fn what_is_added_changes_no_code_that_was_there() {
    let (old, new) = (table(), table().extended(&[0xF0, 7]).unwrap());
    for symbol in 0..=255u8 {
        if old.code(symbol).is_some() {
            assert_eq!(old.code(symbol), new.code(symbol));
        }
    }
    assert!(new.code(0xF0).is_some() && new.code(7).is_some() && new.code(8).is_none());
}

#[test]
fn a_full_table_gets_room_by_longer_codes() {
    let counts = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
    let full = Table::new(&counts, &std::array::from_fn::<u8, 16, _>(|at| at as u8)).unwrap();
    assert!(full.extended(&[100]).is_none());
    let lengthened = full.lengthened(&[100, 101]).unwrap();
    let codes: Vec<_> = (0..=255).filter_map(|symbol| lengthened.code(symbol)).collect();
    assert_eq!(codes.len(), 18);
    assert!(codes.iter().all(|&(code, length)| u32::from(code) < (1 << length) - 1));
    assert_eq!(lengthened.code(0), full.code(0)); // the frequent ones stay short
}

#[test]
fn what_is_no_code_is_no_table() {
    let counts = |length: usize, count| {
        let mut counts = [0; 16];
        counts[length - 1] = count;
        counts
    };
    assert!(Table::new(&counts(1, 1), &[5]).is_some());
    assert!(Table::new(&counts(1, 2), &[5, 6]).is_none()); // the code of all ones
    assert!(Table::new(&counts(2, 2), &[5, 5]).is_none());
    assert!(Table::new(&counts(2, 2), &[5]).is_none());
    assert!(Table::new(&counts(3, 9), &[0, 1, 2, 3, 4, 5, 6, 7, 8]).is_none());
}

#[test]
fn values_are_read_as_they_were_written() {
    for value in -2000..=2000 {
        let size = category(value);
        assert_eq!(extend(magnitude_bits(value, size), size), value);
    }
}

#[test]
fn a_leap_is_its_symbols_one_by_one() {
    let table = table();
    for (at, leap) in table.leaps().iter().enumerate() {
        let (mut used, mut coefficients, mut is_eob) = (0, 0, false);
        while used < u32::from(leap.bits) {
            let rest = (at as u32) << used & ((1 << Leap::WIDTH) - 1);
            let (symbol, length) = table.find(rest << 4, 1).unwrap();
            used += length + u32::from(symbol & 15);
            is_eob = symbol == 0;
            coefficients += if is_eob { 0 } else { (symbol >> 4) + 1 };
        }
        assert_eq!((used, coefficients), (u32::from(leap.bits), leap.coefficients), "{at:012b}");
        assert_eq!(u8::from(is_eob), leap.is_eob);
    }
}
