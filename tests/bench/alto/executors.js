// Prints 17 private keys, separated by commas, whose addresses it has given 1 000 test ETH each: Alto's utility wallet and its 16 executors.
// usage: node executors.js <Anvil's URL>
import { privateKeyToAddress } from 'viem/accounts';

const keys = Array.from({ length: 17 }, (_, index) => `0x${(0xa170 + index).toString(16).padStart(64, '0')}`);
const requests = keys.map((key, id) => ({ jsonrpc: '2.0', id, method: 'anvil_setBalance', params: [privateKeyToAddress(key), '0x3635c9adc5dea00000'] }));
const response = await fetch(process.argv[2], { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(requests) });
const refused = (await response.json()).find((answer) => answer.error);
if (refused) throw new Error(refused.error.message);
console.log(keys.join(','));
