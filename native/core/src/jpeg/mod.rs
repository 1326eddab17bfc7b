//! JPEG (ITU T.81): baseline, extended sequential and progressive, with Huffman coding.

mod bits;
mod blend;
mod block;
mod dct;
mod header;
mod huffman;
mod scans;
mod sequential;

use crate::{Declined, Mark, Place, Spliced};
use blend::Blender;
use block::{Coding, Lacking};
use header::{
    APP0, APP14, DHT, Frame, Header, HuffmanTables, Met, SOI, Scan, Segment, Segments,
    write_segment,
};
use huffman::{Leaps, Table, TableId};
use sequential::{Source, Way};

/// Puts `mark` at `places` into the picture.
///
/// `segments` (whole APPn segments) take the place of the source's, but for JFIF's and
/// Adobe's, which say what the colours are. A progressive picture, and one whose tables lack
/// codes that the mark needs, is held in memory as coefficients, in at most `memory` bytes.
pub fn splice(
    data: &[u8],
    mark: &Mark,
    places: &[Place],
    segments: &[u8],
    memory: usize,
) -> Result<Spliced, Declined> {
    if !mark.is_whole() {
        return Err(Declined::Mark);
    }
    let mut head = Head { data, header: Header::default(), kept: Vec::new(), segments };
    let mut source = Segments::new(data)?;
    loop {
        let segment = source.next()?;
        match head.header.read(data, segment)? {
            Met::Scan(scan) => {
                if let Some(spliced) = one_scan(&head, segment, &scan, mark, places)? {
                    return Ok(spliced);
                }
                return scans::splice(&head, segment, scan, mark, places, memory);
            }
            Met::End => return Err(Declined::Damaged),
            Met::Other => head.kept.push(segment),
        }
    }
}

/// The quick way, open to one sequential scan of all components whose tables have room for the
/// codes that the mark needs.
fn one_scan(
    head: &Head,
    start: Segment,
    scan: &Scan,
    mark: &Mark,
    places: &[Place],
) -> Result<Option<Spliced>, Declined> {
    let tables = &head.header.tables;
    let frame = head.header.frame.as_ref().ok_or(Declined::Damaged)?;
    if frame.is_progressive || scan.components.len() < frame.components.len() {
        return Ok(None);
    }
    let blender = head.blender(mark, places)?;
    let leaps = tables.huffman.ac.each_ref().map(|table| table.as_ref().map(Table::leaps));
    let source = Source {
        data: head.data,
        at: start.end,
        frame,
        codings: &codings(frame, scan, &tables.huffman, &leaps)?,
        restart_interval: tables.restart_interval,
    };
    let bytes = head.bytes(start, None);
    let copied = sequential::copy(&source, &blender, &tables.huffman, Way::Copy, bytes)?;
    if copied.lacking.is_empty() {
        return Ok(Some(Spliced::new(copied.bytes, copied.changed, frame)));
    }
    let (written, way) = match extended(&tables.huffman, &copied.lacking) {
        Some(wider) => (wider, Way::Copy),
        None => {
            let roomier = roomier(&tables.huffman, &copied.lacking);
            (roomier.ok_or(Declined::Range)?, Way::Recode)
        }
    };
    let bytes = head.bytes(start, Some(&written));
    let copied = sequential::copy(&source, &blender, &written, way, bytes)?;
    if !copied.lacking.is_empty() {
        return Err(Declined::Range);
    }
    Ok(Some(Spliced::new(copied.bytes, copied.changed, frame)))
}

impl Spliced {
    fn new(bytes: Vec<u8>, changed: usize, frame: &Frame) -> Self {
        Self { bytes, changed, blocks: frame.blocks() }
    }
}

/// How each component of an interleaved scan is coded.
fn codings<'a>(
    frame: &Frame,
    scan: &Scan,
    tables: &'a HuffmanTables,
    leaps: &'a [Option<Box<Leaps>>; 4],
) -> Result<Vec<Coding<'a>>, Declined> {
    let codings = scan.components.iter().map(|&(number, dc_number, ac_number)| {
        let component = &frame.components[number];
        let dc = tables.dc.get(dc_number).and_then(Option::as_ref);
        let ac = tables.ac.get(ac_number).and_then(Option::as_ref);
        let leaps = leaps.get(ac_number).and_then(Option::as_deref);
        Some(Coding {
            number,
            across: component.across,
            down: component.down,
            dc: dc?,
            ac: ac?,
            leaps: leaps?,
            dc_number,
            ac_number,
        })
    });
    codings.collect::<Option<_>>().ok_or(Declined::Damaged)
}

/// The tables with codes for what they lack, if there is room: all codes that were there stay.
fn extended(tables: &HuffmanTables, lacking: &Lacking) -> Option<HuffmanTables> {
    changed(tables, lacking, Table::extended)
}

/// The tables with codes for what they lack, some of the others longer than they were.
fn roomier(tables: &HuffmanTables, lacking: &Lacking) -> Option<HuffmanTables> {
    changed(tables, lacking, Table::roomier)
}

fn changed(
    tables: &HuffmanTables,
    lacking: &Lacking,
    change: impl Fn(&Table, &[u8]) -> Option<Table>,
) -> Option<HuffmanTables> {
    if lacking.iter().any(|&((is_ac, _), symbol)| !is_ac && symbol > 15) {
        return None; // no decoder takes a longer DC difference
    }
    let mut tables = tables.clone();
    let lacking: Vec<(TableId, u8)> = lacking.iter().copied().collect();
    for same in lacking.chunk_by(|a, b| a.0 == b.0) {
        let table = tables.place(same.first()?.0)?.as_mut()?;
        let symbols: Vec<u8> = same.iter().map(|&(_, symbol)| symbol).collect();
        *table = change(table, &symbols)?;
    }
    Some(tables)
}

/// What stands before the coded data.
struct Head<'a> {
    data: &'a [u8],
    header: Header,
    kept: Vec<Segment>,
    segments: &'a [u8],
}

impl Head<'_> {
    fn blender<'b>(&self, mark: &'b Mark, places: &'b [Place]) -> Result<Blender<'b>, Declined> {
        let frame = self.header.frame.as_ref().ok_or(Declined::Damaged)?;
        let space = self.header.space().ok_or(Declined::Inks)?;
        Blender::new(frame, &self.header.tables, space, mark, places)
    }

    /// Everything up to the coded data of the scan, with room for that. `tables` take the place
    /// of the source's Huffman tables.
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

    /// The file up to its first table, with room for the rest: SOI and what says what it is.
    ///
    /// Of JFIF's and Adobe's segments the last are taken, without JFIF's thumbnail.
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

    /// The payload of the last segment that is of a kind.
    fn last(&self, marker: u8, is_wanted: impl Fn(&[u8]) -> bool) -> Option<&[u8]> {
        let same = self.kept.iter().filter(|segment| segment.marker == marker);
        same.map(|segment| segment.payload(self.data)).rfind(|payload| is_wanted(payload))
    }
}
