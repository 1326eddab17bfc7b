//! One interleaved scan: walked to the last block that the mark covers, copied behind it.

use std::ops::Range;

use super::bits::Reader;
use super::blend::Blender;
use super::block::{self, Coding, Lacking, Pen};
use super::header::{EOI, Frame, HuffmanTables, coded_end};
use super::huffman::Recodes;
use crate::Declined;

/// How many bytes before an interval's end the search for its last code begins: time enough
/// for a decoder that starts anywhere to fall into step.
const NEAR_END: usize = 1024;

/// A scan to be copied with a mark on it.
pub struct Source<'a> {
    pub data: &'a [u8],
    /// Where the coded data begins.
    pub at: usize,
    pub frame: &'a Frame,
    pub codings: &'a [Coding<'a>],
    /// MCUs between two restart markers, 0 for none.
    pub restart_interval: usize,
}

/// What becomes of what the mark doesn't cover.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Its bits are copied: the codes they consist of are still the same.
    Copy,
    /// Its symbols are read and written with other codes.
    Recode,
}

/// What came of a scan. If symbols are lacking the bytes are of no use.
pub struct Copied {
    /// What was given, the scan, and EOI.
    pub bytes: Vec<u8>,
    pub changed: usize,
    pub lacking: Lacking,
}

/// Copies the scan behind `bytes`.
pub fn copy(
    source: &Source,
    blender: &Blender,
    written: &HuffmanTables,
    way: Way,
    mut bytes: Vec<u8>,
) -> Result<Copied, Declined> {
    let recodes = match way {
        Way::Copy => Some(Vec::new()),
        Way::Recode => source.codings.iter().map(|coding| coding.recodes(written)).collect(),
    };
    let recodes = recodes.ok_or(Declined::Range)?;
    let runs = blender.runs(source.frame);
    let all = source.frame.mcus.0 * source.frame.mcus.1;
    let length = if source.restart_interval == 0 { all } else { source.restart_interval };
    let (mut at, mut lacking, mut changed) = (source.at, Lacking::new(), 0);
    for (number, first) in (0..all).step_by(length).enumerate() {
        let mcus = first..all.min(first + length);
        let (end, marker, next) = coded_end(source.data, at)?;
        let expected = if mcus.end == all { EOI } else { 0xD0 + (number & 7) as u8 };
        if marker != expected {
            return Err(Declined::Damaged);
        }
        let coded = source.data.get(at..end).unwrap_or_default();
        if way == Way::Copy && within(&runs, &mcus).next().is_none() {
            bytes.extend_from_slice(coded);
        } else {
            let mut walk = Walk {
                source,
                blender,
                reader: Reader::new(coded),
                copied: Reader::new(coded),
                pen: Pen::new(bytes, written),
                recodes: &recodes,
                before: [0; 4],
                after: [0; 4],
                changed: 0,
            };
            walk.interval(&mcus, within(&runs, &mcus), coded)?;
            changed += walk.changed;
            bytes = walk.pen.writer.finish();
            lacking.append(&mut walk.pen.lacking);
        }
        bytes.extend_from_slice(&[0xFF, marker]);
        at = next;
    }
    Ok(Copied { bytes, changed, lacking })
}

/// What of `runs` lies in `mcus`.
fn within<'a>(
    runs: &'a [Range<usize>],
    mcus: &Range<usize>,
) -> impl Iterator<Item = Range<usize>> + use<'a> {
    let (start, end) = (mcus.start, mcus.end);
    let first = runs.partition_point(|run| run.end <= start);
    runs[first..]
        .iter()
        .take_while(move |run| run.start < end)
        .map(move |run| run.start.max(start)..run.end.min(end))
}

/// The walk through one interval. What `reader` has passed is copied only when something else
/// has to be written behind it; `copied` stands where the copying goes on.
struct Walk<'a, 'b> {
    source: &'b Source<'b>,
    blender: &'b Blender<'b>,
    reader: Reader<'a>,
    copied: Reader<'a>,
    pen: Pen<'b>,
    /// Of each coding, if nothing may be copied.
    recodes: &'b [Box<Recodes>],
    /// By component: the DC value that the next difference is added to, as read and as written.
    before: [i32; 4],
    after: [i32; 4],
    changed: usize,
}

impl Walk<'_, '_> {
    fn interval(
        &mut self,
        mcus: &Range<usize>,
        runs: impl Iterator<Item = Range<usize>>,
        coded: &[u8],
    ) -> Result<(), Declined> {
        let mut mcu = mcus.start;
        for run in runs {
            let rest = self.settle(mcu..run.start)?;
            self.pass_mcus(rest.len())?;
            mcu = run.end;
            for covered in run {
                self.mcu(covered)?;
            }
        }
        let rest = self.settle(mcu..mcus.end)?;
        if self.recodes() {
            return self.recode(rest.len());
        }
        if rest.is_empty() {
            self.copy_to(self.reader.position()); // what is behind the last block is no one's
            return Ok(());
        }
        let is_in_doubt = self.pen.writer.would_end_in_ones(&self.copied);
        let padding = if is_in_doubt { self.padding(coded) } else { 0 };
        self.pen.writer.copy_rest(self.copied.clone(), padding);
        Ok(())
    }

    /// Writes the first of some MCUs that aren't covered, if its DC differences depend on the
    /// mark. Gives the others, in which none does.
    fn settle(&mut self, mcus: Range<usize>) -> Result<Range<usize>, Declined> {
        if mcus.is_empty() || self.before == self.after {
            return Ok(mcus);
        }
        self.mcu(mcus.start)?;
        Ok(mcus.start + 1..mcus.end)
    }

