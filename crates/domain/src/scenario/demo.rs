//! The scenarios that come with Kanca: the demo bot's, and the blank one for a new scenario.

use super::blocks::{
    Block, BlockKind, Branch, Check, Choice, DefaultTimeout, End, GoTo, Mapping, Position, Question, QuickReplies,
    TextBlock, TextMessage, UserInput, Validation, Webhook, WebhookMode,
};
use super::document::{AttributeDeclaration, Document, Edge, SCHEMA};
use crate::ids::EndpointId;
use serde::{Deserialize, Serialize};

/// The language that a bot speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Turkish.
    Tr,
}

impl Language {
    const fn pick<'a>(self, english: &'a str, turkish: &'a str) -> &'a str {
        match self {
            Self::En => english,
            Self::Tr => turkish,
        }
    }
}

/// A new scenario: start, a greeting, and a default otherwise with an apology.
pub fn blank(language: Language) -> Document {
    let mut sketch = Sketch::new(language);
    sketch.add("start", "Start", "Başlangıç noktası", (0, 0), BlockKind::Start {});
    sketch.say(
        "hello",
        "Greeting",
        "Karşılama",
        (1, 0),
        "Hello! How can I help you?",
        "Merhaba! Size nasıl yardımcı olabilirim?",
    );
    sketch.add("otherwise", "Default otherwise", "Varsayılan aksi durum", (0, 1), BlockKind::DefaultOtherwise {});
    sketch.say(
        "sorry",
        "Not understood",
        "Anlaşılmadı",
        (1, 1),
        "Sorry, I did not understand that.",
        "Üzgünüm, bunu anlayamadım.",
    );
    sketch.join("start", "next", "hello");
    sketch.join("otherwise", "next", "sorry");
    sketch.document
}

/// The demo bot's scenario: quick replies, a question, a webhook that waits and one that does not, with all ways out.
pub fn demo(endpoint: EndpointId, language: Language) -> Document {
    let mut sketch = Sketch::new(language);
    let pick = |english: &str, turkish: &str| language.pick(english, turkish).to_owned();
    sketch.declare("order_no", "Order number", "Sipariş numarası");
    sketch.declare("order_status", "Order status", "Sipariş durumu");
    add_menu(&mut sketch);

    let question = Question {
        text: pick("What is your order number?", "Sipariş numaranız nedir?"),
        variants: vec![pick("Which order is it? A number such as 1042.", "Hangi sipariş? 1042 gibi bir sayı yazın.")],
        validate: Check { kind: Validation::Number, min: Some(1.0), ..Check::default() },
        attribute: Some("order_no".into()),
        retry_text: None,
        attempts: Some(3),
    };
    sketch.add("ask_order", "Order number", "Sipariş numarası", (3, 0), BlockKind::Question(question));
    let wait = Webhook {
        endpoint_id: Some(endpoint),
        mode: WebhookMode::Wait,
        timeout_ms: 10_000,
        mappings: vec![Mapping { path: "$.order.status".into(), attribute: "order_status".into() }],
    };
    sketch.add("order_hook", "Ask the webhook", "Webhook'a sor", (4, 0), BlockKind::Webhook(wait));
    sketch.say(
        "found",
        "Success",
        "Başarılı",
        (5, 0),
        "Order {{order_no}}: {{order_status|no status given}}. So says the webhook, with status {{webhook.status}}.",
        "Sipariş {{order_no}}: {{order_status|durum bildirilmedi}}. Webhook {{webhook.status}} koduyla böyle yanıtladı.",
    );
    sketch.say(
        "not_found",
        "Client error",
        "İstemci hatası",
        (5, 1),
        "The webhook refused the question with {{webhook.status}}.",
        "Webhook soruyu {{webhook.status}} ile geri çevirdi.",
    );
    sketch.say(
        "no_answer",
        "Server error or timeout",
        "Sunucu hatası veya zaman aşımı",
        (5, 2),
        "The webhook could not be reached just now. The panel shows why, under Deliveries.",
        "Webhook'a şu anda ulaşılamadı. Nedenini panelde Teslimatlar altında görebilirsiniz.",
    );
    let notify =
        Webhook { endpoint_id: Some(endpoint), mode: WebhookMode::Notify, timeout_ms: 10_000, mappings: Vec::new() };
    sketch.add("hello_hook", "Notify the webhook", "Webhook'a haber ver", (3, 2), BlockKind::Webhook(notify));
    sketch.say(
        "greeted",
        "Sent",
        "Gönderildi",
        (4, 2),
        "I sent your hello to the webhook and did not wait for an answer. Look into the demo inbox: it is there.",
        "Selamınızı webhook'a gönderdim ve yanıt beklemedim. Demo kutusuna bakın: oraya düştü.",
    );
    sketch.add("about", "About webhooks", "Webhook nedir?", (3, 3), about(language));
    sketch.add("back", "Back to the menu", "Menüye dön", (6, 1), BlockKind::GoTo(GoTo { target: Some("menu".into()) }));
    add_defaults(&mut sketch);

    for (from, port, to) in [
        ("menu", "choice:track", "ask_order"),
        ("menu", "choice:hello", "hello_hook"),
        ("menu", "choice:about", "about"),
        ("ask_order", "answered", "order_hook"),
        ("ask_order", "failed", "back"),
        ("order_hook", "success", "found"),
        ("order_hook", "client_error", "not_found"),
        ("order_hook", "server_error", "no_answer"),
        ("order_hook", "timeout", "no_answer"),
        ("found", "next", "back"),
        ("not_found", "next", "back"),
        ("no_answer", "next", "back"),
        ("hello_hook", "next", "greeted"),
        ("greeted", "next", "back"),
        ("about", "next", "back"),
        ("listen", "branch:order", "ask_order"),
        ("listen", "branch:bye", "bye"),
    ] {
        sketch.join(from, port, to);
    }
    sketch.document
}

