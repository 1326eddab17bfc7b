//! Decodes the coefficients of one scan.

use super::Plane;
use super::scan::{CodedScan, Procedure, band};
use super::units::{Units, restart_before};
use crate::Declined;
use crate::jpeg::bits::Reader;
use crate::jpeg::block::{Block, positions};
use crate::jpeg::block_codec::{BlockCodec, decode_dc_difference};
use crate::jpeg::codecs;
use crate::jpeg::header::{Frame, HuffmanTables, Scan};
use crate::jpeg::huffman::extend;
use crate::jpeg::segments::coded_end;

/// Decodes a scan by rows of MCUs.
pub(super) struct ScanDecoder<'a> {
    data: &'a [u8],
    coded: &'a CodedScan,
    units: Units,
    pub interval: IntervalDecoder<'a>,
    /// The marker behind the current restart interval, and where the next one begins.
    marker: u8,
    next: usize,
}

impl<'a> ScanDecoder<'a> {
    pub fn new(data: &'a [u8], frame: &Frame, coded: &'a CodedScan) -> Result<Self, Declined> {
        let (end, marker, next) = coded_end(data, coded.start.end)?;
        let codecs = match coded.procedure {
            Procedure::Sequential => codecs(frame, &coded.scan, &coded.tables, &coded.leaps)?,
            _ => Vec::new(),
        };
        let interval = IntervalDecoder {
            reader: Reader::new(data.get(coded.start.end..end).unwrap_or_default()),
            scan: &coded.scan,
            tables: &coded.tables,
            codecs,
            pred: [0; 4],
            eobrun: 0,
        };
        Ok(Self { data, coded, units: Units::new(frame, &coded.scan), interval, marker, next })
    }

    pub fn decode_row(&mut self, row: usize, planes: &mut [Plane]) -> Result<(), Declined> {
        for unit in self.units.row(row) {
            self.restart(unit)?;
            for (part, component) in self.coded.scan.components.iter().enumerate() {
                let plane = &mut planes[component.component];
                for at in self.units.blocks(unit, part, plane) {
                    let block = plane.blocks.get_mut(at).ok_or(Declined::Damaged)?;
                    self.interval.decode(self.coded.procedure, part, block)?;
                }
            }
        }
        if self.interval.reader.is_over() { Err(Declined::Damaged) } else { Ok(()) }
    }

    /// How many padding bits the scan ends with. It must be decoded to its end.
    pub fn padding(&self) -> Result<u64, Declined> {
        self.interval.reader.padding().ok_or(Declined::Damaged)
    }

    fn restart(&mut self, unit: usize) -> Result<(), Declined> {
        let Some(marker) = restart_before(unit, self.coded.restart_interval) else {
            return Ok(());
        };
        if self.marker != marker || self.interval.reader.is_over() {
            return Err(Declined::Damaged);
        }
        let at = self.next;
        let (end, marker, next) = coded_end(self.data, at)?;
        (self.marker, self.next) = (marker, next);
        self.interval.reader = Reader::new(self.data.get(at..end).unwrap_or_default());
        (self.interval.pred, self.interval.eobrun) = ([0; 4], 0);
        Ok(())
    }
}

/// Decodes the blocks of one restart interval.
pub(super) struct IntervalDecoder<'a> {
    pub reader: Reader<'a>,
    scan: &'a Scan,
    tables: &'a HuffmanTables,
    codecs: Vec<BlockCodec<'a>>,
    /// DC predictions, by component.
    pred: [i32; 4],
    /// Blocks left in the current end-of-band run (G.1.2.2).
    pub eobrun: u32,
}

