//! A picture told in several scans (T.81, annex G), or one that needs new Huffman tables: its
//! coefficients are read, those under the mark changed, and all written again in the same scans
//! with tables made for them.
//!
//! All scans are read side by side, a row of MCUs at a time, and written so: what one row takes
//! stays in the processor's cache, where whole planes would go through memory once a scan.

use std::ops::Range;

use super::bits::{Reader, Writer};
use super::blend::Blender;
use super::block::{self, Block, Coding, Lacking, Pen, Sink, TableId, places};
use super::header::{
    DHT, DQT, DRI, EOI, Frame, HuffmanTables, Met, Scan, Segment, Segments, coded_end,
    write_segment,
};
use super::huffman::{Leaps, Table, bits_of, size_of as size_of_value, value_of};
use super::{Head, Spliced, codings, extended};
use crate::{Declined, Mark, Place};

/// An encoder makes about ten.
const MOST_SCANS: usize = 200;
/// The longest run of ended blocks (G.1.2.2).
const LONGEST_RUN: u32 = 0x7FFF;
/// As many bits of corrections are held back at most: what a decoder has to expect isn't told
/// anywhere, and libjpeg's encoder holds back no more.
const MOST_CORRECTIONS: u32 = 937;

/// Blocks of one component, with the padding of its MCUs.
struct Plane {
    blocks: Vec<Block>,
    across: usize,
}

/// One scan: the segments before it, and how it is told.
struct Told {
    before: Vec<Segment>,
    start: Segment,
    scan: Scan,
    kind: Kind,
    tables: HuffmanTables,
    leaps: [Option<Box<Leaps>>; 4],
    restart_interval: usize,
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
    let told = told(head, start, first, frame)?;
    let mut picture = Picture::new(head.data, frame, &blender, &told)?;
    // Behind the mark's last row one more, so that no DC value there depends on the mark.
    let rows = frame.mcus.1.min(blender.end() + 1);
    picture.read(rows, told.len())?;
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

    /// Reads the first `scans` scans up to a row of MCUs, and puts the mark there.
    fn read(&mut self, rows: usize, scans: usize) -> Result<(), Declined> {
        for row in self.rows..rows {
            for (plane, component) in self.planes.iter_mut().zip(&self.frame.components) {
                plane.blocks.resize_with((row + 1) * component.down * plane.across, Block::default);
            }
            for reader in &mut self.readers[..scans] {
                reader.read_row(row, &mut self.planes)?;
            }
            self.changed += blend(self.frame, self.blender, row, &mut self.planes)?;
        }
        self.rows = rows.max(self.rows);
        Ok(())
    }

    /// Writes each scan: the rows that were read with the tables that are there, and copies
    /// what is behind them; all of it with new tables where those have no room for symbols
    /// they lack.
    fn written(&mut self) -> Result<Written, Declined> {
        let (rows, all) = (self.rows, self.frame.mcus.1);
        let mut tables: Vec<_> = self.told.iter().map(|told| told.tables.clone()).collect();
        let mut pens =
            self.tell(rows, |_| true, |at| Pen::new(Writer::new(Vec::new()), &tables[at]));
        let lacking: Vec<Lacking> =
            pens.iter_mut().map(|pen| std::mem::take(&mut pen.lacking)).collect();
        let mut writers: Vec<Writer> = pens.into_iter().map(|pen| pen.writer).collect();
        let mut is_new = vec![false; writers.len()];
        for (at, lacking) in
            lacking.into_iter().enumerate().filter(|(_, lacking)| !lacking.is_empty())
        {
            let wider = extended(&tables[at], lacking);
            is_new[at] = wider.is_none();
            if let Some(wider) = wider {
                let pen = |_| Pen::new(Writer::new(Vec::new()), &wider);
                let pens = self.tell(rows, |which| which == at, pen);
                writers[at] = pens.into_iter().next().ok_or(Declined::Damaged)?.writer;
                tables[at] = wider;
            }
        }
        if rows < all {
            self.copy_rest(&mut writers, &mut is_new)?;
        }
        for record in self.tell(all, |at| is_new[at], |at| Record::new(at, &self.planes)) {
            let at = record.scan;
            tables[at] = record.tables()?;
            let mut pen = Pen::new(Writer::new(Vec::new()), &tables[at]);
            if !record.repeat(&mut pen) {
                let again = |_| Pen::new(Writer::new(Vec::new()), &tables[at]);
                pen = self.tell(all, |which| which == at, again).pop().ok_or(Declined::Damaged)?;
            }
            if !pen.lacking.is_empty() {
                return Err(Declined::Range);
            }
            writers[at] = pen.writer;
        }
        Ok((tables, writers.into_iter().map(Writer::finish).collect()))
    }

