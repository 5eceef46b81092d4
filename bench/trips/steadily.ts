import { Agent, request } from 'node:http';
import { setTimeout as after } from 'node:timers/promises';
import { path } from '../route/people.ts';

interface Steady {
  readonly port: number;
  readonly cookies: readonly string[];
  readonly perSecond: number;
  readonly seconds: number;
}

const sockets = 32;

/** Asks each session in its turn, so many times a second; answers how many were answered with 200. */
export async function steadily({ port, cookies, perSecond, seconds }: Steady): Promise<number> {
  // By turns: a connection that stays idle is closed by its server just when it is wanted again.
  const agent = new Agent({ keepAlive: true, maxSockets: sockets, scheduling: 'fifo' });
  const answers: Promise<boolean>[] = [];
  const begun = performance.now();
  for (let elapsed = 0; elapsed < seconds * 1000; elapsed = performance.now() - begun) {
    while (answers.length < (elapsed / 1000) * perSecond) {
      const answer = ask(agent, port, cookies[answers.length % cookies.length] ?? '');
      // Told at the end, with all the others.
      answer.catch(() => {});
      answers.push(answer);
    }
    await after(2);
  }
  const answered = await Promise.all(answers);
  agent.destroy();
  if (answered.includes(false)) throw new Error(`${answered.filter((ok) => !ok).length} requests were refused.`);
  return answered.length;
}

function ask(agent: Agent, port: number, cookie: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const headers = { cookie, host: 'app.example' };
    request({ agent, port, path, headers, host: '127.0.0.1' }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode === 200));
    })
      .on('error', reject)
      .end();
  });
}
