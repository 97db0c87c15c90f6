//! How large a pattern is, as far as that bounds the time of matching it: the engine's time is linear in the text and in
//! the pattern's positions, with `{n,m}` written out.

/// Positions of a pattern. What is no pattern has some number, too; the engine refuses it later.
pub(super) fn positions(pattern: &str) -> usize {
    let mut outer: Vec<usize> = Vec::new();
    // All before the last atom, and the last atom, which a repetition may follow.
    let (mut sum, mut last) = (0_usize, 0_usize);
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '(' => {
                outer.push(sum.saturating_add(last));
                (sum, last) = (0, 0);
            }
            ')' => {
                last = sum.saturating_add(last);
                sum = outer.pop().unwrap_or(0);
            }
            '{' => {
                if let Some((times, after)) = repetition(rest) {
                    last = last.saturating_mul(times.max(1));
                    rest = after;
                } else {
                    (sum, last) = (sum.saturating_add(last), 1);
                }
            }
            '*' | '+' | '?' | '|' | '^' | '$' => {}
            _ => {
                if c == '[' {
                    rest = after_class(rest);
                } else if c == '\\' {
                    rest = after_escape(rest);
                }
                (sum, last) = (sum.saturating_add(last), 1);
            }
        }
    }
    outer.into_iter().fold(sum.saturating_add(last), usize::saturating_add)
}

/// The most times of `n}`, `n,}` or `n,m}`, and what follows it.
fn repetition(text: &str) -> Option<(usize, &str)> {
    let (inside, after) = text.split_once('}')?;
    let (least, most) = inside.split_once(',').unwrap_or((inside, inside));
    let number = |digits: &str| -> Option<usize> {
        let all = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        all.then(|| digits.parse().unwrap_or(usize::MAX))
    };
    let least = number(least)?;
    let most = if most.is_empty() { least } else { number(most)? };
    Some((least.max(most), after))
}

fn after_class(text: &str) -> &str {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ']' if at > 0 => return &text[at + 1..],
            _ => {}
        }
    }
    ""
}

/// What follows `\d`, `\p{L}` or the like.
fn after_escape(text: &str) -> &str {
    let Some(c) = text.chars().next() else { return "" };
    let rest = &text[c.len_utf8()..];
    match rest.strip_prefix('{').filter(|_| matches!(c, 'p' | 'P' | 'u')) {
        Some(name) => name.split_once('}').map_or("", |(_, after)| after),
        None => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::positions;

    #[test]
    fn positions_are_counted_with_repetitions_written_out() {
        for (pattern, expected) in [
            ("", 0),
            ("^abc$", 3),
            ("^[a-z\\]]{3}$", 3),
            (r"\p{L}{1,50}", 50),
            ("(ab|c){2,}d", 7),
            ("((a{10}){10}b){10}", 1_010),
            ("a{x}", 4),
            ("(a{1000}", 1_000),
            (r"\(\{2}", 4),
            ("[", 1),
            ("(((a{99999}){99999}){99999}){99999999999999999999999}", usize::MAX),
        ] {
            assert_eq!(positions(pattern), expected, "{pattern}");
        }
    }
}
