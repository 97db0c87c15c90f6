/**
 * Where the visitor writes: a text area that grows with its text. Enter sends, Shift+Enter begins a line, and an Enter
 * that ends the composition of a character (IME) does neither.
 */

import { h, icon, icons, setText } from './dom';
import { MAX_TEXT } from './protocol';
import type { Texts } from './texts';

/** The form. */
export interface Composer {
  element: HTMLFormElement;
  input: HTMLTextAreaElement;
  /** Puts text before what is written already. */
  prepend(text: string): void;
}

/** From here on the number of characters left is shown. */
const NEARLY_FULL = MAX_TEXT - 200;

/** An empty form. `say` gets a text that is not blank; `count` gets the words about the space left, or nothing. */
export function createComposer(texts: Texts, say: (text: string) => void): Composer {
  const input = h('textarea', {
    rows: '1',
    maxlength: String(MAX_TEXT),
    placeholder: texts.write,
    'aria-label': texts.write,
    autocomplete: 'off',
    enterkeyhint: 'send',
    dir: 'auto',
  });
  const button = h('button', { type: 'submit', class: 'send', 'aria-label': texts.send }, icon(icons.send));
  const space = h('div', { class: 'space', role: 'status' });
  const element = h('form', { class: 'composer' }, input, button, space);

  function changed() {
    input.style.height = 'auto';
    if (input.scrollHeight) input.style.height = `${input.scrollHeight}px`;
    const { length } = input.value;
    button.disabled = !input.value.trim();
    setText(space, length > NEARLY_FULL ? texts.left(MAX_TEXT - length) : '');
  }

  function submit() {
    const text = input.value.trim();
    if (!text) return;
    input.value = '';
    changed();
    say(text);
    input.focus();
  }

  input.oninput = changed;
  input.onkeydown = (event) => {
    // 229 is what some browsers report for keys that an input method has taken.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    submit();
  };
  element.onsubmit = (event) => {
    event.preventDefault();
    submit();
  };
  changed();

  return {
    element,
    input,
    prepend(text) {
      input.value = [text, input.value].filter(Boolean).join('\n').slice(0, MAX_TEXT);
      changed();
    },
  };
}
