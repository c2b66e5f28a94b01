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

/// Resolves a plain scalar as kubectl does (sigs.k8s.io/yaml `goyaml.v2/resolve.go`; measured:
/// facts/gitops-delivery.md 6.4.3): the words of YAML 1.1 are booleans, a number may have underscores,
/// and a leading zero makes it octal. Times and dates are texts.
pub(super) fn as_kubernetes(text: &str) -> Value {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => return Value::Bool(false),
        _ => {}
    }
    let starts_like_a_number =
        text.bytes().next().is_some_and(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.'));
    if !starts_like_a_number {
        return resolve_plain(text);
    }
    let plain = text.replace('_', "");
    let number = integer(&plain).or_else(|| {
        let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
        is_float(unsigned).then(|| Number::from_f64(plain.parse().ok()?)).flatten()
    });
    number.map_or_else(|| Value::Text(text.to_owned()), Value::Number)
}

/// Go's `strconv.ParseInt(text, 0, 64)`, then `ParseUint`, for a text without underscores.
fn integer(text: &str) -> Option<Number> {
    let (is_negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &unsigned[2..]),
        [b'0', b'o' | b'O', ..] => (8, &unsigned[2..]),
        [b'0', b'b' | b'B', ..] => (2, &unsigned[2..]),
        [b'0', _, ..] => (8, &unsigned[1..]),
        _ => (10, unsigned),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    if is_negative {
        return 0_i64.checked_sub_unsigned(value).map(Number::from);
    }
    Some(Number::from(value))
}

/// `^(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn is_float(unsigned: &str) -> bool {
    let all_digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_mantissa = whole.len() + fraction.len() > 0 && all_digits(whole) && all_digits(fraction);
    is_mantissa
        && exponent.is_none_or(|e| {
            let digits = e.strip_prefix(['+', '-']).unwrap_or(e);
            !digits.is_empty() && all_digits(digits)
        })
}

/// What kustomize takes a plain scalar for where kubectl takes it for `value`, if they part
/// (facts/gitops-delivery.md 6.4.3).
pub(super) fn taken_by_kustomize(text: &str, value: &Value) -> Option<&'static str> {
    match value {
        Value::Bool(_) => {
            let is_word = text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
            (!is_word).then_some("text")
        }
        Value::Text(_) if is_date(text) => Some("a time"),
        _ => None,
    }
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

/// What a YAML 1.1 reader takes a plain scalar for, if that is not `value`, which the core schema
/// gives. This is the ambiguous set less what both readings have in common; PyYAML and go-yaml are
/// the readers meant.
pub(super) fn taken_by_yaml_1_1(text: &str, value: &Value) -> Option<&'static str> {
    match value {
        Value::Number(n) if n.is_f64() => (!is_float_in_yaml_1_1(text)).then_some("text"),
        Value::Number(_) => text.starts_with("0o").then_some("text"),
        Value::Text(_) => text_taken_by_yaml_1_1(text),
        // both agree on null, true and false
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Mapping(_) => None,
    }
}

fn text_taken_by_yaml_1_1(text: &str) -> Option<&'static str> {
    match text {
        "=" => return Some("a default value"),
        "<<" => return Some("a merge key"),
        _ if text.len() <= 5 && text.eq_ignore_ascii_case("null") => return Some("nothing"),
        _ if text.len() <= 5 && is_word(text) => return Some("a boolean"),
        _ => {}
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    // what follows begins with a digit or a point, as few texts do
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if unsigned.eq_ignore_ascii_case(".inf") || unsigned.eq_ignore_ascii_case(".nan") {
        return Some("a number");
    }
    if is_date(text) {
        return Some("a date");
    }
    let joined = unsigned.replace('_', "");
    let is_number = is_prefixed(&joined) || is_decimal(&joined) || is_sexagesimal(unsigned);
    // go-yaml keeps as text what no float can hold, PyYAML what is not in its form of a float
    let is_kept = || {
        let is_infinite = joined.parse::<f64>().is_ok_and(f64::is_infinite);
        is_infinite && joined.contains(['e', 'E']) && !is_float_in_yaml_1_1(&joined)
    };
    (is_number && !is_kept()).then_some("a number")
}

