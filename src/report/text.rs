//! Findings as text for a person: the fault, the line, what to do (design: rustc's look).

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use super::visible::{self, tame};
use crate::diagnostic::{Diagnostic, FileId, Place, Severity, Source, Sources, Span};

/// Columns of a rendered finding. A longer source line is cut around what is marked.
const WIDTH: usize = 120;
/// Lines between two places of a file that are still shown as one snippet.
const NEAR: u32 = 2_000;

/// Writes findings one below the other, a blank line between them, in the order given.
///
/// Without colour the text holds no escape codes whatever the user's files hold; control and
/// bidirectional characters are made visible.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() }.term_width(WIDTH);
    let mut out = String::new();
    for (index, diagnostic) in diagnostics.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        // trailing blanks would be noise in a golden file
        for line in one(diagnostic, sources, &renderer).lines() {
            out.extend(line.trim_end().chars().map(tame));
            out.push('\n');
        }
    }
    out
}

/// `found 1 error, 2 warnings`; `found nothing` for none.
pub fn count(diagnostics: &[Diagnostic]) -> String {
    let parts: Vec<String> =
        [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")]
            .into_iter()
            .filter_map(|(severity, noun)| {
                match diagnostics.iter().filter(|d| d.severity == severity).count() {
                    0 => None,
                    1 => Some(format!("1 {noun}")),
                    n => Some(format!("{n} {noun}s")),
                }
            })
            .collect();
    if parts.is_empty() {
        "found nothing".to_owned()
    } else {
        format!("found {}", parts.join(", "))
    }
}

fn one(diagnostic: &Diagnostic, sources: &Sources, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(visible::line(&diagnostic.message)).id(diagnostic.code);
    let mut finding = Group::with_title(title);
    for window in windows(diagnostic, sources) {
        finding = finding.element(window.snippet());
    }
    let mut text = renderer.render(&[finding]);
    if let Some(help) = &diagnostic.help {
        let title = Level::HELP.secondary_title(visible::line(help));
        let help = renderer.render(&[Group::with_title(title)]);
        text.push_str(if diagnostic.primary.is_some() { "\n\n" } else { "\n" });
        text.push_str(&help);
    }
    text
}

/// The lines of one file that a finding speaks of.
struct Window<'a> {
    source: &'a Source,
    first_line: u32,
    text: &'a str,
    marks: Vec<(AnnotationKind, std::ops::Range<usize>, String)>,
}

impl<'a> Window<'a> {
    fn snippet(self) -> Snippet<'a, Annotation<'a>> {
        Snippet::source(self.text)
            .path(visible::line(&self.source.path))
            .line_start(self.first_line as usize)
            .annotations(self.marks.into_iter().map(|(kind, range, label)| {
                let mark = kind.span(range);
                if label.is_empty() { mark } else { mark.label(label) }
            }))
    }
}

/// The primary place first, then the others; places of one file that lie near share a window.
fn windows<'a>(diagnostic: &Diagnostic, sources: &'a Sources) -> Vec<Window<'a>> {
    let places = diagnostic
        .primary
        .iter()
        .map(|place| (AnnotationKind::Primary, place))
        .chain(diagnostic.secondary.iter().map(|place| (AnnotationKind::Context, place)));
    let mut groups: Vec<(FileId, Vec<(AnnotationKind, &Place)>)> = Vec::new();
    for (kind, place) in places {
        let near = |other: &Place| other.span.start.line.abs_diff(place.span.start.line) <= NEAR;
        match groups
            .iter_mut()
            .find(|(file, group)| *file == place.span.file && group.iter().all(|(_, p)| near(p)))
        {
            Some((_, group)) => group.push((kind, place)),
            None => groups.push((place.span.file, vec![(kind, place)])),
        }
    }
    groups.into_iter().filter_map(|(file, group)| window(sources.get(file)?, group)).collect()
}

fn window<'a>(source: &'a Source, places: Vec<(AnnotationKind, &Place)>) -> Option<Window<'a>> {
    let text: &str = &source.text;
    let first = places.iter().map(|(_, p)| p.span.start).min()?;
    let start = line_start(text, source.shown_offset(first.offset));
    let end_of = |place: &Place| line_end(text, source.shown_offset(place.span.start.offset));
    let end = places.iter().map(|(_, place)| end_of(place)).max()?;
    let marks = places
        .into_iter()
        .map(|(kind, place)| {
            let range = marked(source, place.span);
            (kind, range.start - start..range.end - start, visible::line(&place.label))
        })
        .collect();
    Some(Window { source, first_line: first.line.max(1), text: text.get(start..end)?, marks })
}

/// What is marked: of a span over several lines, its first line only.
fn marked(source: &Source, span: Span) -> std::ops::Range<usize> {
    let text: &str = &source.text;
    let start = boundary(text, source.shown_offset(span.start.offset));
    let end = boundary(text, source.shown_offset(span.end.offset)).min(line_end(text, start));
    let end = start + text.get(start..end).map_or(0, |t| t.trim_end().len());
    start..end
}

