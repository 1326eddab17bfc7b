//! Rows of pixels: their filters (PNG, section 9), and blending the overlay onto them.

use std::ops::Range;

use crate::{Declined, Overlay, Place};

/// The layout of a pixel.
#[derive(Clone, Copy, Debug)]
pub struct Pixel {
    /// Samples of colour: 1 or 3.
    pub colours: usize,
    /// Whether alpha follows them.
    pub has_alpha: bool,
    /// Bytes a sample: 1 or 2.
    pub width: usize,
}

impl Pixel {
    pub fn bytes(self) -> usize {
        (self.colours + usize::from(self.has_alpha)) * self.width
    }

    fn max(self) -> f32 {
        if self.width == 1 { 255.0 } else { 65_535.0 }
    }

    fn sample(self, pixel: &[u8], number: usize) -> f32 {
        match pixel[number * self.width..] {
            [high, low, ..] if self.width == 2 => f32::from(u16::from_be_bytes([high, low])),
            [sample, ..] => f32::from(sample),
            [] => 0.0,
        }
    }

    fn set(self, pixel: &mut [u8], number: usize, value: f32) {
        let value = value.round_ties_even(); // the casts saturate
        match &mut pixel[number * self.width..] {
            [high, low, ..] if self.width == 2 => {
                [*high, *low] = (value as u16).to_be_bytes();
            }
            [sample, ..] => *sample = value as u8,
            [] => {}
        }
    }
}

/// Reverses a filter. `line` is without its filter byte, `above` the row above it.
pub fn unfilter(kind: u8, line: &mut [u8], above: &[u8], bytes: usize) -> Result<(), Declined> {
    match (kind, bytes) {
        (0, _) => {}
        (1, 1) => sub::<1>(line),
        (1, 2) => sub::<2>(line),
        (1, 3) => sub::<3>(line),
        (1, 4) => sub::<4>(line),
        (1, 6) => sub::<6>(line),
        (1, 8) => sub::<8>(line),
        (2, _) => {
            for (value, up) in line.iter_mut().zip(above) {
                *value = value.wrapping_add(*up);
            }
        }
        (3, 1) => predicted::<1>(line, above, |left, up, _| average(left, up)),
        (3, 2) => predicted::<2>(line, above, |left, up, _| average(left, up)),
        (3, 3) => predicted::<3>(line, above, |left, up, _| average(left, up)),
        (3, 4) => predicted::<4>(line, above, |left, up, _| average(left, up)),
        (3, 6) => predicted::<6>(line, above, |left, up, _| average(left, up)),
        (3, 8) => predicted::<8>(line, above, |left, up, _| average(left, up)),
        (4, 1) => predicted::<1>(line, above, paeth),
        (4, 2) => predicted::<2>(line, above, paeth),
        (4, 3) => predicted::<3>(line, above, paeth),
        (4, 4) => predicted::<4>(line, above, paeth),
        (4, 6) => predicted::<6>(line, above, paeth),
        (4, 8) => predicted::<8>(line, above, paeth),
        _ => return Err(Declined::Damaged),
    }
    Ok(())
}

#[inline(always)]
fn sub<const N: usize>(line: &mut [u8]) {
    let mut left = [0; N];
    for pixel in line.as_chunks_mut::<N>().0 {
        for at in 0..N {
            pixel[at] = pixel[at].wrapping_add(left[at]);
        }
        left = *pixel;
    }
}

#[inline(always)]
fn predicted<const N: usize>(line: &mut [u8], above: &[u8], predict: impl Fn(u8, u8, u8) -> u8) {
    let (mut left, mut corner) = ([0; N], [0; N]);
    let ups = above.as_chunks::<N>().0;
    for (pixel, up) in line.as_chunks_mut::<N>().0.iter_mut().zip(ups) {
        for at in 0..N {
            pixel[at] = pixel[at].wrapping_add(predict(left[at], up[at], corner[at]));
        }
        (left, corner) = (*pixel, *up);
    }
}

#[inline(always)]
fn average(left: u8, up: u8) -> u8 {
    ((u16::from(left) + u16::from(up)) / 2) as u8
}

#[inline(always)]
fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(up), i16::from(corner));
    let (near_left, near_up, near_corner) = ((b - c).abs(), (a - c).abs(), (a + b - 2 * c).abs());
    let other = if near_up <= near_corner { up } else { corner };
    if near_left <= near_up && near_left <= near_corner { left } else { other }
}

/// The filtered byte at `at` of `line`, whose row above is `above`.
pub fn filtered(kind: u8, line: &[u8], above: &[u8], bytes: usize, at: usize) -> u8 {
    let before = |row: &[u8]| at.checked_sub(bytes).map_or(0, |at| row[at]);
    let prediction = match kind {
        1 => before(line),
        2 => above[at],
        3 => average(before(line), above[at]),
        4 => paeth(before(line), above[at], before(above)),
        _ => 0,
    };
    line[at].wrapping_sub(prediction)
}

/// Blends a line of the overlay onto a row of pixels. Returns the range of bytes that may have
/// changed.
pub fn blend(
    row: &mut [u8],
    pixel: Pixel,
    overlay: &Overlay,
    place: Place,
    y: usize,
) -> Range<usize> {
    let bytes = pixel.bytes();
    let width = (row.len() / bytes) as i64;
    let from = place.left.clamp(0, width);
    let to = place.left.saturating_add(overlay.width as i64).clamp(0, width);
    let line = usize::try_from((y as i64).saturating_sub(place.top)).unwrap_or(overlay.height);
    if line >= overlay.height || from >= to {
        return 0..0;
    }
    let span = from as usize * bytes..to as usize * bytes;
    let start = line * overlay.width + (from - place.left) as usize;
    for (at, under) in (start..).zip(row[span.clone()].chunks_exact_mut(bytes)) {
        if overlay.alpha[at] > 0 {
            over(under, pixel, overlay, at);
        }
    }
    span
}

/// The overlay's pixel `at` over one of the picture's (Porter and Duff 1984; alpha isn't
/// premultiplied in a PNG).
#[inline(always)]
fn over(under: &mut [u8], pixel: Pixel, overlay: &Overlay, at: usize) {
    let scale = pixel.max() / 255.0;
    let share = f32::from(overlay.alpha[at]) / 255.0;
    let mut rest = 1.0 - share;
    let mut whole = 1.0;
    if pixel.has_alpha {
        rest *= pixel.sample(under, pixel.colours) / pixel.max();
        whole = share + rest;
        pixel.set(under, pixel.colours, whole * pixel.max());
    }
    for (number, plane) in overlay.planes.iter().enumerate() {
        let value = f32::from(plane[at]) * scale * share + pixel.sample(under, number) * rest;
        pixel.set(under, number, value / whole);
    }
}
