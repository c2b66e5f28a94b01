//! `<cluster>/waypost.lock`: what was written, so that the next run knows its own files.
//!
//! ```text
//! waypost-lock 1
//! tool 0.1.0
//! input 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//! stage client httpbin
//! file mesh/client/gateway-waypoint.yaml 2c26…7ae gateway.networking.k8s.io/Gateway:client/waypoint
//! file mesh/kustomization.yaml fcde…f9a -
//! end
//! ```
//!
//! One line a file, sorted, paths relative to the cluster: git shows and merges it line by line.
//! An object is written as Argo CD's tracking id writes it, `group/Kind:namespace/name`. The last
//! line tells a cut file from a whole one. The name ends in neither `.yaml` nor `.json`, and the
//! file lies above the units, so that no applier reads it (facts/gitops-delivery.md 1.6, 7.1.3).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::digest::Digest;
use super::path::check_name;
use crate::k8s::ObjectRef;

/// The name of the file, in the folder of its cluster.
pub const LOCK_NAME: &str = "waypost.lock";

const FIRST_LINE: &str = "waypost-lock 1";
/// What ends a part of a field beside the space: in a plain word, and in an object.
const WORD: &[u8] = b"";
const OBJECT: &[u8] = b"/:";

/// What was written for one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// Version of waypost that last changed something.
    pub tool: String,
    /// Digest of everything that was rendered from.
    pub input: Digest,
    /// What each namespace has reached: a stage, or a stage and a step.
    pub stages: BTreeMap<String, String>,
    /// The files by path relative to the cluster's folder, without the lock itself.
    pub files: BTreeMap<String, LockEntry>,
}

/// One file in a [`Lock`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockEntry {
    /// The digest of the file.
    pub digest: Digest,
    /// The object in it.
    pub object: Option<Arc<ObjectRef>>,
}

/// Why a lock cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// Git could not merge it.
    #[error("line {line}: the lock has an unresolved merge conflict")]
    Conflict {
        /// The line of the first conflict marker, from 1.
        line: usize,
        /// What either side lists, where both are locks: all of it was written by waypost, so a
        /// render can go on from there.
        both: Option<Box<Lock>>,
    },
    /// A later format.
    #[error("line 1: the lock has format `{format}`, and this version of waypost knows format `1`")]
    Format {
        /// The format it says.
        format: String,
    },
    /// Anything else.
    #[error("line {line}: {fault}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        fault: &'static str,
    },
    /// It is no text at all.
    #[error("the lock is not UTF-8 text")]
    NotText,
}

impl Lock {
    /// The lock as text.
    pub fn to_text(&self) -> String {
        let Lock { tool, input, stages, files } = self;
        let mut text = String::with_capacity(256 + files.len() * 200);
        let _ = write!(text, "{FIRST_LINE}\ntool {}\ninput {input}\n", escape(tool, WORD));
        for (namespace, stage) in stages {
            let _ = writeln!(text, "stage {} {}", escape(namespace, WORD), escape(stage, WORD));
        }
        for (path, LockEntry { digest, object }) in files {
            text.extend(["file ", path, " "]);
            let _ = write!(text, "{digest} ");
            match object {
                Some(object) => write_object(&mut text, object),
                None => text.push('-'),
            }
            text.push('\n');
        }
        text.push_str("end\n");
        text
    }

