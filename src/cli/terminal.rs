//! What is said to people: standard error, in colour and with progress on a terminal only.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::ValueEnum;

use super::output;
use crate::diagnostic::{Diagnostic, Sources, capped};
use crate::report::{self, Shown, visible};
use crate::tree::branch::BranchError;
use crate::tree::disk::DiskError;
use crate::tree::git::GitError;
use crate::validate::rule;

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Where a run talks to a person.
#[derive(Debug)]
pub struct Terminal {
    colour: bool,
    output_colour: bool,
    interactive: bool,
    verbose: bool,
    started: Instant,
}

impl Terminal {
    /// Looks at the environment once.
    pub fn new(colour: Colour, verbose: bool) -> Self {
        let (interactive, output_is_terminal) = output::are_terminals();
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|v| v == "dumb");
        let coloured = |is_terminal: bool| match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => is_terminal && !no_colour && !dumb,
        };
        Self {
            colour: coloured(interactive),
            output_colour: coloured(output_is_terminal),
            interactive: interactive && !dumb,
            verbose,
            started: Instant::now(),
        }
    }

    /// True where what goes to standard output is to have colours.
    pub fn colours_output(&self) -> bool {
        self.output_colour
    }

    /// Says a line.
    pub fn say(&self, text: &str) {
        output::say(&Shown::text(&format!("{}\n", visible::line(text))));
    }

    /// Says a line that only `--verbose` wants: with the time since the start.
    pub fn detail(&self, text: &str) {
        if self.verbose {
            self.say(&format!("{:>7.3} s  {text}", self.started.elapsed().as_secs_f64()));
        }
    }

    /// Shows findings; secrets are never shown.
    pub fn show(&self, diagnostics: &[Diagnostic], sources: &Sources) {
        if diagnostics.is_empty() {
            return;
        }
        let (all, sources) = rule::shown(diagnostics, sources);
        let shown = capped(all.into_owned());
        let text = report::text::render(&shown, &sources, self.colour);
        output::say(&match self.colour {
            true => Shown::coloured(&text),
            false => Shown::text(&text),
        });
        self.say(&report::text::count(diagnostics));
    }

    /// An error that has a chain of causes, each once.
    pub fn fail(&self, error: &anyhow::Error) {
        let code = error.downcast_ref::<DiskError>().map(|error| format!("[{}]", error.code()));
        let code = code.unwrap_or_default();
        let mut text = format!("error{code}: {}\n", visible::block(&error.to_string()));
        for cause in error.chain().skip(1) {
            text.push_str(&format!("caused by: {}\n", visible::block(&cause.to_string())));
        }
        let help = error.downcast_ref::<DiskError>().and_then(DiskError::help);
        let help = help.or_else(|| error.downcast_ref::<BranchError>().and_then(BranchError::help));
        let help = help.or_else(|| error.downcast_ref::<GitError>().and_then(GitError::help));
        if let Some(help) = help {
            text.push_str(&format!("help: {help}\n"));
        }
        output::say(&Shown::text(&text));
    }

    /// A line that counts while long work runs. Nothing is shown in the first half second, and
    /// nothing at all where no terminal looks.
    pub fn progress(&self, what: &str) -> Progress {
        Progress {
            what: what.to_owned(),
            shown: self.interactive,
            done: AtomicUsize::new(0),
            state: Mutex::new(State { next: Instant::now() + FIRST, drawn: false }),
        }
    }

    /// Peak memory of the process, where the system says it.
    pub fn peak_memory(&self) {
        if !self.verbose {
            return;
        }
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let kib = status
            .lines()
            .find_map(|l| l.strip_prefix("VmHWM:"))
            .and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok());
        if let Some(kib) = kib {
            self.say(&format!("peak memory: {} MiB", kib.div_ceil(1024)));
        }
    }
}

const FIRST: Duration = Duration::from_millis(500);
const BETWEEN: Duration = Duration::from_millis(100);

/// A progress line; it goes when it is dropped.
#[derive(Debug)]
pub struct Progress {
    what: String,
    shown: bool,
    done: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    next: Instant,
    drawn: bool,
}

impl Progress {
    /// Counts on. Cheap, and safe from any thread.
    pub fn add(&self, count: usize) {
        let done = self.done.fetch_add(count, Ordering::Relaxed) + count;
        if !self.shown {
            return;
        }
        // whoever holds it is drawing already
        let Ok(mut state) = self.state.try_lock() else { return };
        let now = Instant::now();
        if now >= state.next {
            state.next = now + BETWEEN;
            state.drawn = true;
            output::draw(&Shown::text(&format!("{}: {done}", visible::line(&self.what))));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.state.lock().is_ok_and(|s| s.drawn) {
            output::draw(&Shown::text(""));
        }
    }
}
