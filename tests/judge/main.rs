//! Puts the simulator beside a real Envoy: reads cases as JSON lines, writes verdicts as JSON lines.
//!
//! ```text
//! cargo run --example judge < cases.jsonl > verdicts.jsonl
//! ```
//!
//! `tests/mesh/judge/run` puts the same cases to a real Envoy and compares both.

#![allow(clippy::disallowed_methods, reason = "its lines are read by a program, byte for byte")]

use std::io::{BufRead as _, Write as _};

use serde_json::json;

mod case;

fn main() -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let case: case::Case = serde_json::from_str(&line)?;
        let results = case::answer(&case)?;
        serde_json::to_writer(&mut out, &json!({"id": case.id, "results": results}))?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
