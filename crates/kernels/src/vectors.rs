//! Loops of the CPU twins, compiled for the vectors that the processor has.

use device::Real;

/// Evaluates an expression that is compiled for the widest vectors of this processor. The value does not
/// depend on them: nothing is contracted or summed in another order. Functions that are called but
/// not inlined keep the narrow vectors that every processor has.
macro_rules! vectorized {
    ($work:expr) => {
        $crate::vectors::run(
            #[inline(always)]
            || $work,
        )
    };
}
pub(crate) use vectorized;

/// Calls the closure of [`vectorized`].
#[inline(always)]
pub(crate) fn run<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        let wide = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
        if wide && is_x86_feature_detected!("avx512dq") {
            #[expect(
                unsafe_code,
                reason = "only a processor with these instructions may run them"
            )]
            // SAFETY: the processor has just been asked for each of them.
            return unsafe { with_avx512(work) };
        }
        if is_x86_feature_detected!("avx2") {
            #[expect(
                unsafe_code,
                reason = "only a processor with these instructions may run them"
            )]
            // SAFETY: the processor has just been asked for them.
            return unsafe { with_avx2(work) };
        }
    }
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512dq")]
fn with_avx512<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// The sum of `term(0..len)` in eight interleaved parts, which compilers turn into vector sums.
#[inline(always)]
pub(crate) fn sum_of<E: Real>(len: usize, term: impl Fn(usize) -> E) -> E {
    const PARTS: usize = 8;
    let mut parts = [E::zero(); PARTS];
    let whole = len - len % PARTS;
    for start in (0..whole).step_by(PARTS) {
        for (part, i) in parts.iter_mut().zip(start..) {
            *part += term(i);
        }
    }
    parts.into_iter().sum::<E>() + (whole..len).map(term).sum::<E>()
}

/// The largest number of a row, minus infinity if there is none.
#[inline(always)]
pub(crate) fn largest_of<E: Real>(row: &[E]) -> E {
    const PARTS: usize = 32;
    let larger = |a: E, b: E| if b > a { b } else { a };
    let mut parts = [E::neg_infinity(); PARTS];
    let (runs, rest) = row.as_chunks::<PARTS>();
    for run in runs {
        for (part, &value) in parts.iter_mut().zip(run) {
            *part = larger(*part, value);
        }
    }
    parts.into_iter().chain(rest.iter().copied()).fold(E::neg_infinity(), larger)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_of_a_row_is_found_wherever_it_stands() {
        for len in [1, 7, 32, 33, 100] {
            for at in 0..len {
                let row: Vec<f32> =
                    (0..len).map(|i| if i == at { 1.0 } else { -(i as f32) - 1.0 }).collect();
                assert_eq!(vectorized!(largest_of(&row)), 1.0, "{at} of {len}");
            }
        }
        assert_eq!(largest_of::<f32>(&[]), f32::NEG_INFINITY);
    }

    #[inline(always)]
    fn compute(row: &mut [f32]) {
        let sum = sum_of(row.len(), |i| row[i] * row[i]);
        row.iter_mut().for_each(|x| *x = (*x - 3.0).exp_fast() * 0.3 + *x / sum);
    }

    /// What is computed in wide vectors has the bits of what is computed in narrow ones.
    #[test]
    fn vectors_change_no_bit() {
        let row: Vec<f32> = (0..1001).map(|i| (0.37 * i as f32).sin() * 5.0).collect();
        let (mut narrow, mut wide) = (row.clone(), row);
        compute(&mut narrow);
        vectorized!(compute(&mut wide));
        assert!(narrow.iter().zip(&wide).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}
