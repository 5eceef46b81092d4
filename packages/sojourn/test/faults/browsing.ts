import { seeded } from '../../src/stores/contract/subject.ts';
import { type Clients, wait } from './clients.ts';
import type { Ask } from './protocol.ts';

export const subjects = 40;

interface Mine {
  readonly id: string;
  readonly token: string;
  writes: number;
}

/** One client: signs in, comes back to any node, writes, signs out; also with tokens that have ended. */
export async function browse(clients: Clients, seed: number): Promise<void> {
  const random = seeded(seed);
  const mine: Mine[] = [];
  while (!clients.over) {
    const node = Math.floor(random() * clients.nodes);
    const recent = mine.slice(-12);
    const ask = next(random, recent[Math.floor(random() * recent.length)], seed);
    const answer = await clients.ask(node, ask);
    if (answer.is === 'signedIn') mine.push({ id: answer.id, token: answer.token, writes: 0 });
    // As clients do that are told to come again later.
    if (answer.is === 'unknown') await wait(20);
  }
}

function next(random: () => number, session: Mine | undefined, seed: number): Ask {
  const dice = random();
  if (session === undefined || dice < 0.08) {
    return { do: 'signIn', subject: `u${Math.floor(random() * subjects)}` };
  }
  const { id, token } = session;
  if (dice < 0.12) return { do: 'signOut', token };
  if (dice < 0.14) return { do: 'revoke', id };
  if (dice < 0.3 && session.writes < 30) {
    session.writes += 1;
    return { do: 'write', token, key: `${seed}.${session.writes}` };
  }
  return { do: 'visit', token };
}
