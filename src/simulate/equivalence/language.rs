//! Which texts can a handful of patterns tell apart? One text for each of their combinations that
//! some text has, the shortest first.
//!
//! The patterns of a field are run side by side as one automaton over everything that the field can
//! hold; every combination of them that holds for any text at all shows up as one of its states. So
//! the answer is complete: overlaps of prefix and suffix, templates inside prefixes, values that only
//! differ in their end. Only when the automaton outgrows [`MAX_STATES`] is it cut, and says so.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::universe::Universe;
use crate::simulate::envoy::{PathPattern, TemplatePart, in_segment};
use crate::simulate::matcher::Glob;

/// States that are looked at, at most.
const MAX_STATES: usize = 20_000;

/// A pattern over a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern {
    pieces: Vec<Piece>,
    /// The text is compared in lower case.
    folds: bool,
}

/// A piece of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Piece {
    /// One character.
    One(Set),
    /// Any number of them, also none.
    Loop(Set),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Set {
    Only(char),
    NotSlash,
    /// What `{*}` of a path template stands for.
    Segment,
    /// What `{**}` stands for.
    Segments,
    Any,
}

impl Set {
    fn holds(self, c: char) -> bool {
        match self {
            Set::Only(only) => c == only,
            Set::NotSlash => c != '/',
            Set::Segment => in_segment(c),
            Set::Segments => c == '/' || in_segment(c),
            Set::Any => true,
        }
    }
}

impl Pattern {
    /// A pattern that holds for no text but the empty one: the start of a longer one.
    pub fn new() -> Self {
        Self::default()
    }

    /// And then this text.
    pub fn text(mut self, text: &str) -> Self {
        self.pieces.extend(text.chars().map(|c| Piece::One(Set::Only(c))));
        self
    }

    /// And then anything, also nothing.
    pub fn anything(mut self) -> Self {
        self.pieces.push(Piece::Loop(Set::Any));
        self
    }

    /// And then something.
    pub fn something(mut self) -> Self {
        self.pieces.extend([Piece::One(Set::Any), Piece::Loop(Set::Any)]);
        self
    }

    /// And then something without a slash.
    pub fn segment(mut self) -> Self {
        self.pieces.extend([Piece::One(Set::NotSlash), Piece::Loop(Set::NotSlash)]);
        self
    }

    /// And then what `{*}` of a path template stands for.
    fn template_segment(mut self) -> Self {
        self.pieces.extend([Piece::One(Set::Segment), Piece::Loop(Set::Segment)]);
        self
    }

    /// And then what `{**}` stands for.
    fn template_rest(mut self) -> Self {
        self.pieces.push(Piece::Loop(Set::Segments));
        self
    }

    /// And then this text, in which every `*` stands for anything; in one segment, if so.
    pub fn wild(mut self, text: &str, in_segment: bool) -> Self {
        let star = if in_segment { Set::NotSlash } else { Set::Any };
        self.pieces.extend(text.chars().map(|c| match c {
            '*' => Piece::Loop(star),
            c => Piece::One(Set::Only(c)),
        }));
        self
    }

    /// And then what a glob stands for. `*` is something.
    pub fn glob(self, glob: &Glob) -> Self {
        match glob {
            Glob::Presence => self.something(),
            Glob::Suffix(end) => self.anything().text(end),
            Glob::Prefix(start) => self.text(start).anything(),
            Glob::Exact(whole) => self.text(whole),
        }
    }

    /// What a header matcher stands for: its `*` holds for an empty value too.
    pub fn header(glob: &Glob) -> Self {
        match glob {
            Glob::Presence => Self::new().anything(),
            glob => Self::new().glob(glob),
        }
    }

    /// What a path stands for.
    pub fn path(path: &PathPattern) -> Self {
        match path {
            PathPattern::Glob(glob) => Self::new().glob(glob),
            PathPattern::Template(parts) => {
                parts.iter().fold(Self::new(), |pattern, part| match part {
                    TemplatePart::Literal(text) => pattern.text(text),
                    TemplatePart::Segment => pattern.template_segment(),
                    TemplatePart::Rest => pattern.template_rest(),
                })
            }
        }
    }

    /// The same, of the text in lower case.
    pub fn folded(self) -> Self {
        Self { folds: true, ..self }
    }

    fn characters(&self) -> impl Iterator<Item = char> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::One(Set::Only(c)) | Piece::Loop(Set::Only(c)) => Some(*c),
            // a character that none of both stands for
            Piece::Loop(Set::Segment | Set::Segments) => Some('"'),
            _ => None,
        })
    }
}

/// Which of some patterns hold, one bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature(Vec<u64>);

