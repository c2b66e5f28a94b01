//! The command line.

use std::path::PathBuf;

/// What is said of it.
pub const USAGE: &str = "usage: waypost-fuzz [--seconds N] [--cases N] [--seed N] [--from N] [--target NAME] [--keep FOLDER]
       waypost-fuzz --target NAME --file FILE";

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// When to end. `WAYPOST_FUZZ_SECONDS` where it is not given.
    pub seconds: u64,
    /// The number of the last case, and one.
    pub cases: u64,
    /// What the cases are made from.
    pub seed: u64,
    /// The first case.
    pub from: u64,
    /// Only this target.
    pub target: Option<String>,
    /// Where inputs are kept that were found.
    pub keep: PathBuf,
    /// An input to run once.
    pub file: Option<PathBuf>,
    /// Where a worker says which case it is at.
    pub progress: Option<PathBuf>,
}

impl Options {
    /// Reads them.
    pub fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let seconds = match std::env::var("WAYPOST_FUZZ_SECONDS") {
            Ok(text) => number("WAYPOST_FUZZ_SECONDS", &text)?,
            Err(_) => 300,
        };
        let mut options = Self {
            seconds,
            cases: u64::MAX,
            seed: 1,
            from: 0,
            target: None,
            keep: PathBuf::from("target/fuzz-found"),
            file: None,
            progress: None,
        };
        while let Some(word) = words.next() {
            let value = words.next().ok_or_else(|| format!("`{word}` wants a value"))?;
            match word.as_str() {
                "--seconds" => options.seconds = number(&word, &value)?,
                "--cases" => options.cases = number(&word, &value)?,
                "--seed" => options.seed = number(&word, &value)?,
                "--from" => options.from = number(&word, &value)?,
                "--target" => options.target = Some(value),
                "--keep" => options.keep = value.into(),
                "--file" => options.file = Some(value.into()),
                "--progress" => options.progress = Some(value.into()),
                _ => return Err(format!("`{word}` is not known")),
            }
        }
        let known = |name: &String| waypost_fuzz::target::ALL.iter().any(|t| t.name == name);
        match &options.target {
            Some(name) if !known(name) => Err(format!("there is no target `{name}`")),
            None if options.file.is_some() => Err("`--file` wants a `--target`".to_owned()),
            _ => Ok(options),
        }
    }
}

fn number(name: &str, text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("`{name}` wants a number, not `{text}`"))
}
