/**
 * One Kanca of its own for each journey: the real binary on a free port of the loopback with a throw-away data
 * directory. It is stopped by its process id and can be started again on the same port with the same data.
 */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from './expect.mjs';

/** How long the binary may take to say that it is ready, and to end. A debug build on a busy machine is slow. */
const PATIENCE_MS = 30_000;
/** The key that the journeys prepare things with. */
const API_KEY = 'browser-tests-0123456789abcdef0123456789';

export const OWNER = { email: 'owner@example.com', password: 'four plain words here' };

/** Nothing outlives the tests, not even tests that are interrupted. */
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/** Starts `binary`. `env` holds further settings such as KANCA_ALLOW_PRIVATE_NETWORKS; port 0 is any free one. */
export async function startServer(binary, env = {}, listen = '127.0.0.1:0') {
  const server = new Server(binary, await mkdtemp(join(tmpdir(), 'kanca-browser-')), env, listen);
  try {
    await server.start();
  } catch (error) {
    await server.remove();
    throw error;
  }
  return server;
}

class Server {
  /** Where it answers, without a trailing slash. */
  url = '';
  /** What it has printed for the person who started it. */
  printed = '';
  #listen;
  #child = null;

  constructor(binary, directory, env, listen) {
    this.binary = binary;
    /** Thrown away with everything in it; a journey may put files of its own there. */
    this.directory = directory;
    this.dataDir = join(directory, 'data');
    this.#listen = listen;
    // Kanca refuses settings it does not know, so it gets a clean set and nothing from the caller's shell.
    this.env = { PATH: process.env.PATH, KANCA_API_KEY: API_KEY, KANCA_LOG: 'warn', ...env };
  }

  async start() {
    const child = spawn(this.binary, ['--listen', this.#listen, '--data-dir', this.dataDir], { env: this.env });
    this.#child = child;
    running.add(child);
    child.once('exit', () => running.delete(child));
    this.printed = '';
    let log = '';
    child.stderr.on('data', (bytes) => (log += bytes));
    await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`Kanca did not become ready.\n${this.printed}${log}`)), PATIENCE_MS);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`Kanca ended with ${code}.\n${this.printed}${log}`)));
      child.stdout.on('data', (bytes) => {
        this.printed += bytes;
        if (!/^Kanca is ready at \S+\n/m.test(this.printed)) return;
        clearTimeout(late);
        resolve();
      });
    });
    this.url = /^Kanca is ready at (\S+)$/m.exec(this.printed)[1];
    this.#listen = new URL(this.url).host;
  }

  /** Ends it as an operator would, with SIGTERM; what it holds open it has to let go in time. */
  async stop() {
    const child = this.#child;
    if (!child || child.exitCode !== null) return;
    this.#child = null;
    const ended = once(child, 'exit');
    const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    child.kill('SIGTERM');
    await ended;
    clearTimeout(late);
  }

  async remove() {
    await this.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** The one-time link that it prints after its address, until somebody has used it. */
  setupLink() {
    return until('a set-up link is printed', () => /https?:\S+\/#\/setup\?token=\S+(?=\n)/.exec(this.printed)?.[0]);
  }

  /** What `kanca setup-link` prints while the server runs. */
  async newSetupLink() {
    const { stdout } = await promisify(execFile)(this.binary, ['setup-link', '--data-dir', this.dataDir], { env: this.env });
    return stdout.trim();
  }

  /** Calls the API with the automation key; anything but a 2xx is an error. */
  async api(method, path, body) {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${API_KEY}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  /** Chooses the owner's password through the link; gives the session's cookie as `name=value`. */
  async setUp(owner = OWNER) {
    const token = (await this.setupLink()).split('token=')[1];
    const response = await fetch(`${this.url}/api/v1/setup`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: this.url, 'kanca-panel': '1' },
      body: JSON.stringify({ token, ...owner }),
    });
    if (response.status !== 201) throw new Error(`setup: ${response.status} ${await response.text()}`);
    return response.headers.getSetCookie()[0].split(';')[0];
  }
}
