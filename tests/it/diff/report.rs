//! What every format promises of any report.

use proptest::prelude::*;
use waypost::diff::{
    AccessChange, AccessDiff, Answer, Context, Direction, Flag, Matrix, TreeDiff, flags,
};
use waypost::report::diff::{
    Access, EnvironmentReport, EnvironmentState, MarkdownOptions, Origin, Origins, Report,
    TextOptions, Traffic, findings, json, junit, markdown, text,
};
use waypost::report::{Counts, Findings, github, gitlab, sarif};
use waypost::simulate::Verdict;

use super::objects::diff;
use super::strategy::{Files, nasty, tree};

fn environment(name: &str, tree: TreeDiff) -> EnvironmentReport {
    let files_after = |_: &str, _: &str| Vec::new();
    EnvironmentReport {
        name: name.to_owned(),
        state: if tree.is_empty() { EnvironmentState::Equal } else { EnvironmentState::Changed },
        flags: flags(&tree, &Context { files_after: &files_after }),
        tree,
        access: Access::Same,
        topology: Vec::new(),
        migration: None,
        traffic: Traffic::NotNamed,
        origins: Origins::default(),
        remarks: Vec::new(),
    }
}

fn report(environments: Vec<EnvironmentReport>) -> Report {
    Report {
        base: "main".into(),
        head: "the working tree".into(),
        noun: "environment",
        environments,
    }
}

/// A report with nasty words wherever words of users stand.
fn nasty_report() -> impl Strategy<Value = Report> {
    let words = prop::collection::vec(nasty(), 8);
    let access = prop::collection::vec((nasty(), nasty(), any::<bool>()), 0..30);
    (tree(), tree(), words, access).prop_map(|(before, after, words, access)| {
        let mut looked = environment(&words[0], diff(&before, &after));
        let code = looked.flags.first().map_or(waypost::diff::Code::DenyGone, |flag| flag.code);
        looked.flags.push(Flag {
            code,
            cluster: words[1].clone(),
            namespace: Some(words[2].clone()),
            objects: Vec::new(),
            message: format!("policy `{}` is gone: `{}`", words[3], words[4]),
        });
        looked.remarks.push(format!("`{}` is stale", words[5]));
        let answer = || {
            Some(Answer {
                verdict: Verdict::Deny,
                point: words[6].clone(),
                reason: words[7].clone(),
                rule: None,
            })
        };
        let changes = access.into_iter().map(|(from, to, gains)| AccessChange {
            direction: if gains { Direction::Gained } else { Direction::Lost },
            from,
            to,
            namespace: String::new(),
            request: Some(words[3].clone()),
            every_request: false,
            before: answer(),
            after: None,
        });
        looked.access = Access::Simulated(AccessDiff {
            changes: changes.collect(),
            limits: Vec::new(),
            by_design: Vec::new(),
            pairs: 3,
            matrix: Matrix::default(),
        });
        let mut report = report(vec![looked]);
        report.base.clone_from(&words[5]);
        report
    })
}

fn pages(report: &Report, budget: usize) -> Vec<String> {
    let page = |page| markdown(report, &MarkdownOptions { budget, page, marker: None });
    (1..).map_while(page).collect()
}

/// What stands in no fence and no code: what a reader's markdown makes something of.
fn outside_of_code(markdown: &str) -> String {
    let mut out = String::new();
    let mut fence: Option<&str> = None;
    for line in markdown.lines() {
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        match fence {
            Some(open) => {
                if ticks.len() >= open.len() && line.trim_end_matches('`').is_empty() {
                    fence = None;
                }
            }
            // HTML, in which markdown is none
            None if line.starts_with("<details><summary><code>") => {
                let (_, inner) = line.split_at("<details><summary><code>".len());
                let (name, rest) = inner.split_once("</code>").expect("the end of the code");
                assert!(!name.contains('<') && rest.ends_with("</summary>"), "{line}");
            }
            None if ticks.len() >= 3 && !line[ticks.len()..].contains('`') => fence = Some(ticks),
            None => {
                out.push_str(&without_spans(line));
                out.push('\n');
            }
        }
    }
    assert!(fence.is_none(), "a fence is left open:\n{markdown}");
    out
}

