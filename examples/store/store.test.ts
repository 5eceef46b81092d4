import { memory } from 'sojourn/memory';
import { storeContract } from 'sojourn/store-contract';

storeContract('mine', async (now) => ({ store: memory({ now }) }));
