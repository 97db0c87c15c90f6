import { expect, it } from 'vitest';
import { matches } from './search';

it('finds Turkish words however they are typed', () => {
  expect(matches('kullanici giris', 'Kullanıcı Girişi')).toBe(true);
  expect(matches('KULLANICI GİRİŞİ', 'Kullanıcı Girişi')).toBe(true);
  expect(matches('hook', 'Web Hook')).toBe(true);
  expect(matches('', 'anything')).toBe(true);
});

it('wants every word', () => {
  expect(matches('web soru', 'Web Hook')).toBe(false);
});
