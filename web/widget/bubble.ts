/**
 * One line of the log: who said it, the text, the choices on offer, the time and how far it got. An element is built once
 * for each entry and then only brought up to date, so that a screen reader hears a message once.
 */

import { h, icon, icons, setText, spoken } from './dom';
import { linkify, outside, safeUrl } from './linkify';
import type { Choice } from './protocol';
import type { Texts } from './texts';
import type { Entry } from './timeline';

/** What the visitor can do with a line. */
export interface BubbleActions {
  choose(label: string, choice: string): void;
  retry(clientId: string): void;
  discard(clientId: string): void;
}

/** A line and the way to bring it up to date. */
export interface Bubble {
  element: HTMLElement;
  /** `last`: nothing follows it. `open`: the conversation still takes answers. */
  update(entry: Entry, last: boolean, open: boolean): void;
}

/** The line for an entry. */
export function createBubble(entry: Entry, texts: Texts, language: string, actions: BubbleActions): Bubble {
  const mine = entry.from === 'contact';
  const who = mine ? texts.you : entry.from === 'agent' ? texts.agent : texts.bot;
  const body = h('div', { class: 'body', dir: 'auto' }, ...linkify(entry.text));
  const time = h('time');
  const state = h('span', { class: 'state' });
  const meta = h('div', { class: 'meta' }, time, state);
  const element = h('div', { class: `line ${mine ? 'mine' : 'theirs'}` }, spoken(`${who}: `), body);
  const choices = entry.choices?.length ? choiceGroup(entry, texts, actions) : null;
  if (choices) element.append(choices);
  element.append(meta);
  let failed: HTMLElement | null = null;

  function failure(clientId: string, problem?: number) {
    const retry = h('button', { type: 'button' }, texts.retry);
    const discard = h('button', { type: 'button' }, texts.discard);
    retry.onclick = () => actions.retry(clientId);
    discard.onclick = () => actions.discard(clientId);
    const reason = problem === 409 ? texts.ended : problem === 413 ? texts.tooLong : texts.refused;
    return h('div', { class: 'failure' }, `${texts.failed} ${reason} `, ...(problem === 409 ? [] : [retry, discard]));
  }

  return {
    element,
    update(now, last, open) {
      const at = new Date(now.at);
      time.dateTime = now.at;
      time.title = at.toLocaleString(language);
      setText(time, at.toLocaleTimeString(language, { hour: '2-digit', minute: '2-digit' }));
      setText(state, mine && now.state !== 'failed' ? texts[now.state] : '');
      element.classList.toggle('last', last || now.state === 'sending');
      if (now.state === 'failed') {
        if (!failed) element.append((failed = failure(now.key, now.problem)));
      } else {
        failed?.remove();
        failed = null;
      }
      if (choices) {
        // Buttons stay; quick replies are an answer to the last message only.
        choices.hidden = now.quick === true && !(last && open);
        choices.querySelectorAll('button').forEach((button) => (button.disabled = !open));
      }
    },
  };
}

function choiceGroup(entry: Entry, texts: Texts, actions: BubbleActions): HTMLElement {
  const build = ({ id, label, url }: Choice) => {
    if (url) {
      const href = safeUrl(url);
      const out = [label, icon(icons.out), spoken(`(${texts.newTab})`)];
      return href ? h('a', { class: 'choice', href, ...outside }, ...out) : '';
    }
    const button = h('button', { class: 'choice', type: 'button' }, label);
    button.onclick = () => actions.choose(label, `${entry.block}/${id}`);
    return button;
  };
  const kind = entry.quick ? 'choices quick' : 'choices';
  return h('div', { class: kind, role: 'group', 'aria-label': entry.text.slice(0, 80) }, ...entry.choices!.map(build));
}
