//! PNG (W3C, third edition): the rows that the overlay covers are filtered and deflated again, the
//! compressed data before and behind them is copied.

mod bits;
mod chunks;
mod deflate;
mod inflate;
mod rows;

use std::borrow::Cow;
use std::ops::Range;

use flate2::{Decompress, FlushDecompress, Status};
use zlib_rs::adler32::adler32;

use crate::{Declined, Overlay, Place, Spliced};
use bits::Writer;
use chunks::{Parts, SIGNATURE};
use deflate::deflate;
use inflate::{BlockEnd, Inflate};

/// How far back deflate refers (RFC 1951, 2).
const WINDOW: usize = 1 << 15;
/// The modulus of Adler-32.
const ADLER: i64 = 65_521;
/// Streams up to this size are inflated whole, to see that they are sound: 10 ms.
const SMALL: usize = 1 << 20;
/// Of block ends closer together than this only one is kept.
const CLOSE: usize = 1 << 10;
/// The file may grow by this fraction of its size before a higher level is tried.
const MOST_GROWTH: u64 = 50;
/// The format allows more, but some decoders hold a whole chunk in memory.
const LONGEST_CHUNK: usize = 1 << 20;

/// Watermarks a picture: blends `overlay` at `places`.
///
/// `chunks` (whole chunks) take the place of all that isn't pixels. `memory` bytes must hold the
/// rows down to the end of the block behind the overlay, uncompressed, twice, and the file four times.
pub fn splice(
    data: &[u8],
    overlay: &Overlay,
    places: &[Place],
    chunks: &[u8],
    memory: usize,
) -> Result<Spliced, Declined> {
    let parts = chunks::read(data)?;
    if !overlay.is_whole() || overlay.planes.len() != parts.pixel.colours {
        return Err(Declined::Overlay);
    }
    let (coded, changed) =
        watermark(&parts, overlay, places, memory.saturating_sub(4 * data.len()))?;
    Ok(Spliced {
        bytes: file(&parts, chunks, &coded),
        changed,
        blocks: parts.height,
        end: parts.end,
    })
}

/// The zlib stream with the overlay, and how many rows changed.
fn watermark<'a>(
    parts: &Parts<'a>,
    overlay: &Overlay,
    places: &[Place],
    memory: usize,
) -> Result<(Cow<'a, [u8]>, usize), Declined> {
    let coded = joined(&parts.coded);
    // A window of at most 32 KiB, and no preset dictionary (10.1).
    let is_zlib = matches!(*coded, [method, flags, ..]
        if method & 15 == 8 && method >> 4 <= 7 && flags & 0x20 == 0
        && u16::from_be_bytes([method, flags]).is_multiple_of(31));
    if !is_zlib {
        return Err(Declined::Damaged);
    }
    let end = if coded.len() <= SMALL { end(&coded, parts)? } else { coded.len() };
    let stream = coded.get(2..end).ok_or(Declined::Damaged)?;
    let rows = touched(overlay, places, parts);
    let mut region = Region::read(stream, parts, rows.end, memory)?;
    let change = region.blend(parts, overlay, places, &rows)?;
    let recoded = (change.rows > 0).then(|| region.coded(&change)).transpose()?;
    Ok((recoded.map_or(coded, Cow::Owned), change.rows))
}

/// The first rows of a picture, filtered, and what follows them up to a block's end.
struct Region<'a> {
    stream: &'a [u8],
    filtered: Vec<u8>,
    /// Block ends, where the stream can be continued; the first is its start.
    ends: Vec<BlockEnd>,
    /// Whether that is the whole stream.
    is_all: bool,
}

/// How the filtered bytes changed.
#[derive(Default)]
struct Change {
    rows: usize,
    /// From the first byte that changed to the last one.
    bytes: Range<usize>,
    /// What the two sums of Adler-32 gain by it.
    sums: (i64, i64),
}