    /// Copies what is behind the rows that were read, but for scans that are written anew; up
    /// to the last of these everything is read, and so are scans whose padding could fill a
    /// byte of its own.
    fn copy_rest(&mut self, writers: &mut [Writer], is_new: &mut [bool]) -> Result<(), Declined> {
        for (is_new, told) in is_new.iter_mut().zip(self.told) {
            *is_new |= told.restart_interval > 0;
        }
        let rest: Vec<Reader> =
            self.readers.iter().map(|reader| reader.interval.reader.clone()).collect();
        let in_doubt = |at: usize| is_new[at] || writers[at].would_end_in_ones(&rest[at]);
        let known = (0..rest.len()).rev().find(|&at| in_doubt(at)).map_or(0, |last| last + 1);
        if known > 0 {
            self.read(self.frame.mcus.1, known)?;
        }
        for (at, rest) in rest.into_iter().enumerate().filter(|&(at, _)| !is_new[at]) {
            let padding = if at < known { self.readers[at].padding()? } else { 0 };
            writers[at].copy_rest(rest, padding);
        }
        Ok(())
    }

    /// Tells the first rows of some scans to a sink each.
    fn tell<S: Sink>(
        &self,
        rows: usize,
        is_wanted: impl Fn(usize) -> bool,
        sink: impl Fn(usize) -> S,
    ) -> Vec<S> {
        let wanted: Vec<usize> = (0..self.told.len()).filter(|&at| is_wanted(at)).collect();
        let teller = |&at: &usize| Teller::new(self.frame, &self.told[at], sink(at));
        let mut tellers: Vec<_> = wanted.iter().map(teller).collect();
        for row in 0..rows {
            for teller in &mut tellers {
                teller.tell_row(row, &self.planes);
            }
        }
        let is_part = rows < self.frame.mcus.1;
        let run = |at: usize| if is_part { self.readers[at].interval.run } else { 0 };
        tellers.into_iter().zip(wanted).map(|(teller, at)| teller.end(run(at))).collect()
    }
}

