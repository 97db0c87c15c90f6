/** Bytes as the panel shows them. What was captured is hostile: it only ever becomes text, never markup. */

/** The bytes of a base64 text as the API sends them. */
export function fromBase64(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

/** The text of UTF-8 bytes, or null when they are not UTF-8 or hold control characters that no text has. */
export function asText(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

export interface HexRow {
  offset: string;
  hex: string;
  text: string;
}

/** Sixteen bytes in a row: offset, hex in two groups of eight, and the printable ASCII. */
export function hexRows(bytes: Uint8Array, limit: number): HexRow[] {
  const rows: HexRow[] = [];
  const end = Math.min(bytes.length, limit);
  for (let offset = 0; offset < end; offset += 16) {
    const row = [...bytes.subarray(offset, Math.min(offset + 16, end))];
    const digits = row.map((byte) => byte.toString(16).padStart(2, '0'));
    rows.push({
      offset: offset.toString(16).padStart(8, '0'),
      hex: `${digits.slice(0, 8).join(' ')}  ${digits.slice(8).join(' ')}`.padEnd(48, ' '),
      text: row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join(''),
    });
  }
  return rows;
}
