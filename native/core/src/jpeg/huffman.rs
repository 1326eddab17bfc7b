//! Huffman tables (T.81, annexes C and F.2.2.3), made for three ways of use: to read a symbol,
//! to pass over several at once, and to write.

use super::bits::Reader;
use crate::Declined;

const FAST: u32 = 9;
const SKIP: u32 = Leap::WIDTH;
const LONGEST: usize = 16;

/// A Huffman table: whether it is an AC table, and its number.
pub type TableId = (bool, usize);

/// A table as it stands in the file, and what is looked up in it.
#[derive(Clone, Debug)]
pub struct Table {
    counts: [u8; LONGEST],
    symbols: Vec<u8>,
    /// By the next 9 bits: symbol and length of the code, 0 if it is longer.
    fast: Vec<(u8, u8)>,
    /// By length: the first code beyond, aligned to 16 bits.
    beyond: [u32; LONGEST + 1],
    /// By length: what turns a code into the position of its symbol.
    offset: [i32; LONGEST + 1],
    /// By symbol: the code and its length, 0 if the table lacks it.
    codes: Vec<(u16, u8)>,
}

/// Several coefficients of one block that the next 12 bits tell whole.
#[derive(Clone, Copy, Default, Debug)]
pub struct Leap {
    /// Bits of codes and values; 0 if not even the first fits.
    pub bits: u8,
    /// Places in the block that they take.
    pub places: u8,
    /// 1 if the last code ends the block.
    pub is_end: u8,
}

impl Leap {
    /// How many bits are looked at. More would fall out of the fastest cache.
    pub const WIDTH: u32 = 12;
}

/// A leap for each of the next 12 bits.
pub type Leaps = [Leap; 1 << Leap::WIDTH];

/// A leap, and how what it passes over is written with another table.
#[derive(Clone, Copy, Default, Debug)]
pub struct Recoded {
    pub leap: Leap,
    /// The bits to be written and how many they are.
    pub length: u8,
    pub bits: u32,
}

/// One for each of the next 12 bits.
pub type Recodes = [Recoded; 1 << Leap::WIDTH];

impl Table {
    /// `counts` by length from 1 to 16, `symbols` in the order of their codes.
    pub fn new(counts: &[u8], symbols: &[u8]) -> Option<Self> {
        let counts: [u8; LONGEST] = counts.try_into().ok()?;
        let mut table = Self {
            counts,
            symbols: symbols.to_vec(),
            fast: vec![(0, 0); 1 << FAST],
            beyond: [0; LONGEST + 1],
            offset: [0; LONGEST + 1],
            codes: vec![(0, 0); 256],
        };
        let (mut code, mut place) = (0u32, 0usize);
        for length in 1..=LONGEST {
            let count = usize::from(counts[length - 1]);
            table.offset[length] = place as i32 - code as i32;
            for &symbol in symbols.get(place..place + count)? {
                if code + 1 >= 1 << length || table.codes[usize::from(symbol)].1 != 0 {
                    return None; // more codes than fit, the one of all ones (C.2), or a symbol twice
                }
                table.codes[usize::from(symbol)] = (code as u16, length as u8);
                if length as u32 <= FAST {
                    let shift = FAST - length as u32;
                    let (from, to) = ((code << shift) as usize, ((code + 1) << shift) as usize);
                    table.fast[from..to].fill((symbol, length as u8));
                }
                code += 1;
                place += 1;
            }
            table.beyond[length] = code << (LONGEST - length);
            code <<= 1;
        }
        (place == symbols.len()).then_some(table)
    }

    /// Reads one symbol, at most 16 bits. Wants a refill before.
    #[inline(always)]
    pub fn read(&self, reader: &mut Reader) -> Result<u8, Declined> {
        let (symbol, length) = self.fast[reader.peek(FAST) as usize];
        if length > 0 {
            reader.skip(u32::from(length));
            return Ok(symbol);
        }
        let (symbol, length) = self.find(reader.peek(16), FAST as usize + 1)?;
        reader.skip(length);
        Ok(symbol)
    }

