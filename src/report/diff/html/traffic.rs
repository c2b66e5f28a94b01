//! Real traffic: whose requests fare otherwise, and which namespaces call each other, drawn.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::page::{Text, sentence, shown};
use crate::replay::{Edge, Finding, Side};
use crate::report::diff::report::{self, Weighed};
use crate::report::traffic::{self as words, requests};

/// Callers that somebody looks through.
const SHOWN: usize = 200;
/// Namespaces of a drawing that can be read; of more, those with most requests.
const NODES: usize = 40;
/// Distances of the drawing.
const ROW: usize = 28;
const AXIS: usize = 320;

#[derive(Serialize)]
pub(super) struct Traffic {
    sentence: String,
    unread: bool,
    callers: Vec<Caller>,
    more: usize,
    order: Vec<Vec<Text>>,
    drawing: Option<Drawing>,
}

#[derive(Serialize)]
struct Caller {
    class: &'static str,
    from: String,
    verb: &'static str,
    to: String,
    requests: String,
    sent: String,
    now: String,
    then: String,
}

/// Namespaces under each other, and an arc for each pair that calls.
#[derive(Serialize)]
struct Drawing {
    height: usize,
    width: usize,
    axis: usize,
    nodes: Vec<Node>,
    arcs: Vec<Arc>,
    left_out: usize,
}

#[derive(Serialize)]
struct Node {
    name: String,
    y: usize,
}

#[derive(Serialize)]
struct Arc {
    path: String,
    class: &'static str,
    weight: u32,
    title: String,
}

impl Traffic {
    pub(super) fn of(traffic: &report::Traffic) -> Option<Self> {
        match traffic {
            report::Traffic::NotNamed => None,
            report::Traffic::NotRead(why) => Some(Self {
                sentence: shown(&format!("Real traffic was not asked: {why}")),
                unread: true,
                callers: Vec::new(),
                more: 0,
                order: Vec::new(),
                drawing: None,
            }),
            report::Traffic::Replayed(weighed) => Some(Self::weighed(weighed)),
        }
    }

    fn weighed(weighed: &Weighed) -> Self {
        let mut callers = Vec::new();
        for (finding, class) in [(Finding::Lost, "lost"), (Finding::Gained, "gained")] {
            let Some(verb) = words::verb(finding) else { continue };
            for group in weighed.replay.groups(finding) {
                let first = group.rows.first();
                let then = first.and_then(|row| row.then.as_ref()).map(|(_, then)| then.as_str());
                callers.push(Caller {
                    class,
                    from: shown(group.from),
                    verb,
                    to: shown(group.to),
                    requests: requests(group.count),
                    sent: shown(&words::sent(&group.rows)),
                    now: shown(first.map_or("", |row| &row.now)),
                    then: shown(then.unwrap_or_default()),
                });
            }
        }
        let more = callers.len().saturating_sub(SHOWN);
        callers.truncate(SHOWN);
        Self {
            sentence: words::sentence(&weighed.replay),
            unread: false,
            callers,
            more,
            order: weighed.order.iter().map(|text| sentence(text)).collect(),
            drawing: Drawing::of(&weighed.edges),
        }
    }
}

impl Drawing {
    fn of(edges: &[Edge]) -> Option<Self> {
        let mut calls: BTreeMap<&Side, u64> = BTreeMap::new();
        for edge in edges {
            for side in [&edge.from, &edge.to] {
                let all = calls.entry(side).or_default();
                *all = all.saturating_add(edge.requests);
            }
        }
        // those that lose something are drawn in any case
        let loses: BTreeSet<&Side> =
            edges.iter().filter(|e| e.lost > 0).flat_map(|e| [&e.from, &e.to]).collect();
        let mut kept: Vec<&Side> = calls.keys().copied().collect();
        kept.sort_by_key(|side| (!loses.contains(side), std::cmp::Reverse(calls[side])));
        let left_out = kept.len().saturating_sub(NODES);
        kept.truncate(NODES);
        kept.sort_unstable();
        let several = kept.iter().map(|side| &side.cluster).collect::<BTreeSet<_>>().len() > 1;
        let place = |at: usize| ROW / 2 + at * ROW;
        let at = |side: &Side| kept.iter().position(|known| *known == side);
        let arcs: Vec<Arc> = edges
            .iter()
            .filter_map(|edge| Some(arc(edge, place(at(&edge.from)?), place(at(&edge.to)?))))
            .collect();
        if arcs.is_empty() {
            return None;
        }
        let node = |(at, side): (usize, &&Side)| Node {
            name: shown(&match several {
                true => format!("{}/{}", side.cluster, side.namespace),
                false => side.namespace.clone(),
            }),
            y: place(at),
        };
        let height = kept.len() * ROW;
        Some(Self {
            height,
            width: AXIS + height / 2 + 2 * ROW,
            axis: AXIS,
            nodes: kept.iter().enumerate().map(node).collect(),
            arcs,
            left_out,
        })
    }
}

/// From the caller to the called: wide downwards, narrow upwards, a small loop within one namespace.
fn arc(edge: &Edge, from: usize, to: usize) -> Arc {
    let lost = match edge.lost {
        0 => String::new(),
        n => format!(", {} of them refused then", words::grouped(n)),
    };
    let (start, end, radius) = match from == to {
        true => (from - ROW / 4, from + ROW / 4, ROW / 4),
        false => (from, to, from.abs_diff(to) / 2),
    };
    let is_down = end >= start;
    let (wide, sweep) = if is_down { (radius, 1) } else { (radius * 7 / 10, 0) };
    Arc {
        path: format!("M{AXIS} {start}A{wide} {radius} 0 0 {sweep} {AXIS} {end}"),
        class: if edge.lost > 0 { "lost" } else { "" },
        weight: 1 + edge.requests.checked_ilog10().unwrap_or_default(),
        title: shown(&format!(
            "{} → {}: {}{lost}",
            edge.from.namespace,
            edge.to.namespace,
            requests(edge.requests)
        )),
    }
}
