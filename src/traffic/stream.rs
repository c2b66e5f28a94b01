//! Files of lines, read by several threads at once: plain, gzip or zstd, or standard input.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::line::{Formats, Line, Misfit, document};
use super::sample::Sample;
use crate::diagnostic::Diagnostic;

/// How much is read before something is refused.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Distinct requests that are kept.
    pub classes: usize,
    /// Bytes of one line.
    pub line: usize,
    /// Bytes that a compressed file may come to, once it is so many times its size.
    pub expanded: u64,
    /// The longest answer of Prometheus or Kiali, in bytes.
    pub document: u64,
    /// Segments of a path that are kept; all of them where it is not said.
    pub path_depth: Option<usize>,
    /// Threads that read lines.
    pub threads: usize,
}

/// A compressed file that is more times as large when it is read is no log: logs come to 10 to 40
/// times.
const RATIO: u64 = 400;
/// Bytes that are handed to a thread at once.
const BLOCK: usize = 1 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self {
            classes: 2_000_000,
            line: 1 << 20,
            expanded: 1 << 28,
            document: 1 << 28,
            path_depth: None,
            threads: 2,
        }
    }
}

/// Some whole lines of a file.
struct Block {
    file: usize,
    first_line: u64,
    bytes: Vec<u8>,
}

/// Reads the lines of files, of all files below folders, and of standard input (`-`). What cannot be
/// read is a finding, and the rest is read all the same.
pub fn read_lines(
    paths: &[PathBuf],
    formats: &Formats,
    limits: &Limits,
) -> (Sample, Vec<PathBuf>, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let files = files(paths, &mut found);
    let threads = limits.threads.max(1);
    let (send, receive) = sync_channel::<Block>(threads * 2);
    let receive = Mutex::new(receive);
    let too_many = AtomicBool::new(false);
    let mut whole = Sample::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| work(&receive, formats, limits, &too_many)))
            .collect();
        for (index, path) in files.iter().enumerate() {
            if too_many.load(Ordering::Relaxed) {
                break;
            }
            let mut reading =
                Reading { file: index, line: 1, send: &send, limits, sample: &mut whole };
            match reading.file(path) {
                Ok(None) => {}
                Ok(Some(diagnostic)) => found.push(diagnostic),
                Err(error) => found.push(
                    Diagnostic::error(
                        "unreadable-log",
                        format!("cannot read `{}`: {error}", path.display()),
                    )
                    .help("name files that can be read, or `-` for standard input"),
                ),
            }
        }
        drop(send);
        for worker in workers {
            if let Ok(sample) = worker.join() {
                whole.merge(sample);
            }
        }
    });
    if whole.len() > limits.classes {
        found.push(
            Diagnostic::error(
                "too-many-requests",
                format!("the logs hold more than {} distinct requests", limits.classes),
            )
            .help("cut their paths with `--path-depth 3`, or read a shorter time"),
        );
    }
    (whole.finish(), files, found)
}

fn work(
    receive: &Mutex<Receiver<Block>>,
    formats: &Formats,
    limits: &Limits,
    too_many: &AtomicBool,
) -> Sample {
    let mut sample = Sample::default();
    loop {
        let block = match receive.lock().map(|receive| receive.recv()) {
            Ok(Ok(block)) => block,
            _ => return sample,
        };
        for (number, line) in (block.first_line..).zip(split_lines(&block.bytes)) {
            sample.lines += 1;
            match std::str::from_utf8(line) {
                Err(_) => {
                    let text = String::from_utf8_lossy(line);
                    sample.add_unread(Misfit::Encoding, block.file, number, &text);
                }
                Ok(text) => match formats.read(text) {
                    Line::Request(record) => sample.add(record, limits.path_depth),
                    Line::Other => sample.others += 1,
                    Line::Misfit => sample.add_unread(Misfit::Format, block.file, number, text),
                },
            }
        }
        if sample.len() > limits.classes {
            too_many.store(true, Ordering::Relaxed);
        }
    }
}

