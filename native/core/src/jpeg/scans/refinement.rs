//! What a refinement scan writes of a block (T.81, G.1.2.3).

use crate::jpeg::block::{Block, positions};
use crate::jpeg::symbol_writer::SymbolWriter;

/// A block's coefficients as a refinement scan sees them, a bit for each.
pub(super) struct Refined {
    /// Newly nonzero.
    pub new: u64,
    /// With a nonzero history.
    pub history: u64,
    /// The correction bits of those.
    pub correction: u64,
    pub positive: u64,
}

impl Refined {
    #[inline(always)]
    pub fn new(block: &Block, band: u64, al: u8) -> Self {
        let mut refined = Self { new: 0, history: 0, correction: 0, positive: 0 };
        for k in positions(block.nonzero & band) {
            let value = block.values[k];
            let magnitude = value.unsigned_abs() >> al;
            refined.new |= u64::from(magnitude == 1) << k;
            refined.history |= u64::from(magnitude > 1) << k;
            refined.correction |= u64::from(magnitude & 1) << k;
            refined.positive |= u64::from(value > 0) << k;
        }
        refined
    }
}

/// Correction bits of one block that aren't written yet, the first one highest.
#[derive(Default)]
pub(super) struct CorrectionBits {
    bits: u64,
    pub count: u32,
}

impl CorrectionBits {
    /// Adds the bits of `corrections` at the positions in `history`.
    #[inline(always)]
    pub fn push(&mut self, history: u64, corrections: u64) {
        for k in positions(history) {
            self.bits = self.bits << 1 | corrections >> k & 1;
        }
        self.count += history.count_ones();
    }

    #[inline(always)]
    pub fn write(&mut self, symbols: &mut SymbolWriter) {
        while self.count > 0 {
            let size = self.count.min(15);
            self.count -= size;
            symbols.bits((self.bits >> self.count) as u32 & ((1 << size) - 1), size);
        }
    }
}
