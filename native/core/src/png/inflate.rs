//! Inflates deflate streams (RFC 1951) and tells where their blocks end, which no library does
//! without unsafe code.

use std::ops::Range;
use std::rc::Rc;

use super::bits::{DYNAMIC, FIXED, ORDER, Reader, STORED};
use crate::Declined;

/// Base length and extra bits of the symbols from 257 on (3.2.5).
const LENGTHS: [(u16, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];
/// Base distance and extra bits.
const DISTANCES: [(u16, u8); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12289, 12),
    (16385, 13),
    (24577, 13),
];
const END: u16 = 256;
const LONGEST: usize = 15;
const FAST: u32 = 11;

/// What a byte can inflate to at most: 258 for two bits.
const MOST_A_BYTE: usize = 1032;
/// Room for the block that goes beyond what is wanted.
const SLACK: usize = 1 << 17;

/// A place where a stream can be taken up again.
#[derive(Clone, Debug, Default)]
pub struct End {
    /// The bits before it.
    pub bits: u64,
    /// The bytes that came out of them.
    pub bytes: usize,
    /// Inside a block: the bits of the block's header, which the rest of it needs.
    pub header: Range<u64>,
}

/// A stream that is inflated block by block, up to the first symbol behind what is wanted.
pub struct Inflate<'a> {
    data: &'a [u8],
    reader: Reader<'a>,
    /// What came out, all of it.
    pub out: Vec<u8>,
    most: usize,
    wanted: usize,
    is_done: bool,
    /// The tables of blocks that have none of their own, once one was met.
    fixed: Option<Rc<Tables>>,
}

/// A block's tables: of literals and lengths, and of distances.
type Tables = (Table, Table);

impl<'a> Inflate<'a> {
    /// `data` begins with the first block's header; at most `most` bytes are given.
    pub fn new(data: &'a [u8], most: usize, wanted: usize) -> Self {
        let out = Vec::with_capacity(wanted.min(most).min(data.len() * MOST_A_BYTE) + SLACK);
        Self { data, reader: Reader::new(data, 0), out, most, wanted, is_done: false, fixed: None }
    }

