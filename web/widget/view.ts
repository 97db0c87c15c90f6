/**
 * The widget's face: launcher, panel, log, notices, composer. It is given the session's state and shows it; what the
 * visitor does goes back through `ViewActions`. It knows nothing of the network.
 */

import type { BubbleActions } from './bubble';
import { createComposer } from './composer';
import { h, icon, icons, setText } from './dom';
import { createLog } from './log';
import type { State } from './session';
import type { Language, Texts } from './texts';

/** What the visitor can do. */
export interface ViewActions extends Omit<BubbleActions, 'choose'> {
  toggle(): void;
  close(): void;
  say(text: string, choice?: string): void;
  /** Returns what was never sent. */
  again(): string;
}

/** How the widget stands on the page. */
export interface Look {
  texts: Texts;
  language: Language;
  position: 'left' | 'right';
  /** The page's own title for the chat; else the bot's name is the title. */
  title?: string | null;
  /** Part of the page: no launcher, always open. */
  inline: boolean;
}

/** The face. */
export interface View {
  element: HTMLElement;
  render(state: State): void;
  /** `focus`: it was the visitor's wish, so the focus follows. */
  setOpen(open: boolean, focus: boolean): void;
}

/** As narrow as this the panel fills the screen. Also in circumstances.css. */
const NARROW = '(max-width:479px)';
/** A lost line is mentioned only when it stays lost. */
const LOST_MS = 1500;

/** The face, closed. */
export function createView({ texts, language, position, title, inline }: Look, actions: ViewActions): View {
  const badge = h('span', { class: 'badge', 'aria-hidden': 'true' });
  const launcher = h(
    'button',
    { class: 'launcher', type: 'button', 'aria-haspopup': 'dialog', 'aria-expanded': 'false' },
    icon(icons.bubble),
    icon(icons.close),
    badge,
  );
  const name = h('div', { class: 'name' });
  const line = h('div', { class: 'online' });
  const closeButton = h('button', { class: 'close', type: 'button', 'aria-label': texts.close }, icon(icons.close));
  const header = h('div', { class: 'header' }, h('span', { class: 'avatar' }, icon(icons.bubble)), h('div', {}, name, line));
  const locale = navigator.language?.startsWith(language) ? navigator.language : language; // en-GB and its clock, say.
  const log = createLog(texts, locale, {
    ...actions,
    choose(label, choice) {
      say(label, choice);
      refocus();
    },
  });
  const notice = h('div', { class: 'notice', role: 'status' });
  const againButton = h('button', { class: 'again', type: 'button' }, texts.again);
  const over = h('div', { class: 'over' }, h('span', {}, texts.ended), againButton);
  const composer = createComposer(texts, (text) => say(text));
  const panel = h(
    'div',
    { class: 'panel', role: 'dialog' },
    header,
    log.element,
    notice,
    over,
    composer.element,
  );
  const announcer = h('div', { class: 'sr', role: 'status' });
  const element = h('section', { class: inline ? 'inline' : position, lang: language, dir: 'ltr' }, panel);
  if (!inline) {
    header.append(closeButton);
    element.prepend(launcher, announcer);
  }

  let open = inline;
  let state: State | null = null;
  let noticeTimer: ReturnType<typeof setTimeout> | undefined;
  let lostSince = 0;
  panel.hidden = !open;
  over.hidden = true;

  function say(text: string, choice?: string) {
    actions.say(text, choice);
    log.toEnd();
  }

  /** After a click on something that goes away. A touch screen's keyboard is not called up for it. */
  function refocus() {
    (matchMedia('(hover:none)').matches || composer.element.hidden ? log.region : composer.input).focus({ preventScroll: true });
  }

  launcher.onclick = actions.toggle;
  closeButton.onclick = actions.close;
  againButton.onclick = () => {
    const unsent = actions.again();
    if (unsent) composer.prepend(unsent);
    refocus();
  };

  // Keys typed here are not the host page's shortcuts.
  for (const type of ['keydown', 'keyup', 'keypress'] as const) {
    element.addEventListener(type, (event) => event.stopPropagation());
  }
  panel.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !event.isComposing && !inline) actions.close();
    if (event.key === 'Tab') keepFocus(event);
  });

  /** A panel that covers the page keeps the focus, which would otherwise move about unseen behind it. */
  function keepFocus(event: KeyboardEvent) {
    if (inline || !matchMedia(NARROW).matches) return;
    const stops = [...panel.querySelectorAll<HTMLElement>('a,button:enabled,textarea,[tabindex]')].filter(
      (stop) => stop.getClientRects().length,
    );
    const edge = event.shiftKey ? 0 : stops.length - 1;
    if (stops[edge] !== (panel.getRootNode() as ShadowRoot).activeElement) return;
    event.preventDefault();
    stops[stops.length - 1 - edge]?.focus();
  }

  // On phones the keyboard covers the page: the panel then takes what is left.
  const viewport = inline ? null : window.visualViewport;
  function fit() {
    if (!viewport || !open) return;
    panel.style.setProperty('--height', `${viewport.height}px`);
    panel.style.setProperty('--top', `${viewport.offsetTop}px`);
  }
  viewport?.addEventListener('resize', fit);
  viewport?.addEventListener('scroll', fit);

  /** The sentence between log and composer, if something is the matter. It counts down by itself. */
  function renderNotice() {
    clearTimeout(noticeTimer);
    if (!state) return;
    const { phase, line, slowUntil } = state;
    lostSince = line === 'lost' ? lostSince || Date.now() : 0;
    const lost = lostSince && Date.now() - lostSince >= LOST_MS;
    // In steps of five, as a screen reader says every change.
    const seconds = Math.ceil((slowUntil - Date.now()) / 5000) * 5;
    let text = '';
    if (phase === 'unavailable') text = texts.unavailable;
    else if (lost) text = texts.offline;
    else if (seconds > 0) text = texts.slow(seconds);
    setText(notice, text);
    if (slowUntil || (lostSince && !lost)) noticeTimer = setTimeout(renderNotice, lostSince ? LOST_MS : 1000);
  }

  return {
    element,
    render(now) {
      state = now;
      const shown = title || now.name || texts.chat;
      setText(name, shown);
      panel.setAttribute('aria-label', shown);
      element.setAttribute('aria-label', texts.chat);
      const ended = now.phase === 'ended';
      const shut = ended || now.phase === 'unavailable';
      setText(line, shut ? '' : texts[now.line === 'up' ? 'online' : 'connecting']);
      line.classList.toggle('up', !shut && now.line === 'up');
      renderNotice();
      over.hidden = !ended;
      composer.element.hidden = shut;

      const unread = open ? 0 : now.unread;
      const label = [open ? texts.close : texts.open, unread && texts.unread(unread)].filter(Boolean).join(', ');
      launcher.setAttribute('aria-label', label);
      setText(badge, unread > 9 ? '9+' : unread ? String(unread) : '');
      badge.hidden = !unread;
      setText(announcer, unread ? texts.unread(unread) : '');
      log.render(now);
    },
    setOpen(next, focus) {
      const { activeElement } = element.getRootNode() as ShadowRoot;
      const inside = panel.contains(activeElement);
      open = next;
      panel.hidden = !open;
      element.classList.toggle('open', open);
      launcher.setAttribute('aria-expanded', String(open));
      fit();
      if (open) log.toEnd();
      if (open && focus) (composer.element.hidden ? log.region : composer.input).focus({ preventScroll: true });
      if (!open && (inside || focus)) launcher.focus({ preventScroll: true });
    },
  };
}
