//! The number type of CPU twins.

use std::fmt::{Debug, Display};
use std::iter::Sum;

use bytemuck::Pod;
use num_traits::{Float, NumAssign};

/// `f32` (what the CPU device computes with) or `f64` (the oracle in tests).
pub trait Real: Float + NumAssign + Sum + Pod + Send + Sync + Debug + Display + 'static {
    /// Rounds to this type.
    fn from_f64(value: f64) -> Self;

    /// Widens to f64.
    fn as_f64(self) -> f64;

    /// e^self. The f32 form is branch-free so that loops over rows vectorise; its relative error
    /// is below 2e-7 and it is 0 below -87.
    fn exp_fast(self) -> Self;
}

impl Real for f64 {
    fn from_f64(value: f64) -> Self {
        value
    }

    fn as_f64(self) -> f64 {
        self
    }

    fn exp_fast(self) -> Self {
        self.exp()
    }
}

impl Real for f32 {
    fn from_f64(value: f64) -> Self {
        value as f32
    }

    fn as_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn exp_fast(self) -> Self {
        // e^x = 2^n e^r with n = round(x / ln 2): ln 2 in two parts keeps r exact (Cody and
        // Waite), then a Taylor polynomial of degree 7 on |r| <= ln(2) / 2.
        const SHIFT: f32 = 12_582_912.0; // 1.5 * 2^23: adding it rounds to an integer
        let x = self.clamp(-87.0, 88.0);
        let shifted = x * std::f32::consts::LOG2_E + SHIFT;
        let n = shifted - SHIFT;
        let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
        let p = 1.0 / 5040.0;
        let p = p * r + 1.0 / 720.0;
        let p = p * r + 1.0 / 120.0;
        let p = p * r + 1.0 / 24.0;
        let p = p * r + 1.0 / 6.0;
        let p = p * r + 0.5;
        let p = p * r + 1.0;
        let p = p * r + 1.0;
        let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
        if self < -87.0 { 0.0 } else { p * scale }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_exponential_is_accurate() {
        let worst = (-870..=880)
            .map(|i| i as f32 / 10.0)
            .map(|x| (f64::from(x.exp_fast()) / f64::from(x).exp() - 1.0).abs())
            .fold(0.0, f64::max);
        assert!(worst < 2e-7, "relative error {worst:e}");
        assert_eq!(f32::NEG_INFINITY.exp_fast(), 0.0);
        assert_eq!(0.0f32.exp_fast(), 1.0);
    }
}
