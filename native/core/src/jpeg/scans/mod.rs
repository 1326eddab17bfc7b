//! Pictures in several scans (T.81, annex G), and those that need other Huffman tables: the
//! coefficients are decoded, those under the overlay changed, and all encoded again in the same
//! scans.
//!
//! All scans are decoded side by side, a row of MCUs at a time, and encoded so: a row stays in
//! the processor's cache, where whole planes would go through memory once a scan.

mod decode;
mod encode;
mod refinement;
mod scan;
mod units;

use super::bits::{Reader, Writer};
use super::blend::Blender;
use super::block::Block;
use super::header::{Frame, HuffmanTables, Scan};
use super::segments::{DHT, EOI, Segment, write_segment};
use super::symbol_writer::{MissingCodes, SymbolWriter};
use super::{Head, Spliced, extended, lengthened};
use crate::{Declined, Overlay, Place};
use decode::ScanDecoder;
use encode::ScanEncoder;
use scan::CodedScan;

/// Blocks of one component, with the padding of its MCUs.
struct Plane {
    blocks: Vec<Block>,
    across: usize,
}

/// Decodes the scans, from the first one on, and encodes them with the overlay.
pub fn splice(
    head: &Head,
    start: Segment,
    first: Scan,
    overlay: &Overlay,
    places: &[Place],
    memory: usize,
) -> Result<Spliced, Declined> {
    let frame = head.header.frame.as_ref().ok_or(Declined::Damaged)?;
    check_memory(frame, memory)?;
    let blender = head.blender(overlay, places)?;
    let (scans, end) = scan::find(head, start, first, frame)?;
    let mut transcoder = Transcoder::new(head.data, frame, &blender, &scans)?;
    // One row more than the overlay covers, so that no DC difference behind it depends on it.
    let rows = frame.mcus.1.min(blender.end() + 1);
    transcoder.decode(rows, |_| true)?;
    let (tables, encoded) = transcoder.encode_all()?;
    let mut bytes = head.start();
    for segment in head.kept.iter().filter(|segment| !segment.is_application()) {
        if segment.marker != DHT {
            write_segment(&mut bytes, segment.marker, segment.payload(head.data));
        }
    }
    for ((scan, tables), encoded) in scans.iter().zip(&tables).zip(encoded) {
        for segment in &scan.before {
            write_segment(&mut bytes, segment.marker, segment.payload(head.data));
        }
        scan.write_tables(tables, &mut bytes);
        write_segment(&mut bytes, scan.start.marker, scan.start.payload(head.data));
        bytes.extend_from_slice(&encoded);
    }
    bytes.extend_from_slice(&[0xFF, EOI]);
    Ok(Spliced::new(bytes, transcoder.changed, frame, end))
}

/// The coefficients decoded so far, and the decoders of all scans.
struct Transcoder<'a> {
    frame: &'a Frame,
    blender: &'a Blender<'a>,
    scans: &'a [CodedScan],
    decoders: Vec<ScanDecoder<'a>>,
    planes: Vec<Plane>,
    /// Rows of MCUs that are decoded.
    rows: usize,
    changed: usize,
}

/// Each scan's tables and its entropy-coded data.
type Encoded = (Vec<HuffmanTables>, Vec<Vec<u8>>);

impl<'a> Transcoder<'a> {
    fn new(
        data: &'a [u8],
        frame: &'a Frame,
        blender: &'a Blender,
        scans: &'a [CodedScan],
    ) -> Result<Self, Declined> {
        let decoders = scans.iter().map(|scan| ScanDecoder::new(data, frame, scan));
        let planes = frame
            .components
            .iter()
            .map(|component| Plane { blocks: Vec::new(), across: component.h * frame.mcus.0 });
        Ok(Self {
            frame,
            blender,
            scans,
            decoders: decoders.collect::<Result<_, _>>()?,
            planes: planes.collect(),
            rows: 0,
            changed: 0,
        })
    }

    /// Decodes the wanted scans up to a row of MCUs, and blends the overlay.
    fn decode(&mut self, rows: usize, is_wanted: impl Fn(usize) -> bool) -> Result<(), Declined> {
        for row in self.rows..rows {
            for (plane, component) in self.planes.iter_mut().zip(&self.frame.components) {
                plane.blocks.resize_with((row + 1) * component.v * plane.across, Block::default);
            }
            for (at, decoder) in self.decoders.iter_mut().enumerate() {
                if is_wanted(at) {
                    decoder.decode_row(row, &mut self.planes)?;
                }
            }
            self.changed += blend(self.frame, self.blender, row, &mut self.planes)?;
        }
        self.rows = rows.max(self.rows);
        Ok(())
    }

