//! Comparing what people type, in Turkish and English at once.
//!
//! Unicode lower-casing gets Turkish wrong without a locale (`I` is `ı` there, `İ` is `i`), and a visitor's locale is
//! not known. So all four letters fold to `i`. Diacritics stay: `kuş` and `kus` are different words.

/// Lower-cases for comparison: `İ`, `I`, `ı` and `i` become `i`; letters typed as a base letter and a combining mark
/// become the one Turkish letter.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            'İ' | 'I' | 'ı' => folded.push('i'),
            '\u{306}' | '\u{307}' | '\u{308}' | '\u{327}' => combine(&mut folded, c),
            _ => folded.extend(c.to_lowercase()),
        }
    }
    folded
}

/// Whether two texts are the same for a person: folded, without spaces around them.
pub fn same(left: &str, right: &str) -> bool {
    fold(left.trim()) == fold(right.trim())
}

/// Folded text without Turkish diacritics, as it is typed on a keyboard that lacks them.
pub(super) fn without_diacritics(folded: &str) -> String {
    let plain = |c| match c {
        'ş' => 's',
        'ç' => 'c',
        'ğ' => 'g',
        'ö' => 'o',
        'ü' | 'û' => 'u',
        'â' => 'a',
        'î' => 'i',
        other => other,
    };
    folded.chars().map(plain).collect()
}

/// Removes control characters except newline and tab, and writes every line end as a newline.
pub fn plain(text: &str) -> String {
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    unified.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// The first `most` characters.
pub fn cut(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
    }
    text
}

/// Joins a combining mark to the letter before it; marks of other languages are kept as they are.
fn combine(folded: &mut String, mark: char) {
    let joined = match (folded.chars().next_back(), mark) {
        (Some('i'), '\u{307}') => 'i',
        (Some('s'), '\u{327}') => 'ş',
        (Some('c'), '\u{327}') => 'ç',
        (Some('g'), '\u{306}') => 'ğ',
        (Some('o'), '\u{308}') => 'ö',
        (Some('u'), '\u{308}') => 'ü',
        _ => return folded.push(mark),
    };
    folded.pop();
    folded.push(joined);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_letters_i_are_one() {
        for spelling in ["ışık", "IŞIK", "Işık", "işik", "İŞİK", "i\u{307}şik", "IS\u{327}IK"] {
            assert_eq!(fold(spelling), "işik", "{spelling}");
        }
        assert!(same("  İPTAL ", "iptal") && same("CANCEL IT", "cancel it"));
    }

    #[test]
    fn diacritics_tell_words_apart() {
        assert!(!same("kuş", "kus") && !same("ön", "on") && !same("ağ", "ag") && !same("aç", "ac"));
        assert_eq!(without_diacritics(&fold("ŞÖĞÇÜÂ")), "sogcua");
    }

    #[test]
    fn plain_text_has_no_control_characters() {
        assert_eq!(plain("a\r\nb\rc\td\u{0}\u{1b}[31m\u{85}"), "a\nb\nc\td[31m");
        assert_eq!(cut("çok uzun".into(), 3), "çok");
        assert_eq!(cut("kısa".into(), 9), "kısa");
    }
}
