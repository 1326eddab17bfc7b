//! One block of a sequential scan: passed over, read or written (T.81, F.1.2 and F.2.2).

use std::collections::BTreeSet;

use super::bits::{Reader, Writer};
use super::header::HuffmanTables;
use super::huffman::{Leap, Leaps, Recoded, Recodes, Table, TableId, bits_of, size_of, value_of};
use crate::Declined;

/// The quantised coefficients of a block, in zigzag order.
#[derive(Clone, PartialEq, Eq)]
pub struct Block {
    pub values: [i16; 64],
    /// A bit for each coefficient behind DC that isn't 0.
    pub known: u64,
}

impl Default for Block {
    fn default() -> Self {
        Self { values: [0; 64], known: 0 }
    }
}

impl Block {
    /// Sets a coefficient behind DC that was 0.
    #[inline(always)]
    pub fn set(&mut self, place: usize, value: i16) {
        self.values[place & 63] = value;
        self.known |= u64::from(value != 0) << place;
    }
}

/// The places that a set has, rising.
#[inline(always)]
pub fn places(mut set: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let next = set.trailing_zeros();
        set &= set.wrapping_sub(1);
        (next < 64).then_some(next as usize)
    })
}

/// A component's part in a scan, with the tables it is coded with.
#[derive(Clone)]
pub struct Coding<'a> {
    /// The component's position in the frame.
    pub number: usize,
    /// Blocks an MCU, across and down.
    pub across: usize,
    pub down: usize,
    /// The tables, and their numbers.
    pub dc: &'a Table,
    pub ac: &'a Table,
    pub leaps: &'a Leaps,
    pub dc_number: usize,
    pub ac_number: usize,
}

