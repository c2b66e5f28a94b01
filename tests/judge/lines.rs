//! Cases and answers as JSON lines.

use std::io::{BufRead as _, Write as _};

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Answers each line of the standard input on the standard output.
pub fn answer_all<C: DeserializeOwned>(
    answer: impl Fn(&C) -> anyhow::Result<Value>,
) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        serde_json::to_writer(&mut out, &answer(&serde_json::from_str(&line)?)?)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
