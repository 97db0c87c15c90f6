import { describe, expect, it } from 'vitest';
import { linkify, safeUrl } from './linkify';

/** The text with each link as `[shown](address)`. */
function check(text: string) {
  return linkify(text)
    .map((node) => (typeof node === 'string' ? node : `[${node.textContent}](${(node as HTMLAnchorElement).href})`))
    .join('');
}

describe('linkify', () => {
  it("finds addresses and leaves the sentence's punctuation out", () => {
    expect(check('See https://a.example/x?y=1&z=2, or (http://b.example).')).toBe(
      'See [https://a.example/x?y=1&z=2](https://a.example/x?y=1&z=2), or ([http://b.example](http://b.example/)).',
    );
    expect(check('https://tr.example/Kanca_(çengel) güzel')).toContain('[https://tr.example/Kanca_(çengel)]');
    expect(check('two\nlines')).toBe('two\nlines');
  });

  it('makes nothing of markup and of other schemes', () => {
    const hostile = `<img src=x onerror=alert(1)> javascript:alert(1) data:text/html,x ftp://c.example`;
    expect(linkify(hostile)).toEqual([hostile]);
    expect(check(`https://a.example/"onmouseover="x`)).toBe(`[https://a.example/](https://a.example/)"onmouseover="x`);
  });

  it('opens links elsewhere, without telling where from', () => {
    const link = linkify('https://a.example')[1] as HTMLAnchorElement;
    expect(link.target).toBe('_blank');
    expect(link.rel).toBe('noopener noreferrer nofollow');
  });

  it('allows only web addresses for buttons', () => {
    expect(safeUrl('https://a.example')).toBe('https://a.example/');
    expect(safeUrl('javascript:alert(1)')).toBeNull();
    expect(safeUrl('//a.example')).toBeNull();
  });
});