    /// Encodes the decoded rows of each scan with its own tables and copies what is behind them.
    /// Where tables have no room for missing codes, the whole scan is encoded with other tables.
    fn encode_all(&mut self) -> Result<Encoded, Declined> {
        let (rows, all) = (self.rows, self.frame.mcus.1);
        let mut tables: Vec<_> = self.scans.iter().map(|scan| scan.tables.clone()).collect();
        // With restart intervals only the rest of one interval could be copied.
        let is_restarted = |scan: &CodedScan| rows < all && scan.restart_interval > 0;
        let mut is_new: Vec<bool> = self.scans.iter().map(is_restarted).collect();
        let mut writers = Vec::new();
        for (at, first) in self.encode(rows, |_| true, &tables).into_iter().enumerate() {
            let (mut writer, mut missing) = first;
            // With more EOBn codes runs are split elsewhere, and may need other codes again.
            while !missing.is_empty() && !is_new[at] {
                let wider = extended(&tables[at], &missing);
                is_new[at] = wider.is_none();
                tables[at] = match wider {
                    Some(wider) => wider,
                    None => lengthened(&tables[at], &missing).ok_or(Declined::Range)?,
                };
                let again = |which| which == at && !is_new[at];
                if let Some(wider) = self.encode(rows, again, &tables).pop() {
                    (writer, missing) = wider;
                }
            }
            writers.push(writer);
        }
        if rows < all {
            self.copy_rest(&mut writers, &is_new)?;
        }
        let mut left: Vec<usize> = (0..is_new.len()).filter(|&at| is_new[at]).collect();
        // A whole scan may need more symbols than its first rows and than the source's encoder.
        while !left.is_empty() {
            let encoded = self.encode(all, |at| left.contains(&at), &tables);
            let mut still = Vec::new();
            for (at, (writer, missing)) in left.into_iter().zip(encoded) {
                if missing.is_empty() {
                    writers[at] = writer;
                } else {
                    tables[at] = lengthened(&tables[at], &missing).ok_or(Declined::Range)?;
                    still.push(at);
                }
            }
            left = still;
        }
        Ok((tables, writers.into_iter().map(Writer::finish).collect()))
    }

    /// Copies what is behind the decoded rows. Scans that get other tables are decoded to their
    /// end instead, with all that they refine, and so are scans whose padding could fill a byte
    /// of its own.
    fn copy_rest(&mut self, writers: &mut [Writer], is_new: &[bool]) -> Result<(), Declined> {
        let rest: Vec<Reader> =
            self.decoders.iter().map(|decoder| decoder.interval.reader.clone()).collect();
        let in_doubt: Vec<bool> = (0..rest.len())
            .map(|at| is_new[at] || writers[at].would_end_in_ones(&rest[at]))
            .collect();
        let scans = self.scans;
        let mut is_wanted = in_doubt.clone();
        for at in (0..scans.len()).rev() {
            is_wanted[at] |= (at..scans.len())
                .any(|later| is_wanted[later] && scans[later].builds_on(&scans[at]));
        }
        if in_doubt.contains(&true) {
            self.decode(self.frame.mcus.1, |at| is_wanted[at])?;
        }
        for (at, rest) in rest.into_iter().enumerate().filter(|&(at, _)| !is_new[at]) {
            let padding = if in_doubt[at] { self.decoders[at].padding()? } else { 0 };
            writers[at].copy_rest(rest, padding);
        }
        Ok(())
    }

    /// Encodes the first rows of the wanted scans, each with its tables.
    fn encode(
        &self,
        rows: usize,
        is_wanted: impl Fn(usize) -> bool,
        tables: &[HuffmanTables],
    ) -> Vec<(Writer, MissingCodes)> {
        let wanted: Vec<usize> = (0..self.scans.len()).filter(|&at| is_wanted(at)).collect();
        let encoder = |&at: &usize| {
            let symbols = SymbolWriter::new(Vec::new(), &tables[at]);
            ScanEncoder::new(self.frame, &self.scans[at], symbols)
        };
        let mut encoders: Vec<_> = wanted.iter().map(encoder).collect();
        for row in 0..rows {
            for encoder in &mut encoders {
                encoder.encode_row(row, &self.planes);
            }
        }
        let is_part = rows < self.frame.mcus.1;
        let eobrun = |at: usize| if is_part { self.decoders[at].interval.eobrun } else { 0 };
        let encoded =
            encoders.into_iter().zip(wanted).map(|(encoder, at)| encoder.finish(eobrun(at)));
        encoded.map(|symbols| (symbols.writer, symbols.missing)).collect()
    }
}

fn check_memory(frame: &Frame, memory: usize) -> Result<(), Declined> {
    let mcus = frame.mcus.0 * frame.mcus.1;
    let blocks: usize = frame.components.iter().map(|part| part.h * part.v * mcus).sum();
    if 2 * blocks * size_of::<Block>() > memory { Err(Declined::Memory) } else { Ok(()) }
}

/// Blends the overlay onto a row of MCUs and returns how many blocks changed.
fn blend(
    frame: &Frame,
    blender: &Blender,
    row: usize,
    planes: &mut [Plane],
) -> Result<usize, Declined> {
    let mut changed = 0;
    for x in blender.runs_in(row, frame).into_iter().flatten() {
        for (number, component) in frame.components.iter().enumerate() {
            for at in 0..component.h * component.v {
                let across = x * component.h + at % component.h;
                let down = row * component.v + at / component.h;
                let plane = &mut planes[number];
                let block = &mut plane.blocks[down * plane.across + across];
                let blended =
                    blender.blend(number, (across, down), || Ok::<_, Declined>(block.clone()))?;
                if let Some(blended) = blended.filter(|blended| blended.is_changed) {
                    *block = blended.after;
                    changed += 1;
                }
            }
        }
    }
    Ok(changed)
}
