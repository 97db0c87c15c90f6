import { expect, test } from 'vitest';
import { prettyBody } from './body';
import { plain } from './tokens';

test('a form is shown decoded, line by line', () => {
  const tokens = prettyBody('application/x-www-form-urlencoded', 'type=order.paid&data%5Bname%5D=Ay%C5%9Fe');
  expect(tokens && plain(tokens)).toBe('type = order.paid\ndata[name] = Ayşe');
});

test('JSON and XML are known by their look when the type does not say', () => {
  expect(prettyBody(null, ' {"a":1}')).not.toBeNull();
  expect(prettyBody('text/plain', '<a/>')).not.toBeNull();
  expect(prettyBody('text/plain', 'hello')).toBeNull();
});
