//! Recognising keywords and phrases in what a visitor writes.
//!
//! Turkish words carry suffixes, so the last word of a keyword may go on: `sipariş` is found in “siparişim” and in
//! “sipariş'in”. A keyword's last word of fewer than three letters must stand alone, so that `at` is not found in
//! “atölye”; of two or more syllables its final p, ç, t, k may soften: `destek` is found in “desteğe”.
//! Words of four letters and more are compared without diacritics, because many people type `siparis`; in shorter
//! words a diacritic too often makes another word (`kuş`, `kus`).

use super::text::{fold, without_diacritics};

/// A message split into words, made once and tried against many patterns.
#[derive(Debug)]
pub(super) struct Words {
    words: Vec<Word>,
    literal: String,
}

/// A keyword or phrase, prepared.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    /// As the owner wrote it.
    pub written: String,
    words: Vec<Word>,
    literal: String,
}

#[derive(Debug, Clone, PartialEq)]
struct Word {
    /// Folded, an apostrophe left out.
    whole: String,
    /// The part before an apostrophe, the whole if there is none.
    stem: String,
}

impl Words {
    pub fn new(text: &str) -> Self {
        let literal = fold(text.trim());
        Self { words: split(&literal), literal }
    }
}

impl Pattern {
    pub fn new(written: &str) -> Self {
        let Words { words, literal } = Words::new(written);
        Self { written: written.to_owned(), words, literal }
    }

    /// The keyword's words stand in the message one after another; the last may carry a suffix.
    pub fn is_keyword_of(&self, message: &Words) -> bool {
        if self.words.is_empty() {
            // An emoji or a sign has no words; it is looked for as it is.
            return !self.literal.is_empty() && message.literal.contains(&self.literal);
        }
        message.words.windows(self.words.len()).any(|window| self.fits(window, true))
    }

    /// The phrase is the message (its last word may carry a suffix), or stands in it word for word.
    pub fn is_phrase_of(&self, message: &Words) -> bool {
        if self.words.is_empty() {
            return !self.literal.is_empty() && message.literal == self.literal;
        }
        (message.words.len() == self.words.len() && self.fits(&message.words, true))
            || message.words.windows(self.words.len()).any(|window| self.fits(window, false))
    }

    fn fits(&self, said: &[Word], suffix: bool) -> bool {
        let Some((last, before)) = self.words.split_last() else { return false };
        let Some((said_last, said_before)) = said.split_last() else { return false };
        before.len() == said_before.len()
            && before.iter().zip(said_before).all(|(key, said)| equal(&key.whole, &said.whole))
            && (equal(&last.whole, &said_last.whole) || (suffix && carries_suffix(&last.whole, said_last)))
    }
}

fn split(folded: &str) -> Vec<Word> {
    let is_apostrophe = |c| matches!(c, '\'' | '’' | '‘' | 'ʼ' | '´' | '`');
    folded
        .split(|c: char| !c.is_alphanumeric() && !is_apostrophe(c) && !is_mark(c))
        .filter_map(|raw| {
            let raw = raw.trim_matches(is_apostrophe);
            let whole: String = raw.chars().filter(|c| !is_apostrophe(*c)).collect();
            let stem = raw.split(is_apostrophe).next().unwrap_or_default().to_owned();
            (!whole.is_empty()).then_some(Word { whole, stem })
        })
        .collect()
}

/// Combining marks belong to the word.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

fn equal(key: &str, said: &str) -> bool {
    key == said || (letters(key) >= 4 && without_diacritics(key) == without_diacritics(said))
}

fn carries_suffix(key: &str, said: &Word) -> bool {
    if equal(key, &said.stem) {
        return true;
    }
    match letters(key) {
        0..=2 => false,
        3 => said.whole.starts_with(key),
        _ => {
            let (key, said) = (without_diacritics(key), without_diacritics(&said.whole));
            said.starts_with(&key) || softened(&key).is_some_and(|soft| goes_on_with_vowel(&said, &soft))
        }
    }
}

