//! Writes the bits of a deflate stream, the lowest of a byte first (RFC 1951, 3.1.1).

/// A block's first three bits: BFINAL, not set, and BTYPE (3.2.3).
const STORED: u32 = 0;
const FIXED: u32 = 1 << 1;
const DYNAMIC: u32 = 2 << 1;

/// The order in which the code length codes are given (3.2.7).
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

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

    /// Appends `stream` from the bit `from` to its end, byte for byte. Empty blocks first bring
    /// what is written so far to the same place in a byte: a shift would need to know how many
    /// bits of the stream's last byte are only padding.
    pub fn put_rest(mut self, stream: &[u8], from: u64) -> Vec<u8> {
        let place = (from % 8) as u32;
        if place % 2 != self.used % 2 {
            self.put_odd_empty_block();
        }
        while self.used != place {
            self.put(FIXED, 3 + 7); // two bits more than a byte
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

    /// An empty block of an odd number of bits (RFC 1951, 3.2.7), with complete codes: two
    /// literals and two distances of one bit each.
    fn put_odd_empty_block(&mut self) {
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
                head.put_odd_empty_block();
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
                    writer.put_odd_empty_block();
                }
                let whole = writer.put_rest(&stream, 24 + u64::from(place));
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
                writer.put_odd_empty_block();
            }
            writer.align().extend_from_slice(&[1, 1, 0, 0xFE, 0xFF, b'x']);
            assert_eq!(inflated(&writer.bytes), b"x");
        }
    }
}
