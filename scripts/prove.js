// The properties in tests/contracts/formal, given to solc's model checker; scripts/prove.sh says more.
const { spawnSync } = require('child_process');
const fs = require('fs');
const path = require('path');
const solc = require('solc');

// CHC finds the invariants of a contract's states over all sequences of calls. Functions without loops and state have none to find: for them BMC, which asks
// for all arguments at once, is a proof too, and it decides what CHC's solver does not (it answers "unknown" to products of two unknowns).
// Solver z3 is the copy inside solc: fit for products, but its limit, which cannot be set, is too low for CHC. smtlib2 is the system's z3: Debian's does not end on products.
const PROOFS = [
  { contract: 'ArithmeticProof', engine: 'bmc', solver: 'z3', targets: ['assert', 'overflow', 'underflow', 'divByZero'] },
  { contract: 'OrderModel', engine: 'chc', solver: 'smtlib2', targets: ['assert'] },
];

const NOT_DECIDED = [
  ['OrderState: each field of the packed word is kept or written', 'shifts and masks of 256 bits: no answer from the solver', 'formal/OrderState.t.sol'],
  ['CAPVault itself', 'assembly, hashes, signatures and calls to tokens: the checker leaves them open, and comes to no end', 'formal/OrderModel.t.sol and invariant/'],
  ['what arrived = balance after - balance before', 'the token decides; a token that takes money away makes it revert', 'CAPVault/ and invariant/'],
];

function solve(query) {
  const options = ['-in', '-smt2', 'rlimit=50000000', 'rewriter.pull_cheap_ite=true', 'fp.spacer.q3.use_qgen=true', 'fp.spacer.mbqi=false', 'fp.spacer.ground_pobs=false'];
  const { stdout, error } = spawnSync('z3', options, { input: query, encoding: 'utf8', maxBuffer: 1 << 30 });
  if (error) throw error;
  return { contents: stdout };
}

function check({ contract, engine, solver, targets }) {
  const file = `tests/contracts/formal/${contract}.sol`;
  const input = {
    language: 'Solidity',
    sources: { [file]: { content: fs.readFileSync(file, 'utf8') } },
    settings: { outputSelection: {}, modelChecker: { engine, solvers: [solver], targets, contracts: { [file]: [contract] }, showProvedSafe: true, showUnproved: true } },
  };
  const find = (name) => ({ contents: fs.readFileSync([name, path.join('node_modules', name)].find(fs.existsSync), 'utf8') });
  return JSON.parse(solc.compile(JSON.stringify(input), { import: find, smtSolver: solve })).errors ?? [];
}

// The text that a finding is about, and the function it is in.
function place({ file, start, end }) {
  const source = fs.readFileSync(file);
  const functions = [...source.subarray(0, start).toString().matchAll(/^    function (\w+)/gm)];
  return `${path.basename(file, '.sol')}.${functions.at(-1)?.[1] ?? 'constructor'}: ${source.subarray(start, end).toString().replace(/\s+/g, ' ')}`;
}

const WHAT = { Assertion: '', Overflow: 'no overflow in ', Underflow: 'no underflow in ', Division: 'no division by zero in ' };
let open = 0;
for (const proof of PROOFS) {
  const results = new Map(); // property to whether it is proved everywhere it was asked for
  for (const error of check(proof)) {
    const match = error.message.match(/^(?:CHC|BMC): (\w+) .*?(check is safe!)?(?:\n|$)/);
    if (error.severity === 'error') throw new Error(error.formattedMessage);
    if (!match || !(match[1] in WHAT)) continue;
    const property = WHAT[match[1]] + place(error.sourceLocation);
    results.set(property, match[2] !== undefined && results.get(property) !== false);
  }
  const asserts = fs.readFileSync(`tests/contracts/formal/${proof.contract}.sol`, 'utf8').match(/^\s+assert\(/gm).length;
  const found = [...results.keys()].filter((property) => property.includes(': assert(')).length;
  for (const [property, proved] of results) {
    console.log(`${proved ? 'proved' : 'NOT PROVED'} (${proof.engine}) ${property}`);
    if (!proved) ++open;
  }
  if (found !== asserts) {
    console.log(`NOT PROVED (${proof.engine}) ${proof.contract}: found ${found} answers, expected one for each of ${asserts} asserts`);
    ++open;
  }
}
for (const [property, reason, tests] of NOT_DECIDED) console.log(`not decided: ${property}: ${reason}; fuzzed in tests/contracts: ${tests}`);
process.exitCode = open === 0 ? 0 : 1;
