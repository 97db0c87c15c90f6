/**
 * Every sentence that the visitor may read, in English and Turkish. The Turkish dictionary has the type of the English
 * one, so that a missing sentence does not compile.
 */

const en = {
  chat: 'Chat',
  open: 'Open chat',
  close: 'Close chat',
  messages: 'Messages',
  write: 'Write a message',
  send: 'Send',
  you: 'You',
  bot: 'Bot',
  agent: 'Agent',
  online: 'Online',
  connecting: 'Connecting…',
  offline: 'No connection. Trying again…',
  sending: 'Sending…',
  sent: 'Sent',
  failed: 'Not sent.',
  refused: 'This message was not accepted.',
  tooLong: 'This message is too long.',
  retry: 'Try again',
  discard: 'Delete',
  ended: 'This conversation has ended.',
  again: 'Start again',
  unavailable: 'This chat is not available at the moment.',
  newTab: 'opens in a new tab',
  newest: 'New messages',
  slow: (seconds: number) => `Too many messages at once. Going on in ${seconds} s.`,
  unread: (count: number) => (count === 1 ? '1 unread message' : `${count} unread messages`),
  left: (count: number) => (count === 1 ? '1 character left' : `${count} characters left`),
};

/** One language's sentences. */
export type Texts = typeof en;

const tr: Texts = {
  chat: 'Sohbet',
  open: 'Sohbeti aç',
  close: 'Sohbeti kapat',
  messages: 'Mesajlar',
  write: 'Mesajınızı yazın',
  send: 'Gönder',
  you: 'Siz',
  bot: 'Bot',
  agent: 'Temsilci',
  online: 'Çevrimiçi',
  connecting: 'Bağlanıyor…',
  offline: 'Bağlantı yok. Yeniden deneniyor…',
  sending: 'Gönderiliyor…',
  sent: 'Gönderildi',
  failed: 'Gönderilemedi.',
  refused: 'Bu mesaj kabul edilmedi.',
  tooLong: 'Bu mesaj çok uzun.',
  retry: 'Yeniden dene',
  discard: 'Sil',
  ended: 'Bu sohbet sona erdi.',
  again: 'Yeniden başlat',
  unavailable: 'Bu sohbet şu anda kullanılamıyor.',
  newTab: 'yeni sekmede açılır',
  newest: 'Yeni mesajlar',
  slow: (seconds) => `Art arda çok fazla mesaj gönderildi. ${seconds} sn sonra devam edecek.`,
  unread: (count) => `${count} okunmamış mesaj`,
  left: (count) => `${count} karakter kaldı`,
};

/** The languages of the widget, by BCP 47 primary subtag. */
export const dictionaries = { en, tr };

/** A language that the widget speaks. */
export type Language = keyof typeof dictionaries;

/** The first wish whose primary subtag is a known language decides; a wish for any other language means English. */
export function pickLanguage(...wishes: (string | null | undefined)[]): Language {
  const wish = wishes.find(Boolean) ?? 'en';
  return wish.toLowerCase().split(/[-_]/)[0] === 'tr' ? 'tr' : 'en';
}