    /// The symbol whose code 16 bits begin with, and its length.
    fn find(&self, bits: u32, from: usize) -> Result<(u8, u32), Declined> {
        for length in from..=LONGEST {
            if bits < self.beyond[length] {
                let place = (bits >> (LONGEST - length)) as i32 + self.offset[length];
                let symbol = usize::try_from(place).ok().and_then(|place| self.symbols.get(place));
                return symbol.map(|&symbol| (symbol, length as u32)).ok_or(Declined::Damaged);
            }
        }
        Err(Declined::Damaged)
    }

    /// The code of a symbol and its length.
    #[inline(always)]
    pub fn code(&self, symbol: u8) -> Option<(u16, u8)> {
        let code = self.codes[usize::from(symbol)];
        (code.1 > 0).then_some(code)
    }

    /// For each of the next 12 bits: the coefficients behind DC that they tell whole.
    pub fn leaps(&self) -> Box<Leaps> {
        Box::new(std::array::from_fn(|bits| self.leap(bits as u32, |_, _, _| true)))
    }

    /// The same, with how they are written with `other`.
    pub fn recodes(&self, other: &Self) -> Box<Recodes> {
        Box::new(std::array::from_fn(|bits| {
            let mut recoded = Recoded::default();
            recoded.leap = self.leap(bits as u32, |symbol, value, size| {
                let Some((code, length)) = other.code(symbol) else { return false };
                let added = u32::from(length) + size;
                let has_room = u32::from(recoded.length) + added < u32::BITS;
                if has_room {
                    recoded.length += added as u8;
                    recoded.bits = recoded.bits << added | u32::from(code) << size | value;
                }
                has_room
            });
            recoded
        }))
    }

    /// The symbols that `bits` tell whole, with their values; each is shown to `take`, with its
    /// value and that one's size, until this says no.
    fn leap(&self, bits: u32, mut take: impl FnMut(u8, u32, u32) -> bool) -> Leap {
        let mut leap = Leap::default();
        let mut used = 0;
        while let Some((symbol, length)) = self.first(bits << used & ((1 << SKIP) - 1)) {
            let (run, size) = (symbol >> 4, u32::from(symbol & 15));
            let is_end = symbol == 0;
            used += length + size;
            let is_whole = used <= SKIP && (is_end || leap.places + run < 63);
            if !is_whole || (size == 0 && run < 15 && !is_end) {
                break;
            }
            let value = bits >> (SKIP - used) & ((1 << size) - 1);
            if !take(symbol, value, size) {
                break;
            }
            leap.bits = used as u8;
            if is_end {
                leap.is_end = 1;
                break;
            }
            leap.places += run + 1;
        }
        leap
    }

    /// The symbol that 12 bits begin with, and its length, if they tell it whole.
    fn first(&self, bits: u32) -> Option<(u8, u32)> {
        match self.fast[(bits >> (SKIP - FAST)) as usize] {
            (_, 0) => self.find(bits << (LONGEST as u32 - SKIP), FAST as usize + 1).ok(),
            (symbol, length) => Some((symbol, u32::from(length))),
        }
    }

    /// The same table with codes for `missing` symbols behind all others, where the unused
    /// codes leave room: every code that was there stays.
    pub fn extended(&self, missing: &[u8]) -> Option<Self> {
        let mut symbols = self.symbols.clone();
        symbols.extend_from_slice(missing);
        let used = self.counts.iter().rposition(|&count| count > 0).map_or(1, |last| last + 1);
        for length in used..=LONGEST {
            let mut counts = self.counts;
            let count = usize::from(counts[length - 1]) + missing.len();
            counts[length - 1] = u8::try_from(count).ok()?;
            let taken: u64 = (1u64..).zip(counts).map(|(at, n)| u64::from(n) << (16 - at)).sum();
            // The code of all ones stays unused (C.2).
            if taken < 1 << LONGEST && taken + (1 << (LONGEST - length)) <= 1 << LONGEST {
                return Self::new(&counts, &symbols);
            }
        }
        None
    }

