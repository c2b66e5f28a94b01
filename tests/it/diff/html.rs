//! The page: what it says, and that nothing in a tree can speak in its name. What it looks like and
//! does is tried in a browser, in `tests/browser`.

use waypost::diff::flag::Code;
use waypost::diff::{
    AccessChange, AccessDiff, Answer, Direction, Flag, Matrix, MeshMode, NamespaceState,
    NamespaceStates, Options, compare,
};
use waypost::report::diff::{
    Access, EnvironmentReport, EnvironmentState, Migration, Origins, Report, Traffic, html,
};
use waypost::simulate::Verdict;
use waypost::tree::Differing;

const HOSTILE: &str = "</style></script><script>alert(1)</script><img src=x onerror=alert(2)>";

fn object(label: &str) -> Option<Vec<u8>> {
    let text = format!(
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: httpbin\n  annotations:\n    a: '{label}'\n"
    );
    Some(text.into_bytes())
}

fn report(label: &str, clients: usize) -> Report {
    let differing = [Differing {
        path: "cp-1/enrollment/httpbin/namespace-httpbin.yaml".to_owned(),
        before: object("before"),
        after: object(label),
    }];
    let state = |mode| NamespaceState {
        mode,
        waypoints: vec![format!("httpbin/{label}")],
        workloads: 1,
        services: 2,
    };
    let names = |count: usize| (0..count).map(|at| format!("client/{label}-{at}")).collect();
    let answer = |verdict| Answer {
        verdict,
        point: label.to_owned(),
        reason: label.to_owned(),
        rule: Some(label.to_owned()),
    };
    let mut cells = vec![(Some(Verdict::Deny), Some(Verdict::Deny)); clients * clients];
    cells[0].1 = Some(Verdict::Allow);
    let access = AccessDiff {
        changes: vec![AccessChange {
            direction: Direction::Gained,
            from: label.to_owned(),
            to: label.to_owned(),
            namespace: label.to_owned(),
            request: Some(label.to_owned()),
            every_request: false,
            before: Some(answer(Verdict::Deny)),
            after: Some(answer(Verdict::Allow)),
        }],
        limits: vec![label.to_owned()],
        by_design: vec![label.to_owned()],
        pairs: 1,
        matrix: Matrix {
            clients: names(clients),
            services: names(clients),
            cells,
            left_out: (0, 0),
        },
    };
    Report {
        base: label.to_owned(),
        head: label.to_owned(),
        noun: "environment",
        environments: vec![EnvironmentReport {
            name: label.to_owned(),
            state: EnvironmentState::Changed,
            tree: compare(&differing, &Options::default()),
            flags: vec![Flag {
                code: Code::DenyGone,
                cluster: label.to_owned(),
                namespace: Some(label.to_owned()),
                objects: Vec::new(),
                message: format!("the policy `{label}` is gone"),
            }],
            access: Access::Simulated(access),
            topology: vec![NamespaceStates {
                cluster: label.to_owned(),
                name: label.to_owned(),
                before: Some(state(MeshMode::Sidecar)),
                after: Some(state(MeshMode::Ambient)),
            }],
            migration: Some(Migration {
                stages: vec![label.to_owned(), "second".to_owned(), "third".to_owned()],
                before: Some(label.to_owned()),
                after: Some("second/mesh".to_owned()),
            }),
            traffic: Traffic::NotNamed,
            origins: Origins::default(),
            remarks: vec![label.to_owned()],
        }],
    }
}

#[test]
fn nothing_in_a_tree_can_become_a_part_of_the_page() {
    let harmless = html(&report("harmless", 2)).expect("a page");
    let page = html(&report(HOSTILE, 2)).expect("a page");
    for word in
        ["<script", "</script", "<style", "</style", "<img", " onerror=\"", " style=\"", "src="]
    {
        let count = |text: &str| text.matches(word).count();
        let escaped = page.replace("src=x", "");
        assert_eq!(count(&escaped), count(&harmless), "{word}");
    }
    assert!(page.contains("&lt;script&gt;alert(1)&lt;"), "it is shown all the same");
    assert!(!harmless.contains("http:") && !harmless.contains("https:"), "the page is complete");

    let page = html(&report("a\u{202e}b\u{1b}[31m\u{2066}", 2)).expect("a page");
    assert!(!page.chars().any(|c| "\u{202e}\u{1b}\u{2066}".contains(c)), "nothing deceives");
}

#[test]
fn the_page_says_what_the_report_says() {
    let page = html(&report("x", 2)).expect("a page");
    for said in [
        "<h1 id=\"verdict\">Danger</h1>",
        "the policy <",
        "deny at x: x",
        "2 clients, 2 services; 1 of 4 answers differ",
        "denied before, allowed after",
        "It was at x, and is at second/mesh.",
        "at step mesh",
        "to come",
        "<strong>ambient</strong>",
        "metadata.annotations.a",
    ] {
        assert!(page.replace("&#x2f;", "/").contains(said), "{said}");
    }
    assert_eq!(page, html(&report("x", 2)).expect("a page"), "the same report is the same bytes");
}

#[test]
fn a_matrix_that_no_browser_could_show_is_cut_and_says_so() {
    let mut large = report("x", 1);
    if let Access::Simulated(diff) = &mut large.environments[0].access {
        diff.matrix.left_out = (199, 199);
    }
    let page = html(&large).expect("a page");
    let said = "200 clients, 200 services; 1 of 1 answer differ. 199 clients and 199 services are not shown";
    assert!(page.contains(said));
    assert_eq!(page.matches("class=\"changed\"").count(), 1);
}

#[test]
fn equal_trees_have_a_page_that_says_so() {
    let mut report = report("x", 1);
    let environment = &mut report.environments[0];
    environment.state = EnvironmentState::Equal;
    environment.tree = compare(&[], &Options::default());
    environment.access = Access::Same;
    environment.flags.clear();
    let page = html(&report).expect("a page");
    assert!(page.contains("<h1 id=\"verdict\">No changes</h1>"));
    assert!(page.contains("the trees are equal, byte for byte"));
}
