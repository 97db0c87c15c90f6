// Runs before the user's program: the clock and chance are functions of the event, so that a repeated attempt of the
// same event by the same program sends the same bytes.
(now, seed) => {
  const Real = Date;
  const { construct } = Reflect;
  const wellFormed = String.prototype.toWellFormed;
  const apply = Function.prototype.call.bind(Function.prototype.call);
  function Fixed(...parts) {
    if (new.target === undefined) return new Real(now).toString();
    return construct(Real, parts.length === 0 ? [now] : parts, new.target === Fixed ? Real : new.target);
  }
  Object.defineProperty(Fixed, "name", { value: "Date" });
  Object.defineProperty(Fixed, "length", { value: 7 });
  Fixed.prototype = Real.prototype;
  Fixed.UTC = Real.UTC;
  Fixed.parse = Real.parse;
  Fixed.now = Real.now = () => now;
  Object.defineProperty(Real.prototype, "constructor", { value: Fixed, writable: true, configurable: true });
  Object.defineProperty(globalThis, "Date", { value: Fixed, writable: true, configurable: true });
  let state = seed >>> 0;
  Math.random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return (text) => apply(wellFormed, text);
}