/// A float with a point and, in the exponent, a sign; a leading point without a sign before it.
fn is_float_in_yaml_1_1(text: &str) -> bool {
    let signed_point = text.starts_with("+.") || text.starts_with("-.");
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "+"));
    !signed_point && mantissa.contains('.') && exponent.starts_with(['+', '-'])
}

fn is_prefixed(text: &str) -> bool {
    let Some((prefix, digits)) = text.split_at_checked(2) else { return false };
    let radix = match prefix {
        "0x" | "0X" => 16,
        "0o" | "0O" => 8,
        "0b" | "0B" => 2,
        _ => return false,
    };
    !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix))
}

fn is_decimal(text: &str) -> bool {
    let all_digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_is_one = exponent.is_none_or(|e| {
        let digits = e.strip_prefix(['+', '-']).unwrap_or(e);
        !digits.is_empty() && all_digits(digits)
    });
    whole.len() + fraction.len() > 0 && all_digits(whole) && all_digits(fraction) && exponent_is_one
}

/// `190:20:30` and `190:20:30.15`: digits to the base of sixty. Without a fraction the first is no
/// zero.
fn is_sexagesimal(text: &str) -> bool {
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let Some((first, rest)) = whole.split_once(':') else { return false };
    let starts =
        first.starts_with(|c: char| c.is_ascii_digit() && (fraction.is_some() || c != '0'));
    let below_sixty =
        |part: &str| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
    starts && digits(first) && rest.split(':').all(below_sixty) && fraction.is_none_or(digits)
}

/// `2001-12-14`, alone or with a time behind it.
fn is_date(text: &str) -> bool {
    let end = text.find(['T', 't', ' ', '\t']).unwrap_or(text.len());
    let (date, time) = text.split_at(end);
    let mut parts = date.split('-').map(str::as_bytes);
    let short = |part: Option<&[u8]>| {
        part.is_some_and(|p| matches!(p.len(), 1 | 2) && p.iter().all(u8::is_ascii_digit))
    };
    let year = parts.next().is_some_and(|p| p.len() == 4 && p.iter().all(u8::is_ascii_digit));
    let is_date = year && short(parts.next()) && short(parts.next()) && parts.next().is_none();
    let time = time.get(1..).unwrap_or("").trim_start();
    is_date && (end == text.len() || time.starts_with(|c: char| c.is_ascii_digit()))
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
    fn as_kubectl_reads() {
        let number = |n: i64| Value::Number(n.into());
        for (text, wanted) in [
            ("yes", Value::Bool(true)),
            ("Off", Value::Bool(false)),
            ("y", Value::Bool(true)),
            ("012", number(10)),
            ("-0755", number(-493)),
            ("0o12", number(10)),
            ("0x1F", number(31)),
            ("0b11", number(3)),
            ("1_000", number(1000)),
            ("1__0", number(10)),
            ("+1", number(1)),
            ("-9223372036854775808", number(i64::MIN)),
            ("18446744073709551615", Value::Number(u64::MAX.into())),
            ("~", Value::Null),
        ] {
            assert_eq!(as_kubernetes(text), wanted, "{text}");
        }
        for (text, wanted) in [("08", 8.0), ("1e3", 1000.0), (".5", 0.5), ("1.", 1.0)] {
            let Value::Number(n) = as_kubernetes(text) else { panic!("{text} is no number") };
            assert_eq!(n.as_f64(), Some(wanted), "{text}");
        }
        for text in
            ["12:30:45", "2024-01-01", "1.2.3", "10.0.0.1", "2001:db8::10", "1e", "yEs", "0x", "-"]
        {
            assert_eq!(as_kubernetes(text), Value::Text(text.into()), "{text}");
        }
        assert_eq!(taken_by_kustomize("yes", &Value::Bool(true)), Some("text"));
        assert_eq!(taken_by_kustomize("True", &Value::Bool(true)), None);
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
