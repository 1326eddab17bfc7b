//! Reads and writes the bits of entropy-coded data, with byte stuffing: a 0x00 follows each 0xFF
//! (F.1.2.3).

/// Reads the bits of one restart interval, which ends where `data` ends.
///
/// Zeros follow the end; `is_over` says that more was read than there is.
#[derive(Clone)]
pub struct Reader<'a> {
    data: &'a [u8],
    at: usize,
    bits: u64,
    count: u32,
    loaded: u64,
}

impl<'a> Reader<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0, bits: 0, count: 0, loaded: 0 }
    }

    /// How many bits were read.
    pub fn position(&self) -> u64 {
        self.loaded - u64::from(self.count)
    }

    /// Makes at least 32 bits available.
    #[inline(always)]
    pub fn refill(&mut self) {
        if self.count >= 32 {
            return;
        }
        if let Some(bytes) = self.data.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) {
            let word = u64::from_be_bytes(*bytes);
            if !has_ff(word) {
                let taken = (63 - self.count) / 8;
                self.bits |= word >> self.count;
                // What is beyond the whole bytes that count is loaded again next time.
                self.at += taken as usize;
                self.count += taken * 8;
                self.loaded += u64::from(taken * 8);
                self.bits &= !0 << (64 - self.count);
                return;
            }
        }
        self.refill_slowly();
    }

    #[cold]
    #[inline(never)]
    fn refill_slowly(&mut self) {
        while self.count <= 56 {
            self.bits |= u64::from(self.byte().unwrap_or(0)) << (56 - self.count);
            self.count += 8;
            self.loaded += 8;
        }
    }

    #[inline(always)]
    fn byte(&mut self) -> Option<u8> {
        let byte = self.data.get(self.at).copied();
        self.at += if byte == Some(0xFF) { 2 } else { 1 };
        byte
    }

    /// The next `count` bits (1 to 32) without reading them. Needs a refill before.
    #[inline(always)]
    pub fn peek(&self, count: u32) -> u32 {
        (self.bits >> (64 - count)) as u32
    }

    /// Reads bits that were peeked at.
    #[inline(always)]
    pub fn skip(&mut self, count: u32) {
        self.bits <<= count;
        self.count -= count;
    }

    /// Reads `count` bits, 0 to 32. Needs a refill before.
    #[inline(always)]
    pub fn take(&mut self, count: u32) -> u32 {
        if count == 0 {
            return 0;
        }
        let bits = self.peek(count);
        self.skip(count);
        bits
    }

    /// Whether more bits were read than there are.
    pub fn is_over(&self) -> bool {
        self.at > self.data.len() && self.left() < 0
    }

    /// How many bits are left, stuffing not counted. Below zero if more were read.
    fn left(&self) -> i64 {
        let ahead = self.at as i64 - self.data.len() as i64;
        if ahead > 0 {
            return i64::from(self.count) - 8 * ahead;
        }
        let rest = self.data.get(self.at..).unwrap_or_default();
        let stuffed = memchr::memchr_iter(0xFF, rest).count();
        i64::from(self.count) + 8 * (rest.len() as i64 - stuffed as i64)
    }

    /// How many bits are left if they are padding: fewer than 8, all ones.
    pub fn padding(&self) -> Option<u64> {
        let mut rest = self.clone();
        rest.refill();
        let left = u32::try_from(rest.left()).ok().filter(|&left| left < 8)?;
        (rest.take(left) == (1 << left) - 1).then_some(u64::from(left))
    }

    /// Whether at most a few bytes are left.
    pub fn is_near_end(&self) -> bool {
        self.at + 16 > self.data.len()
    }

    /// How many bytes were looked at.
    pub fn offset(&self) -> usize {
        self.at
    }
}

/// Whether one of a word's bytes is 0xFF.
#[inline(always)]
fn has_ff(word: u64) -> bool {
    let (ones, tops) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080);
    (word & tops) & (!word).wrapping_sub(ones) & word != 0
}

/// How many of a word's bytes stand before the first that is 0xFF.
#[inline(always)]
fn bytes_before_ff(word: u64) -> u32 {
    if !has_ff(word) {
        return 8;
    }
    // Unlike above no carry goes from one byte to the next.
    let lows = 0x7F7F_7F7F_7F7F_7F7F;
    let found = !(((!word & lows) + lows) | !word | lows);
    found.leading_zeros() / 8
}

