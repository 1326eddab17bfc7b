//! Encodes the coefficients of one scan.

use super::Plane;
use super::refinement::{CorrectionBits, Refined};
use super::scan::{CodedScan, Procedure, band};
use super::units::{Units, restart_before};
use crate::jpeg::block::{Block, positions};
use crate::jpeg::block_codec::{ZRL, encode_block, encode_dc_difference};
use crate::jpeg::header::{Frame, Scan};
use crate::jpeg::huffman::{category, magnitude_bits};
use crate::jpeg::symbol_writer::SymbolWriter;

/// The longest end-of-band run (G.1.2.2).
const MAX_EOBRUN: u32 = 0x7FFF;
/// Correction bits that are held back at most. T.81 doesn't say what a decoder must expect;
/// libjpeg's encoder holds back no more.
const MAX_CORRECTION_BITS: u32 = 937;

/// Encodes a scan by rows of MCUs.
pub(super) struct ScanEncoder<'a> {
    coded: &'a CodedScan,
    scan: &'a Scan,
    units: Units,
    /// DC predictions, by component.
    pred: [i32; 4],
    /// Blocks of the end-of-band run that isn't written yet.
    eobrun: u32,
    /// Their correction bits, each with the number of its block in the run.
    pending: Vec<(u32, CorrectionBits)>,
    pending_bits: u32,
    symbols: SymbolWriter<'a>,
}

impl<'a> ScanEncoder<'a> {
    pub fn new(frame: &Frame, coded: &'a CodedScan, symbols: SymbolWriter<'a>) -> Self {
        Self {
            coded,
            scan: &coded.scan,
            units: Units::new(frame, &coded.scan),
            pred: [0; 4],
            eobrun: 0,
            pending: Vec::new(),
            pending_bits: 0,
            symbols,
        }
    }

    pub fn encode_row(&mut self, row: usize, planes: &[Plane]) {
        for unit in self.units.row(row) {
            if let Some(marker) = restart_before(unit, self.coded.restart_interval) {
                self.flush_any_eobrun();
                self.pred = [0; 4];
                self.symbols.restart(marker);
            }
            for (part, component) in self.scan.components.iter().enumerate() {
                let plane = &planes[component.component];
                for at in self.units.blocks(unit, part, plane) {
                    self.encode(self.coded.procedure, part, &plane.blocks[at]);
                }
            }
        }
    }