impl Told {
    /// Writes those of `tables` that the scan uses.
    fn write_tables(&self, tables: &HuffmanTables, bytes: &mut Vec<u8>) {
        let mut used = HuffmanTables::default();
        for &(_, dc, ac) in &self.scan.components {
            for (class, number) in [(false, dc), (true, ac)] {
                let is_used = match self.kind {
                    Kind::Sequential => true,
                    Kind::DcFirst => !class,
                    Kind::AcFirst | Kind::AcMore => class,
                    Kind::DcMore => false,
                };
                if let (true, Some(place)) = (is_used, used.place((class, number))) {
                    *place = tables.get((class, number)).cloned();
                }
            }
        }
        if used.dc.iter().chain(&used.ac).any(Option::is_some) {
            used.write(bytes);
        }
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

/// The blocks of a scan in their order, in units that a restart interval counts: an MCU of an
/// interleaved scan, a block of any other (A.2).
struct Units {
    /// Units across, and down in all and in a row of MCUs.
    across: usize,
    down: usize,
    down_a_row: usize,
    /// Of each component in the scan: its blocks a unit.
    blocks: Vec<(usize, usize)>,
}

impl Units {
    fn new(frame: &Frame, scan: &Scan) -> Self {
        if let [(number, _, _)] = scan.components[..] {
            let component = &frame.components[number];
            let (across, down) = component.blocks;
            return Self { across, down, down_a_row: component.down, blocks: vec![(1, 1)] };
        }
        let parts = scan.components.iter().map(|&(number, _, _)| &frame.components[number]);
        let blocks = parts.map(|component| (component.across, component.down)).collect();
        Self { across: frame.mcus.0, down: frame.mcus.1, down_a_row: 1, blocks }
    }

    /// The units in a row of MCUs.
    fn row(&self, row: usize) -> Range<usize> {
        let end = |row: usize| self.down.min(row * self.down_a_row) * self.across;
        end(row)..end(row + 1)
    }

    /// The positions of a unit's blocks in a component's plane.
    fn places(
        &self,
        unit: usize,
        part: usize,
        plane: &Plane,
    ) -> impl Iterator<Item = usize> + use<> {
        let (x, y) = (unit % self.across, unit / self.across);
        let (across, down) = self.blocks[part];
        let width = plane.across;
        (0..across * down)
            .map(move |at| (y * down + at / across) * width + x * across + at % across)
    }
}

/// How a scan tells its coefficients.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sequential,
    DcFirst,
    DcMore,
    AcFirst,
    AcMore,
}

fn kind(frame: &Frame, scan: &Scan) -> Result<Kind, Declined> {
    let Scan { first, last, high, low, .. } = *scan;
    if !frame.is_progressive {
        let is_whole = (first, last, high, low) == (0, 63, 0, 0);
        return if is_whole { Ok(Kind::Sequential) } else { Err(Declined::Damaged) };
    }
    let is_step = high == 0 || high == low + 1;
    let is_band = first > 0 && first <= last && last < 64 && scan.components.len() == 1;
    match (first == 0 && last == 0, is_band, high) {
        _ if !is_step || low > 13 => Err(Declined::Damaged),
        (true, _, 0) => Ok(Kind::DcFirst),
        (true, _, _) => Ok(Kind::DcMore),
        (_, true, 0) => Ok(Kind::AcFirst),
        (_, true, _) => Ok(Kind::AcMore),
        _ => Err(Declined::Damaged),
    }
}

/// Finds all scans, from the first one on.
fn told(
    head: &Head,
    mut start: Segment,
    mut scan: Scan,
    frame: &Frame,
) -> Result<Vec<Told>, Declined> {
    let mut header = head.header.clone();
    let mut told: Vec<Told> = Vec::new();
    let mut before = Vec::new();
    loop {
        if told.len() == MOST_SCANS {
            return Err(Declined::Scans);
        }
        let kind = kind(frame, &scan)?;
        let leaps = |table: &Option<Table>| table.as_ref().map(Table::leaps);
        told.push(Told {
            before: std::mem::take(&mut before),
            start,
            scan,
            kind,
            leaps: match kind {
                Kind::Sequential => header.tables.huffman.ac.each_ref().map(leaps),
                _ => [const { None }; 4],
            },
            tables: header.tables.huffman.clone(),
            restart_interval: header.tables.restart_interval,
        });
        let mut source = Segments { data: head.data, at: scan_end(head.data, start.end)? };
        (start, scan) = loop {
            let segment = source.next()?;
            match header.read(head.data, segment)? {
                Met::Scan(scan) => break (segment, scan),
                Met::End => return Ok(told),
                Met::Other if segment.marker == DQT => return Err(Declined::Scans),
                Met::Other if segment.marker == DRI => before.push(segment),
                Met::Other => {}
            }
        };
    }
}

/// Where a scan's coded data ends, restart markers and all.
fn scan_end(data: &[u8], mut at: usize) -> Result<usize, Declined> {
    loop {
        let (end, marker, next) = coded_end(data, at)?;
        if !(0xD0..=0xD7).contains(&marker) {
            return Ok(end);
        }
        at = next;
    }
}

/// Reads one scan, row by row.
struct ScanReader<'a> {
    data: &'a [u8],
    told: &'a Told,
    units: Units,
    interval: Interval<'a>,
    /// The marker behind the interval that is being read, and where the next one begins.
    marker: u8,
    next: usize,
}

impl<'a> ScanReader<'a> {
    fn new(data: &'a [u8], frame: &Frame, told: &'a Told) -> Result<Self, Declined> {
        let (end, marker, next) = coded_end(data, told.start.end)?;
        let codings = match told.kind {
            Kind::Sequential => codings(frame, &told.scan, &told.tables, &told.leaps)?,
            _ => Vec::new(),
        };
        let interval = Interval {
            reader: Reader::new(data.get(told.start.end..end).unwrap_or_default()),
            scan: &told.scan,
            tables: &told.tables,
            codings,
            before: [0; 4],
            run: 0,
        };
        Ok(Self { data, told, units: Units::new(frame, &told.scan), interval, marker, next })
    }

