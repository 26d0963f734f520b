// Writes the keys "accounts" (an Executor's consent to an order of "orders") and "userOps" (EntryPoint v0.8, CAPPaymaster) of vectors.json; the
// other keys stay as they are.
// Use: node tests/vectors/generate-accounts.mjs
import {
  cast, concat, domainSeparator, keccakEncoded, keccakText, orderMembers, readVectors, typedDataHash, writeVectors,
} from './cast.mjs';

// Anvil's well-known test keys.
const keys = [
  '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
  '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
  '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a',
];
const sign = (key, digest) => cast('wallet', 'sign', '--no-hash', digest, '--private-key', key);
const addressOf = key => cast('wallet', 'address', key);
const word = (value, bytes) => `0x${BigInt(value).toString(16).padStart(bytes * 2, '0')}`;

/* An Executor's consent */

const { orders } = readVectors();
const orderTuple = order => `(${orderMembers.map(([name]) => order[name]).join(',')})`;
const orderAbi = `(${orderMembers.map(([, type]) => type).join(',')})`;

function account(name, orderName, party, executorKey) {
  const { chainId, verifyingContract: vault, order, orderId } = orders.find(vector => vector.name === orderName);
  const address = order[party];
  const consentHash = typedDataHash(domainSeparator('AgentAccount', chainId, address),
    keccakEncoded(['bytes32', keccakText('OrderConsent(bytes32 orderId)')], ['bytes32', orderId]));
  const signature = sign(executorKey, consentHash);
  const erc1271Signature = cast('abi-encode', `f(${orderAbi},bytes)`, orderTuple(order), signature);
  return {
    name, chainId, vault, account: address, order: orderName, orderId, consentHash,
    executorKey, executor: addressOf(executorKey), signature, erc1271Signature,
  };
}

const accounts = [
  account('Requester', 'default terms', 'requester', keys[0]),
  account('Provider', 'default terms', 'provider', keys[1]),
  account('Provider with the same key', 'default terms', 'provider', keys[0]),
  account('other chain', 'same terms, other chain', 'requester', keys[0]),
  account('other vault', 'same terms, other vault', 'requester', keys[0]),
  account('all roles', 'all roles', 'provider', keys[2]),
];

/* Operations */

const opType = 'PackedUserOperation(address sender,uint256 nonce,bytes initCode,bytes callData,bytes32 accountGasLimits,'
  + 'uint256 preVerificationGas,bytes32 gasFees,bytes paymasterAndData)';
const requestType = 'UserOperationRequest(address sender,uint256 nonce,bytes initCode,bytes callData,bytes32 accountGasLimits,'
  + 'uint256 preVerificationGas,bytes32 gasFees,uint256 paymasterVerificationGasLimit,uint256 paymasterPostOpGasLimit,'
  + 'uint48 validAfter,uint48 validUntil)';

const sponsoredType = 'SponsoredOperation(address bundler,bytes32 request)';

const common = op => [
  ['address', op.sender], ['uint256', op.nonce], ['bytes32', cast('keccak', op.initCode)], ['bytes32', cast('keccak', op.callData)],
  ['bytes32', op.accountGasLimits], ['uint256', op.preVerificationGas], ['bytes32', op.gasFees],
];

/** `sponsor` is null, or what the sponsor promises; its key signs first, then the account's. */
function userOp({ name, chainId, entryPoint, gas, sponsor, signerKey, ...fields }) {
  const op = {
    ...fields,
    accountGasLimits: concat(word(gas.verification, 16), word(gas.call, 16)),
    preVerificationGas: gas.preVerification,
    gasFees: concat(word(gas.maxPriorityFee, 16), word(gas.maxFee, 16)),
    paymasterAndData: '0x',
  };
  let sponsorship = null;
  if (sponsor) {
    const domain = domainSeparator('CAPPaymaster', chainId, sponsor.paymaster);
    const request = typedDataHash(domain, keccakEncoded(
      ['bytes32', keccakText(requestType)], ...common(op), ['uint256', sponsor.verificationGasLimit], ['uint256', sponsor.postOpGasLimit],
      ['uint48', sponsor.validAfter], ['uint48', sponsor.validUntil]));
    const sponsorHash = typedDataHash(domain, keccakEncoded(
      ['bytes32', keccakText(sponsoredType)], ['address', sponsor.bundler], ['bytes32', request]));
    const signature = sign(sponsor.key, sponsorHash);
    op.paymasterAndData = concat(sponsor.paymaster.toLowerCase(), word(sponsor.verificationGasLimit, 16), word(sponsor.postOpGasLimit, 16),
      word(sponsor.validAfter, 6), word(sponsor.validUntil, 6), signature);
    sponsorship = { ...sponsor, signer: addressOf(sponsor.key), sponsorHash, signature };
  }
  const userOpHash = typedDataHash(domainSeparator('ERC4337', chainId, entryPoint),
    keccakEncoded(['bytes32', keccakText(opType)], ...common(op), ['bytes32', cast('keccak', op.paymasterAndData)]));
  return {
    name, chainId, entryPoint, ...op, sponsor: sponsorship, userOpHash,
    signerKey, signer: addressOf(signerKey), signature: sign(signerKey, userOpHash),
  };
}

