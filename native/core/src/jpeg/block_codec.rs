//! Decodes, skips and encodes one block of a sequential scan (T.81, F.1.2 and F.2.2).

use super::bits::Reader;
use super::block::{Block, positions};
use super::header::HuffmanTables;
use super::huffman::{Leap, Leaps, Recoded, Recodes, Table, category, extend, magnitude_bits};
use super::symbol_writer::SymbolWriter;
use crate::Declined;

/// Run of 16 zeros.
pub const ZRL: u8 = 0xF0;
/// End of block.
const EOB: u8 = 0x00;

/// One component of a scan, with the tables that its blocks are coded with.
#[derive(Clone)]
pub struct BlockCodec<'a> {
    /// Index of the component in the frame.
    pub component: usize,
    /// Sampling factors: blocks in an MCU, across and down.
    pub h: usize,
    pub v: usize,
    pub dc: &'a Table,
    pub ac: &'a Table,
    pub leaps: &'a Leaps,
    /// Table destinations Td and Ta.
    pub dc_table: usize,
    pub ac_table: usize,
}

impl BlockCodec<'_> {
    /// Skips a block and returns its DC difference.
    #[inline(always)]
    pub fn skip(&self, reader: &mut Reader) -> Result<i32, Declined> {
        let difference = self.dc_difference(reader)?;
        self.skip_ac(reader)?;
        Ok(difference)
    }

    #[inline(always)]
    pub fn dc_difference(&self, reader: &mut Reader) -> Result<i32, Declined> {
        decode_dc_difference(self.dc, reader)
    }

    /// Skips the AC coefficients, several at a time.
    #[inline(always)]
    pub fn skip_ac(&self, reader: &mut Reader) -> Result<(), Declined> {
        let mut k = 1u32;
        while k < 64 {
            reader.refill();
            let Leap { bits, coefficients, is_eob } = self.leaps[reader.peek(Leap::WIDTH) as usize];
            if bits > 0 && k + u32::from(coefficients) + u32::from(is_eob) <= 64 {
                reader.skip(u32::from(bits));
                if is_eob > 0 {
                    return Ok(());
                }
                k += u32::from(coefficients);
                continue;
            }
            match advance(self.ac.read(reader)?, &mut k)? {
                Some(ssss) => reader.skip(ssss),
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// How AC symbols are written with other tables; nothing if these lack the table.
    pub fn recodes(&self, written: &HuffmanTables) -> Option<Box<Recodes>> {
        Some(self.ac.recodes(written.get((true, self.ac_table))?))
    }

    /// Reads the AC coefficients and writes them with the writer's tables, from which
    /// `recodes` was made.
    pub fn recode_ac(
        &self,
        reader: &mut Reader,
        recodes: &Recodes,
        symbols: &mut SymbolWriter,
    ) -> Result<(), Declined> {
        let mut k = 1;
        while k < 64 {
            reader.refill();
            let Recoded { leap, length, bits } = recodes[reader.peek(Leap::WIDTH) as usize];
            if leap.bits > 0 && k + u32::from(leap.coefficients) + u32::from(leap.is_eob) <= 64 {
                reader.skip(u32::from(leap.bits));
                symbols.bits(bits, u32::from(length));
                if leap.is_eob > 0 {
                    return Ok(());
                }
                k += u32::from(leap.coefficients);
                continue;
            }
            let symbol = self.ac.read(reader)?;
            let ssss = advance(symbol, &mut k)?;
            let bits = reader.take(ssss.unwrap_or(0));
            symbols.symbol((true, self.ac_table), symbol, bits, ssss.unwrap_or(0));
            if ssss.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Decodes a block. `pred` is the DC prediction, and becomes that of the next block.
    pub fn decode(&self, reader: &mut Reader, pred: &mut i32) -> Result<Block, Declined> {
        let mut block = Block::default();
        *pred = pred.wrapping_add(self.dc_difference(reader)?);
        block.values[0] = i16::try_from(*pred).map_err(|_| Declined::Damaged)?;
        let mut k = 1;
        while k < 64 {
            reader.refill();
            let Some(ssss) = advance(self.ac.read(reader)?, &mut k)? else { break };
            if ssss > 0 {
                let value = extend(reader.take(ssss), ssss);
                block.set(k as usize - 1, value as i16);
            }
        }
        Ok(block)
    }
}

#[inline(always)]
pub fn decode_dc_difference(table: &Table, reader: &mut Reader) -> Result<i32, Declined> {
    reader.refill();
    let ssss = u32::from(table.read(reader)?);
    if ssss > 15 {
        return Err(Declined::Damaged);
    }
    Ok(extend(reader.take(ssss), ssss))
}

/// Moves `k` behind the coefficient of an AC symbol RRRRSSSS and returns SSSS, or nothing for EOB.
#[inline(always)]
fn advance(symbol: u8, k: &mut u32) -> Result<Option<u32>, Declined> {
    let (rrrr, ssss) = (u32::from(symbol >> 4), u32::from(symbol & 15));
    if symbol == EOB {
        return Ok(None);
    }
    *k += rrrr + 1;
    if *k > 64 || (ssss == 0 && rrrr < 15) {
        return Err(Declined::Damaged);
    }
    Ok(Some(ssss))
}

/// Encodes a block with the tables `dc` and `ac`; `pred` is its DC prediction.
#[inline(always)]
pub fn encode_block(block: &Block, pred: i32, dc: usize, ac: usize, symbols: &mut SymbolWriter) {
    encode_dc_difference(i32::from(block.values[0]).wrapping_sub(pred), dc, symbols);
    let mut next = 1;
    for k in positions(block.nonzero) {
        let mut run = k - next;
        while run > 15 {
            symbols.symbol((true, ac), ZRL, 0, 0);
            run -= 16;
        }
        let value = i32::from(block.values[k & 63]);
        let ssss = category(value);
        let symbol = run as u8 * 16 + (ssss & 15) as u8;
        symbols.symbol((true, ac), symbol, magnitude_bits(value, ssss), ssss);
        next = k + 1;
    }
    if next < 64 {
        symbols.symbol((true, ac), EOB, 0, 0);
    }
}

#[inline(always)]
pub fn encode_dc_difference(difference: i32, dc: usize, symbols: &mut SymbolWriter) {
    let ssss = category(difference);
    symbols.symbol((false, dc), ssss as u8, magnitude_bits(difference, ssss), ssss);
}
