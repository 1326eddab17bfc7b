//! Inflates a deflate stream (RFC 1951) block by block, with `miniz_oxide`, and keeps where each
//! block ends to the bit.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use crate::Declined;

const FLAGS: u32 = TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
/// A byte inflates to at most this: a match of 258 takes two bits.
const MAX_EXPANSION: usize = 1032;
/// Room for the block that goes beyond what is wanted.
const SLACK: usize = 1 << 17;

/// The end of a block, or the start of the stream.
#[derive(Clone, Copy, Debug, Default)]
pub struct BlockEnd {
    /// Bits of the stream up to here; of the last block to the next whole byte.
    pub bits: u64,
    /// Bytes they inflate to.
    pub bytes: usize,
}

/// A stream that is inflated one block at a time.
pub struct Inflate<'a> {
    stream: &'a [u8],
    state: Box<DecompressorOxide>,
    read: usize,
    out: Vec<u8>,
    written: usize,
    limit: usize,
    is_done: bool,
}

impl<'a> Inflate<'a> {
    /// `stream` begins with the first block's header. At most `limit` bytes come out of it;
    /// `wanted` is how many the caller expects.
    pub fn new(stream: &'a [u8], limit: usize, wanted: usize) -> Self {
        let room = wanted.saturating_add(SLACK).min(limit).min(stream.len() * MAX_EXPANSION);
        let (state, out) = (Box::default(), vec![0; room]);
        Self { stream, state, read: 0, out, written: 0, limit, is_done: false }
    }

    /// Whether the last block was read.
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// How many bytes came out so far.
    pub fn len(&self) -> usize {
        self.written
    }

    /// The stream up to here and the checksum of four bytes behind it.
    pub fn with_checksum(&self) -> Option<&'a [u8]> {
        self.stream.get(..self.read + 4)
    }

    /// All that came out.
    pub fn into_bytes(mut self) -> Vec<u8> {
        self.out.truncate(self.written);
        self.out
    }

    /// Inflates the next block. `Declined::Memory` if it goes beyond the limit.
    pub fn block(&mut self) -> Result<BlockEnd, Declined> {
        loop {
            let rest = self.stream.get(self.read..).unwrap_or_default();
            let (status, read, written) =
                decompress(&mut self.state, rest, &mut self.out, self.written, FLAGS);
            self.read += read;
            self.written += written;
            match status {
                TINFLStatus::BlockBoundary => {
                    let state = self.state.block_boundary_state().ok_or(Declined::Damaged)?;
                    return Ok(self.end(u64::from(state.num_bits)));
                }
                TINFLStatus::Done => {
                    self.is_done = true;
                    return Ok(self.end(0));
                }
                TINFLStatus::HasMoreOutput if self.out.len() < self.limit => {
                    let room = self.out.len() + self.out.len() / 2 + SLACK;
                    self.out.resize(room.min(self.limit), 0);
                }
                TINFLStatus::HasMoreOutput => return Err(Declined::Memory),
                _ => return Err(Declined::Damaged),
            }
        }
    }

    fn end(&self, unread: u64) -> BlockEnd {
        BlockEnd { bits: 8 * self.read as u64 - unread, bytes: self.written }
    }
}

#[cfg(test)]
mod tests {
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

    fn deflate(bytes: &[u8], level: u32) -> Vec<u8> {
        let mut out = Vec::with_capacity(2 * bytes.len() + 1000);
        let mut encoder = Compress::new(Compression::new(level), false);
        encoder.compress_vec(bytes, &mut out, FlushCompress::Finish).unwrap();
        out
    }

    #[test]
    fn inflates_what_was_deflated_block_by_block() {
        for (size, level) in [(0, 6), (1, 0), (500, 1), (200_000, 0), (200_000, 1), (200_000, 9)] {
            let (bytes, mut ends) = (sample(size), Vec::new());
            let stream = deflate(&bytes, level);
            for wanted in [0, size, usize::MAX] {
                let mut inflate = Inflate::new(&stream, size, wanted);
                ends.clear();
                while !inflate.is_done() {
                    ends.push(inflate.block().unwrap());
                }
                assert!(inflate.into_bytes() == bytes, "{size} at level {level}");
                assert!(ends.is_sorted_by_key(|end| (end.bits, end.bytes)));
                assert_eq!(ends.last().unwrap().bits, 8 * stream.len() as u64);
            }
        }
    }

    /// What follows an end, behind stored blocks of what came before it, is the rest.
    #[test]
    fn a_stream_can_be_continued_from_every_end() {
        use super::super::bits::Writer;
        let bytes = sample(300_000);
        for level in [0, 1, 9] {
            let stream = deflate(&bytes, level);
            let mut inflate = Inflate::new(&stream, bytes.len(), bytes.len());
            while let Ok(end) = inflate.block()
                && !inflate.is_done()
            {
                let mut head = Writer::new(Vec::new());
                let stored = head.align();
                for piece in bytes[..end.bytes].chunks(60_000) {
                    let length = piece.len() as u16;
                    stored.push(0);
                    stored.extend_from_slice(&length.to_le_bytes());
                    stored.extend_from_slice(&(!length).to_le_bytes());
                    stored.extend_from_slice(piece);
                }
                let whole = head.put_rest(&stream, end.bits);
                let mut out = Vec::with_capacity(bytes.len() + 1);
                let mut decoder = Decompress::new(false);
                decoder.decompress_vec(&whole, &mut out, FlushDecompress::Finish).unwrap();
                assert!(out == bytes, "{end:?}");
            }
            assert!(inflate.is_done());
        }
    }

    #[test]
    fn declines_too_much_and_nonsense() {
        let stream = deflate(&sample(5000), 6);
        for wanted in [0, 5000, usize::MAX] {
            let mut inflate = Inflate::new(&stream, 4999, wanted);
            assert_eq!(inflate.block().err(), Some(Declined::Memory));
        }
        for nonsense in [&[7][..], &[3], &[5, 0xFF, 0xFF], &[1, 5, 0, 0, 0], &[]] {
            assert_eq!(Inflate::new(nonsense, 99, 99).block().err(), Some(Declined::Damaged));
        }
    }
}
