// Writes docs/features.md from the list of rows and from what their tests came to.
// usage: node scripts/features.js <rows.csv> <folder with forge.json and *.trx> <features.md>
const fs = require('fs');
const path = require('path');

const [rowsFile, resultsFolder, target] = process.argv.slice(2);
if (!target) {
  console.error('scripts/features.js: found too few arguments, expected <rows.csv> <results folder> <features.md>');
  process.exit(1);
}

// Rows of the core profile that belong to a later one.
const later = ['CR-51', 'CR-55', 'CR-58', 'CR-64', 'CR-66'];
const isFinished = (id) => id.startsWith('CR-') && !later.includes(id);

// RFC 4180: quoted fields may hold commas, quotes (doubled) and line breaks.
function parseCsv(text) {
  const rows = [[]];
  const token = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy;
  for (let match; token.lastIndex < text.length && (match = token.exec(text)); ) {
    rows.at(-1).push(match[1] === undefined ? match[2] : match[1].replaceAll('""', '"'));
    if (match[3] !== ',') rows.push([]);
  }
  const [header, ...records] = rows.filter((row) => row.length > 1);
  return records.map((record) => Object.fromEntries(header.map((name, column) => [name, record[column]])));
}

// Name of each test to whether all of its cases passed.
const tests = new Map();
const add = (name, passed) => tests.set(name, (tests.get(name) ?? true) && passed);

function readForge(file) {
  for (const suite of Object.values(JSON.parse(fs.readFileSync(file, 'utf8')))) {
    for (const [signature, result] of Object.entries(suite.test_results)) add(signature.replace(/\(.*/, ''), result.status === 'Success');
  }
}

function readTrx(file) {
  const xml = fs.readFileSync(file, 'utf8');
  for (const [, attributes] of xml.matchAll(/<UnitTestResult ([^>]*)>/g)) {
    const attribute = (name) => attributes.match(new RegExp(`\\b${name}="([^"]*)"`))[1];
    // Namespace.Class.Method, of a theory with its arguments behind.
    const method = attribute('testName').match(/^[\w.]*\.(\w+)/)[1];
    add(method, attribute('outcome') === 'Passed');
  }
}

for (const file of fs.readdirSync(resultsFolder)) {
  if (file === 'forge.json') readForge(path.join(resultsFolder, file));
  if (file.endsWith('.trx')) readTrx(path.join(resultsFolder, file));
}

const rows = parseCsv(fs.readFileSync(rowsFile, 'utf8')).map((row) => {
  const prefix = new RegExp(`^(?:test(?:Fuzz)?_)?${row.id.replace('-', '')}_`);
  const names = [...tests.keys()].filter((name) => prefix.test(name)).sort();
  const result = !isFinished(row.id) ? 'not yet' : names.length === 0 ? 'no test' : names.every((name) => tests.get(name)) ? 'passed' : 'FAILED';
  return { ...row, names, result };
});

const cell = (text) => text.replaceAll('|', '\\|').replace(/\s+/g, ' ').trim();
const shown = (name) => `\`${name}\`${tests.get(name) ? '' : ' (failed)'}`;
const count = (result) => rows.filter((row) => row.result === result).length;
const systems = [...new Set(rows.map((row) => row.system))];
const document = [
  '# Features',
  '',
  'Written by `scripts/features.sh`: each row of [tests/features.csv](../tests/features.csv), the tests that are named after it, and what they came to.',
  '',
  `${count('passed')} passed, ${count('FAILED')} failed, ${count('no test')} without a test, ${count('not yet')} not yet.`,
];
for (const system of systems) {
  const own = rows.filter((row) => row.system === system);
  document.push('', `## ${system}`, '', '| Row | What it is | Tests | Result |', '| --- | --- | --- | --- |');
  for (const row of own) document.push(`| ${row.id} | ${cell(row.documented)} | ${row.result === 'not yet' ? '' : row.names.map(shown).join('<br>')} | ${row.result} |`);
}

fs.mkdirSync(path.dirname(target), { recursive: true });
fs.writeFileSync(target, document.join('\n') + '\n');
console.log(`\n${document[4]}`);
for (const row of rows.filter((row) => row.result === 'FAILED' || row.result === 'no test')) console.log(`${row.id}: ${row.result}`);
process.exit(count('FAILED') + count('no test') === 0 ? 0 : 1);
