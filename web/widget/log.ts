/**
 * The scrolling log: one bubble for each entry, the typing dots, and a button to the newest message for those who have
 * scrolled up. It follows new messages only while its end is in sight.
 */

import { createBubble, type Bubble, type BubbleActions } from './bubble';
import { h, icon, icons } from './dom';
import type { State } from './session';
import type { Texts } from './texts';

/** The log. */
export interface Log {
  /** The log and its button. */
  element: HTMLElement;
  /** The region that scrolls and can have the focus. */
  region: HTMLElement;
  render(state: State): void;
  toEnd(): void;
}

/** Nearer to the end than this many pixels counts as "at the end". */
const NEAR_END = 80;

/** An empty log. */
export function createLog(texts: Texts, locale: string, actions: BubbleActions): Log {
  const bubbles = new Map<string, Bubble>();
  const dots = h('div', { class: 'typing', 'aria-hidden': 'true' }, h('i'), h('i'), h('i'));
  const newest = h('button', { class: 'newest', type: 'button' }, icon(icons.down), texts.newest);
  const region = h(
    'div',
    { class: 'log', role: 'log', 'aria-live': 'polite', 'aria-label': texts.messages, tabindex: '0' },
    dots,
  );
  newest.hidden = true;

  const toEnd = () => {
    region.scrollTop = region.scrollHeight;
  };
  let follow = true;
  const scrolled = () => {
    follow = region.scrollHeight - region.scrollTop - region.clientHeight < NEAR_END;
    newest.hidden = newest.hidden || follow;
  };
  region.addEventListener('scroll', scrolled, { passive: true });
  // A notice below or a phone's keyboard takes room away; opening gives it.
  new ResizeObserver(() => follow && toEnd()).observe(region);
  newest.onclick = () => {
    toEnd();
    region.focus({ preventScroll: true });
  };

  return {
    element: h('div', { class: 'middle' }, region, newest),
    region,
    toEnd,
    render({ entries, phase, typing }) {
      const last = entries[entries.length - 1];
      const gone = new Set(bubbles.keys());
      let place = region.firstChild;
      let news = false;
      for (const entry of entries) {
        gone.delete(entry.key);
        let bubble = bubbles.get(entry.key);
        if (!bubble) {
          bubble = createBubble(entry, texts, locale, actions);
          bubbles.set(entry.key, bubble);
          news = news || entry.from !== 'contact';
        }
        bubble.update(entry, entry === last, phase === 'open');
        if (bubble.element === place) place = place.nextSibling;
        else region.insertBefore(bubble.element, place);
      }
      for (const key of gone) {
        bubbles.get(key)?.element.remove();
        bubbles.delete(key);
      }
      dots.hidden = !typing;
      if (follow) toEnd();
      else if (news) newest.hidden = false;
    },
  };
}
