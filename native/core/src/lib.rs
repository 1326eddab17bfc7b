//! Watermarks a JPEG or PNG by changing only the blocks or rows that the overlay covers. All else is
//! copied as it is coded, so it stays exact and costs next to nothing.
//!
//! No input makes it panic. Its memory is bounded by a few times the file's size, and by what the
//! caller allows for a progressive JPEG's coefficients and a PNG's rows. It declines what it can't
//! do, with a reason.

pub mod jpeg;
mod lengths;
pub mod png;

/// Why a picture isn't spliced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declined {
    /// Arithmetic coding.
    Arithmetic,
    /// Lossless or hierarchical coding.
    Lossless,
    /// Another precision than 8 bits, or 16 in a PNG.
    Depth,
    /// Quantisation tables that change between scans, an unusual progression, or too many scans.
    Scans,
    /// Indexed colour.
    Palette,
    /// Adam7.
    Interlaced,
    /// Several frames.
    Animated,
    /// One colour means transparency (tRNS).
    NamedColour,
    /// Four components, as CMYK has.
    Inks,
    /// Components whose sampling doesn't divide each other's.
    Sampling,
    /// The overlay doesn't have the colours that the picture has.
    Overlay,
    /// A value that the format has no code for.
    Range,
    /// Breaks the format's rules. A decoder may still be able to show it.
    Damaged,
    /// More memory would be needed than is allowed.
    Memory,
}

impl Declined {
    /// In a few words, for a person.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Arithmetic => "arithmetic coding",
            Self::Lossless => "lossless or hierarchical coding",
            Self::Depth => "unusual depth",
            Self::Palette => "palette",
            Self::Interlaced => "interlaced",
            Self::Animated => "animated",
            Self::NamedColour => "one colour is transparent",
            Self::Scans => "unusual scans",
            Self::Inks => "CMYK",
            Self::Sampling => "unusual sampling",
            Self::Overlay => "overlay with other colour channels",
            Self::Range => "values out of range",
            Self::Damaged => "damaged",
            Self::Memory => "too much memory",
        }
    }
}

/// An overlay: `planes` of samples, one for grey or three for red, green and blue, each of
/// `width` x `height` bytes as `alpha`.
#[derive(Clone, Debug)]
pub struct Overlay<'a> {
    pub width: usize,
    pub height: usize,
    pub planes: Vec<&'a [u8]>,
    pub alpha: &'a [u8],
}

impl Overlay<'_> {
    /// Whether there are as many samples as the size says, of one or three planes.
    pub fn is_whole(&self) -> bool {
        let size = self.width.checked_mul(self.height);
        size.is_some_and(|size| {
            size > 0
                && matches!(self.planes.len(), 1 | 3)
                && self.alpha.len() == size
                && self.planes.iter().all(|plane| plane.len() == size)
        })
    }
}

/// A watermarked file.
#[derive(Debug)]
pub struct Spliced {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// Blocks of a JPEG, of all components, or rows of a PNG that changed.
    pub changed: usize,
    /// How many there are in the picture.
    pub blocks: usize,
    /// Where the picture ends in the source; what is behind it is left out.
    pub end: usize,
}

/// Where an overlay's top left corner goes, in pixels as they are stored. It may lie outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub left: i64,
    pub top: i64,
}
