//! Puts the simulator beside a real Envoy: reads cases as JSON lines, writes verdicts as JSON lines.
//!
//! ```text
//! cargo run --example judge < cases.jsonl > verdicts.jsonl
//! ```
//!
//! `tests/mesh/judge/run` puts the same cases to a real Envoy and compares both.

#![allow(clippy::disallowed_methods, reason = "its lines are read by a program, byte for byte")]

use serde_json::json;

mod case;
mod lines;

fn main() -> anyhow::Result<()> {
    lines::answer_all(|case: &case::Case| {
        Ok(json!({"id": case.id, "results": case::answer(case)?}))
    })
}
