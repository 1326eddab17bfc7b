//! Any bytes as a PNG, or as what is compressed in one: no panic, no hang, and no more memory
//! than allowed. What comes out of a sound picture is sound and differs under the overlay only.

#![no_main]

use std::ops::Range;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use libfuzzer_sys::fuzz_target;
use splice::png;
use splice_fuzz::{Asked, MEMORY};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
const MOST_COMPARED: usize = 1 << 13;
const MOST: usize = 1 << 17; // several windows

fuzz_target!(|input: &[u8]| {
    let Some((bytes, asked)) = Asked::split(input) else { return };
    let Some((&[way, first, second, third], rest)) = bytes.split_first_chunk() else { return };
    let layout = Layout::new(first, second, third);
    match way % 3 {
        0 => watermark(rest, &asked, None),
        1 => layout.stream(rest).map_or((), |(rows, file)| watermark(&file, &asked, Some(&rows))),
        _ => {
            let rows = layout.rows(rest);
            watermark(&rows.file(&deflated(&rows.bytes, way / 3)), &asked, Some(&rows));
        }
    }
});

/// Watermarks the file; of a sound one the rows are known.
fn watermark(file: &[u8], asked: &Asked, rows: Option<&Rows>) {
    let splice = |planes| png::splice(file, &asked.overlay(planes), &asked.places, &[], MEMORY);
    let spliced = [3, 1].into_iter().find_map(|planes| splice(planes).ok());
    let (Some(spliced), Some(rows)) = (spliced, rows) else { return };
    let (coded, size) = (payload(&spliced.bytes), rows.bytes.len());
    let mut zlib = Decompress::new(true);
    let mut found = vec![0; size + 1];
    let status = zlib.decompress(&coded, &mut found, FlushDecompress::Finish);
    assert!(matches!(status, Ok(Status::StreamEnd)), "can't be inflated: {status:?}");
    assert_eq!(zlib.total_out() as usize, size);
    found.truncate(size);
    if size > MOST_COMPARED {
        return; // it would take most of the time
    }
    let (Some(before), Some(after)) = (rows.pixels(&rows.bytes), rows.pixels(&found)) else {
        return;
    };
    for (at, (one, other)) in before.iter().zip(&after).enumerate() {
        let (x, y) = (at % rows.width as usize / rows.step, at / rows.width as usize);
        assert!(one == other || asked.covers(x as i64, y as i64), "changed outside the overlay");
    }
}

/// A picture's header.
struct Layout {
    colour: u8,
    depth: u8,
    width: u32,
    height: u32,
}

impl Layout {
    fn new(first: u8, second: u8, third: u8) -> Self {
        Self {
            colour: [0, 2, 4, 6][usize::from(first & 3)],
            depth: if first & 4 > 0 { 16 } else { 8 },
            width: u32::from(second) + 1,
            height: (u32::from(third) + 1) << (first >> 3 & 3),
        }
    }

    fn step(&self) -> usize {
        let samples = match self.colour {
            0 => 1,
            4 => 2,
            2 => 3,
            _ => 4,
        };
        samples * usize::from(self.depth / 8)
    }

    /// Bytes of a row without its filter's.
    fn row(&self) -> usize {
        self.width as usize * self.step()
    }

    /// Rows of any bytes, as often as they are needed.
    fn rows(self, bytes: &[u8]) -> Rows {
        let source = if bytes.is_empty() { &[0] } else { bytes };
        let length = self.row() + 1;
        let size = (length * self.height as usize).min(MOST / length * length);
        let mut rows: Vec<u8> = source.iter().copied().cycle().take(size).collect();
        for filter in rows.iter_mut().step_by(length) {
            *filter %= 5;
        }
        Rows { height: (size / length) as u32, ..self.of(rows) }
    }

