//! Bits of a deflate stream, the lowest of a byte first (RFC 1951, 3.1.1).

use std::ops::Range;

/// A block's first three bits: that it isn't the last one, and its kind (3.2.3).
pub const STORED: u32 = 0;
pub const FIXED: u32 = 1 << 1;
pub const DYNAMIC: u32 = 2 << 1;

/// The order in which the lengths of the lengths' codes are told (3.2.7).
pub const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Reads bits. Behind the end come zeros; `is_over` tells that more was read than there is.
#[derive(Clone)]
pub struct Reader<'a> {
    data: &'a [u8],
    at: usize,
    bits: u64,
    count: u32,
}

impl<'a> Reader<'a> {
    pub fn new(data: &'a [u8], position: u64) -> Self {
        let mut reader = Self { data, at: (position / 8) as usize, bits: 0, count: 0 };
        reader.refill();
        reader.skip((position % 8) as u32);
        reader
    }

    /// How many bits were read, those before the start counted too.
    pub fn position(&self) -> u64 {
        8 * self.at as u64 - u64::from(self.count)
    }

    /// Whether more bits were read than there are.
    pub fn is_over(&self) -> bool {
        self.position() > 8 * self.data.len() as u64
    }

    /// Makes at least 56 bits ready.
    #[inline(always)]
    pub fn refill(&mut self) {
        if let Some(bytes) = self.data.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) {
            self.bits |= u64::from_le_bytes(*bytes) << self.count;
            let taken = (63 - self.count) / 8;
            self.at += taken as usize;
            self.count += 8 * taken;
            // What is beyond the whole bytes that count is loaded again next time.
            self.bits &= u64::MAX >> (64 - self.count);
            return;
        }
        self.refill_slowly();
    }

    #[cold]
    #[inline(never)]
    fn refill_slowly(&mut self) {
        while self.count <= 55 {
            let byte = self.data.get(self.at).copied().unwrap_or(0);
            self.bits |= u64::from(byte) << self.count;
            self.at += 1;
            self.count += 8;
        }
    }

    /// The next `count` bits (0 to 32) without reading them. Wants a refill before.
    #[inline(always)]
    pub fn peek(&self, count: u32) -> u32 {
        (self.bits & ((1 << count) - 1)) as u32
    }

    /// Reads bits that were peeked at.
    #[inline(always)]
    pub fn skip(&mut self, count: u32) {
        self.bits >>= count;
        self.count -= count;
    }

    /// Reads `count` bits, 0 to 32. Wants a refill before.
    #[inline(always)]
    pub fn take(&mut self, count: u32) -> u32 {
        let bits = self.peek(count);
        self.skip(count);
        bits
    }

    /// Whole bytes, from the next one that begins on.
    pub fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let start = self.position().div_ceil(8) as usize;
        let bytes = self.data.get(start..start.checked_add(count)?)?;
        *self = Self::new(self.data, 8 * (start + count) as u64);
        Some(bytes)
    }
}

/// Writes bits behind whole bytes.
pub struct Writer {
    bytes: Vec<u8>,
    /// How many bits of the last byte are taken, 0 for all.
    used: u32,
}

