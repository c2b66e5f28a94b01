//! JSON pointers (RFC 6901).

use std::borrow::Cow;
use std::fmt;

/// A way through a tree: keys and indices.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer {
    tokens: Vec<String>,
}

impl Pointer {
    /// The root.
    pub fn root() -> Self {
        Self::default()
    }

    /// Reads `/a/b~1c/0`. The empty text is the root; a text without a leading slash is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::root());
        }
        let tokens = text.strip_prefix('/')?.split('/').map(|t| unescape(t).into_owned()).collect();
        Some(Self { tokens })
    }

    /// One step further down.
    #[must_use]
    pub fn join(&self, token: impl Into<String>) -> Self {
        let mut tokens = self.tokens.clone();
        tokens.push(token.into());
        Self { tokens }
    }

    /// The unescaped steps.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().map(String::as_str)
    }

    /// The last step.
    pub fn last(&self) -> Option<&str> {
        self.tokens.last().map(String::as_str)
    }

    /// Without the last step; the root stays the root.
    #[must_use]
    pub fn parent(&self) -> Self {
        let mut tokens = self.tokens.clone();
        tokens.pop();
        Self { tokens }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for token in &self.tokens {
            write!(f, "/{}", token.replace('~', "~0").replace('/', "~1"))?;
        }
        Ok(())
    }
}

/// `~1` is decoded before `~0`, so that `~01` is `~1`.
fn unescape(token: &str) -> Cow<'_, str> {
    if token.contains('~') {
        Cow::Owned(token.replace("~1", "/").replace("~0", "~"))
    } else {
        Cow::Borrowed(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_round_trip() {
        for text in ["", "/a", "/a~1b/~0c/0", "/~01", "/"] {
            assert_eq!(Pointer::parse(text).map(|p| p.to_string()).as_deref(), Some(text));
        }
        assert_eq!(Pointer::parse("a"), None);
    }
}