    /// Reads a lock. It takes nothing but what [`Lock::to_text`] writes.
    ///
    /// # Errors
    /// The first line that is not as it must be.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        if let Some(line) = text.lines().position(is_conflict_marker) {
            let both = Self::of_both_sides(text).map(Box::new);
            return Err(LockError::Conflict { line: line + 1, both });
        }
        Self::parse_clean(text)
    }

    /// Everything that either side of a conflict lists.
    fn of_both_sides(text: &str) -> Option<Self> {
        let [mut ours, mut theirs] = [String::new(), String::new()];
        let mut side = Side::Both;
        for line in text.split_inclusive('\n') {
            if is_conflict_marker(line) {
                side = Side::after(line);
                continue;
            }
            if matches!(side, Side::Both | Side::Ours) {
                ours.push_str(line);
            }
            if matches!(side, Side::Both | Side::Theirs) {
                theirs.push_str(line);
            }
        }
        let (mut ours, theirs) = (Self::parse_clean(&ours).ok()?, Self::parse_clean(&theirs).ok()?);
        for (path, entry) in theirs.files {
            ours.files.entry(path).or_insert(entry);
        }
        Some(ours)
    }

    fn parse_clean(text: &str) -> Result<Self, LockError> {
        let mut lines = Lines { lines: text.split_inclusive('\n').enumerate(), line: 0 };
        match lines.next()? {
            Some(FIRST_LINE) => {}
            other => match other.and_then(|l| l.strip_prefix("waypost-lock ")) {
                Some(format) => return Err(LockError::Format { format: format.to_owned() }),
                None => return Err(lines.fault("this is not a lock of waypost")),
            },
        }
        let tool = lines.field("tool ", "the version of the tool is missing")?;
        let tool =
            unescape(tool, WORD).ok_or_else(|| lines.fault("the tool's version is malformed"))?;
        let input = lines.field("input ", "the digest of the input is missing")?;
        let input =
            Digest::parse(input).ok_or_else(|| lines.fault("the input's digest is malformed"))?;
        let mut lock = Lock { tool, input, ..Lock::default() };
        while let Some(line) = lines.next()? {
            if line == "end" {
                return match lines.next()? {
                    None => Ok(lock),
                    Some(_) => Err(lines.fault("text follows the end of the lock")),
                };
            }
            lock.take_line(line).map_err(|fault| lines.fault(fault))?;
        }
        Err(LockError::Line { line: lines.line + 1, fault: "the end of the lock is missing" })
    }

    fn take_line(&mut self, line: &str) -> Result<(), &'static str> {
        if let Some((namespace, stage)) =
            line.strip_prefix("stage ").and_then(|rest| rest.split_once(' '))
        {
            let malformed = "the stage is malformed";
            let namespace = unescape(namespace, WORD).ok_or(malformed)?;
            let stage = unescape(stage, WORD).ok_or(malformed)?;
            let after = self.stages.last_key_value().is_none_or(|(last, _)| *last < namespace);
            if !after || !self.files.is_empty() {
                return Err("the line is out of order");
            }
            self.stages.insert(namespace, stage);
            return Ok(());
        }
        let fields: Vec<&str> = line.split(' ').collect();
        let ["file", path, digest, object] = fields[..] else {
            return Err("the line is neither a stage nor a file");
        };
        if path == LOCK_NAME || path.split('/').any(|part| check_name(part).is_err()) {
            return Err("the path is not one that waypost writes");
        }
        let digest = Digest::parse(digest).ok_or("the file's digest is malformed")?;
        let object = match object {
            "-" => None,
            text => Some(Arc::new(parse_object(text).ok_or("the file's object is malformed")?)),
        };
        if self.files.last_key_value().is_some_and(|(last, _)| last.as_str() >= path) {
            return Err("the line is out of order");
        }
        self.files.insert(path.to_owned(), LockEntry { digest, object });
        Ok(())
    }
}

struct Lines<'a> {
    lines: std::iter::Enumerate<std::str::SplitInclusive<'a, char>>,
    line: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Result<Option<&'a str>, LockError> {
        let Some((index, line)) = self.lines.next() else { return Ok(None) };
        self.line = index + 1;
        match line.strip_suffix('\n') {
            Some(line) if !line.ends_with('\r') => Ok(Some(line)),
            Some(_) => Err(self.fault("the line ends in a carriage return")),
            None => Err(self.fault("the line is cut")),
        }
    }

    fn field(&mut self, name: &str, missing: &'static str) -> Result<&'a str, LockError> {
        let field = self.next()?.and_then(|line| line.strip_prefix(name));
        field.ok_or_else(|| self.fault(missing))
    }

    fn fault(&self, fault: &'static str) -> LockError {
        LockError::Line { line: self.line.max(1), fault }
    }
}

/// Where a line between conflict markers belongs.
enum Side {
    Both,
    Ours,
    Base,
    Theirs,
}

impl Side {
    fn after(marker: &str) -> Self {
        match marker.as_bytes().first() {
            Some(b'<') => Side::Ours,
            Some(b'|') => Side::Base,
            Some(b'=') => Side::Theirs,
            _ => Side::Both,
        }
    }
}

/// Git's markers stand at the start of a line; none of our lines begins so.
fn is_conflict_marker(line: &str) -> bool {
    ["<<<<<<<", "|||||||", "=======", ">>>>>>>"].iter().any(|marker| line.starts_with(marker))
}

fn write_object(text: &mut String, object: &ObjectRef) {
    let ObjectRef { group, kind, namespace, name } = object;
    let namespace = namespace.as_deref().unwrap_or_default();
    let [group, kind, namespace, name] =
        [group.as_str(), kind, namespace, name].map(|part| escape(part, OBJECT));
    text.extend([&group, "/", &kind, ":", &namespace, "/", &name]);
}

fn parse_object(text: &str) -> Option<ObjectRef> {
    let (group, rest) = text.split_once('/')?;
    let (kind, rest) = rest.split_once(':')?;
    let (namespace, name) = rest.split_once('/')?;
    let namespace = unescape(namespace, OBJECT)?;
    Some(ObjectRef {
        group: unescape(group, OBJECT)?,
        kind: unescape(kind, OBJECT)?,
        namespace: (!namespace.is_empty()).then_some(namespace),
        name: unescape(name, OBJECT)?,
    })
}

/// Percent-encodes what would end a field, and the percent sign itself.
fn escape<'a>(text: &'a str, separators: &[u8]) -> Cow<'a, str> {
    let plain = |b: &u8| b.is_ascii_graphic() && *b != b'%' && !separators.contains(b);
    if text.as_bytes().iter().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if plain(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    Cow::Owned(escaped)
}

