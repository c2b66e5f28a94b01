//! Strings as numbers, so that a class of requests is small and quickly compared.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

/// The number of a string of a [`super::Sample`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(NonZeroU32);

impl Symbol {
    fn at(index: usize) -> Self {
        // four thousand million strings do not fit into memory: the number never runs out
        Self(u32::try_from(index + 1).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MAX))
    }

    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// Each string once.
#[derive(Clone, Debug, Default)]
pub(super) struct Interner {
    ids: HashMap<Arc<str>, Symbol>,
    all: Vec<Arc<str>>,
}

impl Interner {
    /// The number of a string, new or known.
    pub fn symbol(&mut self, text: &str) -> Symbol {
        if let Some(known) = self.ids.get(text) {
            return *known;
        }
        let symbol = Symbol::at(self.all.len());
        let text: Arc<str> = text.into();
        self.all.push(Arc::clone(&text));
        self.ids.insert(text, symbol);
        symbol
    }

    /// The string of a number of this interner.
    pub fn text(&self, symbol: Symbol) -> &str {
        self.all.get(symbol.index()).map_or("", |text| text)
    }

    /// Numbers the strings anew, in their own order. Gives the new number of each old one.
    pub fn sort(&mut self) -> Renumbered {
        let mut order: Vec<usize> = (0..self.all.len()).collect();
        order.sort_unstable_by(|a, b| self.all[*a].cmp(&self.all[*b]));
        let mut new = vec![Symbol::at(0); order.len()];
        for (index, old) in order.iter().enumerate() {
            new[*old] = Symbol::at(index);
        }
        self.all = order.iter().map(|old| Arc::clone(&self.all[*old])).collect();
        for symbol in self.ids.values_mut() {
            *symbol = new[symbol.index()];
        }
        Renumbered(new)
    }

    /// The number here of each of another's strings.
    pub fn take_over(&mut self, other: &Self) -> Renumbered {
        Renumbered(other.all.iter().map(|text| self.symbol(text)).collect())
    }
}

/// New numbers by old ones.
pub(super) struct Renumbered(Vec<Symbol>);

impl Renumbered {
    /// The new number.
    pub fn of(&self, old: Symbol) -> Symbol {
        self.0.get(old.index()).copied().unwrap_or(old)
    }
}
