//! The quantised coefficients of one 8 x 8 block.

/// Coefficients in zigzag order: `values[k]` is ZZ(k) of T.81 (A.3.6).
#[derive(Clone, PartialEq, Eq)]
pub struct Block {
    pub values: [i16; 64],
    /// Bit k is set where the AC coefficient `values[k]` isn't 0.
    pub nonzero: u64,
}

impl Default for Block {
    fn default() -> Self {
        Self { values: [0; 64], nonzero: 0 }
    }
}

impl Block {
    /// Sets an AC coefficient that was 0.
    #[inline(always)]
    pub fn set(&mut self, k: usize, value: i16) {
        self.values[k & 63] = value;
        self.nonzero |= u64::from(value != 0) << k;
    }
}

/// The positions of a set's bits, rising.
#[inline(always)]
pub fn positions(mut set: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let next = set.trailing_zeros();
        set &= set.wrapping_sub(1);
        (next < 64).then_some(next as usize)
    })
}