impl<'a> Region<'a> {
    /// Inflates all that may change, the row behind the overlay too, and a window of what follows.
    fn read(stream: &'a [u8], parts: &Parts, rows: usize, memory: usize) -> Result<Self, Declined> {
        let row = parts.row_bytes();
        let total = row.checked_mul(parts.height).ok_or(Declined::Memory)?;
        let most = total.min(memory / 2);
        let wanted = row * parts.height.min(rows + 1) + WINDOW;
        let mut inflate = Inflate::new(stream, most, wanted);
        let mut ends = vec![BlockEnd::default()];
        while !inflate.is_done() && inflate.len() < wanted {
            let end = inflate.block().map_err(|why| match why {
                Declined::Memory if most == total => Declined::Damaged,
                _ => why,
            });
            let end = end?;
            if let [.., before, _] = &ends[..]
                && end.bytes < before.bytes + CLOSE
            {
                ends.pop();
            }
            ends.push(end);
        }
        let is_all = inflate.is_done();
        let stream = if is_all { inflate.with_checksum() } else { Some(stream) };
        let (stream, filtered) = (stream.ok_or(Declined::Damaged)?, inflate.into_bytes());
        if is_all {
            let sum = stream.last_chunk().map(|sum| u32::from_be_bytes(*sum));
            if filtered.len() != total || sum != Some(adler32(1, &filtered)) {
                return Err(Declined::Damaged);
            }
        }
        Ok(Self { stream, filtered, ends, is_all })
    }

    /// Blends the overlay onto the rows and filters again what changes, each row with its own
    /// filter.
    fn blend(
        &mut self,
        parts: &Parts,
        overlay: &Overlay,
        places: &[Place],
        rows: &Range<usize>,
    ) -> Result<Change, Declined> {
        let (row, pixel) = (parts.row_bytes(), parts.pixel);
        let total = row * parts.height;
        let mut change = Change::default();
        let mut lines = [(); 4].map(|()| vec![0; row - 1]);
        let [before, before_above, after, after_above] = &mut lines;
        let mut above = 0..0;
        let last = parts.height.min(rows.end + 1);
        for (y, line) in self.filtered.chunks_exact_mut(row).take(last).enumerate() {
            let Some((&mut kind, line)) = line.split_first_mut() else { continue };
            before.copy_from_slice(line);
            rows::unfilter(kind, before, before_above, pixel.bytes())?;
            if y >= rows.start {
                after.copy_from_slice(before);
                let mut here = 0..0;
                for &place in places {
                    here = hull(&here, &rows::blend(after, pixel, overlay, place, y));
                }
                // A pixel's filter looks at the one before it and at the row above.
                let mut span = hull(&here, &above);
                span.end = line.len().min(span.end + pixel.bytes());
                change.rows += usize::from(before != after);
                for at in span {
                    let now = rows::filtered(kind, after, after_above, pixel.bytes(), at);
                    change.note(y * row + 1 + at, &mut line[at], now, total);
                }
                above = here;
            } else {
                after.clone_from(before);
            }
            std::mem::swap(before, before_above);
            std::mem::swap(after, after_above);
        }
        Ok(change)
    }

    /// The zlib stream, in which what changed is deflated again.
    fn coded(&self, change: &Change) -> Result<Vec<u8>, Declined> {
        let head = self.ends.iter().rfind(|end| end.bytes <= change.bytes.start);
        let head = head.copied().unwrap_or_default();
        let last = self.ends.last().ok_or(Declined::Damaged)?;
        let tail = self.ends.iter().find(|end| end.bytes >= change.bytes.end + WINDOW);
        let tail = tail.unwrap_or(last);
        let is_last = self.is_all && tail.bits == last.bits;
        let mut bytes = Vec::with_capacity(self.stream.len() + (1 << 16));
        bytes.extend_from_slice(&[0x78, 0x9C]); // the usual window and level
        let mut writer = Writer::new(bytes);
        writer.put_first(self.stream, head.bits);
        let filtered = self.filtered.get(head.bytes..tail.bytes).ok_or(Declined::Damaged)?;
        let allowed = (tail.bits - head.bits) / 8 + self.stream.len() as u64 / MOST_GROWTH;
        deflate(filtered, is_last, allowed as usize, writer.align())?;
        let rest = if is_last { tail.bits.next_multiple_of(8) } else { tail.bits };
        let mut bytes = writer.put_rest(self.stream, rest);
        let sums = bytes.last_chunk_mut().ok_or(Declined::Damaged)?;
        *sums = change.checksum(*sums).ok_or(Declined::Damaged)?;
        Ok(bytes)
    }
}

