//! Files that are something else than what was asked for, by how they begin.

/// What a file is, if it is one of those that people give by mistake, and what to do about it.
#[must_use]
pub fn stranger(bytes: &[u8]) -> Option<&'static str> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let begins = |words: &[u8]| {
        text.get(..words.len()).is_some_and(|start| start.eq_ignore_ascii_case(words))
    };
    if begins(b"version https://git-lfs.github.com/spec/") {
        return Some(
            "this is a Git LFS pointer, not the file itself; fetch that with `git lfs pull`",
        );
    }
    if begins(b"<!doctype html") || begins(b"<html") {
        return Some(
            "this is a web page, not the file itself; download it again from its direct address",
        );
    }
    // `torch.save` writes a ZIP archive, before version 1.6 a pickle of protocol 2.
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\x80\x02") {
        return Some(
            "this is a ZIP archive or a pickle, perhaps a model that PyTorch saved; only safetensors files are read",
        );
    }
    if bytes.starts_with(b"\x1f\x8b") {
        return Some("this is compressed with gzip; unpack it first");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::stranger;

    #[test]
    fn the_usual_strangers_are_known() {
        for (bytes, part) in [
            (&b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"[..], "git lfs pull"),
            (b"\xef\xbb\xbf\n<!DOCTYPE html><title>404</title>", "web page"),
            (b"<html>", "web page"),
            (b"PK\x03\x04\0\0", "PyTorch"),
            (b"\x80\x02}q\0", "PyTorch"),
            (b"\x1f\x8b\x08", "gzip"),
        ] {
            assert!(stranger(bytes).is_some_and(|text| text.contains(part)), "{part}");
        }
        for bytes in [&b""[..], b"{}", b"[model]\n", b"\x10\0\0\0\0\0\0\0{}"] {
            assert_eq!(stranger(bytes), None);
        }
    }
}