    /// Deflated bytes as a picture's, which has as many rows as there are.
    fn stream(self, deflated: &[u8]) -> Option<(Rows, Vec<u8>)> {
        let mut out = Vec::with_capacity(MOST);
        let mut raw = Decompress::new(false);
        let status = raw.decompress_vec(deflated, &mut out, FlushDecompress::Finish).ok()?;
        let length = self.row() + 1;
        if status != Status::StreamEnd || out.is_empty() || out.len() % length > 0 {
            return None;
        }
        let mut zlib = [&[0x78, 0x9C], &deflated[..raw.total_in() as usize]].concat();
        zlib.extend_from_slice(&adler(&out).to_be_bytes());
        let rows = Rows { height: (out.len() / length) as u32, ..self.of(out) };
        let file = rows.file(&zlib);
        Some((rows, file))
    }

    fn of(&self, bytes: Vec<u8>) -> Rows {
        let (step, width) = (self.step(), self.row() as u32);
        Rows { colour: self.colour, depth: self.depth, step, width, height: self.height, bytes }
    }
}

/// A picture's filtered rows, each of `width` bytes behind its filter's, `step` a pixel.
struct Rows {
    colour: u8,
    depth: u8,
    step: usize,
    width: u32,
    height: u32,
    bytes: Vec<u8>,
}

impl Rows {
    fn file(&self, zlib: &[u8]) -> Vec<u8> {
        let mut header = (self.width / self.step as u32).to_be_bytes().to_vec();
        header.extend_from_slice(&self.height.to_be_bytes());
        header.extend_from_slice(&[self.depth, self.colour, 0, 0, 0]);
        let mut file = SIGNATURE.to_vec();
        for (name, payload) in [(b"IHDR", &header[..]), (b"IDAT", zlib), (b"IEND", &[])] {
            file.extend_from_slice(&(payload.len() as u32).to_be_bytes());
            let whole = [&name[..], payload].concat();
            file.extend_from_slice(&whole);
            file.extend_from_slice(&crc32fast::hash(&whole).to_be_bytes());
        }
        file
    }

    /// Pixels of filtered rows, by the definition of the filters (section 9).
    fn pixels(&self, filtered: &[u8]) -> Option<Vec<u8>> {
        let width = self.width as usize;
        let mut out = vec![0u8; width * self.height as usize];
        for (y, row) in filtered.chunks_exact(width + 1).enumerate() {
            for x in 0..width {
                let at = |back: usize, up: usize| match (x >= back, y >= up) {
                    (true, true) => i32::from(out[(y - up) * width + x - back]),
                    _ => 0,
                };
                let (a, b, c) = (at(self.step, 0), at(0, 1), at(self.step, 1));
                let near = |other: i32| (a + b - c - other).abs();
                let predicted = match row[0] {
                    0 => 0,
                    1 => a,
                    2 => b,
                    3 => (a + b) / 2,
                    4 if near(a) <= near(b) && near(a) <= near(c) => a,
                    4 if near(b) <= near(c) => b,
                    4 => c,
                    _ => return None,
                };
                out[y * width + x] = row[1 + x].wrapping_add(predicted as u8);
            }
        }
        Some(out)
    }
}

fn deflated(rows: &[u8], level: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.len() * 2 + 1024);
    let mut zlib = Compress::new(Compression::new(u32::from(level) % 10), true);
    zlib.compress_vec(rows, &mut out, FlushCompress::Finish).expect("there is room");
    out
}

/// The payloads of a file's IDAT.
fn payload(file: &[u8]) -> Vec<u8> {
    let (mut at, mut found) = (8, Vec::new());
    while at < file.len() {
        let length = u32::from_be_bytes(*file[at..].first_chunk().expect("a length")) as usize;
        let range: Range<usize> = at + 8..at + 8 + length;
        if &file[at + 4..at + 8] == b"IDAT" {
            found.extend_from_slice(&file[range]);
        }
        at += 12 + length;
    }
    found
}

fn adler(bytes: &[u8]) -> u32 {
    let (one, two) = bytes.iter().fold((1u32, 0u32), |(one, two), &byte| {
        let one = (one + u32::from(byte)) % 65_521;
        (one, (two + one) % 65_521)
    });
    two << 16 | one
}
