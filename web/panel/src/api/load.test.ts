import { expect, test } from 'vitest';
import { Loaded, LoadedList } from './load.svelte';

/** A promise that the test settles. */
function later<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
}

test('a slow older answer does not overwrite a newer one', async () => {
  const loaded = new Loaded<string>();
  const slow = later<string>();
  const first = loaded.load(() => slow.promise);
  await loaded.load(() => Promise.resolve('new'));
  slow.resolve('old');
  await first;
  expect(loaded.data).toBe('new');
});

test('the answer to a change makes a fetch under way void', async () => {
  const loaded = new Loaded<string>();
  const slow = later<string>();
  const fetching = loaded.load(() => slow.promise);
  loaded.set('changed');
  slow.resolve('old');
  await fetching;
  expect(loaded.data).toBe('changed');
  expect(loaded.loading).toBe(false);
});

const pages: Record<string, { items: string[]; next: string | null }> = {
  first: { items: ['e5', 'e4'], next: 'a' },
  a: { items: ['e3', 'e2'], next: null },
};

test('refreshing brings new items in and keeps the pages behind', async () => {
  const list = new LoadedList<string>();
  await list.load((cursor) => Promise.resolve(pages[cursor ?? 'first'] ?? { items: [], next: null }));
  await list.more();
  expect(list.items).toEqual(['e5', 'e4', 'e3', 'e2']);
  pages.first = { items: ['e6', 'e5', 'e4'], next: 'a' };
  await list.refresh((item) => item);
  expect(list.items).toEqual(['e6', 'e5', 'e4', 'e3', 'e2']);
  expect(list.next).toBeNull();
});

test('refreshing drops what is gone', async () => {
  const list = new LoadedList<string>();
  let page = { items: ['e2', 'e1'], next: null };
  await list.load(() => Promise.resolve(page));
  page = { items: ['e1'], next: null };
  await list.refresh((item) => item);
  expect(list.items).toEqual(['e1']);
});
