import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { stripTypeScriptTypes } from 'node:module';
import type { AddressInfo } from 'node:net';
import express from 'express';
import type { BrowserContext, Page } from 'playwright-core';
import { expressSessions } from '../../src/frameworks/express.ts';
import { endWith } from '../../src/live/live.ts';
import { Lab, through } from '../lab.ts';

/** An application with one page that watches its session, in a browser whose clock is the server's. */
export interface Shop {
  readonly lab: Lab;
  /** The store fails while this is set. */
  broken: boolean;
  /** A new tab on the page. */
  open(): Promise<Page>;
  signedIn(user?: string): Promise<Page>;
  /** A page listens to its events. */
  connected(): Promise<void>;
  /** Time goes by, in seconds, for the server first. */
  pass(seconds: number): Promise<void>;
  close(): Promise<void>;
}

const folder = import.meta.dirname;

function script(path: string): string {
  return stripTypeScriptTypes(readFileSync(`${folder}/${path}`, 'utf8'));
}

export async function openShop(context: BrowserContext): Promise<Shop> {
  const state = { broken: false };
  const lab = new Lab({
    around: (store) =>
      through(store, (_name, run) => {
        if (state.broken) throw new Error('ECONNREFUSED');
        return run();
      }),
  });
  const connected = Promise.withResolvers<void>();
  const server = createServer(shopOn(lab, connected.resolve));
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `http://localhost:${port}`;
  await context.clock.install({ time: lab.clock.now() });
  const open = async (): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(origin);
    return page;
  };
  return {
    lab,
    get broken() {
      return state.broken;
    },
    set broken(broken) {
      state.broken = broken;
    },
    open,
    async signedIn(user = 'ada') {
      lab.clock.advance('1s');
      await context.request.post(`${origin}/login`, { form: { user }, headers: { origin } });
      return open();
    },
    connected: () => connected.promise,
    async pass(seconds) {
      lab.clock.advance(seconds * 1000);
      await context.clock.fastForward(seconds * 1000);
    },
    async close() {
      await context.close();
      server.closeAllConnections();
      server.close();
      await lab.sessions.close();
    },
  };
}

function shopOn(lab: Lab, connected: () => void): express.Express {
  const web = expressSessions(lab.sessions);
  const app = express();
  // To ask how long a session lives, or to listen to it, is not to use it.
  app.use('/session', web.trackWith({ passive: true }));
  app.use(web.track);
  app.use(express.urlencoded());
  const limits = (req: express.Request): object => {
    const { id, idleUntil, expiresAt } = web.signedIn(req);
    return { id, now: lab.clock.now(), idleUntil, expiresAt };
  };
  app.get('/', web.requireSignIn(), (req, res) => void res.send(pageWith(JSON.stringify(limits(req)))));
  app.get('/session', web.requireSignIn(), (req, res) => void res.json(limits(req)));
  app.get('/session/events', web.requireSignIn(), (req, res) => {
    res.type('text/event-stream').write(': here\n\n');
    endWith(web.session(req), (reason) => res.end(`event: ended\ndata: ${JSON.stringify({ reason })}\n\n`));
    connected();
  });
  app.post('/login', async (req, res) => {
    await web.session(req).signIn(req.body.user);
    res.json({});
  });
  app.post('/logout', async (req, res) => void res.json({ ended: await web.session(req).terminate() }));
  app.get('/login', (_req, res) => void res.send('sign in'));
  app.get('/watch.js', (_req, res) => void res.type('js').send(script('../../../../examples/browser/watch.ts')));
  app.get('/sojourn.js', (_req, res) => void res.type('js').send(script('../../src/browser/browser.ts')));
  app.use(web.errors);
  return app;
}

function pageWith(limits: string): string {
  // A browser asks for an icon when it likes, which would be a use of the session.
  return `<!doctype html>
<link rel="icon" href="data:,">
<script type="importmap">{ "imports": { "sojourn/browser": "/sojourn.js" } }</script>
<script type="application/json" id="limits">${limits}</script>
<p id="warning" hidden>You will be signed out in a minute.</p>
<button id="sign-out">Sign out</button>
<script type="module" src="/watch.js"></script>`;
}
