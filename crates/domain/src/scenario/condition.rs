//! Whether a condition block holds.
//!
//! Texts are compared folded and without spaces around them. Less and greater compare numbers and are false unless
//! both sides are plain decimals; “1.234,5” is not guessed.

use super::answers::decimal;
use super::blocks::{Condition, Match, Operator, Rule, Subject};
use super::limits::TEXT_CHARS;
use super::template;
use super::text::fold;
use serde_json::{Map, Value};

/// Whether the condition holds for these attributes, `message` among them.
pub(super) fn holds(condition: &Condition, attributes: &Map<String, Value>) -> bool {
    let group = |group: &super::blocks::Group| joined(group.r#match, &group.rules, |rule| rule_holds(rule, attributes));
    joined(condition.r#match, &condition.groups, group)
}

fn joined<T>(how: Match, items: &[T], test: impl Fn(&T) -> bool) -> bool {
    match how {
        Match::All => items.iter().all(test),
        Match::Any => items.iter().any(test),
    }
}

fn rule_holds(rule: &Rule, attributes: &Map<String, Value>) -> bool {
    let name = match &rule.subject {
        Subject::Attribute { name } => name.as_str(),
        Subject::Message {} => "message",
    };
    let subject = attributes.get(name).map(template::as_text).unwrap_or_default();
    let value = template::render(rule.value.as_deref().unwrap_or_default(), attributes, TEXT_CHARS);
    compare(rule.operator, subject.trim(), value.trim())
}

fn compare(operator: Operator, subject: &str, value: &str) -> bool {
    let numbers = |test: fn(&f64, &f64) -> bool| match (decimal(subject), decimal(value)) {
        (Some(subject), Some(value)) => test(&subject, &value),
        _ => false,
    };
    // An attribute that is not known yet must not make every text contain it.
    let part = |test: fn(&str, &str) -> bool| !value.is_empty() && test(&fold(subject), &fold(value));
    #[expect(clippy::cast_precision_loss, reason = "a text has at most some thousand characters")]
    let length = || subject.chars().count() as f64;
    match operator {
        Operator::Equals => fold(subject) == fold(value),
        Operator::NotEquals => fold(subject) != fold(value),
        Operator::Contains => part(|subject, value| subject.contains(value)),
        Operator::NotContains => !part(|subject, value| subject.contains(value)),
        Operator::StartsWith => part(|subject, value| subject.starts_with(value)),
        Operator::EndsWith => part(|subject, value| subject.ends_with(value)),
        Operator::IsEmpty => subject.is_empty(),
        Operator::IsNotEmpty => !subject.is_empty(),
        Operator::LongerThan => decimal(value).is_some_and(|value| length() > value),
        Operator::ShorterThan => decimal(value).is_some_and(|value| length() < value),
        Operator::LessThan => numbers(f64::lt),
        Operator::LessOrEqual => numbers(f64::le),
        Operator::GreaterThan => numbers(f64::gt),
        Operator::GreaterOrEqual => numbers(f64::ge),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operator_holds_and_fails() {
        use Operator::*;
        for (operator, subject, yes, no) in [
            (Equals, "İstanbul", "istanbul", "ıstanbuul"),
            (NotEquals, "kuş", "kus", "KUŞ"),
            (Contains, "Siparişim nerede", "PARİŞ", "iade"),
            (NotContains, "Siparişim nerede", "iade", "sipariş"),
            (StartsWith, "ISPARTA", "ısp", "parta"),
            (EndsWith, "ISPARTA", "arta", "ısp"),
            (LongerThan, "şişe", "3", "4"),
            (ShorterThan, "şişe", "5", "4"),
            (LessThan, "5", "5,5", "5"),
            (LessOrEqual, "5.0", "5", "4.9"),
            (GreaterThan, "10", "9", "10"),
            (GreaterOrEqual, "-1", "-1", "0"),
        ] {
            assert!(compare(operator, subject, yes), "{operator:?} {subject} {yes}");
            assert!(!compare(operator, subject, no), "{operator:?} {subject} {no}");
        }
        assert!(compare(IsEmpty, "", "") && !compare(IsEmpty, "x", ""));
        assert!(compare(IsNotEmpty, "x", "") && !compare(IsNotEmpty, "", ""));
    }

    #[test]
    fn nothing_contains_an_empty_text() {
        for operator in [Operator::Contains, Operator::StartsWith, Operator::EndsWith] {
            assert!(!compare(operator, "abc", "") && !compare(operator, "", ""));
        }
        assert!(compare(Operator::NotContains, "abc", ""));
    }

    #[test]
    fn numbers_are_never_guessed() {
        for (subject, value) in [("1.234,5", "1"), ("1", "1.234,5"), ("elma", "1"), ("", "1"), ("1", "")] {
            assert!(!compare(Operator::GreaterThan, subject, value) && !compare(Operator::LessOrEqual, subject, value));
        }
        assert!(!compare(Operator::LongerThan, "abc", "ab"));
    }
}
