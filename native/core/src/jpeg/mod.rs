//! JPEG (ITU T.81): baseline, extended sequential and progressive, with Huffman codec.

mod bits;
mod blend;
mod block;
mod block_codec;
mod dct;
mod header;
mod huffman;
mod scans;
mod segments;
mod sequential;
mod symbol_writer;

use crate::{Declined, Overlay, Place, Spliced};
use blend::Blender;
use block_codec::BlockCodec;
use header::{Content, Frame, Header, HuffmanTables, Scan};
use huffman::{Leaps, Table, TableId};
use segments::{APP0, APP14, DHT, SOI, Segment, Segments, write_segment};
use sequential::{Mode, Source};
use symbol_writer::MissingCodes;

/// Watermarks a picture: blends `overlay` at `places`.
///
/// `segments` (whole APPn segments) take the place of the source's, but for JFIF's and
/// Adobe's, which say what the colours are. A progressive picture, and one whose tables lack
/// codes that the overlay needs, is held in memory as coefficients, in at most `memory` bytes.
pub fn splice(
    data: &[u8],
    overlay: &Overlay,
    places: &[Place],
    segments: &[u8],
    memory: usize,
) -> Result<Spliced, Declined> {
    if !overlay.is_whole() {
        return Err(Declined::Overlay);
    }
    let mut head = Head { data, header: Header::default(), kept: Vec::new(), segments };
    let mut source = Segments::new(data)?;
    loop {
        let segment = source.next()?;
        match head.header.read(data, segment)? {
            Content::Scan(scan) => {
                if let Some(spliced) = one_scan(&head, segment, &scan, overlay, places)? {
                    return Ok(spliced);
                }
                return scans::splice(&head, segment, scan, overlay, places, memory);
            }
            Content::End => return Err(Declined::Damaged),
            Content::Other => head.kept.push(segment),
        }
    }
}

/// The fast path for one sequential scan of all components. Nothing if the file isn't so.
fn one_scan(
    head: &Head,
    start: Segment,
    scan: &Scan,
    overlay: &Overlay,
    places: &[Place],
) -> Result<Option<Spliced>, Declined> {
    let tables = &head.header.tables;
    let frame = head.header.frame.as_ref().ok_or(Declined::Damaged)?;
    if frame.is_progressive || scan.components.len() < frame.components.len() {
        return Ok(None);
    }
    let blender = head.blender(overlay, places)?;
    let leaps = tables.huffman.ac.each_ref().map(|table| table.as_ref().map(Table::leaps));
    let source = Source {
        data: head.data,
        at: start.end,
        frame,
        codecs: &codecs(frame, scan, &tables.huffman, &leaps)?,
        restart_interval: tables.restart_interval,
    };
    let bytes = head.bytes(start, None);
    let copied = sequential::copy(&source, &blender, &tables.huffman, Mode::Copy, bytes)?;
    if copied.missing.is_empty() {
        return Ok(Some(Spliced::new(copied.bytes, copied.changed, frame, copied.end)));
    }
    let (written, way) = match extended(&tables.huffman, &copied.missing) {
        Some(wider) => (wider, Mode::Copy),
        None => {
            let lengthened = lengthened(&tables.huffman, &copied.missing);
            (lengthened.ok_or(Declined::Range)?, Mode::Recode)
        }
    };
    let bytes = head.bytes(start, Some(&written));
    let copied = sequential::copy(&source, &blender, &written, way, bytes)?;
    if !copied.missing.is_empty() {
        return Err(Declined::Range);
    }
    Ok(Some(Spliced::new(copied.bytes, copied.changed, frame, copied.end)))
}

impl Spliced {
    fn new(bytes: Vec<u8>, changed: usize, frame: &Frame, end: usize) -> Self {
        Self { bytes, changed, blocks: frame.blocks(), end }
    }
}

