//! Blends the overlay onto coefficients.
//!
//! Covering is linear, `base (1 - a) + logo a`, and so is the transform: what a block gains is
//! the transform of `a (logo - base)`. The base is left unclamped, so that the ringing of the
//! old codec doesn't show through an opaque overlay.

use std::ops::Range;

use super::block::{Block, positions};
use super::dct::{self, Grid, SCALES};
use super::header::{Component, Frame, Space, Tables, ZIGZAG};
use crate::{Declined, Overlay, Place};

/// The largest coefficient at a precision of 8 bits (F.1.2.1.1, F.1.2.2.1).
const MAX_COEFFICIENT: i32 = 1023;

/// How much of each sample of a block the overlay covers, and with what.
struct Cover {
    share: Grid,
    /// The overlay's value, from -128 to 127, times the share.
    value: Grid,
}

/// Factors between a component's quantised coefficients and the scaled transforms'.
struct Steps {
    /// In zigzag order.
    inverse: [f32; 64],
    /// In the order of the grid.
    forward: Grid,
}

/// Blends the overlay onto blocks of coefficients.
pub struct Blender<'a> {
    overlay: &'a Overlay<'a>,
    places: &'a [Place],
    /// Of each row of MCUs: which places reach into it.
    rows: Vec<Vec<usize>>,
    components: Vec<Component>,
    steps: Vec<Steps>,
    weights: Vec<[f32; 4]>,
    mcu_height: usize,
}

impl<'a> Blender<'a> {
    pub fn new(
        frame: &Frame,
        tables: &Tables,
        space: Space,
        overlay: &'a Overlay<'a>,
        places: &'a [Place],
    ) -> Result<Self, Declined> {
        let steps = frame.components.iter().map(|component| {
            let table = tables.quantisation.get(component.quantisation);
            table.and_then(Option::as_ref).map(steps).ok_or(Declined::Damaged)
        });
        let mut rows = vec![Vec::new(); frame.mcus.1];
        for (number, place) in places.iter().enumerate() {
            if covered(place.left, overlay.width, frame.width, frame.mcu_pixels.0).is_empty() {
                continue; // it would show in the padding of a row's last MCU
            }
            for row in covered(place.top, overlay.height, frame.height, frame.mcu_pixels.1) {
                rows[row].push(number);
            }
        }
        Ok(Self {
            overlay,
            places,
            rows,
            components: frame.components.clone(),
            steps: steps.collect::<Result<_, _>>()?,
            weights: weights(space, frame.components.len(), overlay.planes.len())?,
            mcu_height: frame.mcu_pixels.1,
        })
    }

    /// The MCUs that a place reaches into, counted along the rows, as ranges that rise and
    /// don't overlap.
    pub fn runs(&self, frame: &Frame) -> Vec<Range<usize>> {
        let (width, height) = frame.mcus;
        let rows = (0..height).flat_map(|row| {
            let runs = self.runs_in(row, frame).into_iter();
            runs.map(move |run| row * width + run.start..row * width + run.end)
        });
        rows.collect()
    }

    /// The row of MCUs behind the last one that a place reaches into.
    pub fn end(&self) -> usize {
        self.rows.iter().rposition(|places| !places.is_empty()).map_or(0, |last| last + 1)
    }

    /// The MCUs of one row that a place reaches into.
    pub fn runs_in(&self, row: usize, frame: &Frame) -> Vec<Range<usize>> {
        let mut runs: Vec<_> = self.rows[row]
            .iter()
            .map(|&number| {
                let left = self.places[number].left;
                covered(left, self.overlay.width, frame.width, frame.mcu_pixels.0)
            })
            .filter(|run| !run.is_empty())
            .collect();
        runs.sort_unstable_by_key(|run| run.start);
        runs.dedup_by(|next, run| {
            let meets = next.start <= run.end;
            if meets {
                run.end = run.end.max(next.end);
            }
            meets
        });
        runs
    }

