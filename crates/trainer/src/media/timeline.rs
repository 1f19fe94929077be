//! Which moment of a trace is shown when.

use plot::layout::Moment;

/// How long the initial state stays before the first step, in milliseconds.
const OPENING: u32 = 700;
/// How long the finished text stays.
const CLOSING: u32 = 3000;

/// The moment of each picture of a video, for a trace of `frames` frames that stay `frame_ms` each.
pub(super) fn video(frames: usize, fps: u32, frame_ms: u32) -> impl Iterator<Item = Moment> {
    let opening = f64::from(OPENING);
    let each = f64::from(frame_ms.max(1));
    let last = frames - 1;
    let end = opening + each * last as f64 + f64::from(CLOSING);
    let pictures = (end * f64::from(fps) / 1000.0).ceil() as u64;
    (0..pictures).map(move |picture| {
        let time = (picture as f64 * 1000.0 / f64::from(fps) - opening).max(0.0) / each;
        let frame = (time as usize).min(last);
        // Beyond 1 in the last frame: its flash fades all the way.
        Moment { frame, phase: (time - frame as f64) as f32 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_video_holds_its_ends_and_runs_evenly() {
        let moments: Vec<Moment> = video(11, 30, 100).collect();
        // 0.7 s + 10 frames of 0.1 s + 3 s at 30 pictures a second.
        assert_eq!(moments.len(), 141);
        assert_eq!(moments[20], Moment { frame: 0, phase: 0.0 });
        assert_eq!((moments[22].frame, moments[24].frame), (0, 1));
        assert!((moments[22].phase - 1.0 / 3.0).abs() < 1e-3);
        assert!(moments.windows(2).all(|m| m[0].frame <= m[1].frame));
        let last = moments[140];
        assert!(last.frame == 10 && last.phase > 25.0);
    }

    #[test]
    fn a_video_of_one_frame_holds_it() {
        assert_eq!(video(1, 30, 100).count(), 111); // 3.7 s
    }
}
