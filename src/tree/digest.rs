//! SHA-256, the digest that manifests, registries and provenance use.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// A SHA-256 digest; written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of a text with line feeds, whatever git made of them in this clone (`core.autocrlf`):
    /// of every `\r\n` the line feed counts.
    pub fn of_text(bytes: &[u8]) -> Self {
        let Some(first) = bytes.windows(2).position(|pair| pair == b"\r\n") else {
            return Self::of(bytes);
        };
        let mut hasher = Sha256::new();
        hasher.update(&bytes[..first]);
        let mut rest = &bytes[first..];
        while let Some(at) = rest.windows(2).position(|pair| pair == b"\r\n") {
            hasher.update(&rest[..at]);
            rest = &rest[at + 1..];
        }
        hasher.update(rest);
        Self(hasher.finalize().into())
    }

    /// Reads 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        if text.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Some(Self(bytes))
    }
}

impl Default for Digest {
    /// The digest of nothing.
    fn default() -> Self {
        Self::of(b"")
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_of_windows_count_as_line_feeds() {
        let of = |text: &str| Digest::of_text(text.as_bytes());
        for (windows, plain) in
            [("a\r\nb\r\n", "a\nb\n"), ("\r\n", "\n"), ("a\r\r\n", "a\r\n"), ("a\rb\n", "a\rb\n")]
        {
            let direct = Digest::of(plain.as_bytes());
            assert_eq!(of(windows), direct, "{windows:?}");
        }
        assert_ne!(of("a\rb"), of("a\nb"));
    }

    #[test]
    fn known_digest_and_round_trip() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").to_string(), empty);
        assert_eq!(Digest::parse(empty), Some(Digest::default()));
        assert_eq!(Digest::parse(&empty.to_uppercase()), None);
        assert_eq!(Digest::parse(&empty[1..]), None);
    }
}