    /// Puts the overlay onto the block at (`across`, `down`) of a component. `read` gives its
    /// coefficients, and is called only if the overlay covers a part of it.
    #[inline(always)]
    pub fn blend<E>(
        &self,
        component: usize,
        (across, down): (usize, usize),
        read: impl FnOnce() -> Result<Block, E>,
    ) -> Result<Option<Blended>, E> {
        let Some(cover) = self.cover(component, across, down) else { return Ok(None) };
        let before = read()?;
        let steps = &self.steps[component];
        let (mut old, mut samples): (Numbers, Grid) = ([[0; 8]; 8], [[0.0; 8]; 8]);
        for k in positions(before.nonzero | 1) {
            let at = usize::from(ZIGZAG[k]);
            old[at / 8][at % 8] = i32::from(before.values[k]);
            samples[at / 8][at % 8] = f32::from(before.values[k]) * steps.inverse[k];
        }
        dct::inverse(&mut samples);
        let covers = cover.value.iter().zip(&cover.share);
        for (line, (values, shares)) in samples.iter_mut().zip(covers) {
            for (sample, (value, share)) in line.iter_mut().zip(values.iter().zip(shares)) {
                *sample = value - share * *sample;
            }
        }
        dct::forward(&mut samples);
        let new = add_difference(&old, &samples, &steps.forward);
        if new == old {
            return Ok(Some(Blended { is_changed: false, after: before }));
        }
        Ok(Some(Blended { is_changed: true, after: to_block(&new) }))
    }

    fn cover(&self, number: usize, across: usize, down: usize) -> Option<Cover> {
        let component = &self.components[number];
        let (px, py) = component.pixels;
        let (left, top) = ((8 * px * across) as i64, (8 * py * down) as i64);
        let near = self.rows.get(8 * py * down / self.mcu_height)?;
        let mut cover = Cover { share: [[0.0; 8]; 8], value: [[0.0; 8]; 8] };
        let mut is_covered = false;
        for &place in near {
            let place = self.places[place];
            // The block in the overlay's coordinates.
            let (x, y) = (left - place.left, top - place.top);
            let (from, to) = overlap(x, 8 * px, self.overlay.width);
            let (first, last) = overlap(y, 8 * py, self.overlay.height);
            if from >= to || first >= last {
                continue;
            }
            let (x, y) = (x + from as i64, y + first as i64); // both are inside the overlay now
            let (x, y) = (x as usize, y as usize);
            is_covered |= self.add(&mut cover, number, &Part { x, y, from, to, first, last });
        }
        is_covered.then_some(cover)
    }

    /// Lays one overlay's part over what covers the block already. Returns whether it is visible there.
    fn add(&self, cover: &mut Cover, number: usize, part: &Part) -> bool {
        let (px, py) = self.components[number].pixels;
        let weights = &self.weights[number];
        let sum = match px {
            1 => sum::<1, 8>,
            2 => sum::<2, 16>,
            3 => sum::<3, 24>,
            _ => sum::<4, 32>,
        };
        let size = 1.0 / (255.0 * (px * py) as f32);
        let mut is_covered = false;
        let mut line = part.first;
        while line < part.last {
            let row = line / py;
            let end = part.last.min((row + 1) * py);
            let mut sums = Sums { shares: [0.0; 8], values: [0.0; 8] };
            for y in line..end {
                let at = (part.y + y - part.first) * self.overlay.width + part.x;
                is_covered |= sum(self.overlay, at, &(part.from..part.to), weights, &mut sums);
            }
            let (shares, values) = (&mut cover.share[row], &mut cover.value[row]);
            for column in 0..8 {
                let share = sums.shares[column] * size;
                values[column] = values[column] * (1.0 - share) + sums.values[column] * size;
                shares[column] += share * (1.0 - shares[column]);
            }
            line = end;
        }
        is_covered
    }
}

/// Of each of a line's eight samples: the sum of its pixels' alphas, and of their values times
/// alpha.
struct Sums {
    shares: [f32; 8],
    values: [f32; 8],
}

/// Adds the `pixels` of a block's line, which begin at `at` in the overlay. A sample has `PX` of
/// them, the line `ALL`. Returns whether one of them is visible.
fn sum<const PX: usize, const ALL: usize>(
    overlay: &Overlay,
    at: usize,
    pixels: &Range<usize>,
    weights: &[f32; 4],
    sums: &mut Sums,
) -> bool {
    let alpha: [u8; ALL] = line(overlay.alpha, at, pixels);
    if alpha == [0; ALL] {
        return false;
    }
    let mut value = [-128.0 * weights[3]; ALL];
    for (plane, &weight) in overlay.planes.iter().zip(weights) {
        let samples: [u8; ALL] = line(plane, at, pixels);
        for (value, &sample) in value.iter_mut().zip(&samples) {
            *value += weight * f32::from(sample);
        }
    }
    for column in 0..8 {
        for pixel in PX * column..PX * (column + 1) {
            let alpha = f32::from(alpha[pixel]);
            sums.shares[column] += alpha;
            sums.values[column] += alpha * value[pixel];
        }
    }
    true
}

/// A line of samples from `at` on, laid at `pixels` of a block's.
#[inline(always)]
fn line<const ALL: usize>(samples: &[u8], at: usize, pixels: &Range<usize>) -> [u8; ALL] {
    let samples = &samples[at..at + pixels.len()];
    if let Some(whole) = samples.first_chunk() {
        return *whole; // nearly always, and faster than a copy of any length
    }
    let mut line = [0; ALL];
    line[pixels.clone()].copy_from_slice(samples);
    line
}

