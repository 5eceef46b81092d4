import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestClock } from 'sojourn/testing';
import { type Answer, type Ask, Visitor } from '../../../test/visitor.ts';
import { readConfig } from '../src/config.ts';
import { createServer, type Machine, type Server } from '../src/server.ts';

/** A running server of this package with a clock to advance, two accounts, and browsers to visit it with. */
export interface Site {
  readonly server: Server;
  readonly origin: string;
  readonly clock: TestClock;
  /** Time goes by, in seconds: in steps shorter than the store's deadline, and the store keeps up with each. */
  pass(seconds: number): Promise<void>;
  /** A browser that has not been here before. */
  visitor(): Witness;
  signedIn(name?: string): Promise<Witness>;
  close(): Promise<void>;
}

export const password = 'correct horse battery';

const step = 1500;
/** A session that never was: to end it is a write that changes nothing, and comes after all that wait. */
const nobody = 'A'.repeat(23);

export function openSite(...args: string[]): Promise<Site> {
  return openSiteOn({}, ...args);
}

export function openSiteOn(machine: Omit<Machine, 'clock'>, ...args: string[]): Promise<Site> {
  return open({ ada: ['orders:read', 'demo:read'], ben: ['demo:read'] }, machine, args);
}

/** The same as its first start leaves it. */
export function openFirstSite(...args: string[]): Promise<Site> {
  return open({ admin: ['admin', 'demo:read'] }, {}, args);
}

