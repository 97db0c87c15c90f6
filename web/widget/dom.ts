/**
 * Building elements without markup strings, so that the widget works on pages that forbid them (trusted types), and
 * without style attributes, which a strict content security policy refuses.
 */

/** An element with attributes and children. A string child is text, never markup. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const name in attributes) element.setAttribute(name, attributes[name]!);
  element.append(...children);
  return element;
}

/** A decorative line icon, 24 units wide, from the data of one path. */
export function icon(path: string): SVGElement {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(space, 'path');
  line.setAttribute('d', path);
  svg.append(line);
  return svg;
}

/** Text for screen readers only. */
export const spoken = (text: string) => h('span', { class: 'sr' }, text);

/** Sets the text only if it differs, so that a live region is not read again. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** The icons' paths. */
export const icons = {
  bubble: 'M20 11.5a7.5 7.5 0 0 1-7.5 7.5H5l1.6-3A7.5 7.5 0 1 1 20 11.5Z',
  close: 'M6 6l12 12M18 6L6 18',
  send: 'M4.5 12h14M12.5 6l6 6-6 6',
  down: 'M12 5v14M6 13l6 6 6-6',
  out: 'M9 6h9v9M18 6L7 17',
};
