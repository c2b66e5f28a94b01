//! Kubernetes' text form of a label selector (`k8s.io/apimachinery/pkg/labels`): requirements
//! joined by commas, each `k`, `!k`, `k=v`, `k==v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k>1`
//! or `k<1`.

use std::collections::BTreeSet;

use crate::k8s::{is_label_key, is_label_value};

/// All of its requirements must hold; without any it selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Exists,
    Missing,
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
    Greater(i64),
    Less(i64),
}

impl Selector {
    /// Reads a selector; the error says what is wrong.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut tokens = Tokens { rest: text };
        let mut requirements = Vec::new();
        if tokens.peek() == Token::End {
            return Ok(Self::default());
        }
        loop {
            requirements.push(requirement(&mut tokens)?);
            match tokens.next() {
                Token::End => return Ok(Self { requirements }),
                Token::Comma => {}
                other => return Err(format!("expected `,` or the end, found {}", other.noun())),
            }
        }
    }

    /// True when the labels, looked up by key, meet every requirement.
    pub(super) fn matches<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> bool {
        self.requirements.iter().all(|r| {
            let value = value(&r.key);
            match &r.test {
                Test::Exists => value.is_some(),
                Test::Missing => value.is_none(),
                Test::In(values) => value.is_some_and(|v| values.contains(v)),
                Test::NotIn(values) => value.is_none_or(|v| !values.contains(v)),
                Test::Greater(bound) => number(value).is_some_and(|n| n > *bound),
                Test::Less(bound) => number(value).is_some_and(|n| n < *bound),
            }
        })
    }
}

fn number(value: Option<&str>) -> Option<i64> {
    value?.parse().ok()
}

fn requirement(tokens: &mut Tokens<'_>) -> Result<Requirement, String> {
    let negated = tokens.peek() == Token::Not;
    if negated {
        tokens.next();
    }
    let key = match tokens.next() {
        Token::Word(word) if is_label_key(word) => word.to_owned(),
        Token::Word(word) => return Err(format!("`{word}` is not a label key")),
        other => return Err(format!("expected a label key, found {}", other.noun())),
    };
    if negated {
        return Ok(Requirement { key, test: Test::Missing });
    }
    let test = match tokens.peek() {
        Token::End | Token::Comma => Test::Exists,
        operator => {
            tokens.next();
            match operator {
                Token::Equals => Test::In(BTreeSet::from([one_value(tokens)?])),
                Token::NotEquals => Test::NotIn(BTreeSet::from([one_value(tokens)?])),
                Token::Word("in") => Test::In(values(tokens)?),
                Token::Word("notin") => Test::NotIn(values(tokens)?),
                Token::Greater => Test::Greater(bound(tokens)?),
                Token::Less => Test::Less(bound(tokens)?),
                other => {
                    return Err(format!(
                        "expected an operator after `{key}`, found {}",
                        other.noun()
                    ));
                }
            }
        }
    };
    Ok(Requirement { key, test })
}

/// The value behind `=`; nothing is the empty value.
fn one_value(tokens: &mut Tokens<'_>) -> Result<String, String> {
    match tokens.peek() {
        Token::End | Token::Comma => Ok(String::new()),
        Token::Word(word) => {
            tokens.next();
            label_value(word)
        }
        other => Err(format!("expected a value, found {}", other.noun())),
    }
}

fn label_value(word: &str) -> Result<String, String> {
    if is_label_value(word) {
        Ok(word.to_owned())
    } else {
        Err(format!("`{word}` is not a label value"))
    }
}

fn bound(tokens: &mut Tokens<'_>) -> Result<i64, String> {
    match tokens.next() {
        Token::Word(word) => word.parse().map_err(|_| format!("`{word}` is not an integer")),
        other => Err(format!("expected an integer, found {}", other.noun())),
    }
}

