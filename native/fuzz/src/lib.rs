//! Shared by both targets: an overlay and its places, chosen by an input's last bytes.

use splice::{Overlay, Place};

/// The last bytes of an input choose the overlay; those before are the picture.
pub const TAIL: usize = 16;
/// As much memory as `splice` may take for coefficients or pixels.
pub const MEMORY: usize = 64 << 20;
/// An APP1 segment, as a profile may put it into a picture.
pub const SEGMENT: &[u8] = b"\xFF\xE1\x00\x08Exif\0\0";

/// What is asked of `splice`, whatever the bytes are.
pub struct Asked {
    pub places: Vec<Place>,
    pub segments: &'static [u8],
    width: usize,
    height: usize,
    alpha: Vec<u8>,
    planes: [Vec<u8>; 3],
}

impl Asked {
    /// Splits an input: the picture, and what is asked for it.
    pub fn split(input: &[u8]) -> Option<(&[u8], Self)> {
        let (picture, tail) = input.split_at_checked(input.len().checked_sub(TAIL)?)?;
        let (width, height) = (usize::from(tail[0] & 63) + 1, usize::from(tail[1] & 63) + 1);
        let noise = |salt: usize| {
            let mixed = move |at: usize| ((at + salt + usize::from(tail[3])) * 2_654_435_761) >> 13;
            (0..width * height).map(move |at| mixed(at) as u8)
        };
        let alpha = match tail[2] & 3 {
            0 => vec![255; width * height],
            1 => vec![tail[3]; width * height],
            2 => noise(0).collect(),
            _ => noise(0).map(|byte| if byte > 200 { 255 } else { 0 }).collect(), // mostly holes
        };
        let asked = Self {
            places: places(tail, width, height),
            segments: if tail[2] & 4 > 0 { SEGMENT } else { &[] },
            width,
            height,
            alpha,
            planes: [1, 2, 3].map(|salt| noise(salt).collect()),
        };
        Some((picture, asked))
    }

    /// The overlay, of one plane or three.
    pub fn overlay(&self, planes: usize) -> Overlay<'_> {
        let planes = self.planes[..planes].iter().map(Vec::as_slice).collect();
        Overlay { width: self.width, height: self.height, planes, alpha: &self.alpha }
    }

    /// Whether the overlay may show in a pixel.
    pub fn covers(&self, x: i64, y: i64) -> bool {
        let within = |at: i64, start: i64, size: usize| {
            at >= start && at < start.saturating_add(size as i64)
        };
        self.places
            .iter()
            .any(|place| within(x, place.left, self.width) && within(y, place.top, self.height))
    }

    /// The same, with an invisible overlay.
    pub fn unseen(&self) -> Self {
        let (segments, alpha) = (self.segments, vec![0; self.alpha.len()]);
        Self { places: self.places.clone(), segments, alpha, planes: self.planes.clone(), ..*self }
    }
}

/// Three places anywhere, the farthest as far as numbers reach, or many that touch.
fn places(tail: &[u8], width: usize, height: usize) -> Vec<Place> {
    let far = |bytes: &[u8]| match i16::from_be_bytes([bytes[0], bytes[1]]) {
        i16::MIN => i64::MIN,
        i16::MAX => i64::MAX,
        near => i64::from(near >> 4), // pictures are small
    };
    let place = |bytes: &[u8]| Place { left: far(bytes), top: far(&bytes[2..]) };
    let count = usize::from(tail[2] >> 4 & 3);
    let mut places: Vec<Place> = tail[4..].chunks_exact(4).take(count).map(place).collect();
    if tail[2] & 8 > 0 {
        let corner = place(&tail[12..]);
        places.extend((0..64).map(|at| Place {
            left: corner.left.saturating_add(at % 8 * width as i64),
            top: corner.top.saturating_add(at / 8 * height as i64),
        }));
    }
    places
}
