import assert from 'node:assert/strict';
import { test } from 'node:test';
import { postgresServer } from '../../sojourn/test/stores/postgres-server.ts';
import { skipWithout } from '../../sojourn/test/stores/process.ts';
import { redisServer } from '../../sojourn/test/stores/redis-server.ts';
import { SilentProxy } from '../test/silent-proxy.ts';
import { openEngine } from './engines.ts';

const engines = {
  redis: { skip: skipWithout('redis-server'), start: redisServer },
  postgres: { skip: skipWithout('initdb', 'postgres'), start: postgresServer },
} as const;

for (const [name, { skip, start }] of Object.entries(engines)) {
  test(`G8: connections that died without a word are replaced while requests go on [${name}]`, { skip }, async (t) => {
    const engine = await start();
    t.after(() => engine.stop());
    const proxy = new SilentProxy(engine.url);
    const { store, close } = await openEngine(await proxy.start(), { silentFor: 200 });
    try {
      assert.equal(await store.find('Anobody'), null);
      proxy.silence();
      // As requests do: one after the other, whether those before were answered or not.
      const answered = Promise.withResolvers<unknown>();
      const asking = setInterval(
        () => void Promise.resolve(store.find('Anobody')).then(answered.resolve, () => {}),
        10,
      );
      assert.equal(await answered.promise, null);
      clearInterval(asking);
    } finally {
      await close();
      proxy.stop();
    }
  });

  test(`an engine that has fallen silent does not keep the server from ending [${name}]`, { skip }, async (t) => {
    const engine = await start();
    t.after(() => engine.stop());
    const proxy = new SilentProxy(engine.url);
    const { store, close } = await openEngine(await proxy.start(), { silentFor: 200 });
    proxy.silence();
    const unanswered = Promise.resolve(store.find('Anobody')).catch(() => 'unknown');
    await close();
    proxy.stop();
    assert.equal(await unanswered, 'unknown');
  });
}
