//! A picture told in several scans (T.81, annex G), or one that needs new Huffman tables: its
//! coefficients are read, those under the mark changed, and all written again in the same scans
//! with tables made for them.
//!
//! All scans are read side by side, a row of MCUs at a time, and written so: what one row takes
//! stays in the processor's cache, where whole planes would go through memory once a scan.

mod read;
mod tell;
mod told;

use super::bits::{Reader, Writer};
use super::blend::Blender;
use super::block::{Block, Lacking, Pen};
use super::header::{DHT, EOI, Frame, HuffmanTables, Scan, Segment, write_segment};
use super::{Head, Spliced, extended, roomier};
use crate::{Declined, Mark, Place};
use read::ScanReader;
use tell::Teller;
use told::Told;

/// Blocks of one component, with the padding of its MCUs.
struct Plane {
    blocks: Vec<Block>,
    across: usize,
}

/// Reads the scans, from the first one on, and writes them with the mark.
pub fn splice(
    head: &Head,
    start: Segment,
    first: Scan,
    mark: &Mark,
    places: &[Place],
    memory: usize,
) -> Result<Spliced, Declined> {
    let frame = head.header.frame.as_ref().ok_or(Declined::Damaged)?;
    check_memory(frame, memory)?;
    let blender = head.blender(mark, places)?;
    let told = told::find(head, start, first, frame)?;
    let mut picture = Picture::new(head.data, frame, &blender, &told)?;
    // Behind the mark's last row one more, so that no DC value there depends on the mark.
    let rows = frame.mcus.1.min(blender.end() + 1);
    picture.read(rows, |_| true)?;
    let (tables, scans) = picture.written()?;
    let mut bytes = head.start();
    for segment in head.kept.iter().filter(|segment| !segment.is_application()) {
        if segment.marker != DHT {
            write_segment(&mut bytes, segment.marker, segment.payload(head.data));
        }
    }
    for ((told, tables), coded) in told.iter().zip(&tables).zip(scans) {
        for segment in &told.before {
            write_segment(&mut bytes, segment.marker, segment.payload(head.data));
        }
        told.write_tables(tables, &mut bytes);
        write_segment(&mut bytes, told.start.marker, told.start.payload(head.data));
        bytes.extend_from_slice(&coded);
    }
    bytes.extend_from_slice(&[0xFF, EOI]);
    Ok(Spliced::new(bytes, picture.changed, frame))
}

/// The coefficients, as far as they are read, and what reads them.
struct Picture<'a> {
    frame: &'a Frame,
    blender: &'a Blender<'a>,
    told: &'a [Told],
    readers: Vec<ScanReader<'a>>,
    planes: Vec<Plane>,
    /// Rows of MCUs that were read.
    rows: usize,
    changed: usize,
}

/// Each scan's tables and its coded data.
type Written = (Vec<HuffmanTables>, Vec<Vec<u8>>);

impl<'a> Picture<'a> {
    fn new(
        data: &'a [u8],
        frame: &'a Frame,
        blender: &'a Blender,
        told: &'a [Told],
    ) -> Result<Self, Declined> {
        let readers = told.iter().map(|told| ScanReader::new(data, frame, told));
        let planes = frame
            .components
            .iter()
            .map(|component| Plane { blocks: Vec::new(), across: component.across * frame.mcus.0 });
        Ok(Self {
            frame,
            blender,
            told,
            readers: readers.collect::<Result<_, _>>()?,
            planes: planes.collect(),
            rows: 0,
            changed: 0,
        })
    }

    /// Reads scans up to a row of MCUs, and puts the mark there.
    fn read(&mut self, rows: usize, is_wanted: impl Fn(usize) -> bool) -> Result<(), Declined> {
        for row in self.rows..rows {
            for (plane, component) in self.planes.iter_mut().zip(&self.frame.components) {
                plane.blocks.resize_with((row + 1) * component.down * plane.across, Block::default);
            }
            for (at, reader) in self.readers.iter_mut().enumerate() {
                if is_wanted(at) {
                    reader.read_row(row, &mut self.planes)?;
                }
            }
            self.changed += blend(self.frame, self.blender, row, &mut self.planes)?;
        }
        self.rows = rows.max(self.rows);
        Ok(())
    }

