//! What is written is read alike by PyYAML (YAML 1.1), kubectl's client and a kustomize build.
//!
//! Needs `python3` with PyYAML, and `kubectl`.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail this way")]

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};
use waypost::diagnostic::FileId;
use waypost::yaml::{Budget, emit_checked, read};

fn strings(file: &str) -> Vec<String> {
    let path = format!("{}/tests/cases/yaml/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the case is there");
    serde_json::from_str(&text).expect("a list of strings")
}

fn all_strings() -> Vec<String> {
    let mut all = strings("nasty.json");
    all.extend(strings("probes.json"));
    all.sort();
    all.dedup();
    all
}

/// Numbers below a limit, the same ones on every machine (xorshift64).
fn random() -> impl FnMut(usize) -> usize {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    }
}

/// Texts of 1 to 7 tokens, always the same ones.
fn random_strings(count: usize) -> Vec<String> {
    let tokens = strings("tokens.json");
    let mut below = random();
    (0..count)
        .map(|_| (0..1 + below(7)).map(|_| tokens[below(tokens.len())].as_str()).collect())
        .collect()
}

/// One object that holds every text as value, item, nested value and key.
fn object(texts: &[String]) -> Value {
    let as_key: Map<String, Value> = texts.iter().map(|t| (t.clone(), json!("v"))).collect();
    let nested: Vec<Value> =
        texts.iter().map(|t| json!({"a": t, "b": [[t, [t]], {"c": {"d": t}}]})).collect();
    json!({
        "apiVersion": "example.com/v1",
        "kind": "Probe",
        "metadata": {"name": "probe"},
        "spec": {
            "items": texts,
            "nested": nested,
            "keys": as_key,
            "numbers": [0, -1, u64::MAX / 4, 1.5, 1e100, 1e-7, -2.5e-300, true, null, [], {}],
        },
    })
}

/// What a program writes to standard output for this input.
fn answer(program: &str, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("`{program}` is needed for this test: {e}"));
    let mut stdin = child.stdin.take().expect("standard input is piped");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    let _ = writer.join();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {error}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn pyyaml(text: &str) -> Value {
    const PROGRAM: &str = "import sys, json, yaml\n\
        print(json.dumps(yaml.safe_load(sys.stdin.buffer.read().decode('utf-8'))))";
    json_of(&answer("python3", &["-X", "utf8", "-c", PROGRAM], text))
}

fn kubectl(text: &str) -> Value {
    let mut found =
        json_of(&answer("kubectl", &["label", "--local", "-f", "-", "x=y", "-o", "json"], text));
    found["metadata"].as_object_mut().expect("metadata").remove("labels");
    found
}

/// The places where two trees differ, by the route to them.
fn differences(meant: &Value, found: &Value, route: &str, into: &mut Vec<String>) {
    match (meant, found) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                match b.get(key) {
                    Some(other) => differences(value, other, &format!("{route}/{key:?}"), into),
                    None => into.push(format!("{route}: the key {key:?} is lost")),
                }
            }
            let more = b.keys().filter(|k| !a.contains_key(*k));
            into.extend(more.map(|k| format!("{route}: the key {k:?} is new")));
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                differences(a, b, &format!("{route}/{i}"), into);
            }
        }
        _ if meant == found => {}
        // a float that is whole may come back as an integer
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => {}
        _ => into.push(format!("{route}: {meant} became {found}")),
    }
}

fn assert_read_alike(reader: impl Fn(&str) -> Value, texts: &[String]) {
    let meant = object(texts);
    let text = emit_checked(&meant).expect("emits");
    let mut found = Vec::new();
    differences(&meant, &reader(&text), "", &mut found);
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found.join("\n"));
}

#[test]
fn pyyaml_reads_what_was_meant() {
    assert_read_alike(pyyaml, &all_strings());
    assert_read_alike(pyyaml, &random_strings(5_000));
}