impl Change {
    /// Sets the filtered byte at `place` of `total` and records the change.
    fn note(&mut self, place: usize, byte: &mut u8, now: u8, total: usize) {
        if *byte == now {
            return;
        }
        let gain = i64::from(now) - i64::from(*byte);
        self.sums.0 += gain;
        self.sums.1 += gain * ((total - place) as i64 % ADLER);
        self.bytes = hull(&self.bytes, &(place..place + 1));
        *byte = now;
    }

    /// Adler-32 (RFC 1950, 9): the sum of all bytes, and the sum of all those sums. Nothing if
    /// `before` can't be one: the end of a large stream isn't read, and could be padding.
    fn checksum(&self, before: [u8; 4]) -> Option<[u8; 4]> {
        let [a, b, c, d] = before;
        let (sums, sum) = (u16::from_be_bytes([a, b]).into(), u16::from_be_bytes([c, d]).into());
        if sum == 0 || sum >= ADLER || sums >= ADLER {
            return None;
        }
        let after = |sum: i64, gain: i64| (sum + gain).rem_euclid(ADLER);
        Some(((after(sums, self.sums.1) << 16 | after(sum, self.sums.0)) as u32).to_be_bytes())
    }
}

/// Inflates a picture's whole zlib stream, checks it, and returns where it ends.
fn end(coded: &[u8], parts: &Parts) -> Result<usize, Declined> {
    let (mut zlib, mut out) = (Decompress::new(true), vec![0; 2 * WINDOW]);
    let total = parts.row_bytes() as u64 * parts.height as u64;
    loop {
        let before = (zlib.total_in(), zlib.total_out());
        let rest = coded.get(before.0 as usize..).unwrap_or_default();
        let status = zlib.decompress(rest, &mut out, FlushDecompress::None);
        let is_stuck = (zlib.total_in(), zlib.total_out()) == before;
        match status.map_err(|_| Declined::Damaged)? {
            Status::StreamEnd if zlib.total_out() == total => return Ok(zlib.total_in() as usize),
            _ if is_stuck || zlib.total_out() > total => return Err(Declined::Damaged),
            _ => {}
        }
    }
}

/// The smallest range that contains both. Either may be empty.
fn hull(one: &Range<usize>, other: &Range<usize>) -> Range<usize> {
    match (one.is_empty(), other.is_empty()) {
        (true, _) => other.clone(),
        (_, true) => one.clone(),
        _ => one.start.min(other.start)..one.end.max(other.end),
    }
}

/// From the first to the last row that the overlay covers.
fn touched(overlay: &Overlay, places: &[Place], picture: &Parts) -> Range<usize> {
    let (width, height) = (picture.width as i64, picture.height as i64);
    let seen = places
        .iter()
        .filter(|place| place.left < width && place.left.saturating_add(overlay.width as i64) > 0);
    seen.fold(0..0, |rows, place| {
        let start = place.top.clamp(0, height);
        let end = place.top.saturating_add(overlay.height as i64).clamp(0, height);
        hull(&rows, &(start as usize..end as usize))
    })
}

/// The payloads of all IDAT in one piece.
fn joined<'a>(coded: &[&'a [u8]]) -> Cow<'a, [u8]> {
    match coded {
        [one] => Cow::Borrowed(one),
        several => Cow::Owned(several.concat()),
    }
}

/// The whole file.
fn file(parts: &Parts, chunks: &[u8], coded: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(coded.len() + chunks.len() + (1 << 10));
    bytes.extend_from_slice(&SIGNATURE);
    bytes.extend_from_slice(parts.header);
    bytes.extend_from_slice(chunks);
    for piece in coded.chunks(LONGEST_CHUNK) {
        chunks::write(&mut bytes, b"IDAT", piece);
    }
    chunks::write(&mut bytes, b"IEND", &[]);
    bytes
}