    /// Ends the scan, or the part of it behind which the source's end-of-band run goes on for
    /// `more` blocks. Their correction bits are copied, so that one EOBn must cover them all.
    pub fn finish(mut self, more: u32) -> SymbolWriter<'a> {
        let [only] = &self.scan.components[..] else { return self.symbols };
        let ac = only.ac;
        if more > 0 {
            let most = self.eobrun.min(MAX_EOBRUN - more.min(MAX_EOBRUN));
            let with = (0..=most).find(|with| self.has_eobn(ac, (more + with).ilog2()));
            let with = with.unwrap_or(most);
            self.encode_eobrun(ac, self.eobrun - with);
            self.encode_eobn(ac, more + with);
        }
        self.flush_eobrun(ac);
        self.symbols
    }

    #[inline(always)]
    fn encode(&mut self, procedure: Procedure, part: usize, block: &Block) {
        let component = &self.scan.components[part];
        let pred = &mut self.pred[component.component];
        match procedure {
            Procedure::Sequential => {
                encode_block(block, *pred, component.dc, component.ac, &mut self.symbols);
                *pred = i32::from(block.values[0]);
            }
            Procedure::DcFirst => {
                let value = i32::from(block.values[0] >> self.scan.al);
                encode_dc_difference(value - *pred, component.dc, &mut self.symbols);
                *pred = value;
            }
            Procedure::DcRefine => {
                self.symbols.bits((block.values[0] >> self.scan.al & 1) as u32, 1);
            }
            Procedure::AcFirst => self.ac_first(component.ac, block),
            Procedure::AcRefine => self.ac_refine(component.ac, block),
        }
    }

    #[inline(always)]
    fn ac_first(&mut self, ac: usize, block: &Block) {
        let Scan { ss, se, al, .. } = *self.scan;
        let mut next = ss;
        for k in positions(block.nonzero & band(ss, se)) {
            let value = i32::from(block.values[k]);
            // The point transform of AC divides towards 0 (G.1.2.1).
            let value = value.signum() * (value.abs() >> al);
            if value == 0 {
                continue;
            }
            self.flush_eobrun(ac);
            let run = self.encode_zrls(ac, k - next);
            let ssss = category(value);
            let symbol = run * 16 + (ssss & 15) as u8;
            self.symbols.symbol((true, ac), symbol, magnitude_bits(value, ssss), ssss);
            next = k + 1;
        }
        if next <= se {
            self.extend_eobrun(ac);
        }
    }

    #[inline(always)]
    fn ac_refine(&mut self, ac: usize, block: &Block) {
        let Scan { ss, se, al, .. } = *self.scan;
        let refined = Refined::new(block, band(ss, se), al);
        let (mut next, mut corrections) = (ss, CorrectionBits::default());
        for k in positions(refined.new) {
            let history = refined.history & band(next, k);
            let run = k - next - history.count_ones() as usize;
            if run > 15 {
                self.refine_behind_zrl(ac, &refined, next, k, &mut corrections);
            } else {
                corrections.push(history, refined.correction);
                self.flush_eobrun(ac);
                self.encode_new(ac, run as u8, refined.positive >> k & 1);
            }
            corrections.write(&mut self.symbols);
            next = k + 1;
        }
        if next <= se {
            corrections.push(refined.history & band(next, se), refined.correction);
            self.pending_bits += corrections.count;
            if corrections.count > 0 {
                self.pending.push((self.eobrun, corrections));
            }
            self.extend_eobrun(ac);
        }
    }

    /// Encodes the new coefficient `k`, more than 15 zeros behind `next`: each ZRL is followed by
    /// the correction bits of the coefficients that it passes.
    #[cold]
    fn refine_behind_zrl(
        &mut self,
        ac: usize,
        refined: &Refined,
        next: usize,
        k: usize,
        corrections: &mut CorrectionBits,
    ) {
        self.flush_eobrun(ac);
        let mut run = 0;
        for at in next..k {
            if refined.history >> at & 1 == 0 {
                run += 1;
                continue;
            }
            run = self.encode_refined_zrls(ac, run, corrections);
            corrections.push(1 << at, refined.correction);
        }
        run = self.encode_refined_zrls(ac, run, corrections);
        self.encode_new(ac, run as u8, refined.positive >> k & 1);
    }

    fn encode_refined_zrls(
        &mut self,
        ac: usize,
        mut run: usize,
        corrections: &mut CorrectionBits,
    ) -> usize {
        while run > 15 {
            self.symbols.symbol((true, ac), ZRL, 0, 0);
            corrections.write(&mut self.symbols);
            run -= 16;
        }
        run
    }

    /// A coefficient that is newly nonzero, 1 or -1, behind `run` zeros.
    #[inline(always)]
    fn encode_new(&mut self, ac: usize, run: u8, is_positive: u64) {
        self.symbols.symbol((true, ac), run * 16 + 1, is_positive as u32, 1);
    }

    /// Writes a ZRL for each 16 zeros and returns how many zeros are left.
    #[inline(always)]
    fn encode_zrls(&mut self, ac: usize, run: usize) -> u8 {
        for _ in 0..run / 16 {
            self.symbols.symbol((true, ac), ZRL, 0, 0);
        }
        (run % 16) as u8
    }

    fn extend_eobrun(&mut self, ac: usize) {
        self.eobrun += 1;
        if self.eobrun == MAX_EOBRUN || self.pending_bits > MAX_CORRECTION_BITS {
            self.flush_eobrun(ac);
        }
    }

    fn flush_any_eobrun(&mut self) {
        if let [only] = &self.scan.components[..] {
            self.flush_eobrun(only.ac);
        }
    }

    #[inline(always)]
    fn flush_eobrun(&mut self, ac: usize) {
        if self.eobrun > 0 {
            self.encode_eobrun(ac, self.eobrun);
        }
    }

    /// Encodes the first `count` blocks of the run, by several EOBn where the table has no code
    /// for the one that covers all.
    fn encode_eobrun(&mut self, ac: usize, mut count: u32) {
        while count > 0 {
            let n = (0..=count.ilog2()).rev().find(|&n| self.has_eobn(ac, n));
            let most = n.map_or(count, |n| (2 << n) - 1);
            let covered = count.min(most);
            self.encode_eobn(ac, covered);
            count -= covered;
        }
    }

    /// Writes one EOBn for `count` blocks, and those of their correction bits that are pending.
    fn encode_eobn(&mut self, ac: usize, count: u32) {
        let n = count.ilog2();
        self.symbols.symbol((true, ac), (n << 4) as u8, count - (1 << n), n);
        let covered = self.pending.partition_point(|&(block, _)| block < count);
        for (_, mut corrections) in self.pending.drain(..covered) {
            self.pending_bits -= corrections.count;
            corrections.write(&mut self.symbols);
        }
        for (block, _) in &mut self.pending {
            *block -= count;
        }
        self.eobrun = self.eobrun.saturating_sub(count);
    }

    /// Whether there is a code for EOBn, a run of 2^n blocks and more.
    fn has_eobn(&self, ac: usize, n: u32) -> bool {
        self.symbols.has_code((true, ac), (n << 4) as u8)
    }
}