#[test]
fn kubectl_reads_what_was_meant() {
    assert_read_alike(kubectl, &all_strings());
    assert_read_alike(kubectl, &random_strings(5_000));
}

/// kustomize refuses DEL and C1 controls even escaped, alters U+0085, writes U+2028 as it is, and
/// `<<` and `=` without quotes, whoever wrote the input: those texts are refused in a spec.
#[test]
fn a_kustomize_build_keeps_what_was_meant() {
    let texts: Vec<String> = all_strings()
        .into_iter()
        .filter(|t| t != "<<" && t != "=")
        .filter(|t| !t.contains(|c| matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}')))
        .collect();
    assert_read_alike(
        |text| {
            let folder = tempfile::tempdir().expect("a folder");
            let write = |name: &str, text: &str| {
                let mut file = std::fs::File::create(folder.path().join(name)).expect("a file");
                file.write_all(text.as_bytes()).expect("written");
            };
            write("kustomization.yaml", "resources:\n- object.yaml\n");
            write("object.yaml", text);
            let path = folder.path().to_str().expect("UTF-8");
            let built = answer("kubectl", &["kustomize", path], "");
            let (mut documents, found) = read(FileId(0), &built, &Budget::MANIFESTS);
            assert!(!found.iter().any(|d| d.is_error()), "{found:?}");
            documents.remove(0).root.into_json()
        },
        &texts,
    );
}

/// What our reader takes without a word, PyYAML reads alike or refuses. A file that is one thing to
/// the reviewer's tool and another to the cluster's would be a way to smuggle.
#[test]
fn no_text_is_read_as_something_else_by_pyyaml() {
    let parts = [
        "a", "b", "c", ": ", ":", "- ", "-", "\n", "\n  ", "\n    ", "[", "]", "{", "}", ", ", ",",
        "&x ", "*x", "'", "\"", "|\n", ">-\n", "|+\n", "#", " #c\n", "? ", "---\n", "...\n",
        "--- ", "\t", "\r\n", "\r", "é", "1", "~", "\\", "\\n", "  ", "!!str ",
    ];
    let mut next = random();
    let texts: Vec<String> = (0..150_000)
        .map(|_| (0..1 + next(14)).map(|_| parts[next(parts.len())]).collect())
        .collect();
    const PROGRAM: &str = "import sys, json, yaml\n\
        def read(text):\n\
        \x20   try: return {'documents': list(yaml.safe_load_all(text))}\n\
        \x20   except Exception: return {'refused': True}\n\
        texts = json.loads(sys.stdin.buffer.read().decode('utf-8'))\n\
        print(json.dumps([read(t) for t in texts], default=str))";
    let input = serde_json::to_string(&texts).expect("JSON");
    let by_pyyaml = json_of(&answer("python3", &["-X", "utf8", "-c", PROGRAM], &input));
    let (mut compared, mut wrong) = (0, Vec::new());
    for (i, text) in texts.iter().enumerate() {
        let (documents, found) = read(FileId(0), text, &Budget::SPEC);
        let Some(theirs) = by_pyyaml[i]["documents"].as_array() else { continue };
        if !found.is_empty() {
            continue;
        }
        // an empty document is none to us
        let theirs: Vec<&Value> = theirs.iter().filter(|v| !v.is_null()).collect();
        let ours: Vec<Value> =
            documents.iter().map(|d| d.root.to_json()).filter(|v| !v.is_null()).collect();
        // a file that is nothing but one text is no use to anybody: readers disagree on where its
        // comments begin
        if ours.iter().any(Value::is_string) {
            continue;
        }
        compared += 1;
        if ours.iter().collect::<Vec<_>>() != theirs {
            wrong.push(format!("{text:?} ours {ours:?} PyYAML {theirs:?}"));
        }
    }
    assert!(compared > 2_000, "{compared}");
    assert!(
        wrong.is_empty(),
        "{} of {compared}:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(40)].join("\n")
    );
}

/// The reader warns where PyYAML or kubectl take a plain scalar otherwise, and only there.
#[test]
fn warnings_tell_where_readers_differ() {
    let mut candidates = all_strings();
    for digits in
        ["0", "1", "7", "8", "12", "017", "08", "1_0", "0x1f", "0b1", "0o7", "1:30", "1:99"]
    {
        for sign in ["", "-", "+", "."] {
            for end in
                ["", ".", ".5", "e3", "e+3", ".5e3", ".5e+3", "E-2", "_", ":20", "-1", ",5", "x"]
            {
                candidates.push(format!("{sign}{digits}{end}"));
            }
        }
    }
    for word in ["yes", "no", "on", "off", "y", "n", "true", "false", "null"] {
        let title = format!("{}{}", word[..1].to_uppercase(), &word[1..]);
        candidates.extend([word.to_owned(), word.to_uppercase(), title]);
    }
    candidates.sort();
    candidates.dedup();
    // those that can stand without quotes and come as one scalar
    let plain = |text: &str| {
        let (documents, found) = read(FileId(0), &format!("- {text}\n"), &Budget::SPEC);
        let value = documents.first().map(|d| d.root.to_json()[0].clone())?;
        let is_scalar = value.is_string() || value.is_number() || value.is_boolean();
        let whole = value.as_str().is_none_or(|v| v == text);
        (is_scalar && whole && !found.iter().any(|d| d.is_error()))
            .then_some((value, !found.is_empty()))
    };
    let table: Vec<(String, Value, bool)> = candidates
        .into_iter()
        .filter(|t| !t.contains(['\n', '\t', '\'', '"', '|', '>', '!', '&', '#']))
        .filter_map(|t| plain(&t).map(|(value, warned)| (t, value, warned)))
        .collect();
    assert!(table.len() > 400, "{}", table.len());

    let list: String = table.iter().map(|(t, ..)| format!("  - {t}\n")).collect();
    const PROGRAM: &str = "import sys, json, math, yaml\n\
        def read(line):\n\
        \x20   try: value = yaml.safe_load(line)[0]\n\
        \x20   except yaml.YAMLError as e: return {'error': str(e)}\n\
        \x20   is_json = not isinstance(value, float) or math.isfinite(value)\n\
        \x20   return value if is_json else {'object': str(value)}\n\
        lines = sys.stdin.buffer.read().decode('utf-8').split('\\n')\n\
        out = [read(l) for l in lines if l]\n\
        print(json.dumps(out, default=lambda o: {'object': str(o)}))";
    let by_pyyaml = json_of(&answer("python3", &["-X", "utf8", "-c", PROGRAM], &list));
    // infinities and NaN are no JSON, so kubectl cannot be asked
    let finite: Vec<&(String, Value, bool)> = table
        .iter()
        .filter(|(t, ..)| !t.to_lowercase().contains(".inf") && !t.to_lowercase().contains(".nan"))
        .collect();
    let list: String = finite.iter().map(|(t, ..)| format!("  - {t}\n")).collect();
    let header = "apiVersion: v1\nkind: Probe\nmetadata:\n  name: x\nitems2:\n";
    let by_kubectl = kubectl(&format!("{header}{list}"));
    let kubectl_of = |text: &str| {
        let at = finite.iter().position(|(t, ..)| t == text)?;
        Some(&by_kubectl["items2"][at])
    };

    let same = |a: &Value, b: &Value| a == b || (a.is_number() && a.as_f64() == b.as_f64());
    let mut wrong = Vec::new();
    for (i, (text, value, warned)) in table.iter().enumerate() {
        let python = &by_pyyaml[i];
        let kubectl = kubectl_of(text);
        // a kustomize build makes timestamps of short dates as well
        let by_kustomize = text == "2026-1-1";
        let differs =
            by_kustomize || !same(value, python) || kubectl.is_some_and(|k| !same(value, k));
        if differs != *warned {
            wrong.push(format!(
                "`{text}` ours {value} python {python} kubectl {kubectl:?} warned {warned}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), table.len(), wrong.join("\n"));
}
