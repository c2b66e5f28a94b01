//! How far the migration was and is.

use serde::Serialize;

use super::page::shown;
use crate::report::diff::report::Migration;

#[derive(Serialize)]
pub(super) struct Timeline {
    sentence: String,
    stages: Vec<Stage>,
}

#[derive(Serialize)]
struct Stage {
    name: String,
    class: &'static str,
    word: String,
    sign: String,
}

impl Timeline {
    pub(super) fn of(migration: &Migration) -> Self {
        let Migration { stages, before, after } = migration;
        let words = |point: &Option<String>| match point.as_deref() {
            None => "a point that is not known".to_owned(),
            Some("none") => "before the first stage".to_owned(),
            Some(point) => format!("at {}", shown(point)),
        };
        let sentence = match before == after {
            true => format!("It stays {}.", words(after)),
            false => format!("It was {}, and is {}.", words(before), words(after)),
        };
        let (was, is) = (Point::of(before, stages), Point::of(after, stages));
        let stages = stages.iter().enumerate().map(|(at, name)| Stage::of(at, name, &was, &is));
        Self { sentence, stages: stages.collect() }
    }
}

/// How many stages are behind, and the step of the next that is reached.
struct Point {
    complete: usize,
    step: Option<String>,
}

impl Point {
    fn of(reached: &Option<String>, stages: &[String]) -> Self {
        let text = reached.as_deref().unwrap_or_default();
        let (stage, step) = match text.split_once('/') {
            Some((stage, step)) => (stage, Some(step.to_owned())),
            None => (text, None),
        };
        match stages.iter().position(|name| name == stage) {
            Some(at) if step.is_some() => Self { complete: at, step },
            Some(at) => Self { complete: at + 1, step: None },
            None => Self { complete: 0, step: None },
        }
    }
}

impl Stage {
    fn of(at: usize, name: &str, was: &Point, is: &Point) -> Self {
        let (done, new, undone) = ("done", "new", "undone");
        let step = is.step.as_ref().filter(|_| is.complete == at);
        let (class, word) = match (at < was.complete, at < is.complete, step) {
            (true, true, _) => (done, "reached before".to_owned()),
            (false, true, _) => (new, "reached now".to_owned()),
            (_, false, Some(step)) => (new, format!("at step {}", shown(step))),
            (true, false, None) => (undone, "taken back".to_owned()),
            (false, false, None) => ("todo", "to come".to_owned()),
        };
        let sign = if class == done { "✓".to_owned() } else { (at + 1).to_string() };
        Self { name: shown(name), class, word, sign }
    }
}
