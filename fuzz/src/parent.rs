//! Watches workers.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::options::Options;
use crate::worker::{Cases, keep};

/// What a worker may hold.
pub const MOST_BYTES: u64 = 1 << 30;
/// Processor time that a case may take, in ticks of 10 ms (proc_pid_stat(5): `USER_HZ` is 100): five seconds,
/// and ten times that where nothing is optimized.
const MOST_TICKS: u64 = if cfg!(debug_assertions) { 5_000 } else { 500 };
/// How often workers are looked at.
const OFTEN: Duration = Duration::from_millis(250);
/// Workers that may die before there is no sense in going on.
const MOST_DEATHS: usize = 100;

/// How a worker ended.
enum Ended {
    Itself { kept: bool },
    Died(String),
    Hung,
    Grew,
}

/// Starts workers until time is up; gives how many ended badly or found something.
pub fn run(options: &Options) -> io::Result<usize> {
    let start = Instant::now();
    let progress = std::env::temp_dir().join(format!("waypost-fuzz-{}", std::process::id()));
    let (mut from, mut bad, mut deaths) = (options.from, 0, 0);
    loop {
        let left = options.seconds.saturating_sub(start.elapsed().as_secs());
        if left == 0 || from >= options.cases || deaths > MOST_DEATHS {
            break;
        }
        fs::write(&progress, from.to_le_bytes())?;
        let mut worker = worker(options, from, left, &progress)?;
        let ended = watch(&mut worker, &progress)?;
        let case = at(&progress).unwrap_or(from);
        let (what, said) = match ended {
            Ended::Itself { kept } => {
                bad += usize::from(kept);
                break;
            }
            Ended::Died(how) => ("death", how),
            Ended::Hung => ("hang", format!("more than {} seconds", MOST_TICKS / 100)),
            Ended::Grew => ("memory", format!("more than {} MiB", MOST_BYTES >> 20)),
        };
        deaths += 1;
        bad += 1;
        println!("{what}: {said}");
        if let Some((target, input)) = Cases::new(options).get(case) {
            keep(options, target, case, &input, what)?;
        }
        from = case.saturating_add(1);
    }
    let done = at(&progress).unwrap_or(from).max(from).saturating_sub(options.from);
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{done} inputs in {seconds:.0} s: {:.0} a second; {bad} bad (seed {}, from case {})",
        done as f64 / seconds.max(0.001),
        options.seed,
        options.from
    );
    let _ = fs::remove_file(&progress);
    Ok(bad)
}

fn worker(options: &Options, from: u64, seconds: u64, progress: &Path) -> io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--from", &from.to_string(), "--seconds", &seconds.to_string()]);
    command.args(["--cases", &options.cases.to_string(), "--seed", &options.seed.to_string()]);
    command.arg("--keep").arg(&options.keep).arg("--progress").arg(progress);
    if let Some(target) = &options.target {
        command.args(["--target", target]);
    }
    // one worker is one processor
    command.env("RAYON_NUM_THREADS", "1");
    command.spawn()
}

fn watch(worker: &mut Child, progress: &Path) -> io::Result<Ended> {
    let (mut case, mut since) = (None, 0);
    loop {
        if let Some(status) = worker.wait_timeout(OFTEN)? {
            return Ok(match status.code() {
                Some(code @ (0 | 1)) => Ended::Itself { kept: code == 1 },
                _ => Ended::Died(status.to_string()),
            });
        }
        let now = at(progress);
        let ticks = ticks(worker.id());
        if now != case {
            (case, since) = (now, ticks);
        }
        let hung = ticks.saturating_sub(since) > MOST_TICKS;
        // what is beyond the bound and ends is found by the worker, who knows the case
        if hung || memory(worker.id()) > MOST_BYTES * 2 {
            worker.kill()?;
            worker.wait()?;
            return Ok(if hung { Ended::Hung } else { Ended::Grew });
        }
    }
}

/// As `wait`, and no longer than so.
trait WaitTimeout {
    fn wait_timeout(&mut self, most: Duration) -> io::Result<Option<std::process::ExitStatus>>;
}

impl WaitTimeout for Child {
    fn wait_timeout(&mut self, most: Duration) -> io::Result<Option<std::process::ExitStatus>> {
        let start = Instant::now();
        while start.elapsed() < most {
            if let Some(status) = self.try_wait()? {
                return Ok(Some(status));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(None)
    }
}

fn at(progress: &Path) -> Option<u64> {
    Some(u64::from_le_bytes(fs::read(progress).ok()?.try_into().ok()?))
}

/// Processor time of a process so far; 0 where the system does not tell.
fn ticks(process: u32) -> u64 {
    let Ok(text) = fs::read_to_string(format!("/proc/{process}/stat")) else { return 0 };
    // the name before may hold anything (proc_pid_stat(5): utime is field 14, the state field 3)
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields);
    let mut times = fields.split_whitespace().skip(11).filter_map(|text| text.parse::<u64>().ok());
    times.next().unwrap_or(0) + times.next().unwrap_or(0)
}

/// The most that a process has held so far, in bytes; 0 where the system does not tell.
pub fn memory(process: u32) -> u64 {
    let Ok(text) = fs::read_to_string(format!("/proc/{process}/status")) else { return 0 };
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) << 10
}