/// Writes bits, with stuffing, behind what `bytes` already holds.
pub struct Writer {
    pub bytes: Vec<u8>,
    bits: u64,
    free: u32,
}

impl Writer {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, bits: 0, free: 64 }
    }

    /// Writes the lowest `count` bits (1 to 32) of `bits`; above them must be zeros.
    #[inline(always)]
    pub fn put(&mut self, bits: u32, count: u32) {
        if count < self.free {
            self.free -= count;
            self.bits |= u64::from(bits) << self.free;
            return;
        }
        let over = count - self.free;
        self.emit(self.bits | u64::from(bits) >> over);
        self.free = 64 - over;
        self.bits = if over == 0 { 0 } else { u64::from(bits) << self.free };
    }

    /// Writes the highest `count` bits (1 to 64) of `bits`; below them must be zeros.
    #[inline(always)]
    fn put_high(&mut self, bits: u64, count: u32) {
        let first = self.bits | bits >> (64 - self.free);
        if count < self.free {
            self.bits = first;
            self.free -= count;
            return;
        }
        self.emit(first);
        self.bits = bits << (self.free - 1) << 1; // by 64 too
        self.free += 64 - count;
    }

    #[inline(always)]
    fn emit(&mut self, word: u64) {
        if has_ff(word) {
            for byte in word.to_be_bytes() {
                stuff(&mut self.bytes, byte);
            }
        } else {
            self.bytes.extend_from_slice(&word.to_be_bytes());
        }
    }

    /// Copies `count` bits.
    pub fn copy(&mut self, reader: &mut Reader, mut count: u64) {
        while count > 32 {
            reader.refill();
            self.put(reader.take(32), 32);
            count -= 32;
        }
        if count > 0 {
            reader.refill();
            self.put(reader.take(count as u32), count as u32);
        }
    }

    /// Copies all that is left but for its last `padding` bits.
    pub fn copy_rest(&mut self, mut reader: Reader, padding: u64) {
        // What was read ahead goes first; then whole words pass by.
        let ahead = u64::from(reader.count);
        if reader.at + 16 <= reader.data.len() {
            let mut rest = Reader { bits: 0, count: 0, ..reader };
            for _ in 0..ahead / 8 {
                self.put(reader.take(8), 8);
            }
            if ahead % 8 > 0 {
                self.put(reader.take(ahead as u32 % 8), ahead as u32 % 8);
            }
            while let Some(bytes) = rest.data.get(rest.at..).and_then(|rest| rest.first_chunk()) {
                let [word @ .., _, _] = *bytes as [u8; 10]; // the last byte stays, with its padding
                let word = u64::from_be_bytes(word);
                let whole = bytes_before_ff(word);
                if whole == 8 {
                    self.put_high(word, 64);
                    rest.at += 8;
                } else {
                    let count = 8 * (whole + 1);
                    self.put_high(word & (u64::MAX << (64 - count)), count);
                    rest.at += whole as usize + 2; // its stuffing too
                }
            }
            reader = rest;
        }
        let left = u64::try_from(reader.left()).unwrap_or(0);
        self.copy(&mut reader, left.saturating_sub(padding));
    }

    /// Whether the last byte would be all ones if the rest were copied now: it could be only
    /// padding, which must not fill a byte of its own.
    pub fn would_end_in_ones(&self, rest: &Reader) -> bool {
        let last = match rest.data {
            [.., 0xFF, 0] | [.., 0xFF] | [] => 0xFF,
            [.., last] => *last,
        };
        let used = (64 - self.free + rest.count) % 8;
        last.trailing_ones() >= if used == 0 { 8 } else { used }
    }

    /// Pads the last byte with ones and gives the bytes.
    pub fn finish(mut self) -> Vec<u8> {
        self.flush();
        self.bytes
    }

    /// Pads the last byte with ones: what follows begins a new one.
    pub fn flush(&mut self) {
        let padding = self.free % 8;
        if padding > 0 {
            self.put((1 << padding) - 1, padding);
        }
        for byte in self.bits.to_be_bytes().iter().take(8 - self.free as usize / 8) {
            stuff(&mut self.bytes, *byte);
        }
        (self.bits, self.free) = (0, 64);
    }
}

#[inline]
fn stuff(bytes: &mut Vec<u8>, byte: u8) {
    bytes.push(byte);
    if byte == 0xFF {
        bytes.push(0);
    }
}
