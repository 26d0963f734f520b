// Mutation testing; scripts/mutate.sh says what and how. Tests take the contracts from their artifacts, so a mutant needs one contract compiled, not the tests:
// its bytecode goes into the artifact of a private copy of the project, where forge then finds nothing to build.
const { fork, spawn } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { parseArgs } = require('util');
const solc = require('solc');
const { mutantsOf } = require('./mutants');

// First the tests of the contract itself, with few runs; whatever they miss gets all tests that involve it, with the usual ones.
const TARGETS = {
  CAPVault: {
    sources: ['contracts/CAPVault.sol', ...['OrderHash', 'OrderState', 'Phases', 'Split'].map((name) => `contracts/libraries/${name}.sol`)],
    artifacts: ['contracts/CAPVault.sol:CAPVault'],
    tests: ['tests/contracts/CAPVault/**', 'tests/contracts/{CAPVault,invariant,formal}/**'],
  },
  AgentAccount: {
    sources: ['contracts/account/AgentAccount.sol'],
    artifacts: ['contracts/account/AgentAccountFactory.sol:AgentAccountFactory', 'contracts/script/Deploy.s.sol:Deploy'],
    tests: ['tests/contracts/AgentAccount*/**', 'tests/contracts/{AgentAccount,AgentAccountFactory,CAPPaymaster,Deploy}/**'],
  },
  CAPPaymaster: {
    sources: ['contracts/paymaster/CAPPaymaster.sol'],
    artifacts: ['contracts/paymaster/CAPPaymaster.sol:CAPPaymaster', 'contracts/script/Deploy.s.sol:Deploy'],
    tests: ['tests/contracts/CAPPaymaster/**', 'tests/contracts/{AgentAccount,CAPPaymaster,Deploy}/**'],
  },
};
const FEW_RUNS = { FOUNDRY_FUZZ_RUNS: '4', FOUNDRY_INVARIANT_RUNS: '4' };
const TIMEOUT = 300_000; // ms; a mutant that loops is a mutant found
const EQUIVALENTS = 'tests/contracts/mutation-equivalents.json';

const read = (file) => fs.readFileSync(file);
const split = (artifact) => artifact.split(':');
const artifactFile = (artifact) => path.join('out', path.basename(split(artifact)[0]), `${split(artifact)[1]}.json`);

function compile(sources, outputSelection, optimized = false) {
  const found = (file) => [file, path.join('node_modules', file)].find((candidate) => fs.existsSync(candidate));
  const input = {
    language: 'Solidity',
    sources,
    // Without IR and optimizer it takes a third of a second instead of ten; what comes out does the same.
    settings: { evmVersion: 'cancun', optimizer: { enabled: optimized, runs: 1 }, metadata: { bytecodeHash: 'none', appendCBOR: false }, outputSelection },
  };
  return JSON.parse(solc.compile(JSON.stringify(input), { import: (file) => ({ contents: read(found(file)).toString() }) }));
}

// The bytecode of each artifact, its sources replaced by `changed`; null if that does not compile.
function bytecodes(artifacts, changed, optimized) {
  const sources = {};
  const selection = {};
  for (const artifact of artifacts) {
    const [file, name] = split(artifact);
    sources[file] = { content: read(file).toString() };
    selection[file] = { [name]: ['evm.bytecode.object'] };
  }
  for (const [file, content] of Object.entries(changed)) sources[file] = { content };
  const output = compile(sources, selection, optimized);
  if (output.errors?.some((error) => error.severity === 'error')) return null;
  return artifacts.map((artifact) => output.contracts[split(artifact)[0]][split(artifact)[1]].evm.bytecode.object);
}

// solc blocks its process, so each lane has a second process that compiles.
if (process.send) {
  process.on('message', (message) => process.send(bytecodes(...message)));
  return;
}

const { values: options } = parseArgs({ options: { contract: { type: 'string' }, in: { type: 'string' }, jobs: { type: 'string', default: '2' }, quick: { type: 'boolean' } } });
if (options.contract && !TARGETS[options.contract]) {
  console.error(`scripts/mutate.js: found --contract ${options.contract}, expected one of ${Object.keys(TARGETS).join(', ')}`);
  process.exit(1);
}
const contracts = options.contract ? [options.contract] : Object.keys(TARGETS);

/** All mutants of one source: what replaces the file, and how the change reads. */
function readMutants(file) {
  const source = read(file);
  const output = compile({ [file]: { content: source.toString() } }, { '*': { '': ['ast'] } });
  const types = new Map();
  const collect = (node) => {
    if (node.nodeType === 'EnumDefinition') types.set(node.name, node.members.map((member) => ({ name: member.name })));
    if (node.nodeType === 'StructDefinition') types.set(node.name, node.members.map((member) => ({ name: member.name, typeString: member.typeDescriptions.typeString })));
    (node.nodes ?? []).forEach(collect);
  };
  Object.values(output.sources).forEach(({ ast }) => collect(ast));

  const lines = (bytes, start, end) => bytes.subarray(bytes.lastIndexOf('\n', start - 1) + 1, bytes.indexOf('\n', end)).toString().replace(/\s+/g, ' ').trim();
  return mutantsOf(output.sources[file].ast, source, (name) => types.get(name.split('.').at(-1)) ?? []).map(({ in: scope, start, length, text }) => {
    const mutated = Buffer.concat([source.subarray(0, start), Buffer.from(text), source.subarray(start + length)]);
    const line = source.subarray(0, start).toString().split('\n').length;
    return {
      file, in: scope, line, content: mutated.toString(),
      from: lines(source, start, start + length), to: lines(mutated, start, start + Buffer.byteLength(text)),
    };
  });
}

