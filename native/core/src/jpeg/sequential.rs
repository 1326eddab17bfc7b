//! One interleaved sequential scan: its codes are read up to the last block that the overlay
//! covers, and copied behind it.

use std::ops::Range;

use super::bits::Reader;
use super::blend::Blender;
use super::block_codec::{BlockCodec, encode_block, encode_dc_difference};
use super::header::{Frame, HuffmanTables};
use super::huffman::Recodes;
use super::segments::{EOI, coded_end};
use super::symbol_writer::{MissingCodes, SymbolWriter};
use crate::Declined;

/// How many bytes before an interval's end the search for its last code begins: far enough for
/// a decoder that starts anywhere to synchronise.
const NEAR_END: usize = 1024;

/// A scan to copy with the overlay.
pub struct Source<'a> {
    pub data: &'a [u8],
    /// Where the coded data begins.
    pub at: usize,
    pub frame: &'a Frame,
    pub codecs: &'a [BlockCodec<'a>],
    /// MCUs between two restart markers, 0 for none.
    pub restart_interval: usize,
}

/// How blocks that the overlay doesn't cover are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Copied bit by bit: their codes are the same as before.
    Copy,
    /// Recoded, symbol by symbol, with other Huffman tables.
    Recode,
}

/// The copied scan. If codes are missing the bytes are useless.
pub struct Copied {
    /// The bytes given to `copy`, the scan, and EOI.
    pub bytes: Vec<u8>,
    pub changed: usize,
    pub missing: MissingCodes,
    /// Behind EOI in the source.
    pub end: usize,
}

/// Copies the scan behind `bytes`.
pub fn copy(
    source: &Source,
    blender: &Blender,
    written: &HuffmanTables,
    way: Mode,
    mut bytes: Vec<u8>,
) -> Result<Copied, Declined> {
    let recodes = match way {
        Mode::Copy => Some(Vec::new()),
        Mode::Recode => source.codecs.iter().map(|codec| codec.recodes(written)).collect(),
    };
    let recodes = recodes.ok_or(Declined::Range)?;
    let runs = blender.runs(source.frame);
    let all = source.frame.mcus.0 * source.frame.mcus.1;
    let length = if source.restart_interval == 0 { all } else { source.restart_interval };
    let (mut at, mut missing, mut changed) = (source.at, MissingCodes::new(), 0);
    for (number, first) in (0..all).step_by(length).enumerate() {
        let mcus = first..all.min(first + length);
        let (end, marker, next) = coded_end(source.data, at)?;
        let expected = if mcus.end == all { EOI } else { 0xD0 + (number & 7) as u8 };
        if marker != expected {
            return Err(Declined::Damaged);
        }
        let coded = source.data.get(at..end).unwrap_or_default();
        if way == Mode::Copy && within(&runs, &mcus).next().is_none() {
            bytes.extend_from_slice(coded);
        } else {
            let mut walk = IntervalWalk {
                source,
                blender,
                reader: Reader::new(coded),
                copied: Reader::new(coded),
                symbols: SymbolWriter::new(bytes, written),
                recodes: &recodes,
                pred_read: [0; 4],
                pred_written: [0; 4],
                changed: 0,
            };
            walk.interval(&mcus, within(&runs, &mcus), coded)?;
            changed += walk.changed;
            bytes = walk.symbols.writer.finish();
            missing.append(&mut walk.symbols.missing);
        }
        bytes.extend_from_slice(&[0xFF, marker]);
        at = next;
    }
    Ok(Copied { bytes, changed, missing, end: at })
}

/// The parts of `runs` that lie in `mcus`.
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

/// The way through one restart interval. What `reader` has passed is copied only when something
/// else has to be written behind it; `copied` is where copying continues.
struct IntervalWalk<'a, 'b> {
    source: &'b Source<'b>,
    blender: &'b Blender<'b>,
    reader: Reader<'a>,
    copied: Reader<'a>,
    symbols: SymbolWriter<'b>,
    /// Of each component, if nothing may be copied.
    recodes: &'b [Box<Recodes>],
    /// DC predictions by component, as read and as written.
    pred_read: [i32; 4],
    pred_written: [i32; 4],
    changed: usize,
}

