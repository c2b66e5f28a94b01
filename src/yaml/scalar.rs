//! What a scalar without quotes may be taken for. One definition, used by the reader's warnings
//! and the emitter's quoting.

use serde_json::Number;

use super::Value;

/// Resolves a plain scalar by the YAML 1.2 core schema and nothing more.
///
/// A leading zero stays text (YAML 1.1 and 1.2 disagree), so does an integer beyond 64 bits and a
/// float that is not finite: JSON has no such value, and a silent float would be a loss.
pub(super) fn resolve_plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let starts_like_a_number =
        text.bytes().next().is_some_and(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.'));
    if starts_like_a_number && let Some(number) = number(text) {
        return Value::Number(number);
    }
    Value::Text(text.to_owned())
}

fn number(text: &str) -> Option<Number> {
    if let Some(hex) = text.strip_prefix("0x") {
        return digits(hex, 16);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return digits(octal, 8);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.is_empty() && unsigned.bytes().all(|b| b.is_ascii_digit()) {
        if unsigned.len() > 1 && unsigned.starts_with('0') {
            return None;
        }
        let text = text.strip_prefix('+').unwrap_or(text);
        return text
            .parse::<i64>()
            .map(Number::from)
            .or_else(|_| text.parse::<u64>().map(Number::from))
            .ok();
    }
    float(text, unsigned)
}

fn digits(text: &str, radix: u32) -> Option<Number> {
    // `from_str_radix` takes a sign; the core schema does not
    if text.is_empty() || text.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(text, radix).ok().map(Number::from)
}

/// The core schema's `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`, with no
/// leading zero before a digit.
fn float(text: &str, unsigned: &str) -> Option<Number> {
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let all_digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if !all_digits(whole) || !all_digits(fraction) || whole.len() + fraction.len() == 0 {
        return None;
    }
    if whole.len() > 1 && whole.starts_with('0') {
        return None;
    }
    if let Some(exponent) = exponent {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if exponent.is_empty() || !all_digits(exponent) {
            return None;
        }
    }
    let value: f64 = text.parse().ok()?;
    Number::from_f64(value)
}

/// True when some YAML 1.1 or 1.2 reader takes the plain form of this text for something else
/// than this text. Quoting too much is harmless, quoting too little is a fault in production.
pub fn is_ambiguous(text: &str) -> bool {
    if matches!(text, "" | "~" | "<<" | "=") {
        return true;
    }
    if text.len() <= 5 && is_word(text) {
        return true;
    }
    let unsigned = text.trim_start_matches(['+', '-']);
    if unsigned.eq_ignore_ascii_case(".inf") || unsigned.eq_ignore_ascii_case(".nan") {
        return true;
    }
    let bytes = unsigned.as_bytes();
    let Some(&first) = bytes.first() else { return false };
    if !(first.is_ascii_digit() || first == b'.' || first == b'_')
        || !bytes.iter().any(u8::is_ascii_digit)
    {
        return false;
    }
    if is_version_or_address(text) {
        return false;
    }
    let prefixed = bytes.len() > 2
        && bytes[0] == b'0'
        && matches!(bytes[1], b'x' | b'X' | b'o' | b'O' | b'b' | b'B');
    let number_like = bytes.iter().all(|b| {
        b.is_ascii_digit() || matches!(b, b'_' | b'.' | b'e' | b'E' | b'+' | b'-' | b':' | b',')
    });
    let date_like =
        bytes.len() >= 8 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-';
    prefixed || number_like || date_like
}

fn is_word(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    WORDS.iter().any(|w| text.eq_ignore_ascii_case(w))
}

/// `1.2.3` and `10.0.0.1`: two or more points and else only digits.
fn is_version_or_address(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && text.bytes().filter(|b| *b == b'.').count() >= 2
}

/// True when a plain scalar that the core schema reads one way is read otherwise by some
/// YAML 1.1 reader: the ambiguous set less what both readings have in common.
pub(super) fn differs_in_yaml_1_1(text: &str, value: &Value) -> bool {
    match value {
        // both readers agree on null, true, false, decimal integers and hexadecimals
        Value::Null | Value::Bool(_) => false,
        Value::Number(n) if n.is_f64() => {
            // YAML 1.1 wants a point, and a sign in the exponent
            text.contains(['e', 'E']) && !(text.contains('.') && text.contains(['+', '-']))
        }
        Value::Number(_) => text.starts_with("0o"),
        Value::Text(_) => is_ambiguous(text),
        Value::List(_) | Value::Mapping(_) => false,
    }
}

/// True for what a YAML reader takes as it stands and a person can see: no control characters, no
/// line separators, no byte-order mark.
pub fn is_printable(c: char) -> bool {
    matches!(c,
        '\u{20}'..='\u{7e}'
        | '\u{a0}'..='\u{2027}'
        | '\u{202a}'..='\u{d7ff}'
        | '\u{e000}'..='\u{fefe}'
        | '\u{ff00}'..='\u{fffd}'
        | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_schema() {
        let number = |n: i64| Value::Number(n.into());
        assert_eq!(resolve_plain("0x1F"), number(31));
        assert_eq!(resolve_plain("0o17"), number(15));
        assert_eq!(resolve_plain("+1"), number(1));
        assert_eq!(resolve_plain("-0"), number(0));
        assert_eq!(resolve_plain("18446744073709551615"), Value::Number(u64::MAX.into()));
        for text in ["017", "yes", "0b11", "1_000", ".inf", "18446744073709551616", "0x", "1e", "."]
        {
            assert_eq!(resolve_plain(text), Value::Text(text.into()), "{text}");
        }
        assert!(matches!(resolve_plain("1.5e3"), Value::Number(n) if n.is_f64()));
    }

    #[test]
    fn ambiguous_as_specified() {
        for text in
            ["yes", "N", "1_000", "0b11", "12:30:45", "2024-01-01", "=", "<<", "+.Inf", "1,0"]
        {
            assert!(is_ambiguous(text), "{text}");
        }
        for text in ["1.2.3", "10.0.0.1", "v1", "none", "1Gi", "e3", "500m", "a"] {
            assert!(!is_ambiguous(text), "{text}");
        }
    }
}
