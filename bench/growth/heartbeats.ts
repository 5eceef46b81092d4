import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as after } from 'node:timers/promises';
import { withNodes } from '../engines/nodes.ts';
import type { Server } from '../engines/servers.ts';
import { figure } from '../figures.ts';
import type { Row } from '../report.ts';
import { listen } from '../route/candidate.ts';
import { beatColumns, beatRow } from './cells.ts';

/*
 * What a node that remembers sessions sends and hears although nobody signs in through it: its beats, and
 * what others change. Counted on the wire, by a proxy between it and the engine.
 */

const changes = 2000;

export async function heartbeats(server: Server, time: number): Promise<Row[]> {
  if (server.engine === 'sqlite') return [];
  const wire = await counting(new URL(server.url));
  const there = { ...server, url: wire.url };
  try {
    return await withNodes(there, 1, {}, ([node]) =>
      withNodes(server, 1, { cache: 'off' }, async ([other]) => {
        if (node === undefined || other === undefined) throw new Error('No node was started.');
        const { tokens } = await node.signIn(['hears-the-rest'], 1);
        /** Over so long, with the node in use. */
        const heard = async (meanwhile: Promise<unknown>): Promise<{ bytes: number; beats: number; ms: number }> => {
          const begun = performance.now();
          const [bytes, { beats }] = [wire.bytes(), await node.size()];
          await Promise.all([used(), meanwhile]);
          return {
            bytes: wire.bytes() - bytes,
            beats: (await node.size()).beats - beats,
            ms: performance.now() - begun,
          };
        };
        const used = async (): Promise<void> => {
          for (let waited = 0; waited < time * 3; waited += 100) {
            await node.hold(tokens);
            await after(100);
          }
        };
        await used();
        const alone = await heard(Promise.resolve());
        const beat = alone.bytes / alone.beats;
        const people = Array.from({ length: changes }, (_, i) => `heard-${i}`);
        const busy = await heard(other.signIn(people, 8));
        return [
          {
            what: beatRow(server.engine),
            figures: {
              [beatColumns.beat]: figure('bytes', [beat]),
              [beatColumns.change]: figure('bytes', [(busy.bytes - busy.beats * beat) / changes]),
              [beatColumns.perSecond]: figure('a second', [(alone.beats / alone.ms) * 1000]),
            },
          },
        ];
      }),
    );
  } finally {
    wire.stop();
  }
}

/** A way to the same server on which all bytes are counted, both ways. */
async function counting(to: URL): Promise<{ url: string; bytes(): number; stop(): void }> {
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect({ port: Number(to.port), host: to.hostname, noDelay: true });
    near.setNoDelay(true).pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on('error', () => {});
    sockets.push(near, far);
  });
  const url = new URL(to);
  url.port = String(await listen(server));
  const near = (): Socket[] => sockets.filter((_, i) => i % 2 === 0);
  return {
    url: url.href,
    bytes: () => near().reduce((sum, { bytesRead, bytesWritten }) => sum + bytesRead + bytesWritten, 0),
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
