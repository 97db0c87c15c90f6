/**
 * `<kanca-chat>`: joins the session and its face in a shadow root, so that neither the page's styles nor its scripts get
 * in each other's way. `widget.ts` puts one on the page.
 */

import type { Contact } from './api';
import { clientId } from './client-id';
import type { Env } from './protocol';
import { createSession, type Session } from './session';
import { createStore } from './store';
import css from './styles/index.css?inline';
import { dictionaries, type Language } from './texts';
import { createView, type View } from './view';

/** What the script tag says. */
export interface Options {
  /** Of the Kanca server, such as `https://chat.example.com`. */
  origin: string;
  bot: string;
  language: Language;
  position: 'left' | 'right';
  title?: string | null;
  inline: boolean;
}

const browser: Env = {
  fetch: (url, init) => fetch(url, init),
  socket: (url) => new WebSocket(url),
  random: Math.random,
  uuid: clientId,
};

/** The name of the element. */
export const TAG = 'kanca-chat';

/** The element. It does nothing until `begin`. */
export class KancaChat extends HTMLElement {
  private declare session: Session;
  private declare view: View;
  private declare options: Options;
  private declare opened: boolean;
  private declare listening: AbortController;

  /** Shows the widget, closed unless inline. */
  begin(options: Options): void {
    const { bot, language, inline } = options;
    this.options = options;
    let due = false;
    const changed = () => {
      if (due) return;
      due = true;
      queueMicrotask(() => {
        due = false;
        this.view.render(this.session.state());
      });
    };
    const session = createSession(browser, options, createStore(`kanca:${bot}:`), changed);
    this.session = session;
    this.view = createView(
      { ...options, texts: dictionaries[language] },
      {
        toggle: () => (this.opened ? this.closeChat(true) : this.openChat(true)),
        close: () => this.closeChat(true),
        say: session.say,
        again: session.again,
        retry: session.retry,
        discard: session.discard,
      },
    );
    const root = this.attachShadow({ mode: 'open' });
    addStyles(root);
    root.append(this.view.element);
    this.opened = false;
    this.listening = new AbortController();
    const { signal } = this.listening;
    addEventListener('online', () => session.wake(true), { signal });
    document.addEventListener('visibilitychange', () => document.hidden || session.wake(false), { signal });
    changed();
    if (inline) {
      this.classList.add('inline');
      this.openChat(false);
    }
  }

  /** Opens the panel. `focus`: the visitor asked for it. */
  openChat(focus: boolean): void {
    this.opened = true;
    this.view.setOpen(true, focus);
    this.session.watch();
  }

  /** Closes the panel; an inline one stays. */
  closeChat(focus: boolean): void {
    if (this.options.inline) return;
    this.opened = false;
    this.view.setOpen(false, focus);
    this.session.unwatch();
  }

  /** A page that swaps its body throws the widget away, unless it only moved. */
  disconnectedCallback(): void {
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.listening.abort();
      this.session.stop();
    });
  }

  /** What the page knows of the visitor. */
  setContact(contact: Contact): void {
    this.session.setContact(contact);
  }
}

/** A constructed style sheet is exempt from the page's `style-src`; older browsers get an element. */
function addStyles(root: ShadowRoot): void {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];
  } catch {
    const style = document.createElement('style');
    style.textContent = css;
    root.append(style);
  }
}
