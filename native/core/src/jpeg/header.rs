//! The marker segments of a JPEG (T.81, annex B) that its coded data depends on.

use super::huffman::{Table, TableId};
use crate::Declined;

const SOF0: u8 = 0xC0;
const SOF1: u8 = 0xC1;
const SOF2: u8 = 0xC2;
pub const DHT: u8 = 0xC4;
pub const SOI: u8 = 0xD8;
pub const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
pub const DQT: u8 = 0xDB;
pub const DRI: u8 = 0xDD;
pub const APP0: u8 = 0xE0;
pub const APP14: u8 = 0xEE;
const APP15: u8 = 0xEF;
const COM: u8 = 0xFE;

/// Zigzag position to natural order (T.81, figure A.6).
pub const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// One colour component of the frame.
#[derive(Clone, Debug)]
pub struct Component {
    pub id: u8,
    /// Blocks an MCU, across and down.
    pub across: usize,
    pub down: usize,
    /// Pixels of the picture that one sample covers, across and down.
    pub pixels: (usize, usize),
    pub quantisation: usize,
    /// Blocks that cover the picture, across and down, without the MCUs' padding.
    pub blocks: (usize, usize),
}

/// The frame header (B.2.2) with what follows from it.
#[derive(Clone, Debug)]
pub struct Frame {
    pub width: usize,
    pub height: usize,
    pub is_progressive: bool,
    pub components: Vec<Component>,
    /// MCUs of an interleaved scan, across and down.
    pub mcus: (usize, usize),
    /// Pixels an MCU covers, across and down.
    pub mcu_pixels: (usize, usize),
}

impl Frame {
    /// Blocks of all components, without the MCUs' padding.
    pub fn blocks(&self) -> usize {
        self.components.iter().map(|component| component.blocks.0 * component.blocks.1).sum()
    }
}

/// The colours that the components hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    Grey,
    YCbCr,
    Rgb,
}

/// A scan header (B.2.3). `components` are positions in the frame, with their tables' numbers.
#[derive(Clone, Debug)]
pub struct Scan {
    pub components: Vec<(usize, usize, usize)>,
    pub first: usize,
    pub last: usize,
    pub high: u8,
    pub low: u8,
}

/// The tables as they stand when a scan begins.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// Steps in zigzag order.
    pub quantisation: [Option<[u16; 64]>; 4],
    pub huffman: HuffmanTables,
    pub restart_interval: usize,
}

/// Both classes of Huffman tables, by number.
#[derive(Clone, Debug, Default)]
pub struct HuffmanTables {
    pub dc: [Option<Table>; 4],
    pub ac: [Option<Table>; 4],
}

impl HuffmanTables {
    /// One of them.
    #[inline(always)]
    pub fn get(&self, (is_ac, number): TableId) -> Option<&Table> {
        let class = if is_ac { &self.ac } else { &self.dc };
        class.get(number).and_then(Option::as_ref)
    }

    /// A table's place.
    pub fn place(&mut self, (is_ac, number): TableId) -> Option<&mut Option<Table>> {
        if is_ac { self.ac.get_mut(number) } else { self.dc.get_mut(number) }
    }

    /// One DHT segment with all of them.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        let mut payload = Vec::new();
        for (class, tables) in [&self.dc, &self.ac].into_iter().enumerate() {
            for (number, table) in tables.iter().enumerate() {
                if let Some(table) = table {
                    payload.push((class << 4 | number) as u8);
                    table.write(&mut payload);
                }
            }
        }
        write_segment(bytes, DHT, &payload);
    }
}

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

/// Reads segments one behind the other; a scan's coded data is stepped over by `at`.
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

    /// The next segment; at EOI an empty one.
    pub fn next(&mut self) -> Result<Segment, Declined> {
        if self.data.get(self.at) != Some(&0xFF) {
            return Err(Declined::Damaged);
        }
        while self.data.get(self.at + 1) == Some(&0xFF) {
            self.at += 1; // fill bytes (B.1.1.2)
        }
        let marker = *self.data.get(self.at + 1).ok_or(Declined::Damaged)?;
        let start = self.at + 2;
        if marker == EOI {
            return Ok(Segment { marker, start, end: start });
        }
        if marker < 0xC0 || (0xD0..=SOI).contains(&marker) {
            return Err(Declined::Damaged);
        }
        let length = usize::from(short(self.data, start)?);
        if length < 2 || start + length > self.data.len() {
            return Err(Declined::Damaged);
        }
        self.at = start + length;
        Ok(Segment { marker, start: start + 2, end: self.at })
    }
}