    /// A table with codes for `missing` symbols too, where there is no room left: codes become
    /// longer, those of rare symbols first.
    pub fn roomier(&self, missing: &[u8]) -> Option<Self> {
        // A code of n bits was made for what occurs once in 2^n symbols.
        let known = self.symbols.iter().map(|&symbol| {
            (4u64 << (LONGEST - usize::from(self.codes[usize::from(symbol)].1)), symbol)
        });
        let frequencies: Vec<(u64, u8)> =
            known.chain(missing.iter().map(|&symbol| (1, symbol))).collect();
        let (counts, symbols) = code_lengths(&frequencies);
        Self::new(&counts, &symbols)
    }

    /// Counts and symbols as a DHT segment holds them.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.counts);
        bytes.extend_from_slice(&self.symbols);
    }
}

/// How many bits a difference or coefficient takes behind its code (F.1.2.1.1).
#[inline(always)]
pub fn size_of(value: i32) -> u32 {
    32 - value.unsigned_abs().leading_zeros()
}

/// The bits of a value: its own, of a negative one those of `value - 1` (F.1.2.1.1).
#[inline(always)]
pub fn bits_of(value: i32, size: u32) -> u32 {
    (value + (value >> 31)) as u32 & ((1 << size) - 1)
}

/// The value that `size` bits tell (F.2.2.1, EXTEND).
#[inline(always)]
pub fn value_of(bits: u32, size: u32) -> i32 {
    if size == 0 {
        return 0;
    }
    let half = 1 << (size - 1);
    if bits < half { bits as i32 - (1 << size) + 1 } else { bits as i32 }
}

/// Counts by length and symbols by rising length, the best for symbols that occur so often. One
/// code more, of all ones, stays unused.
fn code_lengths(frequencies: &[(u64, u8)]) -> ([u8; LONGEST], Vec<u8>) {
    let unused = 256;
    let mut leaves: Vec<(u64, usize)> =
        frequencies.iter().map(|&(count, symbol)| (count, usize::from(symbol))).collect();
    leaves.push((0, unused));
    leaves.sort_by_key(|&(count, symbol)| (count, std::cmp::Reverse(symbol)));
    let lengths = crate::lengths::limited(&leaves, LONGEST);
    let mut coded: Vec<(usize, usize)> =
        lengths.into_iter().zip(leaves).map(|(length, (_, symbol))| (length, symbol)).collect();
    // Among the longest codes the unused symbol sorts last: its code is all ones.
    coded.sort_unstable();
    coded.retain(|&(_, symbol)| symbol != unused);
    let mut counts = [0u8; LONGEST];
    for &(length, _) in &coded {
        counts[length - 1] += 1;
    }
    (counts, coded.iter().map(|&(_, symbol)| symbol as u8).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes of 2 to 16 bits, with a little room behind them.
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
        let roomier = full.roomier(&[100, 101]).unwrap();
        let codes: Vec<_> = (0..=255).filter_map(|symbol| roomier.code(symbol)).collect();
        assert_eq!(codes.len(), 18);
        assert!(codes.iter().all(|&(code, length)| u32::from(code) < (1 << length) - 1));
        assert_eq!(roomier.code(0), full.code(0)); // the frequent ones stay short
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
    fn values_are_told_as_they_are_read() {
        for value in -2000..=2000 {
            let size = size_of(value);
            assert_eq!(value_of(bits_of(value, size), size), value);
        }
    }

    #[test]
    fn a_leap_is_its_symbols_one_by_one() {
        let table = table();
        for (at, leap) in table.leaps().iter().enumerate() {
            let (mut used, mut places, mut is_end) = (0, 0, false);
            while used < u32::from(leap.bits) {
                let rest = (at as u32) << used & ((1 << Leap::WIDTH) - 1);
                let (symbol, length) = table.find(rest << 4, 1).unwrap();
                used += length + u32::from(symbol & 15);
                is_end = symbol == 0;
                places += if is_end { 0 } else { (symbol >> 4) + 1 };
            }
            assert_eq!((used, places), (u32::from(leap.bits), leap.places), "{at:012b}");
            assert_eq!(u8::from(is_end), leap.is_end);
        }
    }
}