fn values(tokens: &mut Tokens<'_>) -> Result<BTreeSet<String>, String> {
    match tokens.next() {
        Token::Open => {}
        other => return Err(format!("expected `(`, found {}", other.noun())),
    }
    let mut values = BTreeSet::new();
    loop {
        match tokens.peek() {
            Token::Word(word) => {
                tokens.next();
                values.insert(label_value(word)?);
            }
            // `(a,)` and `(,)` hold the empty value
            Token::Comma | Token::Close => {
                values.insert(String::new());
            }
            other => return Err(format!("expected a value, found {}", other.noun())),
        }
        match tokens.next() {
            Token::Comma => {}
            Token::Close => return Ok(values),
            other => return Err(format!("expected `,` or `)`, found {}", other.noun())),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'t> {
    Word(&'t str),
    Comma,
    Open,
    Close,
    Not,
    Equals,
    NotEquals,
    Greater,
    Less,
    Unknown,
    End,
}

impl Token<'_> {
    fn noun(self) -> String {
        match self {
            Token::Word(word) => format!("`{word}`"),
            Token::Unknown => "an unknown operator".into(),
            Token::Comma => "`,`".into(),
            Token::Open => "`(`".into(),
            Token::Close => "`)`".into(),
            Token::Not => "`!`".into(),
            Token::Equals => "`=`".into(),
            Token::NotEquals => "`!=`".into(),
            Token::Greater => "`>`".into(),
            Token::Less => "`<`".into(),
            Token::End => "the end".into(),
        }
    }
}

struct Tokens<'t> {
    rest: &'t str,
}

impl<'t> Tokens<'t> {
    fn peek(&self) -> Token<'t> {
        Tokens { rest: self.rest }.next()
    }

    fn next(&mut self) -> Token<'t> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let operators = [
            ("==", Token::Equals),
            ("!=", Token::NotEquals),
            ("=", Token::Equals),
            ("!", Token::Not),
            (",", Token::Comma),
            ("(", Token::Open),
            (")", Token::Close),
            (">", Token::Greater),
            ("<", Token::Less),
        ];
        for (text, token) in operators {
            if let Some(rest) = self.rest.strip_prefix(text) {
                self.rest = rest;
                // `=!` and the like are one unknown operator for Kubernetes, too
                if text != ","
                    && text != "("
                    && text != ")"
                    && rest.starts_with(['=', '!', '>', '<'])
                {
                    return Token::Unknown;
                }
                return token;
            }
        }
        let special = [' ', '\t', '\r', '\n', '=', '!', ',', '(', ')', '>', '<'];
        let end = self.rest.find(special).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        if word.is_empty() { Token::End } else { Token::Word(word) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn matches(selector: &str, labels: &[(&str, &str)]) -> bool {
        let labels: BTreeMap<_, _> = labels.iter().copied().collect();
        Selector::parse(selector).unwrap().matches(|key| labels.get(key).copied())
    }

    #[test]
    fn every_operator() {
        let web = [("app", "web"), ("tier", ""), ("n", "5")];
        for selector in [
            "",
            "app",
            "!db",
            "app=web",
            "app==web",
            "app!=db",
            "db!=x",
            "app in (web, db)",
            "app notin (x)",
            "db notin (x)",
            "tier=",
            "tier in ()",
            "app=web,!db,n>4",
            "n<6",
            " app = web , tier ",
            "app in (a,,web)",
        ] {
            assert!(matches(selector, &web), "{selector}");
        }
        for selector in [
            "db",
            "!app",
            "app=db",
            "app!=web",
            "app in (x)",
            "app notin (web)",
            "db=x",
            "db in (x)",
            "n>5",
            "app>1",
            "db<3",
            "app=web,db",
        ] {
            assert!(!matches(selector, &web), "{selector}");
        }
    }

    #[test]
    fn what_is_no_selector() {
        for selector in [
            "=a", "a=b c", "a in b", "a in (b", "a,", ",a", "!", "a=!b", "a===b", "-a", "a=-b",
            "a>x", "a b", "a/b/c",
        ] {
            assert!(Selector::parse(selector).is_err(), "{selector}");
        }
    }
}
