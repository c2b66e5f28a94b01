//! Runs the targets on stable Rust: `waypost-fuzz --seconds 300`.
//!
//! A worker runs cases one after the other and keeps the inputs of those that panic. What a worker
//! cannot tell of itself its parent sees: that it died (an abort, a stack overflow), that a case takes
//! more than five seconds of processor time, that it holds more than 1 GiB. The parent keeps that input and
//! starts another worker behind it. A case is its seed and its number: the same on every machine.

mod options;
mod parent;
mod worker;

use std::process::ExitCode;

use options::Options;

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}\n\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    let done = match (&options.progress, &options.file) {
        (Some(progress), _) => worker::run(&options, progress),
        (None, Some(file)) => worker::once(&options, file),
        (None, None) => parent::run(&options),
    };
    match done {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}
