/**
 * The one way to the API. The browser's cookie says who asks, the header `kanca-panel` shows that the panel itself
 * asks (a foreign page cannot send it), and every error becomes an `ApiProblem` whose `detail` is fit to be shown.
 */
export interface FieldError {
  field: string;
  message: string;
}

/** An RFC 9457 problem from the server, or a failed connection (`status` 0, code `unreachable`). */
export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly errors: FieldError[] = [],
    readonly problems: unknown[] = [],
    /** Seconds after which trying again makes sense, when the server said so. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail);
    this.name = 'ApiProblem';
  }

  /** The server's sentence about one field of the request, if it has one. */
  field(name: string): string | undefined {
    return this.errors.find((error) => error.field === name)?.message;
  }

  /** Its sentences about a field and what lies inside it: `headers.Host`, `event_types[1]`, `data/lines/0`. */
  within(name: string): string | undefined {
    const inside = this.errors.filter(({ field }) => field === name || (field.startsWith(name) && '.[/'.includes(field[name.length] ?? '')));
    // Messages about headers and types name them; a place in JSON is not in its message.
    const told = inside.map(({ field, message }) => (field[name.length] === '/' ? `${field.slice(name.length + 1)}: ${message}` : message));
    return told.join(' · ') || undefined;
  }
}

/** A body that is JSON already and goes out as it is, so that `19.90` and long numbers stay what they are. */
export class JsonText {
  constructor(readonly text: string) {}
}

export type Query = Record<string, string | number | boolean | null | undefined>;

export interface RequestOptions {
  query?: Query;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

const BASE = '/api/v1';

let project: string | null = null;
let onUnauthorized: () => void = () => {};

/** Which project the cookie acts in; null means the default project. */
export function useProject(id: string | null): void {
  project = id;
}

/** Called when a request is refused because the session has ended. */
export function whenUnauthorized(callback: () => void): void {
  onUnauthorized = callback;
}

/** Tells the panel that a request was refused for want of a session; for requests made with `send`. */
export function reportUnauthorized(): void {
  onUnauthorized();
}

/** The address of an API path with its query; empty values are left out. */
export function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') search.set(name, String(value));
  }
  const text = search.toString();
  return BASE + path + (text ? `?${text}` : '');
}

/** Sends a request and returns the response whatever its status; throws `ApiProblem` only when nothing answers. */
export async function send(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
  const headers: Record<string, string> = { 'kanca-panel': '1', ...options.headers };
  if (project) headers['kanca-project'] = project;
  let body: string | undefined;
  if (options.body !== undefined) {
    headers['content-type'] = 'application/json';
    body = options.body instanceof JsonText ? options.body.text : JSON.stringify(options.body);
  }
  try {
    return await fetch(address(path, options.query), {
      method,
      headers,
      body,
      signal: options.signal ?? null,
      credentials: 'same-origin',
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiProblem(0, 'unreachable', '');
  }
}

/** Reads a failed response into a problem. Bodies that are not problems (a proxy's page) become a plain sentence. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  const retry = Number(response.headers.get('retry-after'));
  const retryAfter = Number.isFinite(retry) && retry > 0 ? retry : null;
  try {
    const body = (await response.json()) as Record<string, unknown>;
    const code = String(body.type ?? '').split('/').pop() ?? '';
    const detail = String(body.detail ?? body.title ?? `HTTP ${response.status}`);
    const errors = Array.isArray(body.errors) ? (body.errors as FieldError[]) : [];
    const problems = Array.isArray(body.problems) ? body.problems : [];
    return new ApiProblem(response.status, code, detail, errors, problems, retryAfter);
  } catch {
    return new ApiProblem(response.status, 'unknown', `HTTP ${response.status} ${response.statusText}`.trim(), [], [], retryAfter);
  }
}

async function requestText(method: string, path: string, options: RequestOptions = {}): Promise<string> {
  const response = await send(method, path, options);
  if (!response.ok) {
    const problem = await problemOf(response);
    if (response.status === 401 && path !== '/session') onUnauthorized();
    throw problem;
  }
  return response.text();
}

async function request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
  const text = await requestText(method, path, options);
  return (text ? JSON.parse(text) : undefined) as T;
}

/** The API by method. Paths are those below /api/v1, for example `api.get<Inbox>('/inboxes/' + id)`. */
export const api = {
  get: <T>(path: string, query?: Query, signal?: AbortSignal) => request<T>('GET', path, { query, signal }),
  /** The answer as it was written, for JSON whose numbers must keep their digits. */
  text: (path: string) => requestText('GET', path),
  post: <T>(path: string, body?: unknown, options: RequestOptions = {}) => request<T>('POST', path, { ...options, body }),
  put: <T>(path: string, body: unknown, options: RequestOptions = {}) => request<T>('PUT', path, { ...options, body }),
  patch: <T>(path: string, body: unknown) => request<T>('PATCH', path, { body }),
  delete: (path: string) => request<void>('DELETE', path),
};

/** Fetches a file with the panel's rights and hands it to the browser as a download. */
export async function download(path: string, name: string): Promise<void> {
  const response = await send('GET', path);
  if (!response.ok) throw await problemOf(response);
  const url = URL.createObjectURL(await response.blob());
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