/// The lines of a block, without what ends them.
fn split_lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        Some(line)
    })
}

/// One file on its way to the threads.
struct Reading<'r> {
    file: usize,
    line: u64,
    send: &'r std::sync::mpsc::SyncSender<Block>,
    limits: &'r Limits,
    sample: &'r mut Sample,
}

impl Reading<'_> {
    fn file(&mut self, path: &Path) -> io::Result<Option<Diagnostic>> {
        if path == Path::new("-") {
            return self.unpacked(io::stdin().lock(), path);
        }
        self.unpacked(File::open(path)?, path)
    }

    /// Reads what may be compressed: its first bytes say it.
    fn unpacked(&mut self, from: impl Read, path: &Path) -> io::Result<Option<Diagnostic>> {
        let size = Cell::new(0);
        let mut from = Counting { from, size: &size };
        let mut magic = [0; 4];
        let read = read_up_to(&mut from, &mut magic)?;
        let whole = io::Cursor::new(magic).take(read as u64).chain(from);
        let mut whole = BufReader::with_capacity(1 << 16, whole);
        match magic {
            [0x1f, 0x8b, ..] => self.stream(&mut MultiGzDecoder::new(whole), path, Some(&size)),
            [0x28, 0xb5, 0x2f, 0xfd] => {
                self.stream(&mut Zstd { from: whole, frame: None }, path, Some(&size))
            }
            _ => self.stream(&mut whole, path, None),
        }
    }

    /// Sends the whole lines of a stream on. `compressed` is how much was read of what it comes from.
    fn stream(
        &mut self,
        from: &mut dyn Read,
        path: &Path,
        compressed: Option<&Cell<u64>>,
    ) -> io::Result<Option<Diagnostic>> {
        let mut carried: Vec<u8> = Vec::new();
        let mut too_long = false;
        let mut total = 0_u64;
        loop {
            let mut bytes = std::mem::take(&mut carried);
            let begin = bytes.len();
            bytes.resize(begin + BLOCK, 0);
            let read = read_up_to(from, &mut bytes[begin..])?;
            bytes.truncate(begin + read);
            if total == 0
                && let Some(text) = self.whole_document(&bytes, from)?
            {
                return Ok(self.document(&text, path));
            }
            total += read as u64;
            if read == 0 {
                if !bytes.is_empty() {
                    self.send(bytes, &mut too_long);
                }
                return Ok(None);
            }
            if compressed.is_some_and(|size| {
                total > self.limits.expanded.max(size.get().saturating_mul(RATIO))
            }) {
                return Ok(Some(
                    Diagnostic::error(
                        "log-expands",
                        format!(
                            "`{}` comes to more than {RATIO} times its size when it is unpacked; the rest of \
                             it was not read",
                            path.display()
                        ),
                    )
                    .help("logs come to 10 to 40 times: look what this file is"),
                ));
            }
            match memchr::memrchr(b'\n', &bytes) {
                Some(end) => {
                    carried = bytes.split_off(end + 1);
                    self.send(bytes, &mut too_long);
                }
                None if bytes.len() > self.limits.line => {
                    // the rest of it comes with the next block, and goes the same way
                    if !too_long {
                        let text = String::from_utf8_lossy(&bytes[..1024]).into_owned();
                        self.sample.add_unread(Misfit::Length, self.file, self.line, &text);
                        self.sample.lines += 1;
                    }
                    too_long = true;
                }
                None => carried = bytes,
            }
        }
    }

    /// Hands lines to a thread. What is left of a line that was too long is not one of them.
    fn send(&mut self, mut bytes: Vec<u8>, too_long: &mut bool) {
        if std::mem::take(too_long) {
            self.line += 1;
            match memchr::memchr(b'\n', &bytes) {
                Some(end) => bytes.drain(..=end),
                None => return,
            };
        }
        let first_line = self.line;
        self.line += memchr::memchr_iter(b'\n', &bytes).count() as u64;
        // the threads are there until this end of the channel is gone
        let _ = self.send.send(Block { file: self.file, first_line, bytes });
    }

    /// The whole text, where a stream begins like an answer of Prometheus or Kiali.
    fn whole_document(&self, head: &[u8], from: &mut dyn Read) -> io::Result<Option<String>> {
        let start = head.iter().position(|b| !b.is_ascii_whitespace());
        if start.is_none_or(|start| head[start] != b'{') {
            return Ok(None);
        }
        let near = &head[..head.len().min(4096)];
        let has = |word: &str| memchr::memmem::find(near, word.as_bytes()).is_some();
        if !(has("\"resultType\"") || has("\"elements\"") || has("\"graphType\"")) {
            return Ok(None);
        }
        let mut bytes = head.to_vec();
        from.take(self.limits.document).read_to_end(&mut bytes)?;
        String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
    }

    fn document(&mut self, text: &str, path: &Path) -> Option<Diagnostic> {
        match document(text) {
            Some(records) => {
                self.sample.lines += records.len() as u64;
                records.into_iter().for_each(|record| self.sample.add(record, None));
                None
            }
            None => Some(
                Diagnostic::error(
                    "unreadable-log",
                    format!(
                        "`{}` begins like an answer of Prometheus or Kiali, and is none",
                        path.display()
                    ),
                )
                .help("it may be cut, or have had an error: ask again, and keep the whole answer"),
            ),
        }
    }
}

