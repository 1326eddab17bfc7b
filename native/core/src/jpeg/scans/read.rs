//! Reads a scan's coefficients.

use super::Plane;
use super::told::{Kind, Told, Units, band, restart_before};
use crate::Declined;
use crate::jpeg::bits::Reader;
use crate::jpeg::block::{self, Block, Coding, places};
use crate::jpeg::codings;
use crate::jpeg::header::{Frame, HuffmanTables, Scan, coded_end};
use crate::jpeg::huffman::value_of;

/// Reads one scan, row by row.
pub(super) struct ScanReader<'a> {
    data: &'a [u8],
    told: &'a Told,
    units: Units,
    pub interval: Interval<'a>,
    /// The marker behind the interval that is being read, and where the next one begins.
    marker: u8,
    next: usize,
}

impl<'a> ScanReader<'a> {
    pub fn new(data: &'a [u8], frame: &Frame, told: &'a Told) -> Result<Self, Declined> {
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

    pub fn read_row(&mut self, row: usize, planes: &mut [Plane]) -> Result<(), Declined> {
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
    pub fn padding(&self) -> Result<u64, Declined> {
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

/// Reads the blocks of one restart interval.
pub(super) struct Interval<'a> {
    pub reader: Reader<'a>,
    scan: &'a Scan,
    tables: &'a HuffmanTables,
    codings: Vec<Coding<'a>>,
    before: [i32; 4],
    /// How many more blocks end where they begin (G.1.2.2).
    pub run: u32,
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