    /// Writes each scan: the rows that were read with the tables that are there, and copies
    /// what is behind them; all of it with other tables where those have no room for symbols
    /// they lack.
    fn written(&mut self) -> Result<Written, Declined> {
        let (rows, all) = (self.rows, self.frame.mcus.1);
        let mut tables: Vec<_> = self.told.iter().map(|told| told.tables.clone()).collect();
        // Only one interval's end could be copied.
        let is_restarted = |told: &Told| rows < all && told.restart_interval > 0;
        let mut is_new: Vec<bool> = self.told.iter().map(is_restarted).collect();
        let mut writers = Vec::new();
        for (at, first) in self.tell(rows, |_| true, &tables).into_iter().enumerate() {
            let (mut writer, mut lacking) = first;
            // With more codes runs are cut elsewhere, and may lack others.
            while !lacking.is_empty() && !is_new[at] {
                let wider = extended(&tables[at], &lacking);
                is_new[at] = wider.is_none();
                tables[at] = match wider {
                    Some(wider) => wider,
                    None => roomier(&tables[at], &lacking).ok_or(Declined::Range)?,
                };
                let again = |which| which == at && !is_new[at];
                if let Some(wider) = self.tell(rows, again, &tables).pop() {
                    (writer, lacking) = wider;
                }
            }
            writers.push(writer);
        }
        if rows < all {
            self.copy_rest(&mut writers, &is_new)?;
        }
        let mut left: Vec<usize> = (0..is_new.len()).filter(|&at| is_new[at]).collect();
        // A scan may need more symbols than its first rows and than its own encoder did.
        while !left.is_empty() {
            let told = self.tell(all, |at| left.contains(&at), &tables);
            let mut still = Vec::new();
            for (at, (writer, lacking)) in left.into_iter().zip(told) {
                if lacking.is_empty() {
                    writers[at] = writer;
                } else {
                    tables[at] = roomier(&tables[at], &lacking).ok_or(Declined::Range)?;
                    still.push(at);
                }
            }
            left = still;
        }
        Ok((tables, writers.into_iter().map(Writer::finish).collect()))
    }

    /// Copies what is behind the rows that were read, but for scans that are written anew: these
    /// are read to their end, with all that they build on, and so are scans whose padding could
    /// fill a byte of its own.
    fn copy_rest(&mut self, writers: &mut [Writer], is_new: &[bool]) -> Result<(), Declined> {
        let rest: Vec<Reader> =
            self.readers.iter().map(|reader| reader.interval.reader.clone()).collect();
        let in_doubt: Vec<bool> = (0..rest.len())
            .map(|at| is_new[at] || writers[at].would_end_in_ones(&rest[at]))
            .collect();
        let told = self.told;
        let mut is_wanted = in_doubt.clone();
        for at in (0..told.len()).rev() {
            is_wanted[at] |=
                (at..told.len()).any(|later| is_wanted[later] && told[later].builds_on(&told[at]));
        }
        if in_doubt.contains(&true) {
            self.read(self.frame.mcus.1, |at| is_wanted[at])?;
        }
        for (at, rest) in rest.into_iter().enumerate().filter(|&(at, _)| !is_new[at]) {
            let padding = if in_doubt[at] { self.readers[at].padding()? } else { 0 };
            writers[at].copy_rest(rest, padding);
        }
        Ok(())
    }

    /// Writes the first rows of some scans, each with its tables, and gives what symbols these
    /// lack.
    fn tell(
        &self,
        rows: usize,
        is_wanted: impl Fn(usize) -> bool,
        tables: &[HuffmanTables],
    ) -> Vec<(Writer, Lacking)> {
        let wanted: Vec<usize> = (0..self.told.len()).filter(|&at| is_wanted(at)).collect();
        let teller = |&at: &usize| {
            Teller::new(self.frame, &self.told[at], Pen::new(Vec::new(), &tables[at]))
        };
        let mut tellers: Vec<_> = wanted.iter().map(teller).collect();
        for row in 0..rows {
            for teller in &mut tellers {
                teller.tell_row(row, &self.planes);
            }
        }
        let is_part = rows < self.frame.mcus.1;
        let run = |at: usize| if is_part { self.readers[at].interval.run } else { 0 };
        let pens = tellers.into_iter().zip(wanted).map(|(teller, at)| teller.end(run(at)));
        pens.map(|pen| (pen.writer, pen.lacking)).collect()
    }
}

fn check_memory(frame: &Frame, memory: usize) -> Result<(), Declined> {
    let mcus = frame.mcus.0 * frame.mcus.1;
    let blocks: usize = frame.components.iter().map(|part| part.across * part.down * mcus).sum();
    if 2 * blocks * size_of::<Block>() > memory { Err(Declined::Memory) } else { Ok(()) }
}

/// Puts the mark onto a row of MCUs and tells how many blocks changed.
fn blend(
    frame: &Frame,
    blender: &Blender,
    row: usize,
    planes: &mut [Plane],
) -> Result<usize, Declined> {
    let mut changed = 0;
    for x in blender.runs_in(row, frame).into_iter().flatten() {
        for (number, component) in frame.components.iter().enumerate() {
            for at in 0..component.across * component.down {
                let across = x * component.across + at % component.across;
                let down = row * component.down + at / component.across;
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
