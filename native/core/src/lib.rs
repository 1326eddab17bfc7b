//! Changes only what a mark covers: the blocks of a JPEG, the rows of a PNG. All else is copied
//! as it is coded, so it stays exact and costs next to nothing.
//!
//! No input makes it panic. Its memory is bounded by a few times the file's size, and by what the
//! caller allows for a progressive JPEG's coefficients and a PNG's rows. Whatever it can't do it declines, with a reason.

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
    /// Another depth than 8 bits, of a PNG also 16.
    Depth,
    /// Tables that change between scans, or more scans than any picture needs.
    Scans,
    /// Colours told by their numbers in a palette.
    Palette,
    /// Rows in another order than from top to bottom.
    Interlaced,
    /// Several frames.
    Animated,
    /// A colour that stands for transparency.
    NamedColour,
    /// Four components, as CMYK has.
    Inks,
    /// Components whose sampling doesn't divide each other's.
    Sampling,
    /// The mark doesn't have the colours that the picture has.
    Mark,
    /// A value that the format's codes can't tell.
    Range,
    /// Not what the format demands: whether it can be shown is for a decoder to say.
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
            Self::Mark => "a mark of other colours",
            Self::Range => "values out of range",
            Self::Damaged => "damaged",
            Self::Memory => "too much memory",
        }
    }
}

/// A mark: `planes` of samples, one for grey or three for red, green and blue, each of
/// `width` x `height` bytes as `alpha`.
#[derive(Clone, Debug)]
pub struct Mark<'a> {
    pub width: usize,
    pub height: usize,
    pub planes: Vec<&'a [u8]>,
    pub alpha: &'a [u8],
}

impl Mark<'_> {
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

/// What came out.
#[derive(Debug)]
pub struct Spliced {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// Blocks of a JPEG, of all components, or rows of a PNG that changed.
    pub changed: usize,
    /// How many there are in the picture.
    pub blocks: usize,
}

/// Where a mark's top left corner goes, in pixels as they are stored. It may lie outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub left: i64,
    pub top: i64,
}
