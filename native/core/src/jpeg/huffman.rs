//! Huffman tables (T.81, annexes C and F.2.2.3), made to read a symbol, to skip several at once,
//! and to write.

use super::bits::Reader;
use crate::Declined;

const FAST: u32 = 9;
const SKIP: u32 = Leap::WIDTH;
const MAX_LENGTH: usize = 16;

/// A table's class, true for AC, and its destination.
pub type TableId = (bool, usize);

/// A table as a DHT segment defines it, and what is looked up in it.
#[derive(Clone, Debug)]
pub struct Table {
    counts: [u8; MAX_LENGTH],
    symbols: Vec<u8>,
    /// By the next 9 bits: symbol and length of the code, 0 if it is longer.
    fast: Vec<(u8, u8)>,
    /// By length: the first longer code, aligned to 16 bits.
    beyond: [u32; MAX_LENGTH + 1],
    /// By length: the difference between a code and its symbol's position.
    offset: [i32; MAX_LENGTH + 1],
    /// By symbol: the code and its length, 0 if the table lacks it.
    codes: Vec<(u16, u8)>,
}

/// The AC coefficients of one block that are complete in the next 12 bits.
#[derive(Clone, Copy, Default, Debug)]
pub struct Leap {
    /// Bits of codes and additional bits; 0 if not even the first fits.
    pub bits: u8,
    /// How many coefficients they are, with runs of zeros.
    pub coefficients: u8,
    /// 1 if EOB follows.
    pub is_eob: u8,
}

impl Leap {
    /// A larger table would fall out of the fastest cache.
    pub const WIDTH: u32 = 12;
}

/// A leap for each of the next 12 bits.
pub type Leaps = [Leap; 1 << Leap::WIDTH];

/// A leap, and how its symbols are written with another table.
#[derive(Clone, Copy, Default, Debug)]
pub struct Recoded {
    pub leap: Leap,
    /// The bits to write, `length` of them.
    pub bits: u32,
    pub length: u8,
}

/// One for each of the next 12 bits.
pub type Recodes = [Recoded; 1 << Leap::WIDTH];

