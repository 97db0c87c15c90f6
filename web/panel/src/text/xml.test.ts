import { expect, test } from 'vitest';
import { plain } from './tokens';
import { prettyXml } from './xml';

const pretty = (text: string) => {
  const tokens = prettyXml(text);
  return tokens && plain(tokens);
};

test('nested elements are indented, text stays with its element', () => {
  expect(pretty('<?xml version="1.0"?><event><type>message.sent</type><data a="1"><x/><e></e></data></event>')).toBe(
    [
      '<?xml version="1.0"?>',
      '<event>',
      '  <type>message.sent</type>',
      '  <data a="1">',
      '    <x/>',
      '    <e></e>',
      '  </data>',
      '</event>',
    ].join('\n'),
  );
});

test('white space that may mean something is kept', () => {
  expect(pretty('<a>one <b>two</b> three</a>')).toBe('<a>one <b>two</b> three</a>');
});

test('comments and CDATA stay as they are', () => {
  expect(pretty('<a><!-- <b> --><c><![CDATA[</c><script>]]></c></a>')).toBe(
    '<a>\n  <!-- <b> -->\n  <c><![CDATA[</c><script>]]></c>\n</a>',
  );
});

test('entities are not expanded', () => {
  const text = '<!DOCTYPE a><a>&lol; &lt;b&gt;</a>';
  expect(pretty(text)).toBe('<!DOCTYPE a>\n<a>&lol; &lt;b&gt;</a>');
});

test('what does not nest is left alone', () => {
  expect(pretty('<a><b></a></b>')).toBeNull();
  expect(pretty('<a>')).toBeNull();
  expect(pretty('plain')).toBeNull();
  expect(pretty('<a/>tail')).toBeNull();
});

test('a deep document does not grow without bound', () => {
  const deep = '<a>'.repeat(2000) + '</a>'.repeat(2000);
  expect(pretty(deep)?.length).toBeLessThan(2000 * 2 * (60 * 2 + 10));
});