    fn pass_mcus(&mut self, count: usize) -> Result<(), Declined> {
        if self.recodes() { self.recode(count) } else { self.skip(count) }
    }

    /// Whether all codes are written anew.
    fn recodes(&self) -> bool {
        !self.recodes.is_empty()
    }

    /// Writes MCUs that aren't covered with other codes.
    fn recode(&mut self, count: usize) -> Result<(), Declined> {
        for _ in 0..count {
            for coding in self.source.codings {
                for _ in 0..coding.across * coding.down {
                    self.pass(coding)?;
                }
            }
            if self.reader.is_over() {
                return Err(Declined::Damaged);
            }
        }
        Ok(())
    }

    /// Passes over MCUs whose bits will be copied.
    fn skip(&mut self, count: usize) -> Result<(), Declined> {
        let mut reader = self.reader.clone();
        for _ in 0..count {
            for coding in self.source.codings {
                for _ in 0..coding.across * coding.down {
                    let difference = coding.skip(&mut reader)?;
                    let (before, after) =
                        (&mut self.before[coding.number], &mut self.after[coding.number]);
                    *before = before.wrapping_add(difference);
                    *after = after.wrapping_add(difference);
                }
            }
            if reader.is_over() {
                return Err(Declined::Damaged);
            }
        }
        self.reader = reader;
        Ok(())
    }

    fn mcu(&mut self, mcu: usize) -> Result<(), Declined> {
        let width = self.source.frame.mcus.0;
        let (x, y) = (mcu % width, mcu / width);
        for coding in self.source.codings {
            for block in 0..coding.across * coding.down {
                let (right, low) = (block % coding.across, block / coding.across);
                self.block(coding, (x * coding.across + right, y * coding.down + low))?;
            }
        }
        if self.reader.is_over() { Err(Declined::Damaged) } else { Ok(()) }
    }

    fn block(&mut self, coding: &Coding, place: (usize, usize)) -> Result<(), Declined> {
        let number = coding.number;
        let start = self.reader.position();
        let (before, after) = (self.before[number], self.after[number]);
        let (reader, value) = (&mut self.reader, &mut self.before[number]);
        let blended = self.blender.blend(number, place, || coding.read(reader, value))?;
        let Some(blended) = blended else {
            return self.pass(coding);
        };
        self.after[number] = i32::from(blended.after.values[0]);
        if blended.is_changed || before != after || self.recodes() {
            self.copy_to(start);
            self.changed += usize::from(blended.is_changed);
            let (dc, ac) = (coding.dc_number, coding.ac_number);
            block::tell(&blended.after, after, dc, ac, &mut self.pen);
            self.passed();
        }
        Ok(())
    }

    /// Keeps a block, but for its DC difference if the block before has changed.
    fn pass(&mut self, coding: &Coding) -> Result<(), Declined> {
        let (number, start) = (coding.number, self.reader.position());
        let difference = coding.difference(&mut self.reader)?;
        let (before, after) = (self.before[number], self.after[number]);
        let value = before.wrapping_add(difference);
        if before != after || self.recodes() {
            self.copy_to(start);
            let difference = value.wrapping_sub(after);
            block::tell_difference(difference, coding.dc_number, &mut self.pen);
            self.passed();
        }
        (self.before[number], self.after[number]) = (value, value);
        match self.recodes.get(coding.number) {
            Some(recodes) => coding.recode_ac(&mut self.reader, recodes, &mut self.pen),
            None => coding.skip_ac(&mut self.reader),
        }
    }

    /// Copies what the reader has passed up to a position.
    fn copy_to(&mut self, position: u64) {
        if !self.recodes() {
            let count = position - self.copied.position();
            self.pen.writer.copy(&mut self.copied, count);
        }
    }

    /// Notes that what the reader has passed is written.
    fn passed(&mut self) {
        if !self.recodes() {
            self.copied = self.reader.clone();
        }
    }

    /// How many bits of padding the interval ends with, 0 if that can't be found out.
    ///
    /// Its last codes are decoded, from here or, as that could be far, from somewhere near the
    /// end: a decoder that starts at any bit soon falls into step with the one that started at
    /// the first. Several start at different blocks, and must agree.
    fn padding(&self, coded: &[u8]) -> u64 {
        let mut from = coded.len().saturating_sub(NEAR_END);
        if from <= self.reader.offset() {
            return self.padding_from(self.reader.clone(), 0).unwrap_or(0);
        }
        from += usize::from(coded[from - 1] == 0xFF);
        let blocks = self.order().len();
        let found =
            (0..blocks).filter_map(|first| self.padding_from(Reader::new(&coded[from..]), first));
        let found: Vec<u64> = found.collect();
        match found.as_slice() {
            [first, rest @ ..] if rest.iter().all(|other| other == first) => *first,
            _ => self.padding_from(self.reader.clone(), 0).unwrap_or(0),
        }
    }

    /// Decodes to the end, beginning at block `first` of an MCU.
    fn padding_from(&self, mut reader: Reader, first: usize) -> Option<u64> {
        let order = self.order();
        for (at, coding) in order.iter().enumerate().cycle().skip(first) {
            if at == 0 && reader.is_near_end() {
                if let Some(padding) = reader.padding() {
                    return Some(padding);
                }
                if reader.is_over() {
                    return None;
                }
            }
            coding.skip(&mut reader).ok()?;
        }
        None
    }

    /// The codings of an MCU's blocks.
    fn order(&self) -> Vec<&Coding<'_>> {
        let codings = self.source.codings.iter();
        codings.flat_map(|coding| vec![coding; coding.across * coding.down]).collect()
    }
}