/// A codec for each component of an interleaved scan.
fn codecs<'a>(
    frame: &Frame,
    scan: &Scan,
    tables: &'a HuffmanTables,
    leaps: &'a [Option<Box<Leaps>>; 4],
) -> Result<Vec<BlockCodec<'a>>, Declined> {
    let codecs = scan.components.iter().map(|part| {
        let component = &frame.components[part.component];
        let dc = tables.dc.get(part.dc).and_then(Option::as_ref);
        let ac = tables.ac.get(part.ac).and_then(Option::as_ref);
        let leaps = leaps.get(part.ac).and_then(Option::as_deref);
        Some(BlockCodec {
            component: part.component,
            h: component.h,
            v: component.v,
            dc: dc?,
            ac: ac?,
            leaps: leaps?,
            dc_table: part.dc,
            ac_table: part.ac,
        })
    });
    codecs.collect::<Option<_>>().ok_or(Declined::Damaged)
}

/// The tables with codes for missing symbols, if there is room: all other codes stay.
fn extended(tables: &HuffmanTables, missing: &MissingCodes) -> Option<HuffmanTables> {
    changed(tables, missing, Table::extended)
}

/// The tables with codes for missing symbols, some of the others longer than before.
fn lengthened(tables: &HuffmanTables, missing: &MissingCodes) -> Option<HuffmanTables> {
    changed(tables, missing, Table::lengthened)
}

fn changed(
    tables: &HuffmanTables,
    missing: &MissingCodes,
    change: impl Fn(&Table, &[u8]) -> Option<Table>,
) -> Option<HuffmanTables> {
    if missing.iter().any(|&((is_ac, _), symbol)| !is_ac && symbol > 15) {
        return None; // decoders refuse longer DC differences
    }
    let mut tables = tables.clone();
    let missing: Vec<(TableId, u8)> = missing.iter().copied().collect();
    for same in missing.chunk_by(|a, b| a.0 == b.0) {
        let table = tables.get_mut(same.first()?.0)?.as_mut()?;
        let symbols: Vec<u8> = same.iter().map(|&(_, symbol)| symbol).collect();
        *table = change(table, &symbols)?;
    }
    Some(tables)
}

/// What precedes the entropy-coded data.
struct Head<'a> {
    data: &'a [u8],
    header: Header,
    kept: Vec<Segment>,
    segments: &'a [u8],
}

impl Head<'_> {
    fn blender<'b>(
        &self,
        overlay: &'b Overlay,
        places: &'b [Place],
    ) -> Result<Blender<'b>, Declined> {
        let frame = self.header.frame.as_ref().ok_or(Declined::Damaged)?;
        let space = self.header.space().ok_or(Declined::Inks)?;
        Blender::new(frame, &self.header.tables, space, overlay, places)
    }

    /// Everything up to the scan's entropy-coded data, with room for that. `tables` replace the
    /// source's Huffman tables.
    fn bytes(&self, scan: Segment, tables: Option<&HuffmanTables>) -> Vec<u8> {
        let mut bytes = self.start();
        for segment in self.kept.iter().filter(|segment| !segment.is_application()) {
            if segment.marker != DHT || tables.is_none() {
                write_segment(&mut bytes, segment.marker, segment.payload(self.data));
            }
        }
        if let Some(tables) = tables {
            tables.write(&mut bytes);
        }
        write_segment(&mut bytes, scan.marker, scan.payload(self.data));
        bytes
    }

    /// The file up to its first table, with room for the rest.
    ///
    /// Of JFIF's and Adobe's segments the last one counts; JFIF's thumbnail is left out.
    fn start(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.data.len() + self.segments.len() + (1 << 16));
        bytes.extend_from_slice(&[0xFF, SOI]);
        if let Some(jfif) = self.last(APP0, header::is_jfif) {
            write_segment(&mut bytes, APP0, &[&jfif[..12], &[0, 0]].concat());
        }
        if let Some(adobe) = self.last(APP14, header::is_adobe) {
            write_segment(&mut bytes, APP14, &adobe[..12]);
        }
        bytes.extend_from_slice(self.segments);
        bytes
    }

    /// The payload of the last such segment.
    fn last(&self, marker: u8, is_wanted: impl Fn(&[u8]) -> bool) -> Option<&[u8]> {
        let same = self.kept.iter().filter(|segment| segment.marker == marker);
        same.map(|segment| segment.payload(self.data)).rfind(|payload| is_wanted(payload))
    }
}
