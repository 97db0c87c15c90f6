/** The secret of a webhook made a moment ago, carried from the form to the page that shows it once. */
const secrets = new Map<string, string>();

export function keepSecret(endpointId: string, secret: string): void {
  secrets.set(endpointId, secret);
}

/** Gives the secret away and forgets it. */
export function takeSecret(endpointId: string): string | null {
  const secret = secrets.get(endpointId) ?? null;
  secrets.delete(endpointId);
  return secret;
}
