//! Checking and normalising the answer to a question.

use super::blocks::{Check, Validation};
use super::text::{fold, same};
use serde_json::{Number, Value};

/// The answer as it is stored, or `None` if it is not accepted.
///
/// A number is stored as JSON number, an e-mail address with its domain in lower case, a phone number as digits (with
/// `+` if a country code was given), a choice in its own spelling, any other text without spaces around it.
pub(super) fn accept(check: &Check, answer: &str) -> Option<Value> {
    let answer = answer.trim();
    match check.kind {
        Validation::Any => Some(answer.into()),
        Validation::Text => {
            #[expect(clippy::cast_precision_loss, reason = "a message has at most 4,000 characters")]
            let length = answer.chars().count() as f64;
            (length >= check.min.unwrap_or(1.0) && within(check, length)).then(|| answer.into())
        }
        Validation::Number => {
            number(answer).filter(|_| decimal(answer).is_some_and(|n| within(check, n))).map(Value::Number)
        }
        Validation::Email => email(answer).map(Value::String),
        Validation::Phone => phone(answer).map(Value::String),
        Validation::Choice => choice(&check.choices, answer).map(|choice| choice.to_owned().into()),
    }
}

/// A plain decimal with `.` or `,` and an optional sign; nothing else, so that “1.234,5” is not guessed.
pub(super) fn decimal(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+', '−']).unwrap_or(text);
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || text.len() > 40 {
        return None;
    }
    text.replace(',', ".").replace('−', "-").parse().ok().filter(|number: &f64| number.is_finite())
}

fn number(text: &str) -> Option<Number> {
    let number = decimal(text)?;
    if let Ok(whole) = text.replace('−', "-").trim_start_matches('+').parse::<i64>() {
        return Some(whole.into());
    }
    Number::from_f64(number)
}

fn within(check: &Check, value: f64) -> bool {
    check.min.is_none_or(|min| value >= min) && check.max.is_none_or(|max| value <= max)
}

/// One `@`, a domain with a dot, no spaces, at most 254 bytes; the domain is lower-cased.
fn email(text: &str) -> Option<String> {
    let (local, domain) = text.split_once('@')?;
    let sane =
        |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '@' | ',' | ';' | '<' | '>' | '"' | '(' | ')');
    let labels_are_sane = domain.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    });
    let valid = text.len() <= 254
        && !local.is_empty()
        && local.len() <= 64
        && local.chars().all(sane)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain.contains('.')
        && labels_are_sane;
    valid.then(|| format!("{local}@{}", domain.to_lowercase()))
}

/// 7 to 15 digits. A leading `+` or `00` is a country code; without one the digits are kept as typed, also the local
/// Turkish form 0 5xx ….
fn phone(text: &str) -> Option<String> {
    let bare: String =
        text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '-' | '.' | '/' | '‑' | '–')).collect();
    let (code, digits) = match bare.strip_prefix('+').or_else(|| bare.strip_prefix("00")) {
        Some(digits) => ("+", digits),
        None => ("", bare.as_str()),
    };
    let valid = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    valid.then(|| format!("{code}{digits}"))
}

/// By its text, or by its number in the list (`2`, `2.`, `2)`).
fn choice<'a>(choices: &'a [String], answer: &str) -> Option<&'a String> {
    choices.iter().find(|choice| same(choice, answer)).or_else(|| {
        let ordinal: usize = fold(answer).trim_end_matches(['.', ')']).parse().ok()?;
        choices.get(ordinal.checked_sub(1)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(check: &Value, answers: &[(&str, Option<Value>)]) {
        let check: Check = serde_json::from_value(check.clone()).unwrap();
        for (answer, expected) in answers {
            assert_eq!(&accept(&check, answer), expected, "{answer}");
        }
    }

    #[test]
    fn numbers() {
        check(
            &json!({"kind": "number", "min": -5, "max": 2000.5}),
            &[
                ("42", Some(json!(42))),
                (" 0042 ", Some(json!(42))),
                ("+7", Some(json!(7))),
                ("3,5", Some(json!(3.5))),
                ("3.50", Some(json!(3.5))),
                ("-5", Some(json!(-5))),
                ("−5", Some(json!(-5))),
                ("-6", None),
                ("2001", None),
                ("1.234,5", None),
                ("1 000", None),
                ("5.", None),
                (".5", None),
                ("beş", None),
                ("1e3", None),
                ("NaN", None),
                ("", None),
            ],
        );
    }

    #[test]
    fn emails() {
        check(
            &json!({"kind": "email"}),
            &[
                (" Ada.L@Example.COM ", Some(json!("Ada.L@example.com"))),
                ("ali@çiçek.com.tr", Some(json!("ali@çiçek.com.tr"))),
                ("ada@example", None),
                ("ada@@example.com", None),
                ("ada@b@example.com", None),
                ("ada l@example.com", None),
                ("ada@.com", None),
                ("ada@example..com", None),
                ("@example.com", None),
                ("example.com", None),
            ],
        );
        assert!(email(&format!("a@{}com", "b.".repeat(126))).is_none());
    }

    #[test]
    fn phones() {
        check(
            &json!({"kind": "phone"}),
            &[
                ("+90 (532) 123 45 67", Some(json!("+905321234567"))),
                ("0090 532 123-45-67", Some(json!("+905321234567"))),
                ("0 532 123 45 67", Some(json!("05321234567"))),
                ("0532.123.45.67", Some(json!("05321234567"))),
                ("444 0 123", Some(json!("4440123"))),
                ("123456", None),
                ("+1234567890123456", None),
                ("numaram 05321234567", None),
                ("++905321234567", None),
            ],
        );
    }

    #[test]
    fn choices_and_texts() {
        check(
            &json!({"kind": "choice", "choices": ["İade", "Değişim"]}),
            &[
                ("IADE", Some(json!("İade"))),
                (" değişim ", Some(json!("Değişim"))),
                ("2", Some(json!("Değişim"))),
                ("1.", Some(json!("İade"))),
                ("0", None),
                ("3", None),
                ("degisim", None),
            ],
        );
        check(
            &json!({"kind": "text", "min": 2, "max": 4}),
            &[("şş", Some(json!("şş"))), (" abcd ", Some(json!("abcd"))), ("a", None), ("abcde", None)],
        );
        check(&json!({"kind": "text"}), &[("  ", None), ("x", Some(json!("x")))]);
        check(&json!({"kind": "any"}), &[("", Some(json!(""))), ("x", Some(json!("x")))]);
    }
}
