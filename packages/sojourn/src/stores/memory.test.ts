import { storeContract } from './contract/contract.ts';
import { memory } from './memory.ts';

storeContract('memory', async (now) => ({ store: memory({ now }) }));