impl Signature {
    fn set(&mut self, bit: usize) {
        if self.0.len() <= bit / 64 {
            self.0.resize(bit / 64 + 1, 0);
        }
        self.0[bit / 64] |= 1 << (bit % 64);
    }

    /// The numbers of those that hold.
    pub fn bits(&self) -> impl Iterator<Item = usize> + '_ {
        let all = self.0.iter().enumerate();
        all.flat_map(|(at, word)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at * 64 + bit)
        })
    }

    /// Both together.
    pub fn or(&self, other: &Self) -> Self {
        let (long, short) =
            if self.0.len() < other.0.len() { (other, self) } else { (self, other) };
        let mut both = long.clone();
        both.0.iter_mut().zip(&short.0).for_each(|(a, b)| *a |= b);
        both
    }
}

/// A text, and which patterns hold for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Which hold.
    pub signature: Signature,
    /// The text.
    pub text: String,
}

/// The witnesses of some patterns.
#[derive(Clone, Debug, Default)]
pub struct Witnesses {
    /// One for every combination: first those that were preferred, then by length.
    pub all: Vec<Witness>,
    /// False when there may be more.
    pub complete: bool,
}

/// Patterns side by side. Positions of all of them are numbered through.
struct Automaton<'p> {
    patterns: &'p [Pattern],
    starts: Vec<usize>,
    /// Position to pattern, and the piece there; `None` at its end.
    places: Vec<(usize, Option<Piece>)>,
}

impl<'p> Automaton<'p> {
    fn new(patterns: &'p [Pattern]) -> Self {
        let mut starts = Vec::with_capacity(patterns.len());
        let mut places = Vec::new();
        for (index, pattern) in patterns.iter().enumerate() {
            starts.push(places.len());
            places.extend(pattern.pieces.iter().map(|piece| (index, Some(*piece))));
            places.push((index, None));
        }
        Self { patterns, starts, places }
    }

    fn start(&self) -> Vec<u32> {
        let mut live = Vec::new();
        self.starts.iter().for_each(|at| self.enter(*at, &mut live));
        live.sort_unstable();
        live.dedup();
        live
    }

    /// A loop may be left at once.
    fn enter(&self, mut at: usize, live: &mut Vec<u32>) {
        loop {
            live.push(at as u32);
            match self.places[at].1 {
                Some(Piece::Loop(_)) => at += 1,
                _ => return,
            }
        }
    }

    fn step(&self, live: &[u32], c: char) -> Vec<u32> {
        let folded = c.to_ascii_lowercase();
        let mut next = Vec::with_capacity(live.len());
        for at in live {
            let at = *at as usize;
            let (pattern, piece) = self.places[at];
            let c = if self.patterns[pattern].folds { folded } else { c };
            match piece {
                Some(Piece::One(set)) if set.holds(c) => self.enter(at + 1, &mut next),
                Some(Piece::Loop(set)) if set.holds(c) => self.enter(at, &mut next),
                _ => {}
            }
        }
        next.sort_unstable();
        next.dedup();
        next
    }

    fn signature(&self, live: &[u32]) -> Signature {
        let mut signature = Signature::default();
        for at in live {
            if let (pattern, None) = self.places[*at as usize] {
                signature.set(pattern);
            }
        }
        signature
    }
}

/// Which patterns hold for a text.
pub fn signature(patterns: &[Pattern], text: &str) -> Signature {
    let automaton = Automaton::new(patterns);
    let live = text.chars().fold(automaton.start(), |live, c| automaton.step(&live, c));
    automaton.signature(&live)
}

/// One text for every combination of patterns that some text of the universe has. Where one of
/// `preferred` has it, that one.
pub fn witnesses(patterns: &[Pattern], universe: Universe, preferred: &[String]) -> Witnesses {
    let automaton = Automaton::new(patterns);
    let alphabet = alphabet(patterns, universe);
    let mut all: Vec<Witness> = Vec::new();
    let mut seen_signatures: BTreeSet<Signature> = BTreeSet::new();
    for text in preferred {
        if universe.holds(text) {
            let live = text.chars().fold(automaton.start(), |live, c| automaton.step(&live, c));
            let signature = automaton.signature(&live);
            if seen_signatures.insert(signature.clone()) {
                all.push(Witness { signature, text: text.clone() });
            }
        }
    }
    // breadth first: the first text of a state is its shortest
    let start = (universe.start(), automaton.start());
    let mut states: Vec<State> = vec![State { at: start.0, live: start.1, from: None }];
    let mut seen = HashMap::from([((states[0].at, states[0].live.clone()), 0)]);
    let mut queue = VecDeque::from([0]);
    let mut complete = true;
    while let Some(index) = queue.pop_front() {
        let (at, live) = (states[index].at, states[index].live.clone());
        if universe.may_end(at) {
            let signature = automaton.signature(&live);
            if seen_signatures.insert(signature.clone()) {
                all.push(Witness { signature, text: text_of(&states, index) });
            }
        }
        for c in &alphabet {
            let Some(next) = universe.step(at, *c) else { continue };
            let key = (next, automaton.step(&live, *c));
            if seen.contains_key(&key) {
                continue;
            }
            if states.len() >= MAX_STATES {
                complete = false;
                continue;
            }
            seen.insert(key.clone(), states.len());
            queue.push_back(states.len());
            states.push(State { at: key.0, live: key.1, from: Some((index, *c)) });
        }
    }
    Witnesses { all, complete }
}

