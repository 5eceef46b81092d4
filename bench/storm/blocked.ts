import { setTimeout as after } from 'node:timers/promises';
import { createClient } from 'redis';
import { Node } from '../engines/nodes.ts';
import type { Server } from '../engines/servers.ts';
import { Child } from '../process.ts';
import { partitionPeers } from './partition-peers.ts';
import type { Waited } from './waits.ts';

export interface Blocked {
  /** Of the ending itself. */
  readonly milliseconds: number;
  /** By what waited, the longest in milliseconds; the first is what the engine is held to. */
  readonly waits: Readonly<Record<string, number>>;
  /** How much longer than without endings the longest sign-in of another user took; `null` where SLOWLOG tells more. */
  readonly signInLonger: number | null;
}

/** As long without endings, to see what the machine does by itself. */
const beside = 300;
const signIns = 100;

/** How long others wait at an engine while something is done to it. */
export async function blockedBy(server: Server, subject: string, act: () => Promise<number>): Promise<Blocked> {
  const probe = new Child({ file: 'storm/waits.ts', args: [server.url] });
  const writer = server.engine === 'redis' ? null : await Node.start(server);
  const slow = server.engine === 'redis' ? await slowlog(server.url) : null;
  try {
    await probe.next();
    const waited = (): Promise<number> => probe.ask<Waited>({}).then(({ longest }) => longest);
    await waited();
    await after(beside);
    const alone = await waited();
    const quiet = await longestSignIn(writer, `${subject}, quiet`);
    await slow?.reset();
    // What the sign-ins before have made it wait is not for the endings.
    await waited();
    const writing = longestSignIn(writer, subject);
    const milliseconds = await act();
    const longest = await waited();
    const held = await slow?.longest();
    const written = await writing;
    const asked = server.engine === 'redis' ? 'ping' : 'read';
    return {
      milliseconds,
      waits: {
        ...(held === undefined ? {} : { 'longest command, by SLOWLOG': held }),
        [`longest ${asked} of another client`]: longest,
        [`longest ${asked} of another client, without endings`]: alone,
        ...(written === null ? {} : { 'longest sign-in of another user of its partition': written }),
        ...(quiet === null ? {} : { 'longest sign-in of another user, without endings': quiet }),
      },
      signInLonger: written === null || quiet === null ? null : Math.max(0, written - quiet),
    };
  } finally {
    await slow?.close();
    await probe.end();
    await writer?.stop();
  }
}

/** Of users whose sessions stand in the same partition, one after another. */
async function longestSignIn(writer: Node | null, subject: string): Promise<number | null> {
  if (writer === null) return null;
  return Math.max(...(await writer.signIn(partitionPeers(subject, signIns), 1)).latencies);
}

async function slowlog(url: string): Promise<{
  reset(): Promise<unknown>;
  longest(): Promise<number>;
  close(): Promise<void>;
}> {
  const client = await createClient({ url }).connect();
  await client.sendCommand(['CONFIG', 'SET', 'slowlog-log-slower-than', '100', 'slowlog-max-len', '4096']);
  return {
    reset: () => client.sendCommand(['SLOWLOG', 'RESET']),
    async longest() {
      const entries = await client.sendCommand(['SLOWLOG', 'GET', '-1']);
      const times = Array.isArray(entries) ? entries.map((entry) => Number(entry[2]) / 1000) : [];
      return Math.max(0.1, ...times);
    },
    close: () => client.close(),
  };
}