impl Writer {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, used: 0 }
    }

    /// Writes the lowest `count` bits (0 to 32) of `bits`; above them must be zeros.
    pub fn put(&mut self, bits: u32, count: u32) {
        let mut bits = u64::from(bits) << self.used;
        if self.used > 0 {
            bits |= u64::from(self.bytes.pop().unwrap_or(0));
        }
        let total = self.used + count;
        self.bytes.extend(&bits.to_le_bytes()[..total.div_ceil(8) as usize]);
        self.used = total % 8;
    }

    /// Copies the first `bits` of a stream that begins where a byte does.
    pub fn put_first(&mut self, stream: &[u8], bits: u64) {
        let (whole, rest) = stream.split_at(stream.len().min((bits / 8) as usize));
        self.bytes.extend_from_slice(whole);
        let rest = u32::from(rest.first().copied().unwrap_or(0));
        self.put(rest & ((1 << (bits % 8)) - 1), (bits % 8) as u32);
    }

    /// Ends the last byte with an empty stored block, if it isn't whole.
    pub fn align(&mut self) -> &mut Vec<u8> {
        if self.used > 0 {
            self.put(STORED, 3);
            self.used = 0;
            self.bytes.extend_from_slice(&[0, 0, 0xFF, 0xFF]);
        }
        &mut self.bytes
    }

    /// Appends `stream` from a bit on to its end, byte for byte: blocks of nothing bring what is
    /// written so far to the same place in a byte. A shift wouldn't do, as nobody knows how many
    /// bits of the stream's last byte are no more than padding. `header` are bits of the stream
    /// to be put before.
    pub fn put_rest(mut self, stream: &[u8], from: u64, header: Range<u64>) -> Vec<u8> {
        let place = (from % 8) as u32;
        let before = ((from + 8 * header.end - (header.end - header.start)) % 8) as u32;
        if before % 2 != self.used % 2 {
            self.put_nothing_odd();
        }
        while self.used != before {
            self.put(FIXED, 3 + 7); // two bits more than a byte
        }
        let mut reader = Reader::new(stream, header.start);
        for at in header.clone().step_by(8) {
            reader.refill();
            let count = (header.end - at).min(8) as u32;
            self.put(reader.take(count), count);
        }
        let rest = stream.get((from / 8) as usize..).unwrap_or_default();
        if let (true, [first, ..]) = (place > 0, rest) {
            self.put(u32::from(first >> place), 8 - place);
            self.bytes.extend_from_slice(&rest[1..]);
        } else {
            self.bytes.extend_from_slice(rest);
        }
        self.bytes
    }

    /// A block of nothing that takes an odd number of bits (RFC 1951, 3.2.7), all of its codes
    /// complete: two literals and two distances of one bit each.
    fn put_nothing_odd(&mut self) {
        self.put(DYNAMIC, 3);
        self.put(0, 5); // 257 lengths of literals
        self.put(1, 5); // 2 of distances
        self.put(15, 4); // 19 lengths of lengths
        for symbol in ORDER {
            self.put(u32::from(symbol == 1 || symbol == 18), 3);
        }
        let zeros = |count: u32| 1 | (count - 11) << 1; // symbol 18
        self.put(zeros(138), 8);
        self.put(zeros(255 - 138), 8);
        self.put(0, 4); // symbol 1, four times
        self.put(1, 1); // the second literal, which is the end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Decompress, FlushDecompress};

    fn inflated(stream: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(1 << 16);
        Decompress::new(false).decompress_vec(stream, &mut out, FlushDecompress::Finish).unwrap();
        out
    }

    #[test]
    fn a_rest_is_put_at_the_same_place_in_a_byte() {
        for shift in 0..8 {
            let mut head = Writer::new(Vec::new());
            head.put(FIXED, 10);
            for _ in 0..shift {
                head.put_nothing_odd();
            }
            let place = head.used;
            // The end of the last block stands at every place, padding behind it.
            let mut rest = Writer::new(vec![0xA5; 3]);
            rest.put(0x5A & ((1 << place) - 1), place);
            rest.put(FIXED | 1, 3 + 7);
            let stream = rest.bytes;
            for used in 0..8 {
                let mut writer = Writer::new(Vec::new());
                for _ in 0..used {
                    writer.put_nothing_odd();
                }
                let whole = writer.put_rest(&stream, 24 + u64::from(place), 0..0);
                assert_eq!(inflated(&whole), b"");
                assert_eq!(whole.last(), stream.last());
            }
        }
    }

    #[test]
    fn what_is_aligned_goes_on() {
        for bits in 0..8 {
            let mut writer = Writer::new(Vec::new());
            for _ in 0..bits {
                writer.put_nothing_odd();
            }
            writer.align().extend_from_slice(&[1, 1, 0, 0xFE, 0xFF, b'x']);
            assert_eq!(inflated(&writer.bytes), b"x");
        }
    }

    #[test]
    fn zeros_follow_the_end() {
        let mut reader = Reader::new(&[0xFF], 4);
        reader.refill();
        assert_eq!(reader.take(12), 0x00F);
        assert!(reader.is_over());
    }
}
