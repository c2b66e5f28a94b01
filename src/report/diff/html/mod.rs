//! The diff as one page that is complete in itself: no network, no other file.
//!
//! ```text
//! Report --Page::of--> Page --page.html.j2, style.css, script.js--> text
//! ```
//!
//! [`page`] says in words and classes what the report says; it decides nothing. minijinja escapes
//! every text, characters that deceive are made visible before, and the page's own policy lets no
//! style and no script run but the two that are written here.

mod access;
mod change;
mod namespaces;
mod page;
mod timeline;
mod traffic;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;
use sha2::{Digest, Sha256};

use self::page::Page;
use super::report::Report;

const PAGE: &str = include_str!("page.html.j2");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Writes the report.
///
/// # Errors
/// None that a report can cause: a fault of the template that is written here.
pub fn html(report: &Report) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_template("page", PAGE)?;
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    let document = Document {
        policy,
        style: STYLE,
        script: SCRIPT,
        version: env!("CARGO_PKG_VERSION"),
        page: Page::of(report),
    };
    environment.get_template("page")?.render(Serde(document))
}

#[derive(Serialize)]
struct Document {
    policy: String,
    style: &'static str,
    script: &'static str,
    version: &'static str,
    #[serde(flatten)]
    page: Page,
}

/// A source of the Content-Security-Policy: the one text that may run.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())))
}
