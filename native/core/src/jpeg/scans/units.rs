//! The order of a scan's blocks.

use std::ops::Range;

use super::Plane;
use crate::jpeg::header::{Frame, Scan};

/// The blocks of a scan in the units that a restart interval counts: an MCU of an interleaved
/// scan, a block of any other (A.2).
pub(super) struct Units {
    /// Units across, and down in the whole scan and in one row of the frame's MCUs.
    across: usize,
    down: usize,
    down_per_mcu_row: usize,
    /// Of each component in the scan: its blocks in a unit, across and down.
    blocks: Vec<(usize, usize)>,
}

impl Units {
    pub fn new(frame: &Frame, scan: &Scan) -> Self {
        if let [only] = &scan.components[..] {
            let component = &frame.components[only.component];
            let (across, down) = component.blocks;
            return Self { across, down, down_per_mcu_row: component.v, blocks: vec![(1, 1)] };
        }
        let components = scan.components.iter().map(|part| &frame.components[part.component]);
        let blocks = components.map(|component| (component.h, component.v)).collect();
        Self { across: frame.mcus.0, down: frame.mcus.1, down_per_mcu_row: 1, blocks }
    }

    /// The units in a row of MCUs.
    pub fn row(&self, row: usize) -> Range<usize> {
        let end = |row: usize| self.down.min(row * self.down_per_mcu_row) * self.across;
        end(row)..end(row + 1)
    }

    /// Indices in `plane` of a unit's blocks; `part` counts the scan's components.
    pub fn blocks(
        &self,
        unit: usize,
        part: usize,
        plane: &Plane,
    ) -> impl Iterator<Item = usize> + use<> {
        let (x, y) = (unit % self.across, unit / self.across);
        let (across, down) = self.blocks[part];
        let width = plane.across;
        (0..across * down)
            .map(move |at| (y * down + at / across) * width + x * across + at % across)
    }
}

/// The restart marker RSTn before a unit, if there is one.
pub(super) fn restart_before(unit: usize, interval: usize) -> Option<u8> {
    let is_due = interval > 0 && unit > 0 && unit.is_multiple_of(interval);
    is_due.then(|| 0xD0 + ((unit / interval - 1) & 7) as u8)
}
