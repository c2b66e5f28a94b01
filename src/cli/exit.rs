//! What the process says when it ends.

/// Exit codes. They are a contract: pipelines branch on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExitCode {
    /// Done, and clean.
    Clean = 0,
    /// The work could not be done: a file cannot be read, a program is missing.
    Failed = 1,
    /// Wrong usage. clap ends with this one by itself.
    Usage = 2,
    /// Problems were found: invalid input, rule errors, a failed access test.
    Problems = 3,
    /// The tree differs from what would be rendered.
    Differs = 4,
    /// Refused: more would be deleted or opened than is allowed.
    Refused = 5,
}

impl ExitCode {
    /// For `--help`.
    pub const HELP: &'static str = "\
Exit codes:
  0  done and clean
  1  could not do the work
  2  wrong usage
  3  problems found (invalid input, rule errors, failed access test)
  4  the tree differs (check, diff --exit-code)
  5  refused (would delete or widen more than allowed)";
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        std::process::ExitCode::from(code as u8)
    }
}
