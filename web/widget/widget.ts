/**
 * The script that a page includes: reads its own tag, puts the element on the page, carries out the page's commands.
 *
 *     <script src="https://HOST/widget.js" data-bot="bot_…" async></script>
 *
 * Options: `data-lang` (en, tr; else the page's or the browser's language), `data-open="true"`, `data-position`
 * (right, left), `data-title`, `data-inline` (a selector: the chat becomes part of that element). The accent colour is
 * the page's to set: `kanca-chat { --kanca-accent: #8a1c4a }`.
 */

import { installCommands } from './commands';
import { KancaChat, TAG } from './element';
import { pickLanguage } from './texts';

// An async script is `currentScript` while it runs; a module or an evaluated script is not, and is found by its tag.
const script =
  (document.currentScript as HTMLScriptElement | null) ??
  document.querySelector<HTMLScriptElement>("script[data-bot][src*='widget.js']");

function begin({ src, dataset }: HTMLScriptElement): void {
  if (document.querySelector(TAG)) return;
  const { bot, lang, title, inline } = dataset;
  if (!bot) {
    console.error('kanca: the script tag needs data-bot="bot_…".');
    return;
  }
  const place = inline ? document.querySelector(inline) : null;
  if (inline && !place) console.error(`kanca: data-inline="${inline}" matches no element; showing the launcher instead.`);
  const chat = document.createElement(TAG) as KancaChat;
  chat.begin({
    origin: new URL(src, location.href).origin,
    bot,
    language: pickLanguage(lang, document.documentElement.lang, navigator.language),
    position: dataset.position === 'left' ? 'left' : 'right',
    title,
    inline: !!place,
  });
  (place ?? document.body).append(chat);
  if (dataset.open === 'true') chat.openChat(false);
  installCommands({
    open: () => chat.openChat(true),
    close: () => chat.closeChat(false),
    hide: () => (chat.hidden = true),
    show: () => (chat.hidden = false),
    setContact: (contact) => chat.setContact(contact),
  });
}

// Included twice, it shows itself once; but a page that swapped its body, and the widget with it, gets a new one.
if (script && !document.querySelector(TAG)) {
  if (!customElements.get(TAG)) customElements.define(TAG, KancaChat);
  const early = document.readyState === 'loading' && (!document.body || script.dataset.inline);
  if (early) addEventListener('DOMContentLoaded', () => begin(script));
  else begin(script);
}
