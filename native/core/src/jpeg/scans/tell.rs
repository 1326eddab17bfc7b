//! Writes a scan's coefficients.

use super::Plane;
use super::told::{Kind, Told, Units, band, restart_before};
use crate::jpeg::block::{self, Block, Pen, places};
use crate::jpeg::header::{Frame, Scan};
use crate::jpeg::huffman::{bits_of, size_of as size_of_value};

/// The longest run of ended blocks (G.1.2.2).
const LONGEST_RUN: u32 = 0x7FFF;
/// As many bits of corrections are held back at most: what a decoder has to expect isn't told
/// anywhere, and libjpeg's encoder holds back no more.
const MOST_CORRECTIONS: u32 = 937;

/// Writes the symbols of a scan.
pub(super) struct Teller<'a> {
    told: &'a Told,
    scan: &'a Scan,
    units: Units,
    before: [i32; 4],
    /// Blocks that end where they begin and aren't told yet, and the corrections in them, each
    /// with the number of its block.
    run: u32,
    held: Vec<(u32, Corrections)>,
    held_count: u32,
    pen: Pen<'a>,
}

impl<'a> Teller<'a> {
    pub fn new(frame: &Frame, told: &'a Told, pen: Pen<'a>) -> Self {
        let units = Units::new(frame, &told.scan);
        let (before, held) = ([0; 4], Vec::new());
        Self { told, scan: &told.scan, units, before, run: 0, held, held_count: 0, pen }
    }

    pub fn tell_row(&mut self, row: usize, planes: &[Plane]) {
        for unit in self.units.row(row) {
            if let Some(marker) = restart_before(unit, self.told.restart_interval) {
                self.end_run();
                self.before = [0; 4];
                self.pen.restart(marker);
            }
            for (part, &(component, _, _)) in self.scan.components.iter().enumerate() {
                let plane = &planes[component];
                for place in self.units.places(unit, part, plane) {
                    self.tell(self.told.kind, part, &plane.blocks[place]);
                }
            }
        }
    }

    /// Ends the scan, or the part of it behind which `more` blocks end where they begin: their
    /// corrections are told elsewhere, so that they must be in one piece.
    pub fn end(mut self, more: u32) -> Pen<'a> {
        let [(_, _, ac)] = self.scan.components[..] else { return self.pen };
        if more > 0 {
            let most = self.run.min(LONGEST_RUN - more.min(LONGEST_RUN));
            let with = (0..=most).find(|with| self.can_tell(ac, (more + with).ilog2()));
            let with = with.unwrap_or(most);
            self.tell_run(ac, self.run - with);
            self.tell_piece(ac, more + with);
        }
        self.end_run_of(ac);
        self.pen
    }

    #[inline(always)]
    fn tell(&mut self, kind: Kind, part: usize, block: &Block) {
        let (number, dc, ac) = self.scan.components[part];
        let low = self.scan.low;
        match kind {
            Kind::Sequential => {
                block::tell(block, self.before[number], dc, ac, &mut self.pen);
                self.before[number] = i32::from(block.values[0]);
            }
            Kind::DcFirst => {
                let value = i32::from(block.values[0] >> low);
                block::tell_difference(value - self.before[number], dc, &mut self.pen);
                self.before[number] = value;
            }
            Kind::DcMore => self.pen.bits((block.values[0] >> low & 1) as u32, 1),
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
            self.pen.symbol((true, ac), zeros * 16 + (size & 15) as u8, bits_of(value, size), size);
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
            held.flush(&mut self.pen);
            next = place + 1;
        }
        if next <= last {
            held.gather(seen.old & band(next, last), seen.odd);
            self.held_count += held.count;
            if held.count > 0 {
                self.held.push((self.run, held));
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
            self.pen.symbol((true, ac), 0xF0, 0, 0);
            held.flush(&mut self.pen);
            zeros -= 16;
        }
        zeros
    }

    #[inline(always)]
    fn appear(&mut self, ac: usize, zeros: u8, is_positive: u64) {
        self.pen.symbol((true, ac), zeros * 16 + 1, is_positive as u32, 1);
    }

    /// Tells of each 16 zeros, and how many are left.
    #[inline(always)]
    fn zeros(&mut self, ac: usize, zeros: usize) -> u8 {
        for _ in 0..zeros / 16 {
            self.pen.symbol((true, ac), 0xF0, 0, 0);
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
            self.tell_run(ac, self.run);
        }
    }

    /// Tells the first `count` blocks of the run, in pieces where the table has no code for all.
    fn tell_run(&mut self, ac: usize, mut count: u32) {
        while count > 0 {
            let size = (0..=count.ilog2()).rev().find(|&size| self.can_tell(ac, size));
            let most = size.map_or(count, |size| (2 << size) - 1);
            let piece = count.min(most);
            self.tell_piece(ac, piece);
            count -= piece;
        }
    }

    /// Tells a run of `count` blocks and the corrections in those that are known.
    fn tell_piece(&mut self, ac: usize, count: u32) {
        let size = count.ilog2();
        self.pen.symbol((true, ac), (size << 4) as u8, count - (1 << size), size);
        let told = self.held.partition_point(|&(block, _)| block < count);
        for (_, mut held) in self.held.drain(..told) {
            self.held_count -= held.count;
            held.flush(&mut self.pen);
        }
        for (block, _) in &mut self.held {
            *block -= count;
        }
        self.run = self.run.saturating_sub(count);
    }

    /// Whether there is a code for runs of 2^size blocks and more.
    fn can_tell(&self, ac: usize, size: u32) -> bool {
        self.pen.has((true, ac), (size << 4) as u8)
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
    fn flush(&mut self, pen: &mut Pen) {
        while self.count > 0 {
            let size = self.count.min(15);
            self.count -= size;
            pen.bits((self.bits >> self.count) as u32 & ((1 << size) - 1), size);
        }
    }
}