/// The text that [`escape`] makes this of, if there is one.
fn unescape(text: &str, separators: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let value = digit()? * 16 + digit()?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let decoded = String::from_utf8(bytes).ok()?;
    (escape(&decoded, separators) == text).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn example() -> Lock {
        let object = ObjectRef {
            group: "gateway.networking.k8s.io".into(),
            kind: "Gateway".into(),
            namespace: Some("client".into()),
            name: "waypoint".into(),
        };
        let entry = |object: Option<ObjectRef>| LockEntry {
            digest: Digest::default(),
            object: object.map(Arc::new),
        };
        Lock {
            tool: "0.1.0".into(),
            input: Digest::of(b"input"),
            stages: [("client", "httpbin/label"), ("httpbin", "httpbin")]
                .map(|(n, s)| (n.to_owned(), s.to_owned()))
                .into(),
            files: [
                ("mesh/client/gateway-waypoint.yaml".to_owned(), entry(Some(object))),
                ("mesh/kustomization.yaml".to_owned(), entry(None)),
            ]
            .into(),
        }
    }

    #[test]
    fn text_of_a_lock() {
        let text = example().to_text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "waypost-lock 1");
        assert_eq!(lines[3], "stage client httpbin/label");
        assert!(lines[5].starts_with("file mesh/client/gateway-waypoint.yaml e3b0"));
        assert!(lines[5].ends_with(" gateway.networking.k8s.io/Gateway:client/waypoint"));
        assert!(lines[6].ends_with(" -"));
        assert_eq!(Lock::parse(&text), Ok(example()));
    }

    #[test]
    fn lock_cut_at_any_byte_is_refused() {
        let text = example().to_text();
        for end in 0..text.len() {
            assert!(Lock::parse(&text[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn fault_names_its_line() {
        let text = example().to_text();
        let fault = |from: &str, to: &str| {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            Lock::parse(&changed).map_err(|e| e.to_string()).expect_err("a fault")
        };
        assert_eq!(fault("waypost-lock 1", "hello"), "line 1: this is not a lock of waypost");
        assert!(fault("waypost-lock 1", "waypost-lock 2").contains("format `2`"));
        assert_eq!(fault("input ", "inptu "), "line 3: the digest of the input is missing");
        assert_eq!(fault("stage client ", "stage www "), "line 5: the line is out of order");
        assert_eq!(
            fault("file mesh/client", "file ../client"),
            "line 6: the path is not one that waypost writes"
        );
        assert_eq!(fault("/Gateway:", "/Gateway"), "line 6: the file's object is malformed");
        assert_eq!(fault(" -\n", " - \n"), "line 7: the line is neither a stage nor a file");
        assert_eq!(fault("end\n", "end\nend\n"), "line 9: text follows the end of the lock");
        assert_eq!(fault("\n", "\r\n"), "line 1: the line ends in a carriage return");
    }

    #[test]
    fn merge_conflict_is_said_so_and_both_sides_are_known() {
        let text = example().to_text();
        let line = text.lines().nth(5).expect("a file");
        let other = line.replace("waypoint", "waypoint2");
        let conflict = |sides: &str| Lock::parse(&text.replace(&format!("{line}\n"), sides));
        let sides =
            format!("<<<<<<< HEAD\n{line}\n||||||| base\nx\n=======\n{other}\n>>>>>>> main\n");
        let Err(LockError::Conflict { line: 6, both: Some(both) }) = conflict(&sides) else {
            panic!("no conflict at line 6")
        };
        let paths: Vec<&str> = both.files.keys().map(String::as_str).collect();
        assert_eq!(
            paths,
            [
                "mesh/client/gateway-waypoint.yaml",
                "mesh/client/gateway-waypoint2.yaml",
                "mesh/kustomization.yaml"
            ]
        );
        let torn = conflict("<<<<<<< HEAD\nx\n=======\ny\n>>>>>>> main\n");
        assert_eq!(torn, Err(LockError::Conflict { line: 6, both: None }));
    }

    proptest! {
        #[test]
        fn any_lock_reads_back(
            tool in "\\PC{0,12}",
            stages in proptest::collection::btree_map("\\PC{1,8}", "\\PC{0,8}", 0..4),
            parts in proptest::collection::vec(("[a-z0-9]{1,9}", "\\PC{0,9}", "\\PC{1,9}", proptest::option::of("\\PC{1,9}"), "\\PC{0,9}"), 0..9),
        ) {
            let files = parts.into_iter().map(|(path, group, kind, namespace, name)| {
                let object = ObjectRef { group, kind, namespace, name };
                (path, LockEntry { digest: Digest::of(b"x"), object: Some(Arc::new(object)) })
            });
            let lock = Lock { tool, input: Digest::default(), stages, files: files.collect() };
            prop_assert_eq!(Lock::parse(&lock.to_text()), Ok(lock));
        }

        #[test]
        fn what_parses_is_written_the_same(text in "(waypost-lock 1\ntool x\ninput e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n)?((stage|file) [a-b%2F]{1,4} [a-c]{0,3}\n){0,3}(end\n)?") {
            if let Ok(lock) = Lock::parse(&text) {
                prop_assert_eq!(lock.to_text(), text);
            }
        }
    }
}