/// Coefficients in the order of the grid.
type Numbers = [[i32; 8]; 8];

/// Adds the difference to the coefficients, within the format's range, or the old value's if
/// that lies outside. No branch depends on a value, so that the compiler can vectorise it.
#[inline(always)]
fn add_difference(old: &Numbers, difference: &Grid, steps: &Grid) -> Numbers {
    let mut new = *old;
    for row in 0..8 {
        for column in 0..8 {
            let value = old[row][column];
            let most = MAX_COEFFICIENT.max(value.abs());
            let gain = rounded(difference[row][column] * steps[row][column]);
            new[row][column] = (value + gain).clamp(-most, most);
        }
    }
    new
}

/// Skips rows of zeros, which are most.
#[inline(always)]
fn to_block(numbers: &Numbers) -> Block {
    let mut block = Block::default();
    for (row, line) in numbers.iter().enumerate().filter(|(_, line)| **line != [0; 8]) {
        for (column, &value) in line.iter().enumerate().filter(|&(_, &value)| value != 0) {
            block.set(usize::from(TO_ZIGZAG[8 * row + column]), value as i16);
        }
    }
    block.nonzero &= !1;
    block
}

/// Natural order to zigzag position.
const TO_ZIGZAG: [u8; 64] = {
    let (mut places, mut place) = ([0; 64], 0);
    while place < 64 {
        places[ZIGZAG[place] as usize] = place as u8;
        place += 1;
    }
    places
};

/// The nearest integer, at most 8192 from 0. The sum has no room for a fraction and its lowest
/// bits are the integer. Unlike `round` this vectorises on processors without SSE 4.1.
#[inline(always)]
fn rounded(value: f32) -> i32 {
    const ROOM: f32 = 12_582_912.0; // 1.5 x 2^23
    (value.clamp(-8192.0, 8192.0) + ROOM).to_bits() as i32 - ROOM.to_bits() as i32
}

/// A covered block.
pub struct Blended {
    pub after: Block,
    pub is_changed: bool,
}

/// The part of an overlay, from (`x`, `y`) on, that covers pixels `from..to` of lines
/// `first..last` of a block.
struct Part {
    x: usize,
    y: usize,
    from: usize,
    to: usize,
    first: usize,
    last: usize,
}

/// Which pixels of a block, that begins at `start` in the overlay, the overlay reaches.
fn overlap(start: i64, block: usize, overlay: usize) -> (usize, usize) {
    let from = (-start).clamp(0, block as i64);
    let to = (overlay as i64 - start).clamp(0, block as i64);
    (from as usize, to as usize)
}

/// Which units of `unit` pixels an overlay reaches into that lies from `start` on.
fn covered(start: i64, overlay: usize, picture: usize, unit: usize) -> Range<usize> {
    let from = start.clamp(0, picture as i64) as usize;
    let to = start.saturating_add(overlay as i64).clamp(0, picture as i64) as usize;
    if from < to { from / unit..to.div_ceil(unit) } else { 0..0 }
}

/// What of the overlay's planes each component takes, and at last how much 128 is taken off:
/// JFIF's YCbCr, which has its middle at 128 for the two colours anyway.
fn weights(space: Space, components: usize, planes: usize) -> Result<Vec<[f32; 4]>, Declined> {
    let rows: &[[f32; 4]] = match (space, planes) {
        (Space::Grey, 1) => &[[1.0, 0.0, 0.0, 1.0]],
        (Space::YCbCr, 3) => &[
            [0.299, 0.587, 0.114, 1.0],
            [-0.168_735_89, -0.331_264_1, 0.5, 0.0],
            [0.5, -0.418_687_6, -0.081_312_41, 0.0],
        ],
        (Space::Rgb, 3) => &[[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0]],
        _ => return Err(Declined::Overlay),
    };
    debug_assert_eq!(rows.len(), components);
    Ok(rows.to_vec())
}

fn steps(table: &[u16; 64]) -> Steps {
    let mut steps = Steps { inverse: [0.0; 64], forward: [[0.0; 8]; 8] };
    for (place, at) in ZIGZAG.into_iter().map(usize::from).enumerate() {
        let (step, scale) = (f64::from(table[place]), SCALES[at / 8] * SCALES[at % 8]);
        steps.inverse[place] = (step * scale / 8.0) as f32;
        steps.forward[at / 8][at % 8] = (1.0 / (8.0 * scale * step)) as f32;
    }
    steps
}
