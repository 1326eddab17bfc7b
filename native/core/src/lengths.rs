//! Length-limited Huffman codes.

/// The lengths of an optimal prefix code over `leaves`, whose counts must rise, with no length
/// beyond `limit`: package-merge (Larmore and Hirschberg 1990). A lone leaf gets length 1.
pub fn limited(leaves: &[(u64, usize)], limit: usize) -> Vec<usize> {
    let mut lengths = vec![0; leaves.len()];
    if leaves.len() < 2 {
        lengths.fill(1);
        return lengths;
    }
    // Each level's packages in order; a package remembers how many leaves of each level it has
    // only by how many items are taken, because the cheapest are always taken from the front.
    let mut levels: Vec<Vec<(u64, bool)>> = Vec::with_capacity(limit);
    for _ in 0..limit {
        let pairs: Vec<u64> = levels.last().map_or_else(Vec::new, |below| {
            below.chunks_exact(2).map(|pair| pair[0].0 + pair[1].0).collect()
        });
        levels.push(merged(leaves, &pairs));
    }
    let mut taken = 2 * leaves.len() - 2;
    for level in levels.iter().rev() {
        let mut packages = 0;
        let mut next_leaf = 0;
        for &(_, is_leaf) in level.iter().take(taken) {
            if is_leaf {
                lengths[next_leaf] += 1;
                next_leaf += 1;
            } else {
                packages += 1;
            }
        }
        taken = 2 * packages;
    }
    lengths
}

fn merged(leaves: &[(u64, usize)], pairs: &[u64]) -> Vec<(u64, bool)> {
    let mut items = Vec::with_capacity(leaves.len() + pairs.len());
    let (mut leaf, mut pair) = (leaves.iter().peekable(), pairs.iter().peekable());
    loop {
        match (leaf.peek(), pair.peek()) {
            (Some(&&(count, _)), Some(&&sum)) if count > sum => {
                items.push((sum, false));
                pair.next();
            }
            (Some(&&(count, _)), _) => {
                items.push((count, true));
                leaf.next();
            }
            (None, Some(&&sum)) => {
                items.push((sum, false));
                pair.next();
            }
            (None, None) => return items,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bits that all symbols take together.
    fn cost(leaves: &[(u64, usize)], lengths: &[usize]) -> u64 {
        leaves.iter().zip(lengths).map(|(&(count, _), &length)| count * length as u64).sum()
    }

    #[test]
    fn lengths_make_a_whole_code_within_the_limit() {
        let fibonacci = std::iter::successors(Some((1u64, 1u64)), |&(a, b)| Some((b, a + b)));
        let leaves: Vec<(u64, usize)> = fibonacci.map(|pair| pair.0).zip(0..).take(30).collect(); // 29 bits without a limit
        for limit in [5, 7, 16, 29] {
            let lengths = limited(&leaves, limit);
            assert!(lengths.iter().all(|&length| (1..=limit).contains(&length)));
            let used: f64 = lengths.iter().map(|&length| 0.5f64.powi(length as i32)).sum();
            assert_eq!(used, 1.0);
        }
        assert!(cost(&leaves, &limited(&leaves, 16)) < cost(&leaves, &limited(&leaves, 7)));
    }

    #[test]
    fn without_a_limit_that_matters_they_are_huffmans() {
        let leaves = [(5, 0), (9, 1), (12, 2), (13, 3), (16, 4), (45, 5)];
        assert_eq!(limited(&leaves, 16), [4, 4, 3, 3, 3, 1]);
    }

    #[test]
    fn one_symbol_takes_a_bit() {
        assert_eq!(limited(&[(7, 0)], 16), [1]);
        assert!(limited(&[], 16).is_empty());
    }
}