impl IntervalDecoder<'_> {
    fn decode(
        &mut self,
        procedure: Procedure,
        part: usize,
        block: &mut Block,
    ) -> Result<(), Declined> {
        match procedure {
            Procedure::Sequential => {
                let pred = &mut self.pred[self.scan.components[part].component];
                *block = self.codecs[part].decode(&mut self.reader, pred)?;
                Ok(())
            }
            Procedure::DcFirst => self.dc_first(part, block),
            Procedure::DcRefine => {
                self.reader.refill();
                block.values[0] |= (self.reader.take(1) as i16) << self.scan.al;
                Ok(())
            }
            Procedure::AcFirst => self.ac_first(part, block),
            Procedure::AcRefine => self.ac_refine(part, block),
        }
    }

    #[inline(always)]
    fn dc_first(&mut self, part: usize, block: &mut Block) -> Result<(), Declined> {
        let component = &self.scan.components[part];
        let table = self.tables.get((false, component.dc)).ok_or(Declined::Damaged)?;
        let difference = decode_dc_difference(table, &mut self.reader)?;
        let pred = &mut self.pred[component.component];
        *pred = pred.wrapping_add(difference);
        let value = pred.checked_mul(1 << self.scan.al);
        let value = value.and_then(|value| i16::try_from(value).ok());
        block.values[0] = value.ok_or(Declined::Damaged)?;
        Ok(())
    }

    fn ac_first(&mut self, part: usize, block: &mut Block) -> Result<(), Declined> {
        if self.eobrun > 0 {
            self.eobrun -= 1;
            return Ok(());
        }
        let table = self.tables.get((true, self.scan.components[part].ac));
        let table = table.ok_or(Declined::Damaged)?;
        let mut k = self.scan.ss;
        while k <= self.scan.se {
            self.reader.refill();
            let symbol = table.read(&mut self.reader)?;
            let (rrrr, ssss) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            if ssss == 0 && rrrr < 15 {
                self.eobrun = (1 << rrrr) - 1 + self.reader.take(rrrr);
                return Ok(());
            }
            k += rrrr as usize;
            if ssss > 0 {
                let value = extend(self.reader.take(ssss), ssss) << self.scan.al;
                let value = i16::try_from(value).map_err(|_| Declined::Damaged)?;
                if k > self.scan.se {
                    return Err(Declined::Damaged);
                }
                block.set(k, value);
            }
            k += 1;
        }
        Ok(())
    }

    /// Reads correction bits for the coefficients with a nonzero history, and between them those
    /// that are newly nonzero (G.1.2.3).
    fn ac_refine(&mut self, part: usize, block: &mut Block) -> Result<(), Declined> {
        let table = self.tables.get((true, self.scan.components[part].ac));
        let table = table.ok_or(Declined::Damaged)?;
        let bit = 1i16 << self.scan.al;
        // A coefficient that becomes nonzero in this scan isn't corrected in it.
        let history = block.nonzero;
        let mut rest = band(self.scan.ss, self.scan.se);
        while self.eobrun == 0 && rest != 0 {
            self.reader.refill();
            let symbol = table.read(&mut self.reader)?;
            let (rrrr, ssss) = (u32::from(symbol >> 4), symbol & 15);
            if ssss == 0 && rrrr < 15 {
                self.eobrun = (1 << rrrr) + self.reader.take(rrrr);
                break;
            }
            let new = match ssss {
                0 => 0,
                1 if self.reader.take(1) == 1 => bit,
                1 => -bit,
                _ => return Err(Declined::Damaged),
            };
            // Skip RRRR coefficients with a zero history.
            let mut zero_history = rest & !history;
            for _ in 0..rrrr {
                zero_history &= zero_history.wrapping_sub(1);
            }
            let k = zero_history.trailing_zeros();
            if k == 64 {
                if new != 0 {
                    return Err(Declined::Damaged);
                }
                correct(&mut self.reader, block, rest & history, bit);
                return Ok(());
            }
            let before = (1u64 << k) - 1;
            correct(&mut self.reader, block, rest & history & before, bit);
            block.set(k as usize, new);
            rest &= !before & !(1 << k);
        }
        if self.eobrun > 0 {
            correct(&mut self.reader, block, rest & history, bit);
            self.eobrun -= 1;
        }
        Ok(())
    }
}

/// Reads a correction bit for each coefficient of `set` and adds it, away from 0.
#[inline(always)]
fn correct(reader: &mut Reader, block: &mut Block, set: u64, bit: i16) {
    // Without a branch on what was read, which a processor couldn't predict.
    let mut left = set.count_ones();
    let mut bits = 0;
    for (at, k) in positions(set).enumerate() {
        if at % 32 == 0 {
            reader.refill();
            bits = reader.take(left.min(32)).rotate_right(left.min(32));
            left = left.saturating_sub(32);
        }
        bits = bits.rotate_left(1);
        let value = &mut block.values[k];
        let sign = *value >> 15;
        *value = value.wrapping_add(((bit ^ sign) - sign) * (bits & 1) as i16);
    }
}
