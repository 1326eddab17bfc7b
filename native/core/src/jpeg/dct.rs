//! The discrete cosine transform of 8 x 8 samples (T.81, A.3.3) and its inverse, by the method
//! of Arai, Agui and Nakajima (1988): five multiplications a line, the rest of the scaling
//! falls to the quantisation steps. Eight lines are worked on side by side.

/// Eight rows of eight.
pub type Grid = [[f32; 8]; 8];

type Lanes = [f32; 8];

/// What the method leaves to be multiplied, by frequency: 1, then the square root of 2 times
/// the cosine of k pi / 16.
pub const SCALES: [f64; 8] = [
    1.0,
    1.387_039_845_322_147_5,
    1.306_562_964_876_376_4,
    1.175_875_602_419_358_8,
    1.0,
    0.785_694_958_387_102_3,
    0.541_196_100_146_197,
    0.275_899_379_282_943_1,
];

const COS_4: f32 = 0.707_106_77; // cos(4 pi / 16)
const COS_6: f32 = 0.382_683_43; // cos(6 pi / 16)
const DIFFERENCE: f32 = 0.541_196_1; // cos(2 pi / 16) - cos(6 pi / 16)
const SUM: f32 = 1.306_563; // cos(2 pi / 16) + cos(6 pi / 16)

/// Samples to frequencies, each of which comes out 8 x SCALES x SCALES too large.
pub fn forward(block: &mut Grid) {
    forward_columns(block);
    transpose(block);
    forward_columns(block);
    transpose(block);
}

/// Frequencies, multiplied by SCALES x SCALES / 8, to samples.
pub fn inverse(block: &mut Grid) {
    inverse_columns(block);
    transpose(block);
    inverse_columns(block);
    transpose(block);
}

#[inline(always)]
fn forward_columns(rows: &mut Grid) {
    let [r0, r1, r2, r3, r4, r5, r6, r7] = *rows;
    let (s07, d07) = (add(r0, r7), sub(r0, r7));
    let (s16, d16) = (add(r1, r6), sub(r1, r6));
    let (s25, d25) = (add(r2, r5), sub(r2, r5));
    let (s34, d34) = (add(r3, r4), sub(r3, r4));

    let (outer, inner) = (add(s07, s34), add(s16, s25));
    let (turn, other) = (sub(s07, s34), sub(s16, s25));
    let half = times(add(turn, other), COS_4);
    rows[0] = add(outer, inner);
    rows[4] = sub(outer, inner);
    rows[2] = add(turn, half);
    rows[6] = sub(turn, half);

    let (a, b, c) = (add(d34, d25), add(d25, d16), add(d16, d07));
    let shared = times(sub(a, c), COS_6);
    let (low, high) = (add(times(a, DIFFERENCE), shared), add(times(c, SUM), shared));
    let middle = times(b, COS_4);
    let (near, far) = (add(d07, middle), sub(d07, middle));
    rows[5] = add(far, low);
    rows[3] = sub(far, low);
    rows[1] = add(near, high);
    rows[7] = sub(near, high);
}

#[inline(always)]
fn inverse_columns(rows: &mut Grid) {
    let [r0, r1, r2, r3, r4, r5, r6, r7] = *rows;
    let (sum, difference) = (add(r0, r4), sub(r0, r4));
    let both = add(r2, r6);
    let turn = sub(times(sub(r2, r6), 2.0 * COS_4), both);
    let (e0, e3) = (add(sum, both), sub(sum, both));
    let (e1, e2) = (add(difference, turn), sub(difference, turn));

    let (s53, d53) = (add(r5, r3), sub(r5, r3));
    let (s17, d17) = (add(r1, r7), sub(r1, r7));
    let o0 = add(s17, s53);
    let middle = times(sub(s17, s53), 2.0 * COS_4);
    let shared = times(add(d53, d17), 2.0 * (SUM - COS_6)); // 2 cos(2 pi / 16)
    let o1 = sub(sub(shared, times(d53, 2.0 * SUM)), o0);
    let o2 = sub(middle, o1);
    let o3 = sub(sub(shared, times(d17, 2.0 * DIFFERENCE)), o2);
    *rows = [
        add(e0, o0),
        add(e1, o1),
        add(e2, o2),
        add(e3, o3),
        sub(e3, o3),
        sub(e2, o2),
        sub(e1, o1),
        sub(e0, o0),
    ];
}

#[inline(always)]
fn transpose(block: &mut Grid) {
    let source = *block;
    for (row, line) in block.iter_mut().enumerate() {
        for (column, value) in line.iter_mut().enumerate() {
            *value = source[column][row];
        }
    }
}

#[inline(always)]
fn add(a: Lanes, b: Lanes) -> Lanes {
    std::array::from_fn(|at| a[at] + b[at])
}

#[inline(always)]
fn sub(a: Lanes, b: Lanes) -> Lanes {
    std::array::from_fn(|at| a[at] - b[at])
}

#[inline(always)]
fn times(a: Lanes, factor: f32) -> Lanes {
    std::array::from_fn(|at| a[at] * factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    fn cosine(sample: usize, frequency: usize) -> f64 {
        let norm = if frequency == 0 { 0.5f64.sqrt() } else { 1.0 };
        norm / 2.0 * ((2 * sample + 1) as f64 * frequency as f64 * PI / 16.0).cos()
    }

    fn samples() -> Grid {
        let mut state = 1u32;
        std::array::from_fn(|_| {
            std::array::from_fn(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as f32 - 128.0
            })
        })
    }

    fn by_definition(block: &Grid) -> [[f64; 8]; 8] {
        std::array::from_fn(|v| {
            std::array::from_fn(|u| {
                let terms = (0..64).map(|at| {
                    let (y, x) = (at / 8, at % 8);
                    f64::from(block[y][x]) * cosine(x, u) * cosine(y, v)
                });
                terms.sum()
            })
        })
    }

    #[test]
    fn frequencies_are_those_of_the_definition() {
        let mut block = samples();
        let expected = by_definition(&block);
        forward(&mut block);
        for (v, line) in block.iter().enumerate() {
            for (u, &value) in line.iter().enumerate() {
                let scaled = f64::from(value) / (8.0 * SCALES[u] * SCALES[v]);
                assert!((scaled - expected[v][u]).abs() < 1e-3, "{v} {u}");
            }
        }
    }

    #[test]
    fn the_inverse_gives_the_samples_back() {
        let expected = samples();
        let frequencies = by_definition(&expected);
        let mut block: Grid = std::array::from_fn(|v| {
            std::array::from_fn(|u| (frequencies[v][u] * SCALES[u] * SCALES[v] / 8.0) as f32)
        });
        inverse(&mut block);
        for (line, wanted) in block.iter().zip(&expected) {
            for (value, wanted) in line.iter().zip(wanted) {
                assert!((value - wanted).abs() < 1e-3);
            }
        }
    }
}
