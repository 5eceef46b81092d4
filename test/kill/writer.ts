import { writeSync } from 'node:fs';
import { createSessions } from 'sojourn';
import { sqlite } from 'sojourn/sqlite';

/*
 * A process that writes until it is killed, and says each write on its standard output once it has
 * been acknowledged: `signed_in <id>`, `wrote <id> <n>`, `ended <id>`.
 */
const [path = '', writers = '8'] = process.argv.slice(2);
const sessions = createSessions<{ n: number }>({ store: sqlite(path), sweepEvery: 'never' });

function say(...words: (string | number)[]): void {
  writeSync(1, `${words.join(' ')}\n`);
}

async function life(subject: string): Promise<void> {
  const carried = { token: '' };
  const session = await sessions.track(null, {
    carrier: {
      begin: () => () => {},
      issue: (token) => {
        carried.token = token.reveal();
      },
      clear: () => {},
      device: () => undefined,
      body: () => Promise.reject(new Error('no body')),
      address: null,
    },
  });
  await session.signIn(subject);
  say('signed_in', session.id ?? '');
  for (let n = 1; n <= 3; n++) {
    await session.update((draft) => {
      draft.n = n;
    });
    say('wrote', session.id ?? '', n);
  }
  const { id } = session;
  if (Math.random() < 0.5) {
    await session.terminate();
    say('ended', id ?? '');
  }
}

async function write(writer: number): Promise<never> {
  for (;;) await life(`subject-${writer}`);
}

say('ready');
await Promise.all(Array.from({ length: Number(writers) }, (_, writer) => write(writer)));
