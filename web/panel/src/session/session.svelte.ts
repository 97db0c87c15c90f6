/**
 * Who is here: the server's session object, and the project that the panel acts in. Everything else in the panel is
 * shown only when the state is `ready`.
 */
import { api, useProject, whenUnauthorized } from '../api/client';
import type { Session } from '../api/models';

const PROJECT_KEY = 'kanca.project';

let current = $state.raw<Session | null>(null);
let failure = $state.raw<unknown>(null);
const remembered = localStorage.getItem(PROJECT_KEY);
let chosen = $state<string | null>(remembered);

useProject(remembered);
whenUnauthorized(() => void loadSession());

/** The session, or null before the first answer. */
export function session(): Session | null {
  return current;
}

/** Why the session could not be fetched. */
export function sessionError(): unknown {
  return failure;
}

/** The project named by this browser; null is the default one. */
export function chosenProject(): string | null {
  return chosen;
}

/** Asks the server who is here. A remembered project that is gone is forgotten. */
export async function loadSession(): Promise<void> {
  try {
    current = await api.get<Session>('/session');
    failure = null;
  } catch (error) {
    if (chosen && error instanceof Error && 'status' in error && (error.status === 404 || error.status === 403)) {
      chooseProject(null);
      return loadSession();
    }
    failure = error;
  }
}

/** Acts in another project from now on; the pages fetch again because the layout is keyed by the project. */
export function chooseProject(id: string | null): void {
  chosen = id;
  useProject(id);
  if (id) localStorage.setItem(PROJECT_KEY, id);
  else localStorage.removeItem(PROJECT_KEY);
}

export async function setUp(token: string, email: string, password: string): Promise<void> {
  current = await api.post<Session>('/setup', { token, email, password });
}

export async function logIn(email: string, password: string): Promise<void> {
  current = await api.post<Session>('/session', { email, password });
}

export async function logOut(): Promise<void> {
  await api.delete('/session');
  chooseProject(null);
  await loadSession();
}
