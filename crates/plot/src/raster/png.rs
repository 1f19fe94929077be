//! PNG files.

use super::RasterError;
use crate::draw::Size;

/// The PNG file of opaque RGBA `pixels`.
///
/// # Errors
/// If `pixels` is not `size.width * size.height * 4` bytes long.
pub fn encode(size: Size, pixels: &[u8]) -> Result<Vec<u8>, RasterError> {
    let mut file = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut file, size.width, size.height);
    encoder.set_color(::png::ColorType::Rgb);
    encoder.set_depth(::png::BitDepth::Eight);
    let rgb: Vec<u8> = pixels.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
    encoder.write_header()?.write_image_data(&rgb)?;
    Ok(file)
}
