//! The way to a field.

use std::fmt;

/// One step of a [`FieldPath`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Into a mapping.
    Key(String),
    /// Into a list whose items are told apart by some of their fields: `[name=sleep]`.
    Item(Vec<(String, String)>),
    /// Into a list whose items are told apart by nothing: the place before, or where there was
    /// none, the place after; from 0.
    Index(usize),
}

/// The way to a field, as people write it: `spec.template.spec.containers[name=app].image`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(pub Vec<Step>);

impl FieldPath {
    /// One step further.
    #[must_use]
    pub(super) fn join(&self, step: Step) -> Self {
        let mut steps = Vec::with_capacity(self.0.len() + 1);
        steps.extend(self.0.iter().cloned());
        steps.push(step);
        Self(steps)
    }

    /// The key that the way begins with.
    pub fn first_key(&self) -> Option<&str> {
        match self.0.first() {
            Some(Step::Key(key)) => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if is_plain(key) => {
                    f.write_str(if index == 0 { "" } else { "." })?;
                    f.write_str(key)?;
                }
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Item(keys) => {
                    let pair = |(key, value): &(String, String)| match is_plain(value) {
                        true => format!("{key}={value}"),
                        false => format!("{key}={value:?}"),
                    };
                    write!(f, "[{}]", keys.iter().map(pair).collect::<Vec<_>>().join(","))?;
                }
                Step::Index(at) => write!(f, "[{at}]")?,
            }
        }
        Ok(())
    }
}

/// A word that needs no quotes between points and brackets.
fn is_plain(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$');
    !word.is_empty() && word.chars().all(plain)
}
