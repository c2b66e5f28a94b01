//! Cases, one after the other.

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use waypost_fuzz::change;
use waypost_fuzz::random::Random;
use waypost_fuzz::target::{ALL, Target};

use crate::options::Options;
use crate::parent::{MOST_BYTES, memory};

/// What takes no longer has not touched a gigabyte.
const SLOW: Duration = Duration::from_millis(50);
/// As `waypost` itself has it.
const STACK: usize = 64 << 20;

/// The targets, each with its inputs.
pub struct Cases {
    seed: u64,
    targets: Vec<(&'static Target, Vec<String>)>,
}

impl Cases {
    /// The cases of these options.
    pub fn new(options: &Options) -> Self {
        let wanted = |t: &&Target| options.target.as_ref().is_none_or(|name| t.name == name);
        let targets = ALL.iter().filter(wanted).map(|target| (target, (target.corpus)()));
        Self { seed: options.seed, targets: targets.collect() }
    }

    /// The target and the input of one.
    pub fn get(&self, case: u64) -> Option<(&'static Target, String)> {
        let mut random = Random::of_case(self.seed, case);
        let total: u32 = self.targets.iter().map(|(target, _)| target.share).sum();
        let mut at = random.below(total as usize) as u32;
        let (target, corpus) = self.targets.iter().find(|(target, _)| {
            let is_here = at < target.share;
            at = at.wrapping_sub(target.share);
            is_here
        })?;
        Some((target, change::input(corpus, &mut random)))
    }
}

/// Runs cases until time is up; gives how many inputs were kept.
pub fn run(options: &Options, progress: &Path) -> io::Result<usize> {
    let options = options.clone();
    let progress = File::options().write(true).open(progress)?;
    let thread = std::thread::Builder::new().stack_size(STACK);
    let cases = thread.spawn(move || all(&options, &progress))?.join();
    cases.unwrap_or_else(|_| Err(io::Error::other("the worker itself failed")))
}

fn all(options: &Options, progress: &File) -> io::Result<usize> {
    let cases = Cases::new(options);
    if let Some((target, _)) = cases.targets.iter().find(|(_, corpus)| corpus.is_empty()) {
        return Err(io::Error::other(format!("there is no fixture for `{}`", target.name)));
    }
    let (start, end) = (Instant::now(), Duration::from_secs(options.seconds));
    let (mut kept, mut peak) = (0, 0);
    for case in options.from..options.cases {
        // at the end it says how many there were
        note(progress, case)?;
        if start.elapsed() > end {
            return Ok(kept);
        }
        let Some((target, input)) = cases.get(case) else { break };
        let before = Instant::now();
        let ran = catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
        if ran.is_err() {
            kept += 1;
            keep(options, target, case, &input, "panic")?;
        }
        if before.elapsed() > SLOW {
            let now = memory(std::process::id());
            if now > MOST_BYTES && now > peak {
                kept += 1;
                keep(options, target, case, &input, "memory")?;
            }
            peak = peak.max(now);
        }
    }
    note(progress, options.cases)?;
    Ok(kept)
}

/// Says which case comes.
fn note(progress: &File, case: u64) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileExt;
        progress.write_all_at(&case.to_le_bytes(), 0)
    }
    #[cfg(not(unix))]
    {
        use std::io::{Seek, Write};
        let mut progress = progress;
        progress.rewind()?;
        progress.write_all(&case.to_le_bytes())
    }
}

/// Keeps an input that was found.
pub fn keep(
    options: &Options,
    target: &Target,
    case: u64,
    input: &str,
    what: &str,
) -> io::Result<()> {
    fs::create_dir_all(&options.keep)?;
    let path = options.keep.join(format!("{}-{what}-{}-{case}", target.name, options.seed));
    fs::write(&path, input)?;
    println!("{what}: target {}, case {case}: {}", target.name, path.display());
    Ok(())
}

/// Runs one input that was kept.
pub fn once(options: &Options, file: &Path) -> io::Result<usize> {
    let text = fs::read_to_string(file)?;
    let target = options.target.clone().unwrap_or_default();
    let start = Instant::now();
    let thread = std::thread::Builder::new().stack_size(STACK);
    let ran = thread.spawn(move || waypost_fuzz::run(&target, &text))?.join();
    println!("{:?}, {} MiB", start.elapsed(), memory(std::process::id()) >> 20);
    Ok(usize::from(ran.is_err()))
}
