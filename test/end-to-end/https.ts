import { once } from 'node:events';
import { request } from 'node:http';
import { createServer } from 'node:https';
import { openSite, type Site } from '../../packages/server/test/site.ts';
import { selfSigned } from './certificate.ts';

const host = 'sessions.test';

/** A host beside the site's that belongs to somebody else: whatever is asked, an empty page. */
export function sibling(site: Site): string {
  return site.origin.replace(host, `elsewhere.${host}`);
}

/** A site as people reach it in production: by name, behind a proxy that does the https. */
export async function openBehindHttps(): Promise<Site> {
  const proxy = createServer(selfSigned(host));
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const address = proxy.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const origin = `https://${host}:${port}`;
  const site = await openSite('--origin', origin, '--demo');
  proxy.on('request', (incoming, outgoing) => {
    if (incoming.headers.host !== `${host}:${port}`) {
      outgoing.setHeader('content-type', 'text/html').end('<!doctype html><title>elsewhere</title>');
      return;
    }
    const passed = request(site.origin + incoming.url, { method: incoming.method, headers: incoming.headers });
    passed.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    outgoing.on('close', () => passed.destroy());
    incoming.pipe(passed);
  });
  return {
    ...site,
    origin,
    async close() {
      proxy.closeAllConnections();
      proxy.close();
      await site.close();
    },
  };
}
