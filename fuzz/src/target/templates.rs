//! A template of the user's, and what it makes of a manifest.

use std::collections::BTreeMap;

use waypost::diagnostic::FileId;
use waypost::manifest::{Manifest, Metadata, Namespace};
use waypost::render::{Override, Renderer};

use crate::corpus::texts;

const NAME: &str = "core/namespace.yaml.j2";

const MORE: [&str; 14] = [
    "{% for a in range(1000) %}{% for b in range(1000) %}{{ a }}{% endfor %}{% endfor %}",
    "{% set a = 'xxxxxxxx' %}{% set a = a ~ a %}{% set a = a ~ a %}{{ a }}",
    "{% set a = [1] %}{% set a = a + a %}{% set a = a + a %}{{ a | length }}{{ a | sum }}",
    "{% macro f(s) %}{{ f(s ~ s) }}{% endmacro %}{{ f('x') }}",
    "{{ metadata | tojson | upper | replace('a', 'aa') | indent(4) | batch(2) | list }}",
    "{{ metadata.name | block }}{{ metadata.labels | dictsort | join(',') }}",
    "{% include '_metadata.j2' %}{% import 'core/namespace.yaml.j2' as x %}{{ x }}",
    "{{ 'x' * 100000 }}{{ 1 // 0 }}{{ 1 % 0 }}{{ 2 ** 99999 }}{{ -9223372036854775808 // -1 }}",
    "{{ [1, 2][::0] }}{{ 'é'[1:] }}{{ 'x'[5:-9:-1] }}{{ range(0, 10, 0) }}",
    "{% set x %}{{ metadata }}{% endset %}{{ x | length }}{{ x[0] }}",
    "{% for k, v in metadata | items %}{{ loop.index }}{{ loop.cycle(k) }}{{ v }}{% endfor %}",
    "{{ metadata.labels | map(attribute='a.b.c') | list }}{{ metadata is defined }}",
    "{% filter upper %}{{ metadata.name }}{% endfilter %}{% raw %}{{ x }}{% endraw %}{# c #}",
    "{{ [3,1,2] | sort | reverse | first }}{{ 'a-b' | split('-') | last }}{{ 1.5 | round | int }}",
];

pub(super) fn corpus() -> Vec<String> {
    let mut all = texts(&["templates"], &[".j2"]);
    all.extend(MORE.map(str::to_owned));
    all
}

pub(super) fn run(text: &str) {
    let mine = Override { file: FileId::default(), text: text.into() };
    let (renderer, _) = Renderer::new(BTreeMap::from([(NAME.to_owned(), mine)]));
    let metadata = Metadata { name: "a".into(), ..Metadata::default() }
        .label("istio.io/dataplane-mode", "ambient")
        .label("word", "on");
    let _ = renderer.render(Manifest::Namespace(Namespace { metadata }));
}
