//! The two streams of the process. Nothing else writes to them: what is written is a [`Shown`].

use std::io::{self, IsTerminal, Write};

use crate::report::Shown;

/// Writes a result to standard output.
///
/// # Errors
/// When who reads it has gone.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub(super) fn print(shown: &Shown) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(shown.as_str().as_bytes())?;
    out.flush()
}

/// Says something to people on standard error. Who closed it does not want to hear it.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub(super) fn say(shown: &Shown) {
    let _ = io::stderr().lock().write_all(shown.as_str().as_bytes());
}

/// What draws over itself on a terminal: a progress line.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub(super) fn draw(line: &Shown) {
    let _ = write!(io::stderr().lock(), "\r\x1b[K{}", line.as_str());
}

/// Whether standard error and standard output are terminals.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub(super) fn are_terminals() -> (bool, bool) {
    (io::stderr().is_terminal(), io::stdout().is_terminal())
}