/// A line without its code spans: a run of backticks opens one that the next run of that length
/// closes.
fn without_spans(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        out.push_str(&rest[..start]);
        if out.ends_with('\\') {
            out.push('`');
            rest = &rest[start + 1..];
            continue;
        }
        let run = rest[start..].len() - rest[start..].trim_start_matches('`').len();
        let ticks = &rest[start..start + run];
        let body = &rest[start + run..];
        let close = body
            .match_indices(ticks)
            .find(|(at, _)| !body[..*at].ends_with('`') && !body[at + run..].starts_with('`'));
        match close {
            Some((at, _)) => rest = &body[at + run..],
            None => {
                out.push_str(ticks);
                rest = body;
            }
        }
    }
    out.push_str(rest);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_page_keeps_its_budget_and_no_object_is_lost_between_pages(
        report in nasty_report(), budget in 4_000_usize..20_000
    ) {
        let pages = pages(&report, budget);
        for page in &pages {
            prop_assert!(page.len() <= budget, "{} of {budget}", page.len());
            prop_assert!(page.starts_with("<!-- waypost-diff"));
        }
        let all = pages.concat();
        let shown = report.environments[0].shown().count();
        let titles = ChangeWords::count(&all);
        prop_assert_eq!(titles, shown);
    }

    #[test]
    fn what_users_wrote_means_nothing_in_markdown(report in nasty_report()) {
        for page in pages(&report, 9_000) {
            let plain = outside_of_code(&page);
            let ours = plain.replace("\n</details>\n", "\n");
            for bad in ["<script", "</details", "@team", "](", "https://", "#123", "GH-12"] {
                prop_assert!(!ours.contains(bad), "{bad} in\n{ours}");
            }
            let deceives = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{1b}' | '\r');
            prop_assert!(!page.contains(deceives), "{page:?}");
        }
    }

    #[test]
    fn every_other_format_takes_any_words(report in nasty_report()) {
        let terminal = text(&report, TextOptions { colour: false, patch: true, all: true });
        let obeyed = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        prop_assert!(!terminal.contains(obeyed), "{terminal:?}");
        let value: serde_json::Value = serde_json::from_str(&json(&report)).expect("JSON");
        prop_assert_eq!(value["version"].as_u64(), Some(1));
        let objects = value["environments"][0]["objects"].as_array().map_or(0, Vec::len);
        prop_assert_eq!(objects, report.environments[0].tree.counts.objects());
        let has_escape = junit(&report).contains('\u{1b}');
        prop_assert!(!has_escape);
        let (diagnostics, sources) = findings(&report);
        let about = |_: &str| None;
        let given = Findings { diagnostics: &diagnostics, sources: &sources, checked: &[], counts: Counts::default(), about: &about };
        prop_assert!(serde_json::from_str::<serde_json::Value>(&sarif(&given)).is_ok());
        prop_assert!(serde_json::from_str::<serde_json::Value>(&gitlab(&given)).is_ok());
        let commands = github(&given);
        prop_assert!(commands.lines().all(|line| line.starts_with("::")), "{commands}");
    }
}

/// The lines that begin an object.
struct ChangeWords;

impl ChangeWords {
    fn count(markdown: &str) -> usize {
        let words = ["added", "removed", "renamed", "moved", "changed"];
        let begins = |line: &&str| words.iter().any(|w| line.starts_with(&format!("**{w}** `")));
        markdown.lines().filter(begins).count()
    }
}

fn config_map(name: &str, text: &str) -> (String, String) {
    let body = serde_json::json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "n"}, "data": {"k": text},
    });
    let text = waypost::yaml::emit(&body).expect("a text");
    (format!("east/mesh/n/configmap-{name}.yaml"), text)
}

#[test]
fn ten_thousand_objects_many_bytes_a_character_and_one_that_is_huge() {
    let side = |mark: &str| -> Files {
        let small =
            (0..10_000).map(|n| config_map(&format!("c{n}"), &format!("日本語{mark}{n}👩‍👩‍👧")));
        let huge: String = (0..20_000).map(|n| format!("é日{n}{mark}\n")).collect();
        let wide = "語".repeat(140_000);
        let big = [config_map("huge", &huge), config_map("wide", &format!("{wide}{mark}"))];
        small.chain(big).collect()
    };
    let report = report(vec![environment("prod", diff(&side("a"), &side("b")))]);
    for budget in [4_000, 4_001, 4_002, 4_003, 65_000] {
        let page = markdown(&report, &MarkdownOptions { budget, page: 1, marker: None });
        let page = page.expect("a first page");
        assert!(page.len() <= budget, "{} of {budget}", page.len());
        let rest = page.lines().rev().find_map(|line| {
            line.strip_prefix("**")?.split_once(" objects not shown**")?.0.parse::<usize>().ok()
        });
        assert_eq!(ChangeWords::count(&page) + rest.expect("what is not shown"), 10_002);
        assert!(page.contains("10002 objects"), "{page}");
    }
    let last = MarkdownOptions { budget: 65_000, page: 100_000, marker: None };
    assert_eq!(markdown(&report, &last), None);
}

#[test]
fn equal_trees_are_no_changes_and_nothing_else_is() {
    let files: Files = [config_map("a", "x")].into();
    let equal = report(vec![environment("prod", diff(&files, &files))]);
    let commented: Files = files.iter().map(|(p, t)| (p.clone(), format!("# c\n{t}"))).collect();
    let noise = report(vec![environment("prod", diff(&files, &commented))]);
    for (report, is_equal) in [(equal, true), (noise, false)] {
        let markdown = markdown(&report, &MarkdownOptions::default()).expect("a page");
        let said = [text(&report, TextOptions::default()), markdown, json(&report), junit(&report)];
        for said in said {
            assert_eq!(said.contains("no changes"), is_equal, "{said}");
        }
    }
}

#[test]
fn an_annotation_points_into_the_spec() {
    let mut looked = environment("prod", diff(&Files::new(), &[config_map("a", "x")].into()));
    looked.flags = vec![Flag {
        code: waypost::diff::Code::DenyGone,
        cluster: "east".into(),
        namespace: None,
        objects: Vec::new(),
        message: "DENY policy `a` is gone".into(),
    }];
    looked.origins.flags = vec![Some(Origin {
        path: "environments/prod/tsb.yaml".into(),
        line: 7,
        column: 3,
        end_line: 7,
        end_column: 9,
    })];
    let (diagnostics, sources) = findings(&report(vec![looked]));
    let about = |_: &str| None;
    let given = Findings {
        diagnostics: &diagnostics,
        sources: &sources,
        checked: &[],
        counts: Counts::default(),
        about: &about,
    };
    let commands = github(&given);
    assert!(
        commands.starts_with("::warning file=environments/prod/tsb.yaml,line=7,col=3,endColumn=9,title=deny-gone::`prod`, `east`: DENY policy `a` is gone"),
        "{commands}"
    );
}
