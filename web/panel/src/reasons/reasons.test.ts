import { afterEach, describe, expect, test } from 'vitest';
import { setLanguage } from '../i18n';
import openapi from '../../../../docs/openapi.json';
import en from './i18n/en';
import { attemptReason, disabledReason, eventReason } from './reasons';

afterEach(() => setLanguage('en'));

describe('every code of the API has its sentence', () => {
  const { Attempt, Endpoint, ExplanationCode } = openapi.components.schemas;
  const codes = {
    attempt: Attempt.properties.reason_code.enum,
    event: ExplanationCode.properties.code.enum,
    disabled: Endpoint.properties.disabled_reason_code.enum.filter((code) => code !== null),
  };
  for (const [folder, known] of Object.entries(codes)) {
    test(folder, () => {
      const keys = Object.keys(en).filter((key) => key.startsWith(`${folder}.`));
      expect(keys.sort()).toEqual(known.map((code) => `${folder}.${code}`).sort());
    });
  }
});

describe('an attempt', () => {
  const refused = { reason_code: 'refused', reason_detail: '10.0.0.1:80', reason: 'Refused: 10.0.0.1:80.' } as const;

  test('is told in the reader’s language, with what the network said beside it', () => {
    setLanguage('tr');
    expect(attemptReason(refused)).toMatchObject({ text: expect.stringMatching(/^Bağlantı reddedildi\./), detail: '10.0.0.1:80' });
  });

  test('names its status and what to do about it', () => {
    const answered = (detail: string) => attemptReason({ reason_code: 'http_status', reason_detail: detail, reason: '' }).text;
    expect(answered('404')).toBe('The receiver answered 404. There is nothing at this URL; correct the URL’s path.');
    expect(answered('403')).toContain('does not let Kanca in');
    expect(answered('429')).toContain('later');
    expect(answered('503')).toContain('down or busy');
    expect(answered('418')).toContain('refused');
    expect(answered('599')).toContain('log');
    expect(answered('199')).toContain('200 to 299');
    setLanguage('tr');
    expect(answered('404')).toBe('Alıcı 404 yanıtını verdi. Bu adreste bir şey yok; URL’nin yolunu düzeltin.');
  });

  test('of another version is shown as the server said it', () => {
    const told = { reason_code: 'unheard_of' as 'dns', reason_detail: null, reason: 'Something new.' };
    expect(attemptReason(told)).toEqual({ text: 'Something new.', detail: null, code: null });
    expect(attemptReason({ ...told, reason_code: 'http_status' }).text).toBe('Something new.');
  });
});

describe('an event', () => {
  test('says which filter failed and how', () => {
    const told = { code: 'filter_failed', params: { filter: 'a > 1', error: 'no such key' }, reason: '' } as const;
    setLanguage('tr');
    expect(eventReason(told)).toMatchObject({ text: expect.stringMatching(/^Filtresi hata verdi/), code: 'a > 1', detail: 'no such key' });
  });

  test('that was stored before there were codes is told as it was', () => {
    expect(eventReason({ reason: 'It was off.' }).text).toBe('It was off.');
  });
});

test('a disabled webhook says why', () => {
  setLanguage('tr');
  expect(disabledReason({ disabled_reason_code: 'gone', disabled_reason: 'Gone.' })).toMatch(/^Alıcı 410 Gone/);
  expect(disabledReason({ disabled_reason_code: null, disabled_reason: 'As it was.' })).toBe('As it was.');
  expect(disabledReason({ disabled_reason_code: null, disabled_reason: null })).toBeNull();
});