const canonical = '0x4337084D9E255Ff0702461CF8895CE9E3b5Ff108';
const paymaster = '0x8339E55Dfc485Da39850EC5f0528Ded34d39053f';
const gas = { verification: '80000', call: '380000', preVerification: '60000', maxPriorityFee: '1000000000', maxFee: '2000000000' };
const sponsor = {
  paymaster, bundler: addressOf(keys[1]), verificationGasLimit: '40000', postOpGasLimit: '0', validAfter: '1800000000', validUntil: '1800000600', key: keys[2],
};
const first = orders.find(vector => vector.name === 'default terms');
const orderSteps = (...steps) => cast('calldata', 'executeOrderSteps((address,bytes)[])', `[${steps.map(([to, data]) => `(${to},${data})`).join(',')}]`);
const deliver = cast('calldata', `deliverOrder(${orderAbi},bytes32)`, orderTuple(first.order), keccakText('deliverable'));
const pay = cast('calldata', `payOrder(${orderAbi})`, orderTuple(first.order));
const approve = cast('calldata', 'approve(address,uint256)', first.verifyingContract, first.order.amount);
const lane = 1n + BigInt(first.orderId) % 64n;
const nonce = (key, sequence) => String((key << 64n) | sequence);

const delivery = {
  name: 'Executor delivers, sponsored', chainId: '31337', entryPoint: canonical, sender: first.order.provider, nonce: nonce(lane, 2n),
  initCode: '0x', callData: orderSteps([first.verifyingContract, deliver]), gas, sponsor, signerKey: keys[1],
};
const userOps = [
  delivery,
  {
    ...delivery, name: 'Executor approves and pays, sponsored', sender: first.order.requester, nonce: nonce(lane, 1n), signerKey: keys[0],
    callData: orderSteps([first.order.token, approve], [first.verifyingContract, pay]), gas: { ...gas, call: '110000' },
  },
  { ...delivery, name: 'same operation, other chain', chainId: '8453' },
  { ...delivery, name: 'same operation, other EntryPoint', entryPoint: '0x433709009B8330FDa32311DF1C2AFA402eD8D009' },
  { ...delivery, name: 'same operation, later window', sponsor: { ...sponsor, validAfter: '0', validUntil: '1800001200' } },
  { ...delivery, name: 'same operation, other bundler', sponsor: { ...sponsor, bundler: addressOf(keys[0]) } },
  {
    ...delivery, name: 'Owner, not sponsored', nonce: '0', sponsor: null, signerKey: keys[0],
    callData: cast('calldata', 'execute((address,uint256,bytes)[])', `[(${first.order.requester},1000000000000000000,0x)]`),
  },
  { ...delivery, name: 'no callData, not sponsored', nonce: '7', callData: '0x', sponsor: null },
  {
    ...delivery, name: 'initCode', nonce: '0', signerKey: keys[2], callData: '0x1234',
    initCode: concat('0xa58e2f1ce79f191b257d2db9effa7558a6839bcb', cast('calldata', 'createAccount(address,address,bytes32)',
      first.order.requester, first.order.provider, `0x${'11'.repeat(32)}`)),
  },
  {
    ...delivery, name: 'largest values', nonce: String(2n ** 256n - 1n),
    gas: {
      verification: String(2n ** 128n - 1n), call: String(2n ** 128n - 1n), preVerification: String(2n ** 256n - 1n),
      maxPriorityFee: String(2n ** 128n - 1n), maxFee: String(2n ** 128n - 1n),
    },
    sponsor: {
      ...sponsor, verificationGasLimit: String(2n ** 128n - 1n), postOpGasLimit: String(2n ** 128n - 1n),
      validAfter: String(2n ** 47n - 2n), validUntil: String(2n ** 47n - 1n),
    },
  },
].map(userOp);

writeVectors({ accounts, userOps });