    fn read_row(&mut self, row: usize, planes: &mut [Plane]) -> Result<(), Declined> {
        for unit in self.units.row(row) {
            self.restart(unit)?;
            for (part, &(component, _, _)) in self.told.scan.components.iter().enumerate() {
                let plane = &mut planes[component];
                for place in self.units.places(unit, part, plane) {
                    let block = plane.blocks.get_mut(place).ok_or(Declined::Damaged)?;
                    self.interval.read(self.told.kind, part, block)?;
                }
            }
        }
        if self.interval.reader.is_over() { Err(Declined::Damaged) } else { Ok(()) }
    }

    /// The padding at the scan's end, which must be reached.
    fn padding(&self) -> Result<u64, Declined> {
        self.interval.reader.padding().ok_or(Declined::Damaged)
    }

    fn restart(&mut self, unit: usize) -> Result<(), Declined> {
        let Some(number) = restart_before(unit, self.told.restart_interval) else { return Ok(()) };
        if self.marker != number || self.interval.reader.is_over() {
            return Err(Declined::Damaged);
        }
        let at = self.next;
        let (end, marker, next) = coded_end(self.data, at)?;
        (self.marker, self.next) = (marker, next);
        self.interval.reader = Reader::new(self.data.get(at..end).unwrap_or_default());
        (self.interval.before, self.interval.run) = ([0; 4], 0);
        Ok(())
    }
}

/// The restart marker before a unit, if there is one.
fn restart_before(unit: usize, interval: usize) -> Option<u8> {
    let is_due = interval > 0 && unit > 0 && unit % interval == 0;
    is_due.then(|| 0xD0 + ((unit / interval - 1) & 7) as u8)
}

/// Reads the blocks of one restart interval.
struct Interval<'a> {
    reader: Reader<'a>,
    scan: &'a Scan,
    tables: &'a HuffmanTables,
    codings: Vec<Coding<'a>>,
    before: [i32; 4],
    /// How many more blocks end where they begin (G.1.2.2).
    run: u32,
}

impl Interval<'_> {
    fn read(&mut self, kind: Kind, part: usize, block: &mut Block) -> Result<(), Declined> {
        let (number, dc, _) = self.scan.components[part];
        match kind {
            Kind::Sequential => {
                let before = &mut self.before[number];
                *block = self.codings[part].read(&mut self.reader, before)?;
                Ok(())
            }
            Kind::DcFirst => {
                let table = self.tables.get((false, dc)).ok_or(Declined::Damaged)?;
                let difference = block::difference(table, &mut self.reader)?;
                self.before[number] = self.before[number].wrapping_add(difference);
                let value = self.before[number].checked_mul(1 << self.scan.low);
                let value = value.and_then(|value| i16::try_from(value).ok());
                block.values[0] = value.ok_or(Declined::Damaged)?;
                Ok(())
            }
            Kind::DcMore => {
                self.reader.refill();
                block.values[0] |= (self.reader.take(1) as i16) << self.scan.low;
                Ok(())
            }
            Kind::AcFirst => self.band(part, block),
            Kind::AcMore => self.corrections(part, block),
        }
    }

    fn band(&mut self, part: usize, block: &mut Block) -> Result<(), Declined> {
        if self.run > 0 {
            self.run -= 1;
            return Ok(());
        }
        let table =
            self.tables.get((true, self.scan.components[part].2)).ok_or(Declined::Damaged)?;
        let mut place = self.scan.first;
        while place <= self.scan.last {
            self.reader.refill();
            let symbol = table.read(&mut self.reader)?;
            let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            if size == 0 && run < 15 {
                self.run = (1 << run) - 1 + self.reader.take(run);
                return Ok(());
            }
            place += run as usize;
            if size > 0 {
                let value = value_of(self.reader.take(size), size) << self.scan.low;
                let value = i16::try_from(value).map_err(|_| Declined::Damaged)?;
                if place > self.scan.last {
                    return Err(Declined::Damaged);
                }
                block.set(place, value);
            }
            place += 1;
        }
        Ok(())
    }

    /// One more bit of the coefficients that are known, between them such as now appear
    /// (G.1.2.3).
    fn corrections(&mut self, part: usize, block: &mut Block) -> Result<(), Declined> {
        let table =
            self.tables.get((true, self.scan.components[part].2)).ok_or(Declined::Damaged)?;
        let (first, last) = (self.scan.first, self.scan.last);
        let bit = 1i16 << self.scan.low;
        // What becomes known now isn't corrected now.
        let known = block.known;
        let mut rest = band(first, last);
        while self.run == 0 && rest != 0 {
            self.reader.refill();
            let symbol = table.read(&mut self.reader)?;
            let (run, size) = (u32::from(symbol >> 4), symbol & 15);
            if size == 0 && run < 15 {
                self.run = (1 << run) + self.reader.take(run);
                break;
            }
            let appearing = match size {
                0 => 0,
                1 if self.reader.take(1) == 1 => bit,
                1 => -bit,
                _ => return Err(Declined::Damaged),
            };
            // The next one after `run` that aren't known.
            let mut unknown = rest & !known;
            for _ in 0..run {
                unknown &= unknown.wrapping_sub(1);
            }
            let place = unknown.trailing_zeros();
            if place == 64 {
                if appearing != 0 {
                    return Err(Declined::Damaged);
                }
                correct(&mut self.reader, block, rest & known, bit);
                return Ok(());
            }
            let before = (1u64 << place) - 1;
            correct(&mut self.reader, block, rest & known & before, bit);
            block.set(place as usize, appearing);
            rest &= !before & !(1 << place);
        }
        if self.run > 0 {
            correct(&mut self.reader, block, rest & known, bit);
            self.run -= 1;
        }
        Ok(())
    }
}

