import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, needed, newFolder } from './process.ts';
import { redisServer } from './redis-server.ts';

/** A Redis that also listens with TLS, under a certificate of this test's own. */
export interface TlsServer {
  /** `rediss:` */
  readonly url: string;
  /** The certificate that clients have to trust: as a file, and its text. */
  readonly authority: { readonly path: string; readonly text: string };
  stop(): Promise<void>;
}

export async function redisTlsServer(): Promise<TlsServer> {
  const folder = newFolder('tls');
  const [key, path] = [join(folder.path, 'key.pem'), join(folder.path, 'certificate.pem')];
  const named = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync(needed('openssl'), ['req', '-x509', ...kind, ...named, '-keyout', key, '-out', path], { stdio: 'pipe' });
  const port = String(await freePort());
  const server = await redisServer(
    ...['--tls-port', port, '--tls-auth-clients', 'no'],
    ...['--tls-cert-file', path, '--tls-key-file', key, '--tls-ca-cert-file', path],
  );
  return {
    url: `rediss://localhost:${port}`,
    authority: { path, text: readFileSync(path, 'utf8') },
    async stop() {
      await server.stop();
      folder.remove();
    },
  };
}
