//! The chunks of a PNG (third edition, section 5).

use super::rows::Pixel;
use crate::Declined;

pub const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// The parts of a file that the splice needs.
pub struct Parts<'a> {
    pub width: usize,
    pub height: usize,
    pub pixel: Pixel,
    /// IHDR as it stands, with length and checksum.
    pub header: &'a [u8],
    /// The payloads of all IDAT.
    pub coded: Vec<&'a [u8]>,
    /// Behind IEND.
    pub end: usize,
}

impl Parts<'_> {
    /// Bytes of a row, with its filter's.
    pub fn row_bytes(&self) -> usize {
        1 + self.width * self.pixel.bytes()
    }
}

/// Reads the whole file's chunks; the checksums of those that count must be right.
pub fn read(data: &[u8]) -> Result<Parts<'_>, Declined> {
    if data.get(..8) != Some(&SIGNATURE) {
        return Err(Declined::Damaged);
    }
    let (mut at, mut parts) = (8, None::<Parts>);
    loop {
        let length = u32::from_be_bytes(array(data, at)?) as usize;
        let name = array::<4>(data, at + 4)?;
        let payload = data.get(at + 8..at + 8 + length).ok_or(Declined::Damaged)?;
        let checksum = u32::from_be_bytes(array(data, at + 8 + length)?);
        let is_sound = || crc32fast::hash(&data[at + 4..at + 8 + length]) == checksum;
        match (&name, &mut parts) {
            (b"IHDR", None) if is_sound() => {
                parts = Some(header(payload, data.get(at..at + 12 + length).unwrap_or_default())?);
            }
            (_, None) | (b"IHDR", _) => return Err(Declined::Damaged),
            (b"IDAT", Some(parts)) if is_sound() => parts.coded.push(payload),
            (b"IDAT", _) => return Err(Declined::Damaged),
            (b"IEND" | b"PLTE", _) if !is_sound() => return Err(Declined::Damaged),
            (b"acTL" | b"fcTL" | b"fdAT", _) => return Err(Declined::Animated),
            (b"tRNS", _) => return Err(Declined::NamedColour),
            (b"IEND", _) => {
                let parts = parts.ok_or(Declined::Damaged)?;
                return Ok(Parts { end: at + 12 + length, ..parts });
            }
            _ => {}
        }
        at += 12 + length;
    }
}

/// IHDR (11.2.1).
fn header<'a>(payload: &[u8], chunk: &'a [u8]) -> Result<Parts<'a>, Declined> {
    let &[a, b, c, d, e, f, g, h, depth, colour, compression, filters, interlace] = payload else {
        return Err(Declined::Damaged);
    };
    let width = u32::from_be_bytes([a, b, c, d]) as usize;
    let height = u32::from_be_bytes([e, f, g, h]) as usize;
    if colour == 3 {
        return Err(Declined::Palette);
    }
    if interlace == 1 {
        return Err(Declined::Interlaced);
    }
    let width_of = |depth| match depth {
        8 => Ok(1),
        16 => Ok(2),
        _ => Err(Declined::Depth),
    };
    let (colours, has_alpha) = match colour {
        0 => (1, false),
        2 => (3, false),
        4 => (1, true),
        6 => (3, true),
        _ => return Err(Declined::Damaged),
    };
    let is_known = compression == 0 && filters == 0 && interlace == 0;
    if !is_known || width == 0 || height == 0 || width > 1 << 30 || height > 1 << 30 {
        return Err(Declined::Damaged);
    }
    let pixel = Pixel { colours, has_alpha, width: width_of(depth)? };
    Ok(Parts { width, height, pixel, header: chunk, coded: Vec::new(), end: 0 })
}

/// Writes a chunk. Its payload must have fewer than 2^31 bytes.
pub fn write(bytes: &mut Vec<u8>, name: &[u8; 4], payload: &[u8]) {
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(name);
    checksum.update(payload);
    bytes.extend_from_slice(&(payload.len() as u32).to_be_bytes());
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(&checksum.finalize().to_be_bytes());
}

fn array<const N: usize>(data: &[u8], at: usize) -> Result<[u8; N], Declined> {
    let found = data.get(at..).and_then(|rest| rest.first_chunk());
    found.copied().ok_or(Declined::Damaged)
}