/** A copy of the project that forge takes for built, and a process to compile mutants in. */
class Lane {
  constructor() {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mutate-'));
    for (const name of ['contracts', 'tests/contracts', 'tests/vectors', 'deployments', 'out', 'cache/solidity-files-cache.json', 'foundry.toml']) {
      fs.cpSync(name, path.join(this.folder, name), { recursive: true });
    }
    // Copied, not linked: forge follows links, and would take the sources behind one for others than it has built.
    for (const name of ['node_modules/@openzeppelin', 'node_modules/@account-abstraction']) {
      fs.cpSync(name, path.join(this.folder, name), { recursive: true });
    }
    this.compiler = fork(__filename).once('error', (error) => { throw error; });
  }

  compile(...message) {
    return new Promise((resolve) => {
      this.compiler.once('message', resolve);
      this.compiler.send(message);
    });
  }

  install(artifacts, codes) {
    artifacts.forEach((artifact, i) => {
      const file = path.join(this.folder, artifactFile(artifact));
      const json = JSON.parse(read(file));
      json.bytecode.object = `0x${codes[i]}`;
      fs.writeFileSync(file, JSON.stringify(json));
    });
  }

  /** Whether every test passed; and what forge printed. */
  test(paths, env) {
    return new Promise((resolve, reject) => {
      const forge = spawn('forge', ['test', '--fail-fast', '--match-path', paths], {
        cwd: this.folder,
        env: { ...process.env, FOUNDRY_FUZZ_SEED: '0x1', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true, // forge sets up the terminal, for which a background job is stopped
      });
      const timer = setTimeout(() => {
        console.error(`timed out after ${TIMEOUT / 1000} s`);
        forge.kill('SIGKILL');
      }, TIMEOUT);
      let log = '';
      [forge.stdout, forge.stderr].forEach((stream) => stream.on('data', (data) => (log += data)));
      forge.once('close', (code) => {
        clearTimeout(timer);
        // Else the tests ran against freshly built artifacts, not against the mutant.
        if (!log.includes('compilation skipped')) reject(new Error(`scripts/mutate.js: found that forge built something, expected an up to date out/:\n${log}`));
        resolve({ passed: code === 0, log });
      });
    });
  }

  close() {
    this.compiler.kill();
    fs.rmSync(this.folder, { recursive: true });
  }
}

const key = (mutant) => [mutant.file, mutant.in, mutant.from, mutant.to].join('\n');

async function campaign(name, lanes, equivalents) {
  const { sources, artifacts, tests } = TARGETS[name];
  const queue = sources.flatMap(readMutants).filter((mutant) => !options.in || mutant.in === options.in);
  const counts = { mutants: queue.length, invalid: 0, same: 0, killed: 0, equivalent: 0, survived: 0 };
  const original = bytecodes(artifacts, {});
  const optimized = bytecodes(artifacts, {}, true).join();
  const seen = new Set([original.join()]);

  for (const lane of lanes) lane.install(artifacts, original);
  for (const [paths, env] of [[tests[0], FEW_RUNS], [tests[1], {}]].slice(0, options.quick ? 1 : 2)) {
    const { passed, log } = await lanes[0].test(paths, env);
    if (!passed) throw new Error(`scripts/mutate.js: found failing tests without any mutant, expected all to pass:\n${log}`);
  }

  const judge = async (lane, mutant) => {
    const changed = { [mutant.file]: mutant.content };
    const codes = await lane.compile(artifacts, changed);
    if (!codes) return 'invalid';
    if (seen.has(codes.join())) return 'same';
    seen.add(codes.join());
    lane.install(artifacts, codes);
    if (!(await lane.test(tests[0], FEW_RUNS)).passed) return 'killed';
    if ((await lane.compile(artifacts, changed, true))?.join() === optimized) return 'same';
    const listed = equivalents.get(key(mutant));
    if (listed) {
      listed.found = true;
      return 'equivalent';
    }
    return options.quick || (await lane.test(tests[1], {})).passed ? 'survived' : 'killed';
  };
  await Promise.all(lanes.map(async (lane) => {
    for (let mutant; (mutant = queue.shift()); ) {
      const verdict = await judge(lane, mutant);
      ++counts[verdict];
      if (verdict === 'survived') console.log(`SURVIVED ${mutant.file}:${mutant.line} ${mutant.in}\n  - ${mutant.from}\n  + ${mutant.to}`);
      if (queue.length % 25 === 0) console.error(`${name}: ${queue.length} to go`);
    }
    lane.install(artifacts, original);
  }));
  console.log(
    `${name}: ${counts.mutants} mutants: ${counts.killed} killed, ${counts.survived} survived, ${counts.equivalent} equivalent by the list; ` +
      `${counts.same} compile to the same as another or as the original, ${counts.invalid} not at all`
  );
  return counts.survived === 0;
}

(async () => {
  const list = JSON.parse(read(EQUIVALENTS));
  const equivalents = new Map(list.map((entry) => [key(entry), entry]));
  const lanes = Array.from({ length: Number(options.jobs) }, () => new Lane());
  let complete = true;
  try {
    for (const name of contracts) complete = (await campaign(name, lanes, equivalents)) && complete;
  } finally {
    lanes.forEach((lane) => lane.close());
  }
  if (!options.contract && !options.in) {
    for (const entry of list.filter((each) => !each.found)) {
      complete = false;
      console.log(`NOT FOUND ${EQUIVALENTS}: ${entry.file} ${entry.in}\n  - ${entry.from}\n  + ${entry.to}\n  was expected to survive; remove it`);
    }
  }
  process.exitCode = complete ? 0 : 1;
})();
