//! Versions of TSB and Istio.

use std::fmt;

/// A minor release, such as `1.24`. A patch number, where given, takes part in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Major.
    pub major: u32,
    /// Minor.
    pub minor: u32,
    /// Patch; 0 where not given.
    pub patch: u32,
}

impl Version {
    /// A release without a patch number.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor, patch: 0 }
    }

    /// True where already major and minor come before the other's: no patch number helps.
    pub fn is_before(self, other: Self) -> bool {
        (self.major, self.minor) < (other.major, other.minor)
    }

    /// Reads `1.24` or `1.24.3`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text
            .split('.')
            .map(|p| if p.bytes().all(|b| b.is_ascii_digit()) { p.parse().ok() } else { None });
        let version = Self {
            major: parts.next()??,
            minor: parts.next()??,
            patch: parts.next().unwrap_or(Some(0))?,
        };
        parts.next().is_none().then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.patch > 0 {
            write!(f, ".{}", self.patch)?;
        }
        Ok(())
    }
}
