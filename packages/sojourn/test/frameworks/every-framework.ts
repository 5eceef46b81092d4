import { connect } from 'node:net';
import { test } from 'node:test';
import { Visitor } from '../../../../test/visitor.ts';
import { Lab, type LabOptions } from '../lab.ts';
import { type App, frameworks, listen } from './apps.ts';

interface Fixture {
  readonly app: App;
  readonly lab: Lab;
  readonly visitor: Visitor;
  /** The same application on other sessions, as in another process. */
  readonly another: (sessions: Lab['sessions']) => Promise<App>;
}

/** One behaviour that every framework's binding has. */
export function everyFramework(
  title: string,
  run: (fixture: Fixture) => Promise<void>,
  options: LabOptions = {},
): void {
  for (const [name, build] of Object.entries(frameworks)) {
    test(`${title} [${name}]`, async () => {
      const lab = new Lab(options);
      const app = await listen(build, lab.sessions);
      const apps = [app];
      const another: Fixture['another'] = async (sessions) => {
        const other = await listen(build, sessions);
        apps.push(other);
        return other;
      };
      try {
        await run({ app, lab, visitor: new Visitor(app.origin), another });
      } finally {
        for (const one of apps) await one.close();
        await lab.sessions.close();
      }
    });
  }
}

/** What a script's fetch sends instead of a navigation. */
export const script = { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' };

/** Sends lines as they are and answers all that came back. */
export function raw(origin: string, lines: readonly string[]): Promise<string> {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    answer += chunk;
  });
  socket.write([...lines, 'Connection: close', '', ''].join('\r\n'));
  return new Promise((resolve, reject) => socket.on('close', () => resolve(answer)).on('error', reject));
}

interface Held {
  /** Sends the last byte and answers what came back. */
  release(): Promise<string>;
}

/** A POST that has sent all of its body but the last byte, and has been looked at by the server. */
export async function hold(origin: string, path: string, cookie: string, body: string): Promise<Held> {
  const { port, host } = new URL(origin);
  const socket = connect(Number(port), '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    answer += chunk;
  });
  const closed = new Promise<void>((resolve, reject) => socket.on('close', () => resolve()).on('error', reject));
  const head = [
    `POST ${path} HTTP/1.1`,
    `Host: ${host}`,
    `Origin: ${origin}`,
    `Cookie: ${cookie}`,
    'Accept: application/json',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    '',
  ].join('\r\n');
  socket.write(head + body.slice(0, -1));
  // Another request on its own connection, sent later and answered: the server has seen this one too.
  await new Visitor(origin).get('/untouched');
  return {
    release: async () => {
      socket.write(body.slice(-1));
      await closed;
      return answer;
    },
  };
}