/// `destek` → `desteg`, for words of two or more vowels (`kart` is not found in “kardeş”). Without diacritics.
fn softened(key: &str) -> Option<String> {
    let soft = match key.chars().next_back()? {
        'p' => 'b',
        't' => 'd',
        'k' => 'g',
        // ç, already without its diacritic; it softens to c.
        _ => return None,
    };
    if key.chars().filter(|c| is_vowel(*c)).count() < 2 {
        return None;
    }
    let mut word = key.to_owned();
    word.pop();
    word.push(soft);
    Some(word)
}

fn goes_on_with_vowel(said: &str, stem: &str) -> bool {
    said.strip_prefix(stem).and_then(|rest| rest.chars().next()).is_some_and(is_vowel)
}

fn is_vowel(c: char) -> bool {
    matches!(c, 'a' | 'e' | 'i' | 'o' | 'u')
}

fn letters(word: &str) -> usize {
    word.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyword(key: &str, message: &str) -> bool {
        Pattern::new(key).is_keyword_of(&Words::new(message))
    }

    fn phrase(key: &str, message: &str) -> bool {
        Pattern::new(key).is_phrase_of(&Words::new(message))
    }

    #[test]
    fn a_keyword_is_found_with_its_suffixes() {
        for (key, message) in [
            ("sipariş", "Siparişim nerede?"),
            ("sipariş", "SİPARİŞ'İN DURUMU"),
            ("sipariş", "siparişlerimizdekiler"),
            ("sipariş", "siparisim gelmedi"),
            ("siparis", "siparişim gelmedi"),
            ("iade", "iadesi ne zaman"),
            ("iade", "iadem"),
            ("iade", "iade’nin süresi"),
            ("İADE", "ıade etmek istiyorum"),
            ("ışık", "IŞIKLAR yanmıyor"),
            ("IŞIK", "ışığı"),
            ("destek", "desteğe ihtiyacım var"),
            ("kitap", "kitabım gelmedi"),
            ("ağaç", "ağacın altında"),
            ("kargo takip", "kargo takibi yapamıyorum"),
            ("TL", "kaç TL'ye"),
            ("at", "bir at!"),
            ("order", "my orders, please"),
            ("👍", "tamam 👍"),
        ] {
            assert!(keyword(key, message), "“{key}” should be found in “{message}”");
        }
    }

    #[test]
    fn a_keyword_is_not_found_in_other_words() {
        for (key, message) in [
            ("at", "atölye ne zaman"),
            ("at", "saat kaç"),
            ("iade", "müsaade eder misiniz"),
            ("kuş", "kus"),
            ("kus", "kuşlar"),
            ("kart", "kardeşim"),
            ("destek", "destan"),
            ("kargo takip", "takip kargo"),
            ("kargo takip", "kargom için takip"),
            ("sipariş", ""),
            ("", "herhangi bir şey"),
            ("destek", "desteg"),
        ] {
            assert!(!keyword(key, message), "“{key}” should not be found in “{message}”");
        }
    }

    #[test]
    fn a_phrase_is_the_message_or_stands_in_it_word_for_word() {
        for (key, message) in [
            ("siparişim nerede", "Siparişim nerede???"),
            ("siparişim nerede", "siparisim neredeymiş"),
            ("where is my order", "Hi! Where is my order, please?"),
            ("nasılsın", "NASILSIN"),
        ] {
            assert!(phrase(key, message), "“{key}” should be found in “{message}”");
        }
        for (key, message) in [
            ("siparişim nerede", "siparişim neredeymiş acaba"),
            ("where is my order", "where is the order"),
            ("at", "atla"),
            ("", "x"),
        ] {
            assert!(!phrase(key, message), "“{key}” should not be found in “{message}”");
        }
    }
}
