//! The marker segments of a file (T.81, annex B), one after the other.

use crate::Declined;

pub const SOF0: u8 = 0xC0;
pub const SOF1: u8 = 0xC1;
pub const SOF2: u8 = 0xC2;
pub const DHT: u8 = 0xC4;
pub const SOI: u8 = 0xD8;
pub const EOI: u8 = 0xD9;
pub const SOS: u8 = 0xDA;
pub const DQT: u8 = 0xDB;
pub const DRI: u8 = 0xDD;
pub const APP0: u8 = 0xE0;
pub const APP14: u8 = 0xEE;
pub const APP15: u8 = 0xEF;
pub const COM: u8 = 0xFE;

/// Writes a segment. Its payload must have fewer than 65,534 bytes.
pub fn write_segment(bytes: &mut Vec<u8>, marker: u8, payload: &[u8]) {
    bytes.extend_from_slice(&[0xFF, marker]);
    bytes.extend_from_slice(&(payload.len() as u16 + 2).to_be_bytes());
    bytes.extend_from_slice(payload);
}

/// One segment: its marker and its payload's place in the file.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    pub marker: u8,
    pub start: usize,
    pub end: usize,
}

impl Segment {
    pub fn payload<'a>(&self, data: &'a [u8]) -> &'a [u8] {
        data.get(self.start..self.end).unwrap_or_default()
    }

    /// JFIF's and Adobe's segments say what the colours are; other APPn and comments don't.
    pub fn is_application(&self) -> bool {
        (APP0..=APP15).contains(&self.marker) || self.marker == COM
    }
}

/// Reads one segment after the other. Set `at` to continue behind a scan's entropy-coded data.
pub struct Segments<'a> {
    pub data: &'a [u8],
    pub at: usize,
}

impl<'a> Segments<'a> {
    pub fn new(data: &'a [u8]) -> Result<Self, Declined> {
        if data.get(..2) != Some(&[0xFF, SOI]) {
            return Err(Declined::Damaged);
        }
        Ok(Self { data, at: 2 })
    }

    /// The next segment; at EOI an empty one. What lies between two segments is skipped, and an
    /// APPn or comment whose length is too small has no payload, as every decoder takes it
    /// (libjpeg, jdmarker.c).
    pub fn next(&mut self) -> Result<Segment, Declined> {
        let marker = self.marker()?;
        let start = self.at + 2;
        if marker == EOI {
            return Ok(Segment { marker, start, end: start });
        }
        if marker < 0xC0 || (0xD0..=SOI).contains(&marker) {
            return Err(Declined::Damaged);
        }
        let length = usize::from(short(self.data, start)?);
        let segment = Segment { marker, start: start + 2, end: start + length.max(2) };
        if (length < 2 && !segment.is_application()) || segment.end > self.data.len() {
            return Err(Declined::Damaged);
        }
        self.at = segment.end;
        Ok(segment)
    }

    /// The next marker, at whose last fill byte `at` is then.
    fn marker(&mut self) -> Result<u8, Declined> {
        loop {
            let rest = self.data.get(self.at..).unwrap_or_default();
            self.at += memchr::memchr(0xFF, rest).ok_or(Declined::Damaged)?;
            while self.data.get(self.at + 1) == Some(&0xFF) {
                self.at += 1; // fill bytes (B.1.1.2)
            }
            match *self.data.get(self.at + 1).ok_or(Declined::Damaged)? {
                0 => self.at += 2, // a byte of 0xFF, stuffed
                marker => return Ok(marker),
            }
        }
    }
}

/// The end of the restart interval at `at`, the marker there, and where that ends.
pub fn coded_end(data: &[u8], at: usize) -> Result<(usize, u8, usize), Declined> {
    let rest = data.get(at..).ok_or(Declined::Damaged)?;
    let found = memchr::memchr_iter(0xFF, rest).find(|&overlay| rest.get(overlay + 1) != Some(&0));
    let end = at + found.ok_or(Declined::Damaged)?;
    let mut next = end + 1;
    while data.get(next) == Some(&0xFF) {
        next += 1; // fill bytes (B.1.1.2)
    }
    let marker = *data.get(next).ok_or(Declined::Damaged)?;
    Ok((end, marker, next + 1))
}

pub fn short(data: &[u8], at: usize) -> Result<u16, Declined> {
    let bytes = data.get(at..at + 2).ok_or(Declined::Damaged)?;
    Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
}