fn boundary(text: &str, offset: usize) -> usize {
    let offset = offset.min(text.len());
    (0..=offset).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn line_start(text: &str, offset: usize) -> usize {
    let offset = boundary(text, offset);
    text[..offset].rfind('\n').map_or(0, |at| at + 1)
}

fn line_end(text: &str, offset: usize) -> usize {
    let offset = boundary(text, offset);
    let end = text[offset..].find('\n').map_or(text.len(), |at| offset + at);
    if text[offset..end].ends_with('\r') { end - 1 } else { end }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Position;

    fn sources(text: &str) -> Sources {
        let mut sources = Sources::default();
        sources.add("environments/a/x.yaml", text);
        sources
    }

    /// The first occurrence of a part of the text.
    fn span(text: &str, part: &str) -> Span {
        let at = |offset: usize| {
            let before = &text[..offset];
            let line = before.matches('\n').count();
            let column = before.chars().rev().take_while(|c| *c != '\n').count();
            Position { line: line as u32 + 1, column: column as u32 + 1, offset: offset as u32 }
        };
        let start = text.find(part).unwrap();
        Span { file: FileId(0), start: at(start), end: at(start + part.len()) }
    }

    #[test]
    fn place_line_label_and_help() {
        let text = "a: 1\nspec:\n  é: x\n  mode: ambeint\n  x: y\n";
        let finding = Diagnostic::error("unknown-value", "`ambeint` is not known for `mode`")
            .at(span(text, "ambeint"), "here")
            .also(span(text, "a: 1"), "and there")
            .help("did you mean `ambient`?");
        insta::assert_snapshot!(render(&[finding], &sources(text), false), @r"
        error[unknown-value]: `ambeint` is not known for `mode`
         --> environments/a/x.yaml:4:9
          |
        1 | a: 1
          | ---- and there
        ...
        4 |   mode: ambeint
          |         ^^^^^^^ here

        help: did you mean `ambient`?
        ");
    }

    #[test]
    fn without_a_place() {
        let finding = Diagnostic::warning("w", "no file is to blame").help("do something");
        insta::assert_snapshot!(render(&[finding.clone(), finding], &sources(""), false), @r"
        warning[w]: no file is to blame
        help: do something

        warning[w]: no file is to blame
        help: do something
        ");
    }

    #[test]
    fn a_span_of_many_lines_marks_its_first() {
        let text = "spec:\r\n  a: 1\r\n  b: 2\r\n";
        let finding = Diagnostic::error("e", "m").at(span(text, "a: 1\r\n  b: 2"), "all of it");
        insta::assert_snapshot!(render(&[finding], &sources(text), false), @r"
        error[e]: m
         --> environments/a/x.yaml:2:3
          |
        2 |   a: 1
          |   ^^^^ all of it
        ");
    }

    #[test]
    fn long_lines_are_cut_around_the_mark() {
        let text = format!("{} here {}", "x".repeat(5_000), "y".repeat(5_000));
        let finding = Diagnostic::error("e", "m").at(span(&text, "here"), "");
        let rendered = render(&[finding], &sources(&text), false);
        assert!(rendered.lines().all(|l| l.chars().count() <= WIDTH + 20), "{rendered}");
        assert!(rendered.contains("^^^^"), "{rendered}");
        assert!(rendered.contains(":1:5002"), "{rendered}");
    }

    #[test]
    fn nothing_of_the_user_reaches_the_terminal_raw() {
        let nasty = "\u{1b}[31m\u{9b}31m\u{202e}\u{85}\u{feff}\r\u{7}";
        let text = format!("a: {nasty} b");
        let finding = Diagnostic::error("e", format!("`{nasty}\n`"))
            .at(span(&text, nasty), nasty)
            .help(nasty);
        let rendered = render(&[finding], &sources(&text), false);
        assert!(
            !rendered.chars().any(|c| c != '\n' && (c.is_control() || tame(c) != c)),
            "{rendered:?}"
        );
        assert!(!rendered.contains('\u{202e}'));
    }

    #[test]
    fn places_beyond_the_text_do_no_harm() {
        let far = Position { line: 900, column: 7, offset: 9_000 };
        let finding =
            Diagnostic::error("e", "m").at(Span { file: FileId(0), start: far, end: far }, "");
        assert!(
            render(std::slice::from_ref(&finding), &sources("é"), false).starts_with("error[e]: m")
        );
        let nowhere = Span { file: FileId(7), ..Span::default() };
        assert_eq!(
            render(&[Diagnostic::error("e", "m").at(nowhere, "")], &sources(""), false),
            "error[e]: m\n"
        );
    }

    #[test]
    fn counts_read_well() {
        let (e, w, n) =
            (Diagnostic::error("c", ""), Diagnostic::warning("c", ""), Diagnostic::note("c", ""));
        assert_eq!(count(&[]), "found nothing");
        assert_eq!(count(std::slice::from_ref(&e)), "found 1 error");
        assert_eq!(count(&[e, w.clone(), w, n]), "found 1 error, 2 warnings, 1 note");
    }
}
