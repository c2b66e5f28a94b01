//! Which addresses can blocks tell apart? Blocks lie inside each other or apart, so each one less
//! those inside it is a class, and what is outside all of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::simulate::matcher::IpBlock;

/// A block as the numbers from its first to its last address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    first: u128,
    last: u128,
}

impl Range {
    fn of(block: &IpBlock) -> Self {
        let (address, bits) = match block.address() {
            IpAddr::V4(a) => (u128::from(u32::from(a)), 32),
            IpAddr::V6(a) => (u128::from(a), 128),
        };
        let free = bits - u32::from(block.length());
        let host = u128::MAX.checked_shr(128 - free).unwrap_or(0);
        Self { first: address & !host, last: address | host }
    }

    fn contains(self, number: u128) -> bool {
        self.first <= number && number <= self.last
    }
}

/// One address for every class: of each block outside the blocks in it, where there is room, and
/// of each family outside all blocks, also of the one that no block is of: `0.0.0.0/0` does not hold every
/// address. Those outside come first.
pub fn witnesses(blocks: &[IpBlock]) -> Vec<IpAddr> {
    let family = |v4: bool| -> Vec<Range> {
        let own = blocks.iter().filter(|b| b.address().is_ipv4() == v4);
        let mut ranges: Vec<Range> = own.map(Range::of).collect();
        ranges.sort_unstable_by(|a, b| (a.first, b.last).cmp(&(b.first, a.last)));
        ranges.dedup();
        ranges
    };
    let (v4, v6) = (family(true), family(false));
    let mut found = Vec::new();
    let small = |n: u128| IpAddr::V4(Ipv4Addr::from(u32::try_from(n).unwrap_or(u32::MAX)));
    let large = |n: u128| IpAddr::V6(Ipv6Addr::from(n));
    // documentation's own addresses first: they say that they stand for others
    let known = [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(198, 51, 100, 1)];
    let known = known.map(|a| u128::from(u32::from(a)));
    let all = Range { first: 0x0100_0000, last: 0xdfff_ffff };
    found.extend(outside(&known, all, &v4).map(small));
    if !blocks.is_empty() {
        let known = u128::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
        found.extend(outside(&[known], Range { first: 1, last: u128::MAX }, &v6).map(large));
    }
    found.extend(inside(&v4).into_iter().map(small));
    found.extend(inside(&v6).into_iter().map(large));
    found
}

fn outside(known: &[u128], all: Range, ranges: &[Range]) -> impl Iterator<Item = u128> {
    let is_free = |n: &u128| !ranges.iter().any(|r| r.contains(*n));
    known.iter().copied().find(is_free).or_else(|| gap(all, ranges)).into_iter()
}

/// For each range an address that no other range inside it has. `ranges` are sorted, outer before
/// inner.
fn inside(ranges: &[Range]) -> Vec<u128> {
    ranges
        .iter()
        .enumerate()
        .filter_map(|(index, outer)| {
            let rest = &ranges[index + 1..];
            let end = rest.partition_point(|r| r.first <= outer.last);
            gap(*outer, &rest[..end])
        })
        .collect()
}

/// An address of a range that none of the sorted ranges has: not its first, if another will do.
fn gap(of: Range, without: &[Range]) -> Option<u128> {
    let mut candidate = of.first;
    for range in without {
        if candidate < range.first {
            break;
        }
        if range.contains(candidate) {
            candidate = range.last.checked_add(1)?;
        }
    }
    let next = candidate.saturating_add(1);
    let better = next <= of.last && !without.iter().any(|r| r.contains(next));
    (candidate <= of.last).then_some(if better { next } else { candidate })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(blocks: &[&str]) -> Vec<String> {
        let blocks: Vec<IpBlock> = blocks.iter().filter_map(|b| IpBlock::parse(b)).collect();
        witnesses(&blocks).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_block_less_what_is_inside_it() {
        assert_eq!(
            found(&["10.0.0.0/8", "10.0.0.0/16", "10.0.0.0/32", "192.0.2.0/24"]),
            ["198.51.100.1", "2001:db8::1", "10.1.0.1", "10.0.0.2", "10.0.0.0", "192.0.2.1"]
        );
        assert_eq!(found(&["0.0.0.0/0"]), ["2001:db8::1", "0.0.0.1"]);
        assert_eq!(found(&[]), ["192.0.2.1"]);
        // a block that its parts fill has no class of its own
        assert_eq!(
            found(&["10.0.0.0/31", "10.0.0.0", "10.0.0.1"]),
            ["192.0.2.1", "2001:db8::1", "10.0.0.0", "10.0.0.1"]
        );
        assert_eq!(found(&["2001:db8::/32", "::/0"]), ["192.0.2.1", "::1", "2001:db8::1"]);
    }
}
