//! How a value in a template becomes YAML: as a whole scalar that cannot change the structure
//! around it (design/dependencies.md §11).

use std::borrow::Cow;

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind, Output, State};

use crate::yaml::{block_text, scalar_text};

/// Writes a value as one YAML scalar. Lists and mappings are written as JSON, which is YAML.
pub(super) fn yaml_scalar(
    flow: Flow,
) -> impl Fn(&mut Output, &mut State, &Value) -> Result<(), Error> + Send + Sync {
    move |out, _, value| {
        let write = |out: &mut Output, text: &str| {
            out.write_str(text).map_err(|_| Error::new(ErrorKind::WriteFailure, "cannot write"))
        };
        if value.is_safe() {
            return write(out, value.as_str().unwrap_or_default());
        }
        match value.kind() {
            ValueKind::Undefined => {
                Err(Error::new(ErrorKind::UndefinedError, "the value is not defined"))
            }
            ValueKind::None => write(out, "null"),
            ValueKind::Bool => write(out, if value.is_true() { "true" } else { "false" }),
            ValueKind::String => match value.as_str() {
                Some(text) => write(out, &scalar(text, flow)),
                None => Err(Error::new(ErrorKind::InvalidOperation, "the text is not Unicode")),
            },
            _ => {
                let json = serde_json::to_string(value)
                    .map_err(|e| Error::new(ErrorKind::BadSerialization, e.to_string()))?;
                write(out, &json)
            }
        }
    }
}

/// Whether values may stand in flow collections, where a plain `a, b` would fall apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// Never: the built-in templates use none, and a test holds them to it.
    Never,
    /// Perhaps: a user's template may.
    Perhaps,
}

/// As the emitter writes it, and quoted as well where a flow collection wants it.
fn scalar(text: &str, flow: Flow) -> Cow<'_, str> {
    let plain = scalar_text(text);
    if flow == Flow::Perhaps && plain == text && text.contains([',', '[', ']', '{', '}']) {
        Cow::Owned(format!("'{}'", text.replace('\'', "''")))
    } else {
        plain
    }
}

/// The filter `block`: a text as the emitter writes it under a key at `column`, on several lines
/// where it has several.
pub(super) fn block(text: &str, column: usize) -> Value {
    Value::from_safe_string(block_text(text, column))
}
