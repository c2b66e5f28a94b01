//! Translation cases that others wrote down: outcome, reasons, consents and answers after the translation
//! (`direct/shown`).

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::support::data;

#[allow(clippy::disallowed_methods, reason = "the program itself is asked")]
pub fn waypost(folder: &Path, arguments: &[String]) -> (Option<i32>, String, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_waypost"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (run.status.code(), text(run.stdout), text(run.stderr))
}

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

#[test]
fn cases_are_translated_as_they_say() {
    let mut wrong = Vec::new();
    let mut cases: Vec<_> = fs::read_dir(data("direct/shown"))
        .expect("the cases")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    cases.sort();
    assert!(cases.len() >= 12, "{}", cases.len());
    for case in &cases {
        let name = case.file_name().expect("a name").to_string_lossy().into_owned();
        let expect = fs::read_to_string(case.join("expect.yaml")).expect("it is there");
        let expect: Value = serde_yaml::from_str(&expect).expect("YAML");
        if let Err(why) = holds(case, &expect) {
            wrong.push(format!("{name}: {why}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn holds(case: &Path, expect: &Value) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut arguments: Vec<String> =
        ["translate", "--out", "out", "--format", "json"].map(str::to_owned).into();
    arguments.push(case.join("input.yaml").to_string_lossy().into_owned());
    let mut flag = |name: &str, values: Vec<String>| {
        arguments.extend(values.into_iter().flat_map(|value| [name.to_owned(), value]));
    };
    flag("--ambient", texts(&expect["ambient"]));
    flag("--accept", texts(&expect["consents"]));
    if let Some(serves) = expect["waypoint"]["for"].as_str() {
        flag("--waypoint-for", vec![serves.to_owned()]);
    }
    let (code, stdout, stderr) = waypost(folder.path(), &arguments);
    let said: Value = serde_json::from_str(&stdout).map_err(|_| format!("no JSON: {stderr}"))?;
    let policies = said["policies"].as_array().cloned().unwrap_or_default();
    let allowed =
        [texts(&expect["also"]), vec![expect["outcome"].as_str().unwrap_or("").to_owned()]]
            .concat();
    let outcomes: Vec<&str> = policies.iter().filter_map(|p| p["outcome"].as_str()).collect();
    if !outcomes.iter().any(|outcome| allowed.iter().any(|a| a == outcome)) {
        return Err(format!("outcome {outcomes:?}, expected {allowed:?}; {stderr}"));
    }
    let reasons: Vec<String> = policies.iter().flat_map(|p| texts(&p["reasons"])).collect();
    for reason in texts(&expect["reasons"]) {
        if !reasons.contains(&reason) {
            return Err(format!("reasons {reasons:?} lack {reason}"));
        }
    }
    if outcomes.contains(&"refused") {
        return if code == Some(3) { Ok(()) } else { Err(format!("ended with {code:?}")) };
    }
    if code != Some(0) {
        return Err(format!("ended with {code:?}: {stderr}"));
    }
    for probe in expect["probes"].as_array().into_iter().flatten() {
        let got = answer(folder.path(), probe);
        if got.as_deref() != probe["after"].as_str() {
            return Err(format!("{probe}: {got:?}"));
        }
    }
    Ok(())
}

fn answer(folder: &Path, probe: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut arguments: Vec<String> = ["access", "explain"].map(str::to_owned).into();
    arguments.extend([text(&probe["from"])?, text(&probe["to"])?]);
    arguments.extend(["--in", "out", "--format", "json"].map(str::to_owned));
    let request = &probe["request"];
    if request["tcp"].as_bool() != Some(true) {
        let method = text(&request["method"]).unwrap_or_else(|| "GET".into());
        let path = text(&request["path"]).unwrap_or_else(|| "/".into());
        arguments.extend(["--method".into(), method, "--path".into(), path]);
        if let Some(host) = text(&request["host"]) {
            arguments.extend(["--host".into(), host]);
        }
        for (name, value) in request["headers"].as_object().into_iter().flatten() {
            arguments.extend(["--header".into(), format!("{name}: {}", text(value)?)]);
        }
        if !request["token"].is_null() {
            let token = text(&request["token"]).unwrap_or_else(|| request["token"].to_string());
            arguments.extend(["--token".into(), token]);
        }
    }
    let (_, stdout, _) = waypost(folder, &arguments);
    text(&serde_json::from_str::<Value>(&stdout).ok()?["verdict"])
}
