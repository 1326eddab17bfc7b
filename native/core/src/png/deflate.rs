//! Deflates what changed, at the level that fits.

use flate2::{Compress, Compression, FlushCompress, Status};

use crate::Declined;

/// zlib's levels, tried in turn. The next higher one takes ten times as long for 1 % less.
const LEVELS: &[u32] = &[3, 5, 7];
/// The only level tried for more than `LARGE` bytes.
const LARGE: usize = 4 << 20;
const LEVEL_OF_LARGE: &[u32] = &[5];

/// Appends `filtered` deflated, to a whole byte: quickly if that makes at most `allowed` bytes, else
/// at a higher level.
pub fn deflate(
    filtered: &[u8],
    is_last: bool,
    allowed: usize,
    bytes: &mut Vec<u8>,
) -> Result<(), Declined> {
    let start = bytes.len();
    for &level in if filtered.len() > LARGE { LEVEL_OF_LARGE } else { LEVELS } {
        bytes.truncate(start);
        deflate_at(level, filtered, is_last, bytes)?;
        if bytes.len() - start <= allowed {
            break;
        }
    }
    Ok(())
}

fn deflate_at(
    level: u32,
    filtered: &[u8],
    is_last: bool,
    bytes: &mut Vec<u8>,
) -> Result<(), Declined> {
    let mut encoder = Compress::new(Compression::new(level), false);
    let flush = if is_last { FlushCompress::Finish } else { FlushCompress::Sync };
    loop {
        let done = encoder.total_in() as usize;
        bytes.reserve((filtered.len() - done) / 2 + (1 << 12));
        let rest = filtered.get(done..).unwrap_or_default();
        let status = encoder.compress_vec(rest, bytes, flush).map_err(|_| Declined::Damaged)?;
        // If the buffer is full, there may be more to flush.
        let is_flushed = !is_last && bytes.len() < bytes.capacity();
        let is_read = encoder.total_in() as usize == filtered.len();
        if is_read && (status == Status::StreamEnd || is_flushed) {
            return Ok(());
        }
    }
}