impl IntervalWalk<'_, '_> {
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
            self.copy_to(self.reader.position()); // what follows the last block is ignored
            return Ok(());
        }
        let is_in_doubt = self.symbols.writer.would_end_in_ones(&self.copied);
        let padding = if is_in_doubt { self.padding(coded) } else { 0 };
        self.symbols.writer.copy_rest(self.copied.clone(), padding);
        Ok(())
    }

    /// Writes the first of some uncovered MCUs, if its DC differences depend on the overlay.
    /// Returns the others, whose differences don't.
    fn settle(&mut self, mcus: Range<usize>) -> Result<Range<usize>, Declined> {
        if mcus.is_empty() || self.pred_read == self.pred_written {
            return Ok(mcus);
        }
        self.mcu(mcus.start)?;
        Ok(mcus.start + 1..mcus.end)
    }

    fn pass_mcus(&mut self, count: usize) -> Result<(), Declined> {
        if self.recodes() { self.recode(count) } else { self.skip(count) }
    }

    /// Whether all symbols are recoded.
    fn recodes(&self) -> bool {
        !self.recodes.is_empty()
    }

    /// Recodes uncovered MCUs.
    fn recode(&mut self, count: usize) -> Result<(), Declined> {
        for _ in 0..count {
            for codec in self.source.codecs {
                for _ in 0..codec.h * codec.v {
                    self.pass(codec)?;
                }
            }
            if self.reader.is_over() {
                return Err(Declined::Damaged);
            }
        }
        Ok(())
    }

    /// Skips MCUs whose bits will be copied.
    fn skip(&mut self, count: usize) -> Result<(), Declined> {
        let mut reader = self.reader.clone();
        for _ in 0..count {
            for codec in self.source.codecs {
                for _ in 0..codec.h * codec.v {
                    let difference = codec.skip(&mut reader)?;
                    let (before, after) = (
                        &mut self.pred_read[codec.component],
                        &mut self.pred_written[codec.component],
                    );
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
        for codec in self.source.codecs {
            for block in 0..codec.h * codec.v {
                let (right, low) = (block % codec.h, block / codec.h);
                self.block(codec, (x * codec.h + right, y * codec.v + low))?;
            }
        }
        if self.reader.is_over() { Err(Declined::Damaged) } else { Ok(()) }
    }

    fn block(&mut self, codec: &BlockCodec, place: (usize, usize)) -> Result<(), Declined> {
        let number = codec.component;
        let start = self.reader.position();
        let (before, after) = (self.pred_read[number], self.pred_written[number]);
        let (reader, value) = (&mut self.reader, &mut self.pred_read[number]);
        let blended = self.blender.blend(number, place, || codec.decode(reader, value))?;
        let Some(blended) = blended else {
            return self.pass(codec);
        };
        self.pred_written[number] = i32::from(blended.after.values[0]);
        if blended.is_changed || before != after || self.recodes() {
            self.copy_to(start);
            self.changed += usize::from(blended.is_changed);
            let (dc, ac) = (codec.dc_table, codec.ac_table);
            encode_block(&blended.after, after, dc, ac, &mut self.symbols);
            self.continue_copying();
        }
        Ok(())
    }

    /// Keeps a block, except its DC difference if the block before has changed.
    fn pass(&mut self, codec: &BlockCodec) -> Result<(), Declined> {
        let (number, start) = (codec.component, self.reader.position());
        let difference = codec.dc_difference(&mut self.reader)?;
        let (before, after) = (self.pred_read[number], self.pred_written[number]);
        let value = before.wrapping_add(difference);
        if before != after || self.recodes() {
            self.copy_to(start);
            let difference = value.wrapping_sub(after);
            encode_dc_difference(difference, codec.dc_table, &mut self.symbols);
            self.continue_copying();
        }
        (self.pred_read[number], self.pred_written[number]) = (value, value);
        match self.recodes.get(codec.component) {
            Some(recodes) => codec.recode_ac(&mut self.reader, recodes, &mut self.symbols),
            None => codec.skip_ac(&mut self.reader),
        }
    }

    /// Copies what the reader has passed up to a position.
    fn copy_to(&mut self, position: u64) {
        if !self.recodes() {
            let count = position - self.copied.position();
            self.symbols.writer.copy(&mut self.copied, count);
        }
    }

    /// Continues copying where the reader is.
    fn continue_copying(&mut self) {
        if !self.recodes() {
            self.copied = self.reader.clone();
        }
    }

    /// How many padding bits the interval ends with, 0 if unknown.
    ///
    /// Decodes its last codes, from here or, as that could be far, from somewhere near the end:
    /// Huffman codes synchronise themselves, so a decoder that starts anywhere soon reads the right
    /// ones. Several start at different blocks of an MCU, and must agree.
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
        for (at, codec) in order.iter().enumerate().cycle().skip(first) {
            if at == 0 && reader.is_near_end() {
                if let Some(padding) = reader.padding() {
                    return Some(padding);
                }
                if reader.is_over() {
                    return None;
                }
            }
            codec.skip(&mut reader).ok()?;
        }
        None
    }

    /// The codec of each block in an MCU.
    fn order(&self) -> Vec<&BlockCodec<'_>> {
        let codecs = self.source.codecs.iter();
        codecs.flat_map(|codec| vec![codec; codec.h * codec.v]).collect()
    }
}
