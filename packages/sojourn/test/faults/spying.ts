import { seeded } from '../../src/stores/contract/subject.ts';
import { type Clients, wait } from './clients.ts';
import type { History } from './history.ts';
import type { Ask } from './protocol.ts';

/** A session begins and another ends this often, in milliseconds. */
const pace = 250;
/** An ended session is visited at every node for so long, this often. */
const watched = 3500;
const every = 200;

/**
 * A client that every node remembers: its sessions are visited at every node again and again until one is ended, by
 * request or by the limit, and then on. It waits for no answer, so that a node which hangs does not keep it from
 * ending sessions at the others.
 */
export async function spy(clients: Clients, history: History, seed: number, limit: number): Promise<void> {
  const random = seeded(seed);
  const subject = `spied${seed}`;
  const live: { readonly id: string; readonly token: string; writes: number }[] = [];
  const watches: Promise<void>[] = [];
  const anywhere = (ask: Ask): ReturnType<Clients['ask']> => clients.ask(Math.floor(random() * clients.nodes), ask);
  const everywhere = (token: string): void => {
    for (let node = 0; node < clients.nodes; node++) void clients.ask(node, { do: 'visit', token });
  };
  const watch = async (token: string): Promise<void> => {
    for (let left = watched; left > 0; left -= every) {
      everywhere(token);
      await wait(every);
    }
  };
  const leave = (id: string): void => {
    const at = live.findIndex((each) => each.id === id);
    const [left] = at === -1 ? [] : live.splice(at, 1);
    if (left) watches.push(watch(left.token));
  };
  const stop = history.onEnd(leave);
  while (!clients.over) {
    for (const { token } of live) everywhere(token);
    const [oldest, , , newer] = live;
    if (newer) {
      newer.writes += 1;
      void anywhere({ do: 'write', token: newer.token, key: `${seed}.${newer.writes}` });
    }
    if (oldest && live.length >= limit) {
      const dice = random();
      if (dice < 0.4) void anywhere({ do: 'signOut', token: oldest.token });
      else if (dice < 0.7) void anywhere({ do: 'revoke', id: oldest.id });
      // Else the limit ends it.
    }
    void anywhere({ do: 'signIn', subject }).then((answer) => {
      if (answer.is === 'signedIn') live.push({ id: answer.id, token: answer.token, writes: 0 });
    });
    await wait(pace);
  }
  stop();
  await Promise.all(watches);
}
