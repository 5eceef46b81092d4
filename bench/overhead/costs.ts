import { tell } from '../process.ts';
import { type Apps, allApps } from './apps.ts';
import { stub } from './stub.ts';
import { check, timed } from './turns.ts';

/*
 * The process that is measured: one route of one framework. Beside another it would pay for that
 * one's garbage, and the library's calls would meet two shapes of everything.
 */

const requests = 10_000;
const warmUps = 6;
const [, , framework = '', role = ''] = process.argv;

const found = stub();
const cookie = `__Host-sojourn=${found.token}`;
const app = (await allApps(found))[framework]?.[role as keyof Apps];
if (app === undefined) throw new Error(`There is no route ${role} in ${framework}.`);
await check(`${framework}-${role}`, app, cookie);
for (let turn = 0; turn < warmUps; turn++) await timed(app, cookie, requests);

process.on('message', async () => {
  found.freshen();
  tell({ nanoseconds: await timed(app, cookie, requests) });
});
tell({ ready: true });
