import { describe, expect, it } from 'vitest';
import { tailOf } from './names';

describe('tailOf', () => {
  const url = 'https://hooks.example.com/in/orders';

  it('leaves out what every request of the inbox has in common', () => {
    expect(tailOf('/in/orders/paid?id=7', url)).toBe('/paid?id=7');
    expect(tailOf('/in/orders?id=7', url)).toBe('?id=7');
    expect(tailOf('/in/orders/', url)).toBe('/');
  });

  it('is empty for the address itself', () => {
    expect(tailOf('/in/orders', url)).toBe('');
  });

  it('shows the whole of a target that is not the address of now', () => {
    expect(tailOf('/in/orders-of-old/paid', url)).toBe('/in/orders-of-old/paid');
  });
});