fn add_menu(sketch: &mut Sketch) {
    let language = sketch.language;
    sketch.add("start", "Start", "Başlangıç noktası", (0, 0), BlockKind::Start {});
    sketch.say(
        "hello",
        "Greeting",
        "Karşılama",
        (1, 0),
        "Hello {{name|there}}! I am Kanca's demo bot.",
        "Merhaba! Ben Kanca'nın demo botuyum.",
    );
    let choice = |id: &str, english, turkish| Choice {
        id: id.to_owned(),
        label: language.pick(english, turkish).to_owned(),
        url: None,
    };
    let menu = QuickReplies {
        text: language.pick("What would you like to try?", "Neyi denemek istersiniz?").to_owned(),
        choices: vec![
            choice("track", "Track an order", "Sipariş takibi"),
            choice("hello", "Say hello to the webhook", "Webhook'a selam gönder"),
            choice("about", "Talk about webhooks", "Webhook nedir?"),
        ],
        attribute: None,
    };
    sketch.add("menu", "Menu", "Menü", (2, 0), BlockKind::QuickReplies(menu));
    sketch.join("start", "next", "hello");
    sketch.join("hello", "next", "menu");
}

fn about(language: Language) -> BlockKind {
    let first = language.pick(
        "A webhook is an address that wants to know. Whatever happens here is sent to it at once.",
        "Webhook, haberdar olmak isteyen bir adrestir. Burada ne olursa anında oraya gönderilir.",
    );
    let second = language.pick(
        "Its answer can come back into this chat: I say it, or go another way because of it.",
        "Yanıtı bu sohbete geri gelebilir: ya söylerim ya da ona göre başka bir yoldan giderim.",
    );
    let message = |text: &str, delay_ms| TextMessage { text: text.to_owned(), delay_ms };
    BlockKind::Text(TextBlock { messages: vec![message(first, 0), message(second, 1_500)] })
}

/// What listens anywhere, and the two default paths.
fn add_defaults(sketch: &mut Sketch) {
    let language = sketch.language;
    let branch = |id: &str, english: &[&str], turkish: &[&str]| Branch {
        id: id.to_owned(),
        label: None,
        keywords: if language == Language::En { english } else { turkish }.iter().map(ToString::to_string).collect(),
        phrases: Vec::new(),
    };
    let branches = vec![
        branch("order", &["order", "parcel"], &["sipariş", "kargo"]),
        branch("bye", &["bye", "goodbye"], &["hoşça kal", "hoşçakal", "güle güle"]),
    ];
    let listen = BlockKind::UserInput(UserInput { branches, anywhere: true });
    sketch.add("listen", "Keywords", "Anahtar kelimeler", (0, 4), listen);
    let bye = language.pick("Good bye!", "Hoşça kalın!").to_owned();
    sketch.add("bye", "End", "Sohbeti kapat", (1, 4), BlockKind::End(End { text: Some(bye) }));
    sketch.add("otherwise", "Default otherwise", "Varsayılan aksi durum", (0, 5), BlockKind::DefaultOtherwise {});
    sketch.say(
        "sorry",
        "Not understood",
        "Anlaşılmadı",
        (1, 5),
        "Sorry, I did not understand that. Choose one of the suggestions, or write “bye” to end.",
        "Üzgünüm, bunu anlayamadım. Önerilerden birini seçin ya da bitirmek için “hoşça kal” yazın.",
    );
    let timeout = BlockKind::DefaultTimeout(DefaultTimeout { after_ms: 300_000 });
    sketch.add("silence", "Default timeout", "Varsayılan zaman aşımı", (0, 6), timeout);
    sketch.say("still_there", "Still there?", "Hâlâ orada mı?", (1, 6), "Are you still there?", "Hâlâ orada mısınız?");
    sketch.join("otherwise", "next", "sorry");
    sketch.join("silence", "next", "still_there");
}

