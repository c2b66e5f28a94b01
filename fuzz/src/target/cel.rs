//! CustomResourceDefinitions with rules, and an object of each kind that they define.

use waypost::validate::manifests::{Options, Validator};

use super::objects;
use crate::corpus::texts;
use crate::{SEPARATOR, parts};

const OBJECT: &str = "apiVersion: shop.example/v1
kind: Widget
metadata: {name: a, namespace: b}
spec:
  size: 3
  limit: 10
  colour: red
  jwks_uri: https://example.com/jwks
  parts: [{name: a, count: 1}, {name: b, count: 2}]
  anything: {a: {b: [1, 2, {c: d}]}}
";

const RULES: [&str; 12] = [
    "self.all(x, self.all(y, self.all(z, x != y)))",
    "self.size.matches('(a+)+$')",
    "self.parts.map(p, self.parts.map(q, p.name + q.name)).size() > 0",
    "quantity(self.colour).isGreaterThan(quantity('1Gi'))",
    "url(self.jwks_uri).getHostname().endsWith('.com')",
    "ip(self.colour).family() == 4 || cidr('10.0.0.0/8').containsIP(self.colour)",
    "self.size / (self.limit - 10) > 0 || self.size % 0 == 1",
    "duration(self.colour) < timestamp('2020-01-01T00:00:00Z').getFullYear()",
    "'%s %d %x'.format([self, self.size, self.colour]) == self.colour.replace('', 'aaaa')",
    "self.parts.sort().isSorted() && sets.contains(self.parts, [self]) && self.parts[99].name == ''",
    "self.colour.split('').map(c, c.upperAscii()).join('x').substring(-1, 99).charAt(-1) == ''",
    "9223372036854775807 + self.size > 0 && -9223372036854775808 - self.size < 0 && int('x') == 1",
];

pub(super) fn corpus() -> Vec<String> {
    let definitions = texts(&["tests/cases/manifests/crds"], &[".yaml"]);
    let with = |definition: &String, rule: &str| {
        let rule = serde_json::Value::from(rule).to_string();
        let changed = definition.replace("\"self.size <= self.limit\"", &rule);
        format!("{changed}{SEPARATOR}{OBJECT}")
    };
    let all = definitions.iter();
    all.flat_map(|definition| RULES.iter().map(move |rule| with(definition, rule))).collect()
}

pub(super) fn run(text: &str) {
    let mut parts = parts(text);
    let definitions = objects(parts.next().unwrap_or_default());
    let (validator, _) = Validator::new(&[], &definitions, Options::default());
    let mut found = validator.compile();
    for object in objects(parts.next().unwrap_or_default()) {
        validator.check(&object, &mut found);
    }
}
