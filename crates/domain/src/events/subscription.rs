//! Which event types an endpoint wants.
//!
//! A subscription is asked once for every endpoint and event, so the patterns are sorted once and looked up: the cost
//! grows with the segments of the event's type, hardly with the number of patterns.

use super::event_type::{self, EventType, InvalidEventType};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The most patterns that one subscription may list.
pub const MAX_PATTERNS: usize = 1_000;

/// One line of a subscription: a full type, a prefix followed by `.*`, or `*`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum TypePattern {
    /// `*`: every type.
    Any,
    /// `message.*`: one or more further segments, so `message` itself is not meant. Holds `message.` with its stop.
    Below(Box<str>),
    /// `message.received`: exactly this type.
    Exact(EventType),
}

/// A text that is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{given}” is not a type pattern: {reason}. Write a full type, a prefix followed by “.*”, or “*”")]
pub struct InvalidPattern {
    /// What was given, cut to 150 characters.
    pub given: String,
    /// What is wrong with the pattern's fixed part.
    pub reason: InvalidEventType,
}

impl TypePattern {
    /// Whether an event of this type is meant.
    pub fn matches(&self, event_type: &EventType) -> bool {
        match self {
            Self::Any => true,
            Self::Below(prefix) => event_type.as_str().starts_with(&**prefix),
            Self::Exact(exact) => exact == event_type,
        }
    }
}

impl FromStr for TypePattern {
    type Err = InvalidPattern;
    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let invalid = |reason| InvalidPattern { given: text.chars().take(150).collect(), reason };
        if text == "*" {
            return Ok(Self::Any);
        }
        if text.len() > event_type::MAX_TYPE_LENGTH {
            return Err(invalid(InvalidEventType::TooLong(text.chars().count())));
        }
        match text.strip_suffix(".*") {
            Some(prefix) => {
                event_type::check(prefix).map_err(invalid)?;
                Ok(Self::Below(text[..=prefix.len()].into()))
            }
            None => text.parse().map(Self::Exact).map_err(invalid),
        }
    }
}

impl fmt::Display for TypePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Below(prefix) => write!(f, "{prefix}*"),
            Self::Exact(exact) => exact.fmt(f),
        }
    }
}

impl fmt::Debug for TypePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Serialize for TypePattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TypePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What an endpoint wants: everything (`null` in JSON), or what its patterns name (`[]` = nothing).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subscription(Option<Patterns>);

/// More patterns than [`MAX_PATTERNS`]; holds the number given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} type patterns are too many; at most {MAX_PATTERNS} are allowed, a prefix followed by “.*” stands for many"
)]
pub struct TooManyPatterns(pub usize);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Patterns {
    /// In the order given, each once: what is shown and stored.
    listed: Box<[TypePattern]>,
    any: bool,
    /// Sorted, for look-up.
    exact: Box<[EventType]>,
    /// Sorted, each with its full stop at the end.
    below: Box<[Box<str>]>,
}

impl Subscription {
    /// Everything, also types that do not exist yet.
    pub const ALL: Self = Self(None);

    /// What these patterns name. A pattern given twice counts once; the order is kept.
    pub fn only(patterns: impl IntoIterator<Item = TypePattern>) -> Result<Self, TooManyPatterns> {
        let mut seen = std::collections::HashSet::new();
        let listed: Box<[_]> = patterns.into_iter().filter(|p| seen.insert(p.clone())).collect();
        if listed.len() > MAX_PATTERNS {
            return Err(TooManyPatterns(listed.len()));
        }
        let (mut any, mut exact, mut below) = (false, Vec::new(), Vec::new());
        for pattern in &listed {
            match pattern {
                TypePattern::Any => any = true,
                TypePattern::Exact(name) => exact.push(name.clone()),
                TypePattern::Below(prefix) => below.push(prefix.clone()),
            }
        }
        exact.sort_unstable();
        below.sort_unstable();
        Ok(Self(Some(Patterns { listed, any, exact: exact.into(), below: below.into() })))
    }

