//! What scans a picture has, and the order of their blocks.

use std::ops::Range;

use super::Plane;
use crate::Declined;
use crate::jpeg::Head;
use crate::jpeg::header::{
    DQT, DRI, Frame, HuffmanTables, Met, Scan, Segment, Segments, coded_end,
};
use crate::jpeg::huffman::{Leaps, Table};

/// An encoder makes about ten.
const MOST_SCANS: usize = 200;

/// One scan: the segments before it, and how it is told.
pub(super) struct Told {
    pub before: Vec<Segment>,
    pub start: Segment,
    pub scan: Scan,
    pub kind: Kind,
    pub tables: HuffmanTables,
    pub leaps: [Option<Box<Leaps>>; 4],
    pub restart_interval: usize,
}

impl Told {
    /// Whether some of the coefficients that this scan tells are told by `other` too.
    pub fn builds_on(&self, other: &Self) -> bool {
        let (one, two) = (&self.scan, &other.scan);
        let is_shared = one
            .components
            .iter()
            .any(|&(number, _, _)| two.components.iter().any(|&(other, _, _)| other == number));
        is_shared && one.first <= two.last && two.first <= one.last
    }

    /// Writes those of `tables` that the scan uses.
    pub fn write_tables(&self, tables: &HuffmanTables, bytes: &mut Vec<u8>) {
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

/// The blocks of a scan in their order, in units that a restart interval counts: an MCU of an
/// interleaved scan, a block of any other (A.2).
pub(super) struct Units {
    /// Units across, and down in all and in a row of MCUs.
    across: usize,
    down: usize,
    down_a_row: usize,
    /// Of each component in the scan: its blocks a unit.
    blocks: Vec<(usize, usize)>,
}

impl Units {
    pub fn new(frame: &Frame, scan: &Scan) -> Self {
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
    pub fn row(&self, row: usize) -> Range<usize> {
        let end = |row: usize| self.down.min(row * self.down_a_row) * self.across;
        end(row)..end(row + 1)
    }

    /// The positions of a unit's blocks in a component's plane.
    pub fn places(
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
pub(super) enum Kind {
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
pub(super) fn find(
    head: &Head,
    mut start: Segment,
    mut scan: Scan,
    frame: &Frame,
) -> Result<Vec<Told>, Declined> {
    let mut header = head.header.clone();
    let mut told: Vec<Told> = Vec::new();
    let mut before = Vec::new();
    let mut known = [[None; 64]; 3];
    loop {
        if told.len() == MOST_SCANS {
            return Err(Declined::Scans);
        }
        let kind = kind(frame, &scan)?;
        learn(&scan, &mut known)?;
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

/// Notes down to which bit a scan tells its coefficients. Each is told once, and then bit by bit
/// (G.1.1.1.2): of anything else a decoder still makes something, but nothing that the last
/// values say how to write.
fn learn(scan: &Scan, known: &mut [[Option<u8>; 64]; 3]) -> Result<(), Declined> {
    let expected = (scan.high > 0).then_some(scan.high);
    for &(number, _, _) in &scan.components {
        for low in &mut known[number][scan.first..=scan.last] {
            if *low != expected {
                return Err(Declined::Scans);
            }
            *low = Some(scan.low);
        }
    }
    Ok(())
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

/// The restart marker before a unit, if there is one.
pub(super) fn restart_before(unit: usize, interval: usize) -> Option<u8> {
    let is_due = interval > 0 && unit > 0 && unit.is_multiple_of(interval);
    is_due.then(|| 0xD0 + ((unit / interval - 1) & 7) as u8)
}

/// The places from `first` to `last`.
pub(super) fn band(first: usize, last: usize) -> u64 {
    (u64::MAX << first) & (u64::MAX >> (63 - last))
}
