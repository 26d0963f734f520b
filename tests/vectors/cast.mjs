// What the generators of vectors.json share. The expected values come from cast's keccak, ABI encoder and signer alone, by the text of the
// specifications: neither the contracts nor the C# code has a part in them. cast is taken from PATH or node_modules.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../node_modules/.bin', import.meta.url));
const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
const path = fileURLToPath(new URL('vectors.json', import.meta.url));

export const cast = (...args) => execFileSync('cast', args, { env, encoding: 'utf8' }).trim();
export const keccakText = text => cast('keccak', `0x${Buffer.from(text, 'utf8').toString('hex')}`);
export const concat = (...parts) => `0x${parts.map(part => part.slice(2)).join('')}`;

/** keccak256 of the ABI encoding of `values`, each given as [type, value]. */
export const keccakEncoded = (...values) =>
  cast('keccak', cast('abi-encode', `f(${values.map(([type]) => type).join(',')})`, ...values.map(([, value]) => value)));

/** EIP-712. */
export const domainSeparator = (name, chainId, verifyingContract) => keccakEncoded(
  ['bytes32', keccakText('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)')],
  ['bytes32', keccakText(name)], ['bytes32', keccakText('1')], ['uint256', chainId], ['address', verifyingContract]);

/** EIP-712. */
export const typedDataHash = (separator, structHash) => cast('keccak', concat('0x1901', separator, structHash));

export const orderMembers = [
  ['requester', 'address'], ['provider', 'address'], ['token', 'address'], ['arbiter', 'address'], ['approver', 'address'],
  ['commissionTo', 'address'], ['amount', 'uint120'], ['feeBps', 'uint16'], ['commissionBps', 'uint16'], ['payDeadline', 'uint40'],
  ['slaSeconds', 'uint32'], ['reviewSeconds', 'uint32'], ['termsHash', 'bytes32'], ['salt', 'uint64'],
];

export const readVectors = () => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {});

/** Replaces the keys of `vectors` and leaves the others. */
export const writeVectors = vectors => writeFileSync(path, `${JSON.stringify({ ...readVectors(), ...vectors }, null, 2)}\n`);