    /// Whether the last block was read to its end.
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// The stream up to here and the checksum of four bytes behind it.
    pub fn whole(&self) -> Option<&'a [u8]> {
        self.data.get(..self.reader.position().div_ceil(8) as usize + 4)
    }

    /// Inflates the next block, or what is wanted of it; declined for memory is what goes beyond
    /// the most.
    pub fn block(&mut self) -> Result<End, Declined> {
        let start = self.reader.position();
        self.reader.refill();
        let is_last = self.reader.take(1) == 1;
        let tables = match self.reader.take(2) << 1 {
            STORED => {
                self.stored()?;
                return Ok(self.end(is_last, 0..0));
            }
            FIXED => self.fixed()?,
            DYNAMIC => Rc::new(self.tables()?),
            _ => return Err(Declined::Damaged),
        };
        let header = start..self.reader.position();
        let is_whole = self.coded(&tables.0, &tables.1)?;
        if self.reader.is_over() {
            return Err(Declined::Damaged);
        }
        Ok(if is_whole { self.end(is_last, 0..0) } else { self.end(false, header) })
    }

    fn end(&mut self, is_last: bool, header: Range<u64>) -> End {
        self.is_done = is_last;
        End { bits: self.reader.position(), bytes: self.out.len(), header }
    }

    fn fixed(&mut self) -> Result<Rc<Tables>, Declined> {
        if let Some(tables) = &self.fixed {
            return Ok(Rc::clone(tables));
        }
        let mut lengths = [8; 288];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        let tables = Rc::new((Table::new(&lengths)?, Table::new(&[5; 32])?));
        self.fixed = Some(Rc::clone(&tables));
        Ok(tables)
    }

    fn stored(&mut self) -> Result<(), Declined> {
        let head = self.reader.bytes(4).ok_or(Declined::Damaged)?;
        let length = u16::from_le_bytes([head[0], head[1]]);
        if length != !u16::from_le_bytes([head[2], head[3]]) {
            return Err(Declined::Damaged);
        }
        let bytes = self.reader.bytes(usize::from(length)).ok_or(Declined::Damaged)?;
        if self.out.len() + bytes.len() > self.most {
            return Err(Declined::Memory);
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// The tables of a block with its own (3.2.7).
    fn tables(&mut self) -> Result<(Table, Table), Declined> {
        self.reader.refill();
        let literals = self.reader.take(5) as usize + 257;
        let distances = self.reader.take(5) as usize + 1;
        let count = self.reader.take(4) as usize + 4;
        let mut lengths = [0; 19];
        for &place in &ORDER[..count] {
            self.reader.refill();
            lengths[place] = self.reader.take(3) as u8;
        }
        let table = Table::new(&lengths)?;
        if table.is_single {
            return Err(Declined::Damaged);
        }
        let mut lengths = Vec::with_capacity(320);
        while lengths.len() < literals + distances {
            self.reader.refill();
            let (value, times) = match table.read(&mut self.reader)? {
                16 => {
                    let before = *lengths.last().ok_or(Declined::Damaged)?;
                    (before, 3 + self.reader.take(2))
                }
                17 => (0, 3 + self.reader.take(3)),
                18 => (0, 11 + self.reader.take(7)),
                length => (length as u8, 1),
            };
            lengths.extend(std::iter::repeat_n(value, times as usize));
        }
        if lengths.len() > literals + distances || literals > 286 || distances > 30 {
            return Err(Declined::Damaged);
        }
        if lengths[usize::from(END)] == 0 {
            return Err(Declined::Damaged);
        }
        let (literals, distances) = lengths.split_at(literals);
        Ok((Table::new(literals)?, Table::new(distances)?))
    }

    /// Inflates a block's symbols. Tells whether to its end.
    fn coded(&mut self, literals: &Table, distances: &Table) -> Result<bool, Declined> {
        loop {
            // A literal takes at most 15 bits, so three of them need one refill.
            self.reader.refill();
            let mut symbol = literals.read(&mut self.reader)?;
            for _ in 0..2 {
                if symbol >= END {
                    break;
                }
                self.out.push(symbol as u8);
                symbol = literals.read(&mut self.reader)?;
            }
            if symbol < END {
                self.out.push(symbol as u8);
            } else if symbol == END {
                return Ok(true);
            } else {
                self.repeat(symbol, distances)?;
            }
            if self.out.len() > self.most {
                return Err(Declined::Memory);
            }
            if self.out.len() >= self.wanted || self.reader.is_over() {
                return Ok(false);
            }
        }
    }

    fn repeat(&mut self, symbol: u16, distances: &Table) -> Result<(), Declined> {
        let length = LENGTHS.get(usize::from(symbol - END - 1));
        let &(length, extra) = length.ok_or(Declined::Damaged)?;
        self.reader.refill();
        let length = usize::from(length) + self.reader.take(extra.into()) as usize;
        let distance = DISTANCES.get(usize::from(distances.read(&mut self.reader)?));
        let &(distance, extra) = distance.ok_or(Declined::Damaged)?;
        let distance = usize::from(distance) + self.reader.take(extra.into()) as usize;
        let start = self.out.len().checked_sub(distance).ok_or(Declined::Damaged)?;
        if distance >= length {
            self.out.extend_from_within(start..start + length);
        } else {
            for at in start..start + length {
                self.out.push(self.out[at]);
            }
        }
        Ok(())
    }
}

/// A prefix code (3.2.2).
struct Table {
    /// By the next 11 bits: symbol and length of the code, 0 if it is longer or there is none.
    fast: Box<[(u16, u8); 1 << FAST]>,
    /// By length: how many codes there are, and the symbols in the order of their codes.
    counts: [u16; LONGEST + 1],
    symbols: Vec<u16>,
    /// Whether there is but one code, of one bit.
    is_single: bool,
}

impl Table {
    /// What zlib takes: a code is complete, or a single one of one bit, or none.
    fn new(lengths: &[u8]) -> Result<Self, Declined> {
        let mut counts = [0; LONGEST + 1];
        for &length in lengths {
            counts[usize::from(length)] += 1;
        }
        counts[0] = 0;
        let (mut codes, mut places) = ([0u32; LONGEST + 2], [0u16; LONGEST + 2]);
        for length in 1..=LONGEST {
            codes[length + 1] = (codes[length] + u32::from(counts[length])) << 1;
            places[length + 1] = places[length] + counts[length];
            if codes[length] + u32::from(counts[length]) > 1 << length {
                return Err(Declined::Damaged);
            }
        }
        let all = u32::from(places[LONGEST + 1]);
        let is_single = all == 1 && counts[1] == 1;
        let is_complete = codes[LONGEST] + u32::from(counts[LONGEST]) == 1 << LONGEST;
        if all > 0 && !is_complete && !is_single {
            return Err(Declined::Damaged);
        }
        let mut table = Self {
            is_single,
            fast: vec![(0, 0); 1 << FAST]
                .into_boxed_slice()
                .try_into()
                .map_err(|_| Declined::Damaged)?,
            counts,
            symbols: vec![0; usize::from(places[LONGEST + 1])],
        };
        for (symbol, &length) in (0u16..).zip(lengths) {
            let length = usize::from(length);
            if length == 0 {
                continue;
            }
            table.symbols[usize::from(places[length])] = symbol;
            places[length] += 1;
            let code = codes[length];
            codes[length] += 1;
            if length as u32 <= FAST {
                let first = (code.reverse_bits() >> (32 - length)) as usize;
                for at in (first..1 << FAST).step_by(1 << length) {
                    table.fast[at] = (symbol, length as u8);
                }
            }
        }
        Ok(table)
    }

    /// Reads one symbol, at most 15 bits. Wants a refill before.
    #[inline(always)]
    fn read(&self, reader: &mut Reader) -> Result<u16, Declined> {
        let (symbol, length) = self.fast[reader.peek(FAST) as usize];
        if length > 0 {
            reader.skip(u32::from(length));
            return Ok(symbol);
        }
        self.find(reader)
    }

    #[cold]
    #[inline(never)]
    fn find(&self, reader: &mut Reader) -> Result<u16, Declined> {
        let (mut bits, mut code, mut first, mut place) = (reader.peek(15), 0u32, 0u32, 0u32);
        for length in 1..=LONGEST {
            code |= bits & 1;
            bits >>= 1;
            let count = u32::from(self.counts[length]);
            if code < first + count {
                reader.skip(length as u32);
                let symbol = self.symbols.get((place + code - first) as usize);
                return symbol.copied().ok_or(Declined::Damaged);
            }
            place += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(Declined::Damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::super::bits::Writer;
    use super::*;
    use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

    /// Text-like: some of it repeated, some not.
    fn sample(size: usize) -> Vec<u8> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        let mut bytes: Vec<u8> = (0..300).map(|_| next() as u8).collect();
        while bytes.len() < size {
            let (start, length) = (next() as usize % bytes.len(), next() as usize % 40);
            bytes.extend_from_within(start..bytes.len().min(start + length));
            bytes.push(next() as u8);
        }
        bytes.truncate(size);
        bytes
    }

    fn deflated(bytes: &[u8], level: u32) -> Vec<u8> {
        let mut out = Vec::with_capacity(2 * bytes.len() + 1000);
        let mut encoder = Compress::new(Compression::new(level), false);
        encoder.compress_vec(bytes, &mut out, FlushCompress::Finish).unwrap();
        out
    }

    #[test]
    fn what_was_deflated_comes_out_again() {
        for (size, level) in [(0, 6), (1, 0), (500, 1), (200_000, 0), (200_000, 1), (200_000, 9)] {
            let (bytes, mut ends) = (sample(size), Vec::new());
            let stream = deflated(&bytes, level);
            let mut inflate = Inflate::new(&stream, size, usize::MAX);
            while !inflate.is_done() {
                ends.push(inflate.block().unwrap());
            }
            assert!(inflate.out == bytes, "{size} at level {level}");
            assert!(ends.is_sorted_by_key(|end| (end.bits, end.bytes)));
            assert!(ends.iter().all(|end| end.header.is_empty()));
        }
    }

    #[test]
    fn a_stream_is_taken_up_again_within_a_block() {
        let bytes = sample(100_000);
        let stream = deflated(&bytes, 9);
        for wanted in (40_000..60_000).step_by(997) {
            let mut inflate = Inflate::new(&stream, bytes.len(), wanted);
            let mut end = End::default();
            while inflate.out.len() < wanted {
                end = inflate.block().unwrap();
            }
            assert!(end.bytes < wanted + 300 || end.header.is_empty());
            let mut head = Writer::new(Vec::new());
            let stored = head.align();
            for piece in bytes[..end.bytes].chunks(60_000) {
                let length = piece.len() as u16;
                stored.push(0);
                stored.extend_from_slice(&length.to_le_bytes());
                stored.extend_from_slice(&(!length).to_le_bytes());
                stored.extend_from_slice(piece);
            }
            let whole = head.put_rest(&stream, end.bits, end.header);
            let mut out = Vec::with_capacity(bytes.len() + 1);
            let mut decoder = Decompress::new(false);
            decoder.decompress_vec(&whole, &mut out, FlushDecompress::Finish).unwrap();
            assert!(out == bytes, "{wanted}");
        }
    }

    #[test]
    fn too_much_and_nonsense_are_declined() {
        let stream = deflated(&sample(5000), 6);
        let mut inflate = Inflate::new(&stream, 4999, usize::MAX);
        assert_eq!(inflate.block().err(), Some(Declined::Memory));
        for nonsense in [&[7][..], &[3], &[5, 0xFF, 0xFF], &[1, 5, 0, 0, 0]] {
            assert_eq!(Inflate::new(nonsense, 99, 99).block().err(), Some(Declined::Damaged));
        }
    }
}
