//! How a value in a template becomes YAML: as a whole scalar that cannot change the structure
//! around it (design/dependencies.md §11).

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind, Output, State};

use crate::yaml::scalar_text;

/// Writes a value as one YAML scalar. Lists and mappings are written as JSON, which is YAML.
pub(super) fn yaml_scalar(out: &mut Output, _: &mut State, value: &Value) -> Result<(), Error> {
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
            Some(text) => write(out, &scalar(text)),
            None => Err(Error::new(ErrorKind::InvalidOperation, "the text is not Unicode")),
        },
        _ => {
            let json = serde_json::to_string(value)
                .map_err(|e| Error::new(ErrorKind::BadSerialization, e.to_string()))?;
            write(out, &json)
        }
    }
}

/// As the emitter writes it, and quoted as well where the text would fall apart in a flow
/// collection: an override may use one.
fn scalar(text: &str) -> String {
    let plain = scalar_text(text);
    if plain == text && text.contains([',', '[', ']', '{', '}']) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        plain
    }
}
