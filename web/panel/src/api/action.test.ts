import { expect, test } from 'vitest';
import { Action } from './action.svelte';
import { ApiProblem } from './client';

test('an action is busy while it runs and keeps why it failed until it is run again', async () => {
  const action = new Action();
  let finish: () => void = () => {};
  const first = action.run(() => new Promise<void>((resolve) => (finish = resolve)));
  expect(action.busy).toBe(true);
  finish();
  expect(await first).toBe(true);
  expect(action.busy).toBe(false);

  const refused = new ApiProblem(422, 'invalid', 'No.', [{ field: 'name', message: 'is empty' }]);
  expect(await action.run(() => Promise.reject(refused))).toBe(false);
  expect(action.busy).toBe(false);
  expect(action.problem?.field('name')).toBe('is empty');

  expect(await action.run(() => Promise.reject(new Error('other')))).toBe(false);
  expect([action.problem, action.error]).toEqual([null, new Error('other')]);

  expect(await action.run(async () => {})).toBe(true);
  expect(action.error).toBeNull();
});
