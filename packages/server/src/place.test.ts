import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { dataFolder } from '../test/process.ts';
import { checkPlace, placeOf, remember } from './place.ts';
import { Users } from './users/users.ts';

test('addresses of one store lead to one place, and those of two to two', () => {
  const same: [place: string, ...addresses: string[]][] = [
    ['redis://cache.example:6379/0', 'redis://cache.example', 'redis://ada:secret@CACHE.example:6379/0'],
    ['redis://cache.example:6379/1', 'redis://:secret@cache.example/1'],
    ['rediss://cache.example:6380/0', 'rediss://cache.example:6380/'],
    ['redis://[::1]:6379/0', 'redis://[::1]'],
    ['postgres://db.example:5432/shop', 'postgresql://ada:secret@db.example/shop?sslmode=verify-full'],
    ['postgres://db.example:5432/ada', 'postgres://ada:secret@db.example', 'postgres://db.example/ada'],
    ['postgres://%2Frun%2Fpg:5433/shop', 'postgres:///shop?host=/run/pg&port=5433&password=secret'],
    // Which part is the password is not certain.
    ['redis:…', 'redis://ada:12/secret@cache.example'],
  ];
  for (const [place, ...addresses] of same) {
    for (const address of addresses) assert.equal(placeOf(address, './data'), place, address);
  }
});

test('the folder of the data keeps no password, and may be moved or reached through a link', async (t) => {
  const data = dataFolder(t);
  mkdirSync(data);
  const users = Users.open(join(data, 'users.db'));
  remember({ store: 'redis://ada:secret@cache.example', data }, users);
  const refused = { store: 'redis://ada:secret@other.example', data };
  assert.throws(() => checkPlace(refused, users), {
    name: 'ConfigError',
    message: /keeps its sessions in redis:\/\/cache\.example:6379\/0, not in redis:\/\/ada@other\.example: give/,
  });
  const moved = remember({ store: `sqlite:${data}/sessions.db`, data }, users);
  assert.match(moved ?? '', /^The sessions of .* were in redis:\/\/cache\.example:6379\/0 the last time/);
  users.close();
  assert.ok(!readFileSync(join(data, 'users.db'), 'latin1').includes('secret'));
  const elsewhere = `${data}-moved`;
  renameSync(data, elsewhere);
  symlinkSync(elsewhere, data);
  const again = Users.open(join(elsewhere, 'users.db'));
  t.after(() => again.close());
  for (const folder of [elsewhere, data]) {
    assert.equal(remember({ store: `sqlite:${folder}/sessions.db`, data: folder }, again), null, folder);
  }
  assert.equal(remember({ store: `sqlite:${elsewhere}/sessions.db`, data }, again), null);
});
