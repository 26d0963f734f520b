// viem's bundler and paymaster clients and permissionless' accounts, unmodified, driven line by line: a test says what to call, and reads what came of it.
//
//   in   {"id":1,"call":"send","args":[…]}
//   out  {"id":1,"result":…}   {"id":1,"error":{"name","code","message","data"}}
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { createPublicClient, createWalletClient, defineChain, http } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { createBundlerClient, createPaymasterClient, entryPoint08Address } from 'viem/account-abstraction';
import { toSimpleSmartAccount, to7702SimpleSmartAccount } from 'permissionless/accounts';
import { createPimlicoClient } from 'permissionless/clients/pimlico';

const artifact = (name) => createRequire(import.meta.url)(`@account-abstraction/contracts/artifacts/${name}.json`);
const { RELAYER_URL, NODE_URL, RELAYER_KEY, DEPLOYER_KEY, FACTORY } = process.env;
const chain = defineChain({ id: 31337, name: 'sandbox', nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 }, rpcUrls: { default: { http: [NODE_URL] } } });
const client = createPublicClient({ chain, transport: http(NODE_URL), pollingInterval: 50 });
const deployer = createWalletClient({ chain, transport: http(NODE_URL), account: privateKeyToAccount(DEPLOYER_KEY) });
const transport = (batch = false) =>
  http(`${RELAYER_URL}/rpc`, { batch, retryCount: 0, fetchOptions: RELAYER_KEY ? { headers: { authorization: `Bearer ${RELAYER_KEY}` } } : {} });
const paymaster = createPaymasterClient({ transport: transport() });
const bundler = createBundlerClient({ chain, client, transport: transport(), pollingInterval: 50 });
const pimlico = createPimlicoClient({ chain, transport: transport(), entryPoint: { address: entryPoint08Address, version: '0.8' } });
const accounts = new Map();
let factoryAddress = FACTORY;

const simple = async (key, salt) => {
  const name = `${key}/${salt}`;
  if (!accounts.has(name)) {
    accounts.set(name, await toSimpleSmartAccount({
      client, owner: privateKeyToAccount(key), index: BigInt(salt), factoryAddress, entryPoint: { address: entryPoint08Address, version: '0.8' },
    }));
  }

  return accounts.get(name);
};

// Numbers come as text: JSON has no large ones.
const big = (fields) => Object.fromEntries(Object.entries(fields ?? {}).map(([name, value]) => [name, /^\d+$/.test(value) ? BigInt(value) : value]));
const callsOf = (calls) => calls.map(({ to, value, data }) => ({ to, value: BigInt(value ?? 0), data: data ?? '0x' }));
const deploy = async (name, ...args) => {
  const { abi, bytecode } = artifact(name);
  const hash = await deployer.deployContract({ abi, bytecode, args });
  return (await client.waitForTransactionReceipt({ hash })).contractAddress;
};

const methods = {
  async deployFactory() {
    return factoryAddress = await deploy('SimpleAccountFactory', entryPoint08Address);
  },
  address: async (key, salt) => (await simple(key, salt)).address,
  // The whole of it, as an application does it: nonce, fees, stub, estimate, sponsorship, signature.
  send: async (key, salt, calls, options = {}) => bundler.sendUserOperation({
    account: await simple(key, salt), calls: callsOf(calls), paymaster: options.unsponsored ? undefined : paymaster, paymasterContext: options.context, ...big(options.fields),
  }),
  // The same up to the signature, for a test to send as it likes.
  async sign(key, salt, calls, options = {}) {
    const account = await simple(key, salt);
    const prepared = await bundler.prepareUserOperation({ account, calls: callsOf(calls), paymaster: options.unsponsored ? undefined : paymaster, ...big(options.fields) });
    const signature = await account.signUserOperation(prepared);
    const hex = (value) => typeof value === 'bigint' ? `0x${value.toString(16)}` : value;
    const { account: _, ...fields } = { ...prepared, signature };
    return Object.fromEntries(Object.entries(fields).filter(([, value]) => ['string', 'bigint'].includes(typeof value)).map(([name, value]) => [name, hex(value)]));
  },
  wait: async (hash) => bundler.waitForUserOperationReceipt({ hash, timeout: 30_000 }),
  get: async (hash) => bundler.getUserOperation({ hash }),
  chainId: async () => bundler.getChainId(),
  entryPoints: async () => bundler.getSupportedEntryPoints(),
  estimate: async (key, salt, calls) => bundler.estimateUserOperationGas({ account: await simple(key, salt), calls: callsOf(calls) }),
  gasPrice: async () => pimlico.getUserOperationGasPrice(),
  status: async (hash) => pimlico.getUserOperationStatus({ hash }),
  async batch(hashes) {
    const batched = createBundlerClient({ chain, client, transport: transport(true) });
    return Promise.all([batched.getChainId(), ...hashes.map((hash) => batched.request({ method: 'eth_getUserOperationReceipt', params: [hash] }))]);
  },
  // An EOA that has delegated itself by a transaction of its own.
  async delegate(key) {
    const implementation = await deploy('Simple7702Account');
    const owner = privateKeyToAccount(key);
    const wallet = createWalletClient({ chain, transport: http(NODE_URL), account: owner });
    const authorization = await wallet.signAuthorization({ account: owner, contractAddress: implementation });
    const hash = await deployer.sendTransaction({ to: owner.address, authorizationList: [authorization] });
    await client.waitForTransactionReceipt({ hash });
    accounts.set(`${key}/7702`, await to7702SimpleSmartAccount({ client, owner, accountLogicAddress: implementation, entryPoint: { address: entryPoint08Address, version: '0.8' } }));
    return owner.address;
  },
  request: async (method, params) => bundler.request({ method, params }),
};

const plain = (value) => JSON.parse(JSON.stringify(value ?? null, (_, item) => typeof item === 'bigint' ? item.toString() : item));
const errorOf = (error) => {
  const codes = [];
  for (let cause = error; cause; cause = cause.cause) codes.push(cause);
  const rpc = codes.find((cause) => typeof cause.code === 'number');
  return { name: codes.map((cause) => cause.name).join(' < '), code: rpc?.code ?? 0, message: error.message, data: plain(rpc?.data) };
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, call, args } = JSON.parse(line);
  methods[call](...args).then(
    (result) => process.stdout.write(`${JSON.stringify({ id, result: plain(result) })}\n`),
    (error) => process.stdout.write(`${JSON.stringify({ id, error: errorOf(error) })}\n`),
  );
}