/// The places from `first` to `last`.
fn band(first: usize, last: usize) -> u64 {
    (u64::MAX << first) & (u64::MAX >> (63 - last))
}

/// Reads a bit for each of `set` and adds it, away from 0.
#[inline(always)]
fn correct(reader: &mut Reader, block: &mut Block, set: u64, bit: i16) {
    // No branch depends on what is read: a processor couldn't guess it.
    let mut left = set.count_ones();
    let mut bits = 0;
    for (at, place) in places(set).enumerate() {
        if at % 32 == 0 {
            reader.refill();
            bits = reader.take(left.min(32)).rotate_right(left.min(32));
            left = left.saturating_sub(32);
        }
        bits = bits.rotate_left(1);
        let value = &mut block.values[place];
        let sign = *value >> 15;
        *value = value.wrapping_add(((bit ^ sign) - sign) * (bits & 1) as i16);
    }
}

/// How often each symbol of a scan occurs, and, as far as there is room, the symbols in their
/// order, so that they needn't be found twice.
struct Record {
    scan: usize,
    dc: [[u32; 256]; 4],
    ac: [[u32; 256]; 4],
    /// Each from its lowest bit on: what it is (2 bits), the table's number (2), how many bits
    /// go with it (4), the symbol or marker (8) and the bits (16).
    entries: Vec<u32>,
    room: usize,
}

const DC: u32 = 0;
const AC: u32 = 1;
const BITS: u32 = 2;
const RESTART: u32 = 3;

impl Record {
    /// With room for as many bytes as the coefficients take.
    fn new(scan: usize, planes: &[Plane]) -> Self {
        let blocks: usize = planes.iter().map(|plane| plane.blocks.len()).sum();
        let room = blocks * size_of::<Block>() / size_of::<u32>();
        Self { scan, dc: [[0; 256]; 4], ac: [[0; 256]; 4], entries: Vec::new(), room }
    }

    #[inline(always)]
    fn enter(&mut self, what: u32, number: usize, symbol: u8, bits: u32, size: u32) {
        if self.entries.len() <= self.room {
            let entry =
                what | (number as u32) << 2 | size << 4 | u32::from(symbol) << 8 | bits << 16;
            self.entries.push(entry);
        }
    }

    fn tables(&self) -> Result<HuffmanTables, Declined> {
        let made = |counts: &[u32; 256]| {
            let is_used = counts.iter().any(|&count| count > 0);
            is_used.then(|| Table::optimal(counts)).flatten()
        };
        Ok(HuffmanTables { dc: self.dc.each_ref().map(made), ac: self.ac.each_ref().map(made) })
    }

    /// Tells it all to another sink. Tells whether there was room for all.
    fn repeat(&self, sink: &mut impl Sink) -> bool {
        if self.entries.len() > self.room {
            return false;
        }
        for entry in &self.entries {
            let (number, size) = ((entry >> 2 & 3) as usize, entry >> 4 & 15);
            let (symbol, bits) = ((entry >> 8) as u8, entry >> 16);
            match entry & 3 {
                DC => sink.symbol((false, number), symbol, bits, size),
                AC => sink.symbol((true, number), symbol, bits, size),
                BITS => sink.bits(bits, size),
                _ => sink.restart(symbol),
            }
        }
        true
    }
}

