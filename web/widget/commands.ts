/**
 * The page's way in: `kanca("open")`. A page may call before the script has loaded by way of
 *
 *     window.kanca = window.kanca || function () { (kanca.q = kanca.q || []).push(arguments) }
 *
 * and the calls are then carried out in order. A function that the page took hold of early keeps working.
 */

import type { Contact } from './api';

/** What the widget can be told. */
export interface Target {
  open(): void;
  close(): void;
  hide(): void;
  show(): void;
  setContact(contact: Contact): void;
}

type Call = ArrayLike<unknown>;

/** `window.kanca`, before or after loading. */
export interface Kanca {
  (...call: unknown[]): void;
  q?: { push(call: Call): unknown };
}

declare global {
  interface Window {
    kanca?: Kanca;
  }
}

/** Runs the calls made so far and takes the later ones. */
export function installCommands(target: Target): void {
  const early = window.kanca;
  const run = (call: Call) => {
    try {
      obey(target, call[0], call[1]);
    } catch (error) {
      console.error('kanca:', error);
    }
  };
  window.kanca = (...call) => run(call);
  const queued = early?.q;
  if (early) early.q = { push: run };
  if (Array.isArray(queued)) queued.forEach(run);
}

function obey(target: Target, command: unknown, argument: unknown): void {
  switch (command) {
    case 'open':
    case 'close':
    case 'hide':
    case 'show':
      return target[command]();
    case 'setContact':
      return target.setContact(contactOf(argument));
    default:
      console.warn(`kanca: there is no command "${String(command)}". Use open, close, hide, show or setContact.`);
  }
}

/** `{attributes: {…}, external_id?, identity_hash?}`, or the attributes alone. */
function contactOf(argument: unknown): Contact {
  if (!argument || typeof argument !== 'object') throw new Error('setContact takes an object such as { attributes: { name } }.');
  const { attributes, external_id, identity_hash } = argument as Contact;
  if (!attributes && !external_id) return { attributes: argument as Record<string, unknown> };
  const contact: Contact = {};
  if (attributes) contact.attributes = attributes;
  if (external_id) contact.external_id = external_id;
  if (identity_hash) contact.identity_hash = identity_hash;
  return contact;
}