/// What the coded data depends on, gathered while segments go by.
#[derive(Clone, Default)]
pub struct Header {
    pub frame: Option<Frame>,
    pub tables: Tables,
    has_jfif: bool,
    adobe: Option<u8>,
}

/// What a segment was.
pub enum Met {
    Scan(Scan),
    End,
    Other,
}

impl Header {
    pub fn read(&mut self, data: &[u8], segment: Segment) -> Result<Met, Declined> {
        let payload = segment.payload(data);
        match segment.marker {
            SOF0 | SOF1 | SOF2 => {
                if self.frame.is_some() {
                    return Err(Declined::Damaged);
                }
                self.frame = Some(frame(payload, segment.marker == SOF2)?);
            }
            0xC9..=0xCB | 0xCD..=0xCF => return Err(Declined::Arithmetic),
            0xC3 | 0xC5..=0xC8 => return Err(Declined::Lossless),
            DHT => self.huffman(payload)?,
            DQT => self.quantisation(payload)?,
            DRI => self.tables.restart_interval = usize::from(short(payload, 0)?),
            SOS => return self.scan(payload).map(Met::Scan),
            EOI => return Ok(Met::End),
            APP0 if is_jfif(payload) => self.has_jfif = true,
            APP14 if is_adobe(payload) => self.adobe = payload.get(11).copied(),
            APP0..=APP15 | COM => {}
            _ => return Err(Declined::Damaged), // DNL, and what no decoder knows
        }
        Ok(Met::Other)
    }

    /// By libjpeg's rules (jdapimin.c), which every viewer follows.
    pub fn space(&self) -> Option<Space> {
        let components = &self.frame.as_ref()?.components;
        let ids: Vec<u8> = components.iter().map(|component| component.id).collect();
        match (components.len(), self.has_jfif, self.adobe) {
            (1, _, _) => Some(Space::Grey),
            (3, true, _) => Some(Space::YCbCr),
            (3, false, Some(0)) => Some(Space::Rgb),
            (3, false, None) if ids == *b"RGB" => Some(Space::Rgb),
            (3, _, _) => Some(Space::YCbCr),
            _ => None,
        }
    }

    fn huffman(&mut self, mut payload: &[u8]) -> Result<(), Declined> {
        while let Some((&kind, rest)) = payload.split_first() {
            let counts = rest.get(..16).ok_or(Declined::Damaged)?;
            let total: usize = counts.iter().map(|&count| usize::from(count)).sum();
            let symbols = rest.get(16..16 + total).ok_or(Declined::Damaged)?;
            let table = Table::new(counts, symbols).ok_or(Declined::Damaged)?;
            let is_ac = kind >> 4 == 1;
            if kind >> 4 > 1 || (!is_ac && symbols.iter().any(|&size| size > 15)) {
                return Err(Declined::Damaged);
            }
            let place = self.tables.huffman.place((is_ac, usize::from(kind & 15)));
            *place.ok_or(Declined::Damaged)? = Some(table);
            payload = rest.get(16 + total..).unwrap_or_default();
        }
        Ok(())
    }

    fn quantisation(&mut self, mut payload: &[u8]) -> Result<(), Declined> {
        while let Some((&kind, rest)) = payload.split_first() {
            let width = if kind >> 4 == 0 { 1 } else { 2 };
            let steps = rest.get(..64 * width).ok_or(Declined::Damaged)?;
            let mut table = [0; 64];
            for (position, step) in steps.chunks_exact(width).enumerate() {
                let value = step.iter().fold(0, |value, &byte| value << 8 | u16::from(byte));
                if value == 0 {
                    return Err(Declined::Damaged);
                }
                table[position] = value;
            }
            let place = self.tables.quantisation.get_mut(usize::from(kind & 15));
            *place.ok_or(Declined::Damaged)? = Some(table);
            payload = rest.get(64 * width..).unwrap_or_default();
        }
        Ok(())
    }

