//! Writes Huffman symbols, and notes those that have no code.

use std::collections::BTreeSet;

use super::bits::Writer;
use super::header::HuffmanTables;
use super::huffman::TableId;

/// Symbols that the tables have no code for.
pub type MissingCodes = BTreeSet<(TableId, u8)>;

/// While a code is missing the output is useless, but writing goes on, so that one pass finds
/// all that are missing.
pub struct SymbolWriter<'a> {
    pub writer: Writer,
    tables: &'a HuffmanTables,
    pub missing: MissingCodes,
}

impl<'a> SymbolWriter<'a> {
    pub fn new(bytes: Vec<u8>, tables: &'a HuffmanTables) -> Self {
        Self { writer: Writer::new(bytes), tables, missing: MissingCodes::new() }
    }

    pub fn has_code(&self, table: TableId, symbol: u8) -> bool {
        self.tables.get(table).is_some_and(|table| table.code(symbol).is_some())
    }

    /// Writes a symbol's code and `count` additional bits, at most 15.
    #[inline(always)]
    pub fn symbol(&mut self, table: TableId, symbol: u8, bits: u32, count: u32) {
        match self.tables.get(table).and_then(|table| table.code(symbol)) {
            Some((code, length)) => {
                self.writer.put(u32::from(code) << count | bits, u32::from(length) + count);
            }
            None => {
                self.missing.insert((table, symbol));
            }
        }
    }

    /// Writes 1 to 31 bits without a code.
    #[inline(always)]
    pub fn bits(&mut self, bits: u32, count: u32) {
        self.writer.put(bits, count);
    }

    /// Pads the restart interval and writes the marker RSTn.
    pub fn restart(&mut self, marker: u8) {
        self.writer.flush();
        self.writer.bytes.extend_from_slice(&[0xFF, marker]);
    }
}