impl Table {
    /// `counts` by length from 1 to 16, `symbols` in the order of their codes.
    pub fn new(counts: &[u8], symbols: &[u8]) -> Option<Self> {
        let counts: [u8; MAX_LENGTH] = counts.try_into().ok()?;
        let mut table = Self {
            counts,
            symbols: symbols.to_vec(),
            fast: vec![(0, 0); 1 << FAST],
            beyond: [0; MAX_LENGTH + 1],
            offset: [0; MAX_LENGTH + 1],
            codes: vec![(0, 0); 256],
        };
        let (mut code, mut place) = (0u32, 0usize);
        for length in 1..=MAX_LENGTH {
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
            table.beyond[length] = code << (MAX_LENGTH - length);
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
        for length in from..=MAX_LENGTH {
            if bits < self.beyond[length] {
                let place = (bits >> (MAX_LENGTH - length)) as i32 + self.offset[length];
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

    /// For all values of the next 12 bits.
    pub fn leaps(&self) -> Box<Leaps> {
        Box::new(std::array::from_fn(|bits| self.leap(bits as u32, |_, _, _| true)))
    }

    /// The same, with how the symbols are written with `other`.
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

    /// The symbols that are complete in `bits`. Each is passed to `take` with its additional bits
    /// and their number, until that returns false.
    fn leap(&self, bits: u32, mut take: impl FnMut(u8, u32, u32) -> bool) -> Leap {
        let mut leap = Leap::default();
        let mut used = 0;
        while let Some((symbol, length)) = self.first(bits << used & ((1 << SKIP) - 1)) {
            let (run, size) = (symbol >> 4, u32::from(symbol & 15));
            let is_eob = symbol == 0;
            used += length + size;
            let is_whole = used <= SKIP && (is_eob || leap.coefficients + run < 63);
            if !is_whole || (size == 0 && run < 15 && !is_eob) {
                break;
            }
            let value = bits >> (SKIP - used) & ((1 << size) - 1);
            if !take(symbol, value, size) {
                break;
            }
            leap.bits = used as u8;
            if is_eob {
                leap.is_eob = 1;
                break;
            }
            leap.coefficients += run + 1;
        }
        leap
    }

    /// The symbol whose code 12 bits begin with, and the code's length, if it is complete.
    fn first(&self, bits: u32) -> Option<(u8, u32)> {
        match self.fast[(bits >> (SKIP - FAST)) as usize] {
            (_, 0) => self.find(bits << (MAX_LENGTH as u32 - SKIP), FAST as usize + 1).ok(),
            (symbol, length) => Some((symbol, u32::from(length))),
        }
    }

    /// The same table with codes for `missing` symbols behind all others. All other codes stay;
    /// nothing if the unused codes leave no room.
    pub fn extended(&self, missing: &[u8]) -> Option<Self> {
        let mut symbols = self.symbols.clone();
        symbols.extend_from_slice(missing);
        let used = self.counts.iter().rposition(|&count| count > 0).map_or(1, |last| last + 1);
        for length in used..=MAX_LENGTH {
            let mut counts = self.counts;
            let count = usize::from(counts[length - 1]) + missing.len();
            counts[length - 1] = u8::try_from(count).ok()?;
            let taken: u64 = (1u64..).zip(counts).map(|(at, n)| u64::from(n) << (16 - at)).sum();
            // The code of all ones stays unused (C.2).
            if taken < 1 << MAX_LENGTH && taken + (1 << (MAX_LENGTH - length)) <= 1 << MAX_LENGTH {
                return Self::new(&counts, &symbols);
            }
        }
        None
    }

    /// The same table with codes for `missing` symbols where there is no room left: other codes
    /// become longer, those of rare symbols first.
    pub fn lengthened(&self, missing: &[u8]) -> Option<Self> {
        // A code of n bits was made for what occurs once in 2^n symbols.
        let known = self.symbols.iter().map(|&symbol| {
            (4u64 << (MAX_LENGTH - usize::from(self.codes[usize::from(symbol)].1)), symbol)
        });
        let frequencies: Vec<(u64, u8)> =
            known.chain(missing.iter().map(|&symbol| (1, symbol))).collect();
        let (counts, symbols) = code_lengths(&frequencies);
        Self::new(&counts, &symbols)
    }

    /// Counts and symbols, as in a DHT segment.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.counts);
        bytes.extend_from_slice(&self.symbols);
    }
}

/// The category SSSS of a difference or coefficient: how many additional bits it has (F.1.2.1.1).
#[inline(always)]
pub fn category(value: i32) -> u32 {
    32 - value.unsigned_abs().leading_zeros()
}

/// The additional bits: of a negative value those of `value - 1` (F.1.2.1.1).
#[inline(always)]
pub fn magnitude_bits(value: i32, size: u32) -> u32 {
    (value + (value >> 31)) as u32 & ((1 << size) - 1)
}

/// EXTEND: the value of `size` additional bits (F.2.2.1).
#[inline(always)]
pub fn extend(bits: u32, size: u32) -> i32 {
    if size == 0 {
        return 0;
    }
    let half = 1 << (size - 1);
    if bits < half { bits as i32 - (1 << size) + 1 } else { bits as i32 }
}

/// The best table for symbols of these frequencies: counts by length, and symbols by rising
/// length. The code of all ones stays unused (C.2).
fn code_lengths(frequencies: &[(u64, u8)]) -> ([u8; MAX_LENGTH], Vec<u8>) {
    let unused = 256;
    let mut leaves: Vec<(u64, usize)> =
        frequencies.iter().map(|&(count, symbol)| (count, usize::from(symbol))).collect();
    leaves.push((0, unused));
    leaves.sort_by_key(|&(count, symbol)| (count, std::cmp::Reverse(symbol)));
    let lengths = crate::lengths::limited(&leaves, MAX_LENGTH);
    let mut coded: Vec<(usize, usize)> =
        lengths.into_iter().zip(leaves).map(|(length, (_, symbol))| (length, symbol)).collect();
    // Among the longest codes the unused symbol sorts last: its code is all ones.
    coded.sort_unstable();
    coded.retain(|&(_, symbol)| symbol != unused);
    let mut counts = [0u8; MAX_LENGTH];
    for &(length, _) in &coded {
        counts[length - 1] += 1;
    }
    (counts, coded.iter().map(|&(_, symbol)| symbol as u8).collect())
}

#[cfg(test)]
mod tests;