async function open(
  accounts: Readonly<Record<string, string[]>>,
  machine: Omit<Machine, 'clock'>,
  args: readonly string[],
): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-'));
  const clock = new TestClock();
  const config = readConfig(['--data', join(folder, 'data'), '--port', '0', ...args], {});
  const server = await createServer(config, { ...machine, clock });
  for (const [name, permissions] of Object.entries(accounts)) {
    await server.context.users.add(name, password, permissions);
  }
  const origin = await server.app.listen({ port: 0, host: 'localhost' });
  const secrets = new Set<string>();
  const visitor = (): Witness => new Witness(origin, secrets);
  return {
    server,
    origin,
    clock,
    visitor,
    async pass(seconds) {
      for (let left = seconds * 1000; left > 0; left -= step) {
        clock.advance(Math.min(step, left));
        await server.context.sessions.terminate(nobody);
      }
    },
    async signedIn(name = 'ada') {
      const browser = visitor();
      // A sign-in counts from after what the last test did to the account.
      clock.advance('1s');
      const answer = await browser.post('/login', { username: name, password });
      assert.equal(answer.status, 303);
      return browser;
    },
    async close() {
      await server.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** The next password that is checked: once it has been, this is done before anything follows from it. */
export function onceChecked({ server }: Site, run: () => Promise<unknown>): void {
  const { users } = server.context;
  const verify = users.verify.bind(users);
  users.verify = async (name, given) => {
    users.verify = verify;
    const user = await verify(name, given);
    await run();
    return user;
  };
}

/** Each password that is checked from now on takes this long, in milliseconds, by the clock that else stands still. */
export function checksTake({ server, clock }: Site, duration: number): void {
  const { users } = server.context;
  const verify = users.verify.bind(users);
  users.verify = async (name, given) => {
    const checked = await verify(name, given);
    clock.advance(duration);
    return checked;
  };
}

/** The next password that a form sets: once the present one has been checked, this is done while the new one is hashed. */
export function onceHashing({ server }: Site, run: () => Promise<unknown>): void {
  const { users } = server.context;
  const changePassword = users.changePassword.bind(users);
  users.changePassword = async (...given) => {
    users.changePassword = changePassword;
    await run();
    return changePassword(...given);
  };
}

/** The next password that a form sets: once it has been, this is done before anything follows from it. */
export function onceSet({ server }: Site, run: () => Promise<unknown>): void {
  const { users } = server.context;
  const changePassword = users.changePassword.bind(users);
  users.changePassword = async (...given) => {
    users.changePassword = changePassword;
    const set = await changePassword(...given);
    await run();
    return set;
  };
}

/** A browser that sees to it that no answer shows the secret of any token, its own or another's (G15). */
export class Witness extends Visitor {
  readonly #secrets: Set<string>;

  constructor(origin: string, secrets: Set<string>) {
    super(origin);
    this.#secrets = secrets;
  }

  override async send(method: string, path: string, ask: Ask): Promise<Answer> {
    const answer = await super.send(method, path, ask);
    for (const line of answer.headers.getSetCookie()) {
      const secret = /\.([\w-]{43})(;|$)/.exec(line)?.[1];
      if (secret) this.#secrets.add(secret);
    }
    this.check(answer.text + (answer.headers.get('location') ?? ''));
    if (/html/.test(answer.headers.get('content-type') ?? '')) assertPage(answer.text);
    return answer;
  }

  /** How many secrets are looked for. */
  get seen(): number {
    return this.#secrets.size;
  }

  check(text: string): void {
    for (const secret of this.#secrets) assert.ok(!text.includes(secret), 'a secret is shown');
  }

  override copy(): Witness {
    const copy = new Witness(this.origin, this.#secrets);
    for (const [name, value] of this.jar) copy.jar.set(name, value);
    return copy;
  }

  /** The session's cookie, without the copy for the replay. */
  get token(): string | undefined {
    return [...this.jar].find(([name]) => /^(sojourn-\d+|__Host-sojourn)$/.test(name))?.[1];
  }

  /** As a program asks: JSON, no page. */
  json(path: string): Promise<Answer> {
    return this.get(path, {
      headers: { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
    });
  }

  /** Follows what a form answers with, as a browser does. */
  async submit(path: string, form: Record<string, string> = {}): Promise<Answer> {
    const answer = await this.post(path, form);
    return answer.status === 303 ? this.get(answer.headers.get('location') ?? '/') : answer;
  }

  stream(headers: Record<string, string> = {}, path = '/session/events'): Promise<EventReader> {
    const all = { ...headers, accept: 'text/event-stream', 'sec-fetch-site': 'same-origin', cookie: this.cookie };
    return EventReader.open(this.origin + path, all, (text) => this.check(text));
  }
}

/** A stream of events, read as it comes. */
export class EventReader {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  text = '';
  over = false;
  /** Hangs up, as a browser that leaves does. */
  readonly leave: () => void;
  #wake: () => void = () => {};

  private constructor(status: number, headers: Readonly<Record<string, unknown>>, leave: () => void) {
    this.status = status;
    this.headers = headers;
    this.leave = leave;
  }

  static open(url: string, headers: Record<string, string>, check: (text: string) => void): Promise<EventReader> {
    return new Promise((resolve, reject) => {
      const sent = request(url, { headers, agent: false }, (response) => {
        const reader = new EventReader(response.statusCode ?? 0, response.headers, () => response.destroy());
        response.setEncoding('utf8').on('data', (chunk: string) => {
          reader.text += chunk;
          check(reader.text);
          reader.#wake();
        });
        response.on('close', () => {
          reader.over = true;
          reader.#wake();
        });
        response.on('error', () => {});
        resolve(reader);
      });
      sent.on('error', reject);
      sent.end();
    });
  }

  /** Waits until the text so far holds the pattern. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.text);
      if (found) return found;
      assert.ok(!this.over, `the stream ended without ${pattern}: ${this.text}`);
      await this.#more();
    }
  }

  async end(): Promise<void> {
    while (!this.over) await this.#more();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

const voids = new Set(['meta', 'link', 'input', 'img', 'br']);

/** Every element is closed where it should be, ids are unique, and nothing is inline that the policy forbids. */
function assertPage(html: string): void {
  const open: string[] = [];
  const ids = new Set<string>();
  for (const [tag, close, name = ''] of html.matchAll(/<(\/?)([a-z][\w-]*)[^>]*>/gi)) {
    const id = / id="([^"]*)"/.exec(tag)?.[1];
    if (id !== undefined) assert.ok(!ids.has(id), `id ${id} twice`);
    if (id !== undefined) ids.add(id);
    assert.doesNotMatch(tag, / (style|on\w+)=/, 'inline style or script');
    if (name === 'script' && !close) assert.match(tag, / src="/);
    if (close) assert.equal(open.pop(), name, `</${name}> closes something else`);
    else if (!voids.has(name) && !tag.endsWith('/>')) open.push(name);
  }
  assert.deepEqual(open, []);
  for (const [, target = ''] of html.matchAll(/ (?:aria-labelledby|aria-describedby|form)="([^"]*)"/g)) {
    assert.ok(ids.has(target), `nothing has the id ${target}`);
  }
}
