//! Any bytes as a JPEG: no panic, no hang, and no more memory than allowed. What comes out
//!
//! - stays as it is, byte for byte, under an overlay that isn't seen, in the same places;
//! - can be read to its last block if the source could.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splice::{Declined, Overlay, Place, jpeg};
use splice_fuzz::{Asked, MEMORY};

fuzz_target!(|input: &[u8]| {
    let Some((source, asked)) = Asked::split(input) else { return };
    let Some((planes, spliced)) = first(source, &asked) else { return };
    assert!(spliced.starts_with(&[0xFF, 0xD8]) && spliced.ends_with(&[0xFF, 0xD9]));

    let unseen = asked.unseen();
    let again = splice(&spliced, &unseen.overlay(planes), &unseen);
    assert!(again.is_ok_and(|again| again == spliced), "changed by an overlay that isn't seen");
    if reads_to_its_end(source, planes) {
        assert!(reads_to_its_end(&spliced, planes), "can't be read to its end");
    }
});

/// What comes out, with as many planes as the picture takes.
fn first(source: &[u8], asked: &Asked) -> Option<(usize, Vec<u8>)> {
    [3, 1]
        .into_iter()
        .find_map(|planes| Some((planes, splice(source, &asked.overlay(planes), asked).ok()?)))
}

fn splice(source: &[u8], overlay: &Overlay, asked: &Asked) -> Result<Vec<u8>, Declined> {
    jpeg::splice(source, overlay, &asked.places, asked.segments, MEMORY)
        .map(|spliced| spliced.bytes)
}

/// Whether an overlay in the last corner finds every block before it.
fn reads_to_its_end(picture: &[u8], planes: usize) -> bool {
    let Some((width, height)) = size(picture) else { return false };
    let overlay = Overlay { width: 1, height: 1, planes: vec![&[0]; planes], alpha: &[0] };
    let last = Place { left: width - 1, top: height - 1 };
    jpeg::splice(picture, &overlay, &[last], &[], MEMORY).is_ok()
}

/// Width and height, from the first frame header.
fn size(picture: &[u8]) -> Option<(i64, i64)> {
    let short = |at: usize| Some(u16::from_be_bytes(*picture.get(at..)?.first_chunk()?));
    let mut at = 2;
    while !(0xFFC0..=0xFFC2).contains(&short(at)?) {
        at += if short(at)? == 0xFFFF { 1 } else { 2 + usize::from(short(at + 2)?) };
    }
    Some((short(at + 7)?.into(), short(at + 5)?.into()))
}