    /// `None` means all, as in the API.
    pub fn new(patterns: Option<Vec<TypePattern>>) -> Result<Self, TooManyPatterns> {
        patterns.map_or(Ok(Self::ALL), Self::only)
    }

    /// The patterns in the order given; `None` = all.
    pub fn patterns(&self) -> Option<&[TypePattern]> {
        self.0.as_ref().map(|p| &*p.listed)
    }

    /// Whether an event of this type is wanted.
    pub fn matches(&self, event_type: &EventType) -> bool {
        let Some(patterns) = &self.0 else { return true };
        if patterns.any || patterns.exact.binary_search(event_type).is_ok() {
            return true;
        }
        if patterns.below.is_empty() {
            return false;
        }
        let text = event_type.as_str();
        text.match_indices('.').any(|(stop, _)| patterns.below.binary_search_by(|p| (**p).cmp(&text[..=stop])).is_ok())
    }
}

impl Serialize for Subscription {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.patterns().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Subscription {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let patterns = Option::<Vec<TypePattern>>::deserialize(deserializer)?;
        Self::new(patterns).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn subscription(json: &str) -> Subscription {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn patterns_mean_what_they_say() {
        for (wanted, event_type, expected) in [
            ("null", "a", true),
            ("[]", "a", false),
            (r#"["*"]"#, "a.b", true),
            (r#"["message.*"]"#, "message.received", true),
            (r#"["message.*"]"#, "message.received.late", true),
            (r#"["message.*"]"#, "message", false),
            (r#"["message.*"]"#, "messages.received", false),
            (r#"["a.b.*"]"#, "a.b", false),
            (r#"["a.b.*"]"#, "a.c.b", false),
            (r#"["x","message.received"]"#, "message.received", true),
            (r#"["message.received"]"#, "message.received.late", false),
            (r#"["Message.received"]"#, "message.received", false),
        ] {
            let got = subscription(wanted).matches(&event_type.parse().unwrap());
            assert_eq!(got, expected, "{wanted} asked for {event_type}");
        }
    }

    #[test]
    fn a_pattern_given_twice_counts_once_and_order_is_kept() {
        let json = r#"["b","a.*","*"]"#;
        assert_eq!(subscription(r#"["b","a.*","b","*","a.*"]"#), subscription(json));
        assert_eq!(serde_json::to_string(&subscription(json)).unwrap(), json);
        assert_eq!(serde_json::to_string(&Subscription::ALL).unwrap(), "null");
    }

    #[test]
    fn other_stars_are_refused_with_the_way_to_write_it() {
        for text in ["", ".*", "a*", "*.a", "a.*.b", "a.**", "a..*", "**", " *", &format!("{}.*", "a".repeat(127))] {
            let problem = text.parse::<TypePattern>().unwrap_err().to_string();
            assert!(problem.contains("prefix followed by"), "{problem}");
        }
    }

    #[test]
    fn the_number_of_patterns_is_bounded() {
        let patterns = |n: usize| (0..n).map(|i| format!("t{i}").parse().unwrap());
        assert!(Subscription::only(patterns(1_000)).is_ok());
        assert_eq!(Subscription::only(patterns(1_001)), Err(TooManyPatterns(1_001)));
    }

    proptest! {
        #[test]
        fn the_look_up_agrees_with_the_patterns_one_by_one(
            patterns in prop::collection::vec(r"[ab]{1,2}(\.[ab]){0,2}(\.\*)?", 0..8),
            event_type in r"[ab]{1,2}(\.[ab]){0,3}",
        ) {
            let patterns: Vec<TypePattern> = patterns.iter().map(|p| p.parse().unwrap()).collect();
            let event_type = event_type.parse().unwrap();
            let expected = patterns.iter().any(|p| p.matches(&event_type));
            prop_assert_eq!(Subscription::only(patterns).unwrap().matches(&event_type), expected);
        }
    }
}