impl Sink for Record {
    #[inline(always)]
    fn symbol(&mut self, (is_ac, number): TableId, symbol: u8, bits: u32, size: u32) {
        let class = if is_ac { &mut self.ac } else { &mut self.dc };
        class[number & 3][usize::from(symbol)] += 1;
        self.enter(if is_ac { AC } else { DC }, number, symbol, bits, size);
    }

    #[inline(always)]
    fn bits(&mut self, bits: u32, size: u32) {
        self.enter(BITS, 0, 0, bits, size);
    }

    fn restart(&mut self, marker: u8) {
        self.enter(RESTART, 0, marker, 0, 0);
    }
}

/// Tells the symbols of a scan to a sink.
struct Teller<'a, S> {
    told: &'a Told,
    scan: &'a Scan,
    units: Units,
    before: [i32; 4],
    /// Blocks that end where they begin and aren't told yet, and the corrections in them.
    run: u32,
    held: Vec<Corrections>,
    held_count: u32,
    sink: S,
}

impl<'a, S: Sink> Teller<'a, S> {
    fn new(frame: &Frame, told: &'a Told, sink: S) -> Self {
        let units = Units::new(frame, &told.scan);
        let (before, held) = ([0; 4], Vec::new());
        Self { told, scan: &told.scan, units, before, run: 0, held, held_count: 0, sink }
    }

    fn tell_row(&mut self, row: usize, planes: &[Plane]) {
        for unit in self.units.row(row) {
            if let Some(marker) = restart_before(unit, self.told.restart_interval) {
                self.end_run();
                self.before = [0; 4];
                self.sink.restart(marker);
            }
            for (part, &(component, _, _)) in self.scan.components.iter().enumerate() {
                let plane = &planes[component];
                for place in self.units.places(unit, part, plane) {
                    self.tell(self.told.kind, part, &plane.blocks[place]);
                }
            }
        }
    }

    /// Ends the scan, or the part of it behind which `run` blocks more end where they begin.
    fn end(mut self, run: u32) -> S {
        if self.run + run > LONGEST_RUN {
            self.end_run();
        }
        self.run += run;
        self.end_run();
        self.sink
    }

    #[inline(always)]
    fn tell(&mut self, kind: Kind, part: usize, block: &Block) {
        let (number, dc, ac) = self.scan.components[part];
        let low = self.scan.low;
        match kind {
            Kind::Sequential => {
                block::tell(block, self.before[number], dc, ac, &mut self.sink);
                self.before[number] = i32::from(block.values[0]);
            }
            Kind::DcFirst => {
                let value = i32::from(block.values[0] >> low);
                block::tell_difference(value - self.before[number], dc, &mut self.sink);
                self.before[number] = value;
            }
            Kind::DcMore => self.sink.bits((block.values[0] >> low & 1) as u32, 1),
            Kind::AcFirst => self.band(ac, block),
            Kind::AcMore => self.corrections(ac, block),
        }
    }

    #[inline(always)]
    fn band(&mut self, ac: usize, block: &Block) {
        let (first, last) = (self.scan.first, self.scan.last);
        let mut end = first;
        for place in places(block.known & band(first, last)) {
            let value = i32::from(block.values[place]);
            // Towards zero, as the sign is told apart (G.1.2.1).
            let value = value.signum() * (value.abs() >> self.scan.low);
            if value == 0 {
                continue;
            }
            self.end_run_of(ac);
            let zeros = self.zeros(ac, place - end);
            let size = size_of_value(value);
            self.sink.symbol(
                (true, ac),
                zeros * 16 + (size & 15) as u8,
                bits_of(value, size),
                size,
            );
            end = place + 1;
        }
        if end <= last {
            self.count_run(ac);
        }
    }