struct State {
    at: u8,
    live: Vec<u32>,
    from: Option<(usize, char)>,
}

fn text_of(states: &[State], mut index: usize) -> String {
    let mut reversed = Vec::new();
    while let Some((before, c)) = states[index].from {
        reversed.push(c);
        index = before;
    }
    reversed.into_iter().rev().collect()
}

/// The characters that make a difference, and one that makes none: it comes first.
fn alphabet(patterns: &[Pattern], universe: Universe) -> Vec<char> {
    let mut own: BTreeSet<char> = patterns.iter().flat_map(Pattern::characters).collect();
    if patterns.iter().any(|p| p.folds) {
        let upper: Vec<char> = own.iter().map(char::to_ascii_uppercase).collect();
        own.extend(upper);
    }
    own.extend(universe.letters());
    let other = "xyzwvutsrqponmlkjihgfedcba0123456789XYZWVUTSRQPONMLKJIHGFEDCBA_~"
        .chars()
        .find(|c| !own.contains(c) && universe.takes(*c));
    let mut own: Vec<char> = own.into_iter().collect();
    own.sort_by_key(|c| (c.is_ascii_uppercase(), *c));
    other.into_iter().chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::options::PathNormalization;

    fn paths(values: &[&str]) -> (Vec<PathPattern>, Vec<Pattern>) {
        let paths: Vec<PathPattern> = values.iter().map(|v| PathPattern::parse(v)).collect();
        let patterns = paths.iter().map(Pattern::path).collect();
        (paths, patterns)
    }

    const PATHS: Universe = Universe::Path(PathNormalization::Base);

    #[test]
    fn every_combination_of_overlapping_paths_has_a_text() {
        let (_, patterns) = paths(&["/api/*", "*/admin", "/api/v1", "/api/{*}/x", "/{**}/x"]);
        let found = witnesses(&patterns, PATHS, &["/".into()]);
        assert!(found.complete);
        let texts: Vec<&str> = found.all.iter().map(|w| w.text.as_str()).collect();
        // none of them; each alone; prefix and suffix at once; template inside prefix
        for text in ["/", "/api/", "/admin", "/api/v1", "/api/admin", "/y/x", "/api/y/x"] {
            let signature = signature(&patterns, text);
            assert!(found.all.iter().any(|w| w.signature == signature), "{text}: {texts:?}");
        }
    }

    #[test]
    fn the_automaton_agrees_with_the_matchers() {
        let values = ["/a", "/a/*", "*/b", "*", "/a/{*}/c", "/{**}/c", "/a*", "/a/{*}", "/ab"];
        let (paths, patterns) = paths(&values);
        let found = witnesses(&patterns, PATHS, &[]);
        assert!(found.all.len() > values.len());
        for witness in &found.all {
            for (index, path) in paths.iter().enumerate() {
                let mut alone = Signature::default();
                alone.set(index);
                let says = witness.signature.or(&alone) == witness.signature;
                assert_eq!(says, path.holds(&witness.text), "{} {}", values[index], witness.text);
            }
        }
    }

    #[test]
    fn combinations_that_no_text_has_are_not_made_up() {
        let (_, patterns) = paths(&["/a", "/b"]);
        assert_eq!(witnesses(&patterns, PATHS, &[]).all.len(), 3);
        // `/a/../b` never arrives
        let (_, patterns) = paths(&["/a/../b"]);
        assert_eq!(witnesses(&patterns, PATHS, &[]).all.len(), 1);
    }

    #[test]
    fn hosts_are_compared_in_lower_case() {
        let patterns = [Pattern::new().text("a.com").folded(), Pattern::new().text("A.com")];
        let found = witnesses(&patterns, Universe::Host, &[]);
        // neither, the first alone, both
        assert_eq!(found.all.len(), 3, "{found:?}");
    }
}
