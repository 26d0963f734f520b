// Writes the keys "orders" and "deliverables" of vectors.json; the other keys stay as they are.
// Use: node tests/vectors/generate.mjs
import { domainSeparator, keccakEncoded, keccakText, orderMembers, typedDataHash, writeVectors } from './cast.mjs';

const orderType = `Order(${orderMembers.map(([name, type]) => `${type} ${name}`).join(',')})`;

function hashes({ chainId, verifyingContract, order }) {
  const separator = domainSeparator('CAPVault', chainId, verifyingContract);
  const structHash = keccakEncoded(
    ['bytes32', keccakText(orderType)], ...orderMembers.map(([name, type]) => [type, order[name]]));
  return { domainSeparator: separator, structHash, orderId: typedDataHash(separator, structHash) };
}

const zero = '0x0000000000000000000000000000000000000000';
const ones = '0xFFfFfFffFFfffFFfFFfFFFFFffFFFffffFfFFFfF';
const plain = {
  requester: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8', provider: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
  token: '0x5FbDB2315678afecb367f032d93F642f64180aa3', arbiter: zero, approver: zero, commissionTo: zero,
  amount: '1000000', feeBps: '1000', commissionBps: '0', payDeadline: '1800003600', slaSeconds: '3600', reviewSeconds: '0',
  termsHash: keccakText('{"price":"1.00"}'), salt: '1',
};
const sandbox = { chainId: '31337', verifyingContract: '0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512' };
const orders = [
  { name: 'default terms', ...sandbox, order: plain },
  { name: 'same terms, other salt', ...sandbox, order: { ...plain, salt: '2' } },
  { name: 'same terms, other chain', ...sandbox, chainId: '8453', order: plain },
  { name: 'same terms, other vault', ...sandbox, verifyingContract: '0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0', order: plain },
  {
    name: 'all roles', chainId: '8453', verifyingContract: '0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0', order: {
      ...plain, token: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913', arbiter: '0x90F79bf6EB2c4f870365E785982E1f101E93b906',
      approver: '0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65', commissionTo: '0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc',
      amount: '123456789', feeBps: '250', commissionBps: '4750', slaSeconds: '31536000', reviewSeconds: '2592000',
      salt: '9007199254740993', // 2^53 + 1: not exact as a JSON number
    },
  },
  {
    name: 'all zero', ...sandbox, order: {
      requester: zero, provider: zero, token: zero, arbiter: zero, approver: zero, commissionTo: zero, amount: '0', feeBps: '0',
      commissionBps: '0', payDeadline: '0', slaSeconds: '0', reviewSeconds: '0', termsHash: `0x${'00'.repeat(32)}`, salt: '0',
    },
  },
  {
    name: 'all ones', chainId: '18446744073709551615', verifyingContract: ones, order: {
      requester: ones, provider: ones, token: ones, arbiter: ones, approver: ones, commissionTo: ones,
      amount: String(2n ** 120n - 1n), feeBps: '65535', commissionBps: '65535', payDeadline: String(2n ** 40n - 1n),
      slaSeconds: '4294967295', reviewSeconds: '4294967295', termsHash: `0x${'ff'.repeat(32)}`, salt: String(2n ** 64n - 1n),
    },
  },
].map(vector => ({ ...vector, ...hashes(vector) }));

const texts = [
  ['empty', ''],
  ['ASCII', 'The quick brown fox jumps over the lazy dog'],
  ['looks like hex, is text', '0xdeadbeef'],
  ['white space counts', '  two lines \r\n and a tab\t'],
  ['more than ASCII', 'Grüße, 世界 🚀'],
  ['composed and decomposed stay apart', 'e\u0301 is not \u00e9'],
  ['longer than one keccak block', 'CAPVault '.repeat(40)],
].map(([name, content]) => ({ name, scheme: 'TEXT', content, deliverableHash: keccakText(content) }));

// RFC 8785 for what JavaScript has read itself: its strings and numbers are the RFC's, only members have to be sorted.
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.keys(value).sort().map(key => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`;
}

const values = [
  ['members in order', { b: [1.5, true, null], a: 'é' }],
  ['numbers', [0, -0, 1e21, 1e-7, 333333333.33333329, 4.5, 2e-3]],
  ['a value that is no object', 'text in quotes'],
].map(([name, value]) => ({ name, scheme: 'SCHEMA', value, content: canonical(value), deliverableHash: keccakText(canonical(value)) }));

const file = (objectKey, name, size, contentType, content) => ({ objectKey, name, size, contentType, keccak256: keccakText(content) });
const report = file('obj_AAAAAAAAAAAAAAAAAAAAA', 'report.pdf', 3, 'application/pdf', 'one');
const manifests = [
  ['one file', { version: 1, files: [report] }],
  ['a text with files, in their order', { version: 1, text: 'See both.\n', files: [file('obj_-_-_-_-_-_-_-_-_-_-_-', 'Übersicht "2".txt', 5242880, 'text/plain; charset=utf-8', 'two'), report] }],
  ['a value with a file', { version: 1, schema: { z: 1.0, a: [1e21, '\u20ac'] }, files: [report] }],
  ['members of a later relayer', { version: 1, message: 'for you', files: [report], encryption: { scheme: 'x', keys: [] } }],
].map(([name, manifest]) => ({ name, scheme: 'MANIFEST', manifest, content: canonical(manifest), deliverableHash: keccakText(canonical(manifest)) }));

const deliverables = [...texts, ...values, ...manifests];

writeVectors({ orders, deliverables });
