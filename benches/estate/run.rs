//! The program on an estate: how long it takes, and what it holds at most.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a run took.
#[derive(Clone, Copy)]
pub struct Took {
    pub time: Duration,
    /// Peak memory in MiB, as the program says it.
    pub memory: Option<u64>,
    /// Bytes on standard output.
    pub written: u64,
}

impl Took {
    /// How many times as long as another one.
    pub fn times(&self, other: &Self) -> f64 {
        self.time.as_secs_f64() / other.time.as_secs_f64()
    }
}

/// Runs waypost in a repository's folder. Findings are no failure of the bench: an exit code beyond those
/// of findings and differences is.
pub fn waypost(root: &Path, arguments: &[&str]) -> Took {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.current_dir(root).arg("--verbose").args(arguments);
    run(&mut command, &[0, 3, 4, 5])
}

/// Runs another program.
pub fn other(program: &str, root: &Path, arguments: &[&str]) -> Took {
    run(Command::new(program).current_dir(root).args(arguments), &[0, 1])
}

fn run(command: &mut Command, expected: &[i32]) -> Took {
    let start = Instant::now();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let (out, err) = (child.stdout.take(), child.stderr.take());
    // what is written is counted and not kept
    let counting = std::thread::spawn(move || {
        io::copy(&mut out.expect("piped"), &mut io::sink()).expect("it can be read")
    });
    let said = io::read_to_string(err.expect("piped")).expect("it can be read");
    let written = counting.join().expect("it is counted");
    let status = child.wait().expect("it ends");
    let time = start.elapsed();
    assert!(
        status.code().is_some_and(|code| expected.contains(&code)),
        "{command:?} failed: {said}"
    );
    let memory = said.lines().find_map(|line| line.strip_prefix("peak memory: "));
    let memory = memory.and_then(|text| text.split(' ').next()?.parse().ok());
    Took { time, memory, written }
}