/// Counts what is read.
struct Counting<'c, R> {
    from: R,
    size: &'c Cell<u64>,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        self.size.set(self.size.get() + read as u64);
        Ok(read)
    }
}

/// All frames of a zstd stream: logs that were appended to have several.
struct Zstd<R: BufRead> {
    from: R,
    frame: Option<FrameDecoder>,
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let invalid = |error: FrameDecoderError| {
            io::Error::new(io::ErrorKind::InvalidData, error.to_string())
        };
        loop {
            let Some(frame) = &mut self.frame else {
                if self.from.fill_buf()?.is_empty() {
                    return Ok(0);
                }
                let mut frame = FrameDecoder::new();
                match frame.reset(&mut self.from) {
                    Ok(()) => self.frame = Some(frame),
                    // what tools put between frames
                    Err(FrameDecoderError::ReadFrameHeaderError(
                        ReadFrameHeaderError::SkipFrame { length, .. },
                    )) => {
                        io::copy(&mut (&mut self.from).take(length.into()), &mut io::sink())?;
                    }
                    Err(error) => return Err(invalid(error)),
                }
                continue;
            };
            while frame.can_collect() < into.len() && !frame.is_finished() {
                let missing = into.len() - frame.can_collect();
                let enough = BlockDecodingStrategy::UptoBytes(missing);
                frame.decode_blocks(&mut self.from, enough).map_err(invalid)?;
            }
            let read = frame.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            self.frame = None;
        }
    }
}

/// Reads until the buffer is full or nothing follows.
fn read_up_to(from: &mut dyn Read, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match from.read(&mut into[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The files that are meant, those of folders in the order of their names. What is neither a file nor
/// a folder (a pipe, a device) is not opened: reading it might never end.
fn files(paths: &[PathBuf], found: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        if path == Path::new("-") {
            files.push(path.clone());
            continue;
        }
        let walk = walkdir::WalkDir::new(path).sort_by_file_name();
        for entry in walk {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {}
                // a link that is named is followed, one below a folder is not
                Ok(entry)
                    if entry.file_type().is_file()
                        || (entry.depth() == 0 && entry.path().is_file()) =>
                {
                    files.push(entry.into_path());
                }
                Ok(entry) => found.push(
                    Diagnostic::warning(
                        "log-passed-over",
                        format!(
                            "`{}` is neither a file nor a folder, and was not read",
                            entry.path().display()
                        ),
                    )
                    .help("name the file itself, or hand a stream over as `-`"),
                ),
                Err(error) => found.push(
                    Diagnostic::error("unreadable-log", format!("cannot read a log: {error}"))
                        .help("name files that can be read, or `-` for standard input"),
                ),
            }
        }
    }
    files
}