/// A document in the making; places are given as column and row.
struct Sketch {
    language: Language,
    document: Document,
}

impl Sketch {
    fn new(language: Language) -> Self {
        let document =
            Document { schema: SCHEMA.into(), name: None, attributes: vec![], blocks: vec![], edges: vec![] };
        Self { language, document }
    }

    fn declare(&mut self, name: &str, english: &str, turkish: &str) {
        let label = Some(self.language.pick(english, turkish).to_owned());
        self.document.attributes.push(AttributeDeclaration { name: name.to_owned(), label, default: None });
    }

    fn add(&mut self, id: &str, english: &str, turkish: &str, (column, row): (u8, u8), kind: BlockKind) {
        self.document.blocks.push(Block {
            id: id.to_owned(),
            title: Some(self.language.pick(english, turkish).to_owned()),
            position: Position { x: f64::from(column) * 280.0, y: f64::from(row) * 200.0 },
            kind,
        });
    }

    /// A text block with one message, given in both languages after its titles.
    fn say(&mut self, id: &str, title: &str, title_tr: &str, place: (u8, u8), english: &str, turkish: &str) {
        let text = self.language.pick(english, turkish).to_owned();
        let block = TextBlock { messages: vec![TextMessage { text, delay_ms: 0 }] };
        self.add(id, title, title_tr, place, BlockKind::Text(block));
    }

    fn join(&mut self, from: &str, port: &str, to: &str) {
        self.document.edges.push(Edge { from: from.to_owned(), port: port.to_owned(), to: to.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Id;
    use crate::scenario::{Effect, Input, State, WebhookOutcome, WebhookPort, advance, compile, validate};

    #[test]
    fn the_built_in_scenarios_have_no_problems_in_either_language() {
        let endpoint = EndpointId::new(1, &[0; 10]);
        for language in [Language::En, Language::Tr] {
            for document in [blank(language), demo(endpoint, language)] {
                assert_eq!(validate(&document, &|id| id == endpoint), []);
                let text = serde_json::to_vec(&document).unwrap();
                assert_eq!(Document::parse(&text), Ok(document.clone()));
                let places: std::collections::HashSet<_> = document
                    .blocks
                    .iter()
                    .map(|block| (block.position.x.to_bits(), block.position.y.to_bits()))
                    .collect();
                assert_eq!(places.len(), document.blocks.len(), "no two blocks in one place");
            }
        }
    }

    #[test]
    fn the_demo_tracks_an_order() {
        let scenario = compile(demo(EndpointId::new(1, &[0; 10]), Language::Tr));
        let message = |text: &str| Input::Message { text: text.to_owned(), choice: None };
        let outcome = WebhookOutcome { status: Some(200), ..WebhookOutcome::bare(WebhookPort::Success) };
        let mut state = State::default();
        let mut said = Vec::new();
        let start = Input::Start { attributes: serde_json::Map::new() };
        for input in [start, message("siparişim nerede"), message("1042"), Input::Answer { call: 3, outcome }] {
            let (next, effects) = advance(&scenario, state, input);
            state = next;
            said.extend(effects.into_iter().filter_map(|effect| match effect {
                Effect::Say { text, .. } | Effect::Ask { text, .. } => Some(text),
                _ => None,
            }));
        }
        assert_eq!(
            said,
            [
                "Merhaba! Ben Kanca'nın demo botuyum.",
                "Neyi denemek istersiniz?",
                "Sipariş numaranız nedir?",
                "Sipariş 1042: durum bildirilmedi. Webhook 200 koduyla böyle yanıtladı.",
                "Neyi denemek istersiniz?",
            ]
        );
    }
}
