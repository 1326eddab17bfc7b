//! What entropy-coded data depends on: frame and scan headers and tables (T.81, annex B).

use super::huffman::{Table, TableId};
use super::segments::{
    APP0, APP14, APP15, COM, DHT, DQT, DRI, EOI, SOF0, SOF1, SOF2, SOS, Segment, short,
    write_segment,
};
use crate::Declined;

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
    /// Sampling factors H and V: blocks in an MCU, across and down.
    pub h: usize,
    pub v: usize,
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

/// The colour space of the components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    Grey,
    YCbCr,
    Rgb,
}

/// A scan header (B.2.3).
#[derive(Clone, Debug)]
pub struct Scan {
    pub components: Vec<ScanComponent>,
    /// Spectral selection: the first and the last coefficient of the band.
    pub ss: usize,
    pub se: usize,
    /// Successive approximation: the bit position before this scan, 0 in a first scan, and
    /// after it.
    pub ah: u8,
    pub al: u8,
}

/// A component's part in a scan header.
#[derive(Clone, Copy, Debug)]
pub struct ScanComponent {
    /// Its index in the frame.
    pub component: usize,
    /// The destinations of its tables, Td and Ta.
    pub dc: usize,
    pub ac: usize,
}

/// The tables in force when a scan begins.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// Steps in zigzag order.
    pub quantisation: [Option<[u16; 64]>; 4],
    pub huffman: HuffmanTables,
    pub restart_interval: usize,
}

/// Huffman tables by class and destination.
#[derive(Clone, Debug, Default)]
pub struct HuffmanTables {
    pub dc: [Option<Table>; 4],
    pub ac: [Option<Table>; 4],
}

impl HuffmanTables {
    #[inline(always)]
    pub fn get(&self, (is_ac, number): TableId) -> Option<&Table> {
        let class = if is_ac { &self.ac } else { &self.dc };
        class.get(number).and_then(Option::as_ref)
    }

    pub fn get_mut(&mut self, (is_ac, number): TableId) -> Option<&mut Option<Table>> {
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

/// What entropy-coded data depends on, collected from the segments before it.
#[derive(Clone, Default)]
pub struct Header {
    pub frame: Option<Frame>,
    pub tables: Tables,
    has_jfif: bool,
    adobe: Option<u8>,
}

/// What a segment holds.
pub enum Content {
    Scan(Scan),
    End,
    Other,
}

impl Header {
    pub fn read(&mut self, data: &[u8], segment: Segment) -> Result<Content, Declined> {
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
            SOS => return self.scan(payload).map(Content::Scan),
            EOI => return Ok(Content::End),
            APP0 if is_jfif(payload) => self.has_jfif = true,
            APP14 if is_adobe(payload) => self.adobe = payload.get(11).copied(),
            APP0..=APP15 | COM => {}
            _ => return Err(Declined::Damaged), // DNL, and markers that no decoder supports
        }
        Ok(Content::Other)
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
            let table_slot = self.tables.huffman.get_mut((is_ac, usize::from(kind & 15)));
            *table_slot.ok_or(Declined::Damaged)? = Some(table);
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
            let table_steps = self.tables.quantisation.get_mut(usize::from(kind & 15));
            *table_steps.ok_or(Declined::Damaged)? = Some(table);
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
        let mut components: Vec<ScanComponent> = Vec::with_capacity(count);
        for pair in payload[1..1 + 2 * count].chunks_exact(2) {
            let known = frame.components.iter().position(|component| component.id == pair[0]);
            let component = known.ok_or(Declined::Damaged)?;
            if components.last().is_some_and(|before| before.component >= component) {
                return Err(Declined::Damaged); // out of order, or twice
            }
            let (dc, ac) = (usize::from(pair[1] >> 4), usize::from(pair[1] & 15));
            components.push(ScanComponent { component, dc, ac });
        }
        let [ss, se, approximation] = payload[1 + 2 * count..] else {
            return Err(Declined::Damaged);
        };
        let (ah, al) = (approximation >> 4, approximation & 15);
        Ok(Scan { components, ss: ss.into(), se: se.into(), ah, al })
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
            h,
            v,
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

/// libjpeg ignores shorter ones (jdmarker.c).
pub fn is_jfif(payload: &[u8]) -> bool {
    payload.starts_with(b"JFIF\0") && payload.len() >= 14
}

/// As `is_jfif`.
pub fn is_adobe(payload: &[u8]) -> bool {
    payload.starts_with(b"Adobe") && payload.len() >= 12
}