    #[inline(always)]
    fn corrections(&mut self, ac: usize, block: &Block) {
        let (first, last) = (self.scan.first, self.scan.last);
        let seen = Seen::new(block, band(first, last), self.scan.low);
        let (mut next, mut held) = (first, Corrections::default());
        for place in places(seen.fresh) {
            let old = seen.old & band(next, place);
            let zeros = place - next - old.count_ones() as usize;
            if zeros > 15 {
                self.far(ac, &seen, next, place, &mut held);
            } else {
                held.gather(old, seen.odd);
                self.end_run_of(ac);
                self.appear(ac, zeros as u8, seen.positive >> place & 1);
            }
            held.flush(&mut self.sink);
            next = place + 1;
        }
        if next <= last {
            held.gather(seen.old & band(next, last), seen.odd);
            self.held_count += held.count;
            if held.count > 0 {
                self.held.push(held);
            }
            self.count_run(ac);
        }
    }

    /// Tells what appears at `place`, more than 15 zeros behind `next`: at each 16th of them it
    /// is told that they were 16, and what was corrected up to there.
    #[cold]
    fn far(&mut self, ac: usize, seen: &Seen, next: usize, place: usize, held: &mut Corrections) {
        self.end_run_of(ac);
        let mut zeros = 0;
        for at in next..place {
            if seen.old >> at & 1 == 0 {
                zeros += 1;
                continue;
            }
            zeros = self.sixteens(ac, zeros, held);
            held.gather(1 << at, seen.odd);
        }
        zeros = self.sixteens(ac, zeros, held);
        self.appear(ac, zeros as u8, seen.positive >> place & 1);
    }

    fn sixteens(&mut self, ac: usize, mut zeros: usize, held: &mut Corrections) -> usize {
        while zeros > 15 {
            self.sink.symbol((true, ac), 0xF0, 0, 0);
            held.flush(&mut self.sink);
            zeros -= 16;
        }
        zeros
    }

    #[inline(always)]
    fn appear(&mut self, ac: usize, zeros: u8, is_positive: u64) {
        self.sink.symbol((true, ac), zeros * 16 + 1, is_positive as u32, 1);
    }

    /// Tells of each 16 zeros, and how many are left.
    #[inline(always)]
    fn zeros(&mut self, ac: usize, zeros: usize) -> u8 {
        for _ in 0..zeros / 16 {
            self.sink.symbol((true, ac), 0xF0, 0, 0);
        }
        (zeros % 16) as u8
    }

    fn count_run(&mut self, ac: usize) {
        self.run += 1;
        if self.run == LONGEST_RUN || self.held_count > MOST_CORRECTIONS {
            self.end_run_of(ac);
        }
    }

    fn end_run(&mut self) {
        if let [(_, _, ac)] = self.scan.components[..] {
            self.end_run_of(ac);
        }
    }

    #[inline(always)]
    fn end_run_of(&mut self, ac: usize) {
        if self.run > 0 {
            let size = self.run.ilog2();
            let bits = self.run - (1 << size);
            self.sink.symbol((true, ac), (size << 4) as u8, bits, size);
            for held in &mut self.held {
                held.flush(&mut self.sink);
            }
            self.held.clear();
            (self.run, self.held_count) = (0, 0);
        }
    }
}

/// What a block's coefficients look like to a scan of corrections: which appear in it, which
/// were known before, and of these which get a one.
struct Seen {
    fresh: u64,
    old: u64,
    odd: u64,
    positive: u64,
}

impl Seen {
    #[inline(always)]
    fn new(block: &Block, band: u64, low: u8) -> Self {
        let mut seen = Self { fresh: 0, old: 0, odd: 0, positive: 0 };
        for place in places(block.known & band) {
            let value = block.values[place];
            let size = value.unsigned_abs() >> low;
            seen.fresh |= u64::from(size == 1) << place;
            seen.old |= u64::from(size > 1) << place;
            seen.odd |= u64::from(size & 1) << place;
            seen.positive |= u64::from(value > 0) << place;
        }
        seen
    }
}

/// One block's corrections that aren't told yet, the first one highest.
#[derive(Default)]
struct Corrections {
    bits: u64,
    count: u32,
}

impl Corrections {
    #[inline(always)]
    fn gather(&mut self, old: u64, odd: u64) {
        for place in places(old) {
            self.bits = self.bits << 1 | odd >> place & 1;
        }
        self.count += old.count_ones();
    }

    #[inline(always)]
    fn flush(&mut self, sink: &mut impl Sink) {
        while self.count > 0 {
            let size = self.count.min(15);
            self.count -= size;
            sink.bits((self.bits >> self.count) as u32 & ((1 << size) - 1), size);
        }
    }
}