    fn scan(&self, payload: &[u8]) -> Result<Scan, Declined> {
        let frame = self.frame.as_ref().ok_or(Declined::Damaged)?;
        let count = usize::from(*payload.first().ok_or(Declined::Damaged)?);
        if !(1..=4).contains(&count) || payload.len() != 4 + 2 * count {
            return Err(Declined::Damaged);
        }
        let mut components: Vec<(usize, usize, usize)> = Vec::with_capacity(count);
        for pair in payload[1..1 + 2 * count].chunks_exact(2) {
            let known = frame.components.iter().position(|component| component.id == pair[0]);
            let place = known.ok_or(Declined::Damaged)?;
            if components.last().is_some_and(|&(before, _, _)| before >= place) {
                return Err(Declined::Damaged); // out of order, or twice
            }
            components.push((place, usize::from(pair[1] >> 4), usize::from(pair[1] & 15)));
        }
        let [first, last, approximation] = payload[1 + 2 * count..] else {
            return Err(Declined::Damaged);
        };
        let (high, low) = (approximation >> 4, approximation & 15);
        Ok(Scan { components, first: first.into(), last: last.into(), high, low })
    }
}

fn frame(payload: &[u8], is_progressive: bool) -> Result<Frame, Declined> {
    let depth = *payload.first().ok_or(Declined::Damaged)?;
    let (height, width) = (usize::from(short(payload, 1)?), usize::from(short(payload, 3)?));
    let count = usize::from(*payload.get(5).ok_or(Declined::Damaged)?);
    if depth != 8 {
        return Err(Declined::Depth);
    }
    if width == 0 || height == 0 || payload.len() != 6 + 3 * count {
        return Err(Declined::Damaged);
    }
    if count != 1 && count != 3 {
        return Err(Declined::Inks);
    }
    let factors: Vec<(usize, usize)> = payload[6..]
        .chunks_exact(3)
        .map(|entry| (usize::from(entry[1] >> 4), usize::from(entry[1] & 15)))
        .collect();
    if factors.iter().any(|&(h, v)| !(1..=4).contains(&h) || !(1..=4).contains(&v)) {
        return Err(Declined::Damaged);
    }
    // A lone component isn't interleaved, whatever its factors are (A.2.2).
    let factors = if count == 1 { vec![(1, 1)] } else { factors };
    if factors.iter().map(|(h, v)| h * v).sum::<usize>() > 10 {
        return Err(Declined::Damaged); // B.2.3
    }
    let most = factors.iter().fold((1, 1), |most, &(h, v)| (most.0.max(h), most.1.max(v)));
    if factors.iter().any(|&(h, v)| most.0 % h != 0 || most.1 % v != 0) {
        return Err(Declined::Sampling);
    }
    let components = payload[6..].chunks_exact(3).zip(&factors).map(|(entry, &(h, v))| {
        let pixels = (most.0 / h, most.1 / v);
        Component {
            id: entry[0],
            across: h,
            down: v,
            pixels,
            quantisation: usize::from(entry[2]),
            blocks: (width.div_ceil(8 * pixels.0), height.div_ceil(8 * pixels.1)),
        }
    });
    let mcu_pixels = (8 * most.0, 8 * most.1);
    Ok(Frame {
        width,
        height,
        is_progressive,
        components: components.collect(),
        mcus: (width.div_ceil(mcu_pixels.0), height.div_ceil(mcu_pixels.1)),
        mcu_pixels,
    })
}

/// Where the coded data from `at` on ends, the marker there, and where that ends.
pub fn coded_end(data: &[u8], at: usize) -> Result<(usize, u8, usize), Declined> {
    let rest = data.get(at..).ok_or(Declined::Damaged)?;
    let found = memchr::memchr_iter(0xFF, rest).find(|&mark| rest.get(mark + 1) != Some(&0));
    let end = at + found.ok_or(Declined::Damaged)?;
    let mut next = end + 1;
    while data.get(next) == Some(&0xFF) {
        next += 1; // fill bytes (B.1.1.2)
    }
    let marker = *data.get(next).ok_or(Declined::Damaged)?;
    Ok((end, marker, next + 1))
}

/// Shorter ones libjpeg doesn't take for such (jdmarker.c).
pub fn is_jfif(payload: &[u8]) -> bool {
    payload.starts_with(b"JFIF\0") && payload.len() >= 14
}

/// As `is_jfif`.
pub fn is_adobe(payload: &[u8]) -> bool {
    payload.starts_with(b"Adobe") && payload.len() >= 12
}

fn short(data: &[u8], at: usize) -> Result<u16, Declined> {
    let bytes = data.get(at..at + 2).ok_or(Declined::Damaged)?;
    Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
}