impl Coding<'_> {
    /// Passes over a block and gives its DC difference.
    #[inline(always)]
    pub fn skip(&self, reader: &mut Reader) -> Result<i32, Declined> {
        let difference = self.difference(reader)?;
        self.skip_ac(reader)?;
        Ok(difference)
    }

    /// Reads a block's DC difference.
    #[inline(always)]
    pub fn difference(&self, reader: &mut Reader) -> Result<i32, Declined> {
        difference(self.dc, reader)
    }

    /// Passes over the coefficients behind DC, several at a time.
    #[inline(always)]
    pub fn skip_ac(&self, reader: &mut Reader) -> Result<(), Declined> {
        let mut place = 1u32;
        while place < 64 {
            reader.refill();
            let Leap { bits, places, is_end } = self.leaps[reader.peek(Leap::WIDTH) as usize];
            if bits > 0 && place + u32::from(places) + u32::from(is_end) <= 64 {
                reader.skip(u32::from(bits));
                if is_end > 0 {
                    return Ok(());
                }
                place += u32::from(places);
                continue;
            }
            match step(self.ac.read(reader)?, &mut place)? {
                Some(size) => reader.skip(size),
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// How its AC symbols are written with other tables, if these have them all.
    pub fn recodes(&self, written: &HuffmanTables) -> Option<Box<Recodes>> {
        Some(self.ac.recodes(written.get((true, self.ac_number))?))
    }

    /// Passes over the coefficients behind DC and writes them with the pen's tables, of which
    /// `recodes` is made.
    pub fn recode_ac(
        &self,
        reader: &mut Reader,
        recodes: &Recodes,
        pen: &mut Pen,
    ) -> Result<(), Declined> {
        let mut place = 1;
        while place < 64 {
            reader.refill();
            let Recoded { leap, length, bits } = recodes[reader.peek(Leap::WIDTH) as usize];
            if leap.bits > 0 && place + u32::from(leap.places) + u32::from(leap.is_end) <= 64 {
                reader.skip(u32::from(leap.bits));
                pen.bits(bits, u32::from(length));
                if leap.is_end > 0 {
                    return Ok(());
                }
                place += u32::from(leap.places);
                continue;
            }
            let symbol = self.ac.read(reader)?;
            let size = step(symbol, &mut place)?;
            let bits = reader.take(size.unwrap_or(0));
            pen.symbol((true, self.ac_number), symbol, bits, size.unwrap_or(0));
            if size.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Reads a block; `before` is the DC value of the one before, and becomes this one's.
    pub fn read(&self, reader: &mut Reader, before: &mut i32) -> Result<Block, Declined> {
        let mut block = Block::default();
        *before = before.wrapping_add(self.difference(reader)?);
        block.values[0] = i16::try_from(*before).map_err(|_| Declined::Damaged)?;
        let mut place = 1;
        while place < 64 {
            reader.refill();
            let Some(size) = step(self.ac.read(reader)?, &mut place)? else { break };
            if size > 0 {
                let value = value_of(reader.take(size), size);
                block.set(place as usize - 1, value as i16);
            }
        }
        Ok(block)
    }
}

/// Reads a DC difference.
#[inline(always)]
pub fn difference(table: &Table, reader: &mut Reader) -> Result<i32, Declined> {
    reader.refill();
    let size = u32::from(table.read(reader)?);
    if size > 15 {
        return Err(Declined::Damaged);
    }
    Ok(value_of(reader.take(size), size))
}

/// Moves `place` behind what an AC symbol tells and gives the size of its value, or nothing
/// where the block ends.
#[inline(always)]
fn step(symbol: u8, place: &mut u32) -> Result<Option<u32>, Declined> {
    let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
    if size == 0 && run == 0 {
        return Ok(None);
    }
    *place += run + 1;
    if *place > 64 || (size == 0 && run < 15) {
        return Err(Declined::Damaged);
    }
    Ok(Some(size))
}

/// Writes a block; `before` is the DC value of the one before.
#[inline(always)]
pub fn tell(block: &Block, before: i32, dc: usize, ac: usize, pen: &mut Pen) {
    tell_difference(i32::from(block.values[0]).wrapping_sub(before), dc, pen);
    let mut end = 1;
    for place in places(block.known) {
        let mut zeros = place - end;
        while zeros > 15 {
            pen.symbol((true, ac), 0xF0, 0, 0);
            zeros -= 16;
        }
        let value = i32::from(block.values[place & 63]);
        let size = size_of(value);
        pen.symbol((true, ac), zeros as u8 * 16 + (size & 15) as u8, bits_of(value, size), size);
        end = place + 1;
    }
    if end < 64 {
        pen.symbol((true, ac), 0, 0, 0);
    }
}

/// Writes a DC difference.
#[inline(always)]
pub fn tell_difference(difference: i32, dc: usize, pen: &mut Pen) {
    let size = size_of(difference);
    pen.symbol((false, dc), size as u8, bits_of(difference, size), size);
}

/// Writes symbols, and notes those that the tables lack.
pub struct Pen<'a> {
    pub writer: Writer,
    tables: &'a HuffmanTables,
    pub lacking: Lacking,
}

/// Symbols that tables lack.
pub type Lacking = BTreeSet<(TableId, u8)>;

impl<'a> Pen<'a> {
    pub fn new(bytes: Vec<u8>, tables: &'a HuffmanTables) -> Self {
        Self { writer: Writer::new(bytes), tables, lacking: Lacking::new() }
    }

    /// Whether a table has the symbol.
    pub fn has(&self, table: TableId, symbol: u8) -> bool {
        self.tables.get(table).is_some_and(|table| table.code(symbol).is_some())
    }

    /// A symbol of a table, with `size` more bits, at most 15.
    #[inline(always)]
    pub fn symbol(&mut self, table: TableId, symbol: u8, bits: u32, size: u32) {
        match self.tables.get(table).and_then(|table| table.code(symbol)) {
            Some((code, length)) => {
                self.writer.put(u32::from(code) << size | bits, u32::from(length) + size);
            }
            None => {
                self.lacking.insert((table, symbol));
            }
        }
    }

    /// Bits alone, 1 to 31.
    #[inline(always)]
    pub fn bits(&mut self, bits: u32, size: u32) {
        self.writer.put(bits, size);
    }

    /// A restart marker.
    pub fn restart(&mut self, marker: u8) {
        self.writer.flush();
        self.writer.bytes.extend_from_slice(&[0xFF, marker]);
    }
}
