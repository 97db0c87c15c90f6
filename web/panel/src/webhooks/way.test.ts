import { expect, test } from 'vitest';
import { wayFieldsOf, wayOf } from './way';

const certificate = { subject: 'CN=kanca', not_after: '2030-01-01T00:00:00Z' };

test('a proxy comes back as it was, with its mask', () => {
  const proxy = { url: 'http://proxy.example:3128', username: 'kanca', password: '••••' };
  expect(wayOf(wayFieldsOf({ proxy, client_certificate: null })).proxy).toEqual(proxy);
  const plain = { url: 'socks5://proxy.example:1080' };
  expect(wayOf(wayFieldsOf({ proxy: plain, client_certificate: null })).proxy).toEqual(plain);
  expect(wayOf(wayFieldsOf({ proxy: null, client_certificate: null })).proxy).toBeNull();
});

test('a stored certificate is kept unless it is replaced or taken away', () => {
  const fields = wayFieldsOf({ proxy: null, client_certificate: certificate });
  expect('client_certificate' in wayOf(fields)).toBe(false);
  expect(wayOf({ ...fields, certificate: 'none' }).client_certificate).toBeNull();
  expect(wayOf({ ...fields, certificate: 'new', certificatePem: 'C', keyPem: 'K' }).client_certificate).toEqual({
    certificate_pem: 'C',
    private_key_pem: 'K',
  });
});
