//! The two small languages that Envoy's and ztunnel's policies share: strings with a star at one
//! end, and blocks of addresses.

use std::net::IpAddr;

/// A string of a policy: `x`, `x*`, `*x` or `*` (facts/istio-ambient.md §4.4, §7.3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Glob {
    /// `*`: there, and not empty.
    Presence,
    /// `*x`
    Suffix(String),
    /// `x*`
    Prefix(String),
    /// `x`
    Exact(String),
}

impl Glob {
    /// Reads a policy's value. A star at the front wins over one at the end.
    pub fn parse(text: &str) -> Self {
        if text == "*" {
            Glob::Presence
        } else if let Some(rest) = text.strip_prefix('*') {
            Glob::Suffix(rest.to_owned())
        } else if let Some(rest) = text.strip_suffix('*') {
            Glob::Prefix(rest.to_owned())
        } else {
            Glob::Exact(text.to_owned())
        }
    }

    /// Does it hold for a text?
    pub fn holds(&self, text: &str) -> bool {
        match self {
            Glob::Presence => !text.is_empty(),
            Glob::Suffix(end) => text.ends_with(end.as_str()),
            Glob::Prefix(start) => text.starts_with(start.as_str()),
            Glob::Exact(whole) => text == whole,
        }
    }
}

/// Does a text match a pattern in which every `*` stands for any text, also an empty one?
pub fn wild(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut middle: Vec<&str> = parts.collect();
    let Some(last) = middle.pop() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// A block of addresses of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpBlock {
    address: IpAddr,
    length: u8,
}

impl IpBlock {
    /// Reads an address or `address/length`; bits behind the length are kept and do not matter.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        // a single address may name a zone, which is dropped (Go's `netip.ParseAddr`, `PrefixFrom`)
        let address: IpAddr = match address.split_once('%') {
            Some((address, zone)) if length.is_none() && !zone.is_empty() => {
                IpAddr::V6(address.parse().ok()?)
            }
            _ => address.parse().ok()?,
        };
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            None => whole,
            // Go's `netip.ParsePrefix` takes no `08`
            Some(digits) if digits.len() > 1 && digits.starts_with('0') => return None,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
            Some(_) => return None,
        };
        (length <= whole).then_some(Self { address, length })
    }

    /// Is an address in it? Families never mix.
    pub fn contains(&self, ip: IpAddr) -> bool {
        self.address.is_ipv4() == ip.is_ipv4()
            && self.masked() == Self { address: ip, ..*self }.masked()
    }

    /// The address's bytes, as they stand in the policy.
    pub fn octets(&self) -> Vec<u8> {
        match self.address {
            IpAddr::V4(a) => a.octets().to_vec(),
            IpAddr::V6(a) => a.octets().to_vec(),
        }
    }

    /// Number of bits that count.
    pub fn length(&self) -> u8 {
        self.length
    }

    /// The first address of the block.
    pub fn masked(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(a) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.length)).unwrap_or(0);
                IpAddr::V4((u32::from(a) & mask).into())
            }
            IpAddr::V6(a) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.length)).unwrap_or(0);
                IpAddr::V6((u128::from(a) & mask).into())
            }
        }
    }

    /// True of one address alone.
    pub fn is_single(&self) -> bool {
        self.length == if self.address.is_ipv4() { 32 } else { 128 }
    }

    /// Some address of the block: the one that is written.
    pub fn address(&self) -> IpAddr {
        self.address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_the_rest_at_one_end() {
        assert!(Glob::parse("*").holds("x") && !Glob::parse("*").holds(""));
        assert!(Glob::parse("x*").holds("x") && Glob::parse("*x").holds("ax"));
        assert!(Glob::parse("*x*").holds("ax*") && !Glob::parse("*x*").holds("axb"));
        assert!(Glob::parse("a*b").holds("a*b") && !Glob::parse("a*b").holds("axb"));
    }

    #[test]
    fn wild_takes_stars_anywhere() {
        for (pattern, text, holds) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*/ns/f*o/*", "spiffe://t/ns/fo/sa/x", true),
            ("*/ns/f*o/*", "spiffe://t/ns/fxo/sa/x", true),
            ("*/ns/f*o/*", "spiffe://t/ns/bar/sa/x", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("**", "", true),
        ] {
            assert_eq!(wild(pattern, text), holds, "{pattern} {text}");
        }
    }

    #[test]
    fn blocks_ignore_host_bits_and_never_mix_families() {
        let block = |t| IpBlock::parse(t).unwrap();
        assert!(block("10.1.2.3/8").contains("10.9.9.9".parse().unwrap()));
        assert!(!block("10.1.2.3").contains("10.1.2.4".parse().unwrap()));
        assert!(block("0.0.0.0/0").contains("1.2.3.4".parse().unwrap()));
        assert!(!block("0.0.0.0/0").contains("::1".parse().unwrap()));
        assert!(block("2001:db8::/32").contains("2001:db8::1".parse().unwrap()));
        assert_eq!(IpBlock::parse("fe80::1%eth0"), IpBlock::parse("fe80::1"));
        for bad in ["fe80::1%", "1.2.3.4%eth0", "fe80::1%eth0/64"] {
            assert_eq!(IpBlock::parse(bad), None, "{bad}");
        }
        for bad in ["1.2.3.4/33", "1.2.3", "", "1.2.3.4/", "1.2.3.4/+8", "::/129", "http"] {
            assert_eq!(IpBlock::parse(bad), None, "{bad}");
        }
    }
}
